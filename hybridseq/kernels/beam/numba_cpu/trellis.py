"""The arcs between all tokens of an utterance that lie on a path near the best one."""

import numpy as np

from hybridseq.kernels.beam.numba_cpu.records import longer
from hybridseq.kernels.simd import kernel

LEAST = np.finfo(np.float64).min


@kernel
def _best_suffix(i, t, last, frames, scale, labels, emitting, silent, state, now, following, suffix):
    """The best score from token i, after t frames, to the end."""
    best = suffix[i]
    first, target, weight, _ = silent
    for a in range(first[state], first[state + 1]):
        j = now[target[a]]
        if j >= 0:
            best = max(best, weight[a] + suffix[j])
    if t < last:
        first, target, weight, _ = emitting
        for a in range(first[state], first[state + 1]):
            j = following[target[a]]
            if j >= 0:
                best = max(best, weight[a] + scale * frames[t, labels[target[a]]] + suffix[j])
    return best


@kernel
def prune(frames, scale, labels, emitting, silent, end, beam, states, scores, slots):
    """The tokens and arcs on a path from the first token to the end within ``beam`` of the best.

    ``states``, ``scores``: the tokens after t frames from ``slots[t]`` on, t = 0 … T; ``slots`` is (T + 2,). The best
    suffix of every token is found backwards, and an arc kept where prefix, arc and suffix together are good enough.

    Returns frames consumed and states of nodes, in an order in which arcs lead to later nodes only; sources, targets,
    numbers and frame scores of arcs, by source; how many arcs there are, as their arrays are longer.
    """
    last = slots.size - 2
    size = slots[last + 1]
    suffix = np.full(size, -np.inf)
    now, following = np.full(labels.size, -1, np.int64), np.full(labels.size, -1, np.int64)
    best = -np.inf
    for i in range(slots[last], size):
        if states[i] == end:
            suffix[i] = 0.0
            best = scores[i]
    for t in range(last, -1, -1):
        for i in range(slots[t], slots[t + 1]):
            now[states[i]] = i
        for i in range(slots[t + 1] - 1, slots[t] - 1, -1):
            suffix[i] = _best_suffix(
                i, t, last, frames, scale, labels, emitting, silent, states[i], now, following, suffix
            )
        if t < last:
            for i in range(slots[t + 1], slots[t + 2]):
                following[states[i]] = -1
        now, following = following, now
    for i in range(slots[0], slots[1]):
        following[states[i]] = -1
    # Sums in another order differ in the last digits: the best path itself must not fall out. Impossible ones must.
    cutoff = max(best - beam - 1e-10 * (1.0 + abs(best)), LEAST)
    number = np.full(size, -1, np.int64)
    nodes = 0
    for i in range(size):
        if scores[i] + suffix[i] >= cutoff:
            number[i] = nodes
            nodes += 1
    consumed, kept = np.empty(nodes, np.int64), np.empty(nodes, np.int64)
    room = max(16, 4 * nodes)
    sources, targets, arcs, acoustic = (
        np.empty(room, np.int64),
        np.empty(room, np.int64),
        np.empty(room, np.int64),
        np.empty(room),
    )
    used = 0
    for t in range(last + 1):
        for i in range(slots[t], slots[t + 1]):
            now[states[i]] = i
        if t < last:
            for i in range(slots[t + 1], slots[t + 2]):
                following[states[i]] = i
        for i in range(slots[t], slots[t + 1]):
            if number[i] < 0:
                continue
            s = states[i]
            consumed[number[i]], kept[number[i]] = t, s
            for consumes in range(2):
                if consumes and t == last:
                    break
                first, target, weight, arc = emitting if consumes else silent
                for a in range(first[s], first[s + 1]):
                    v = target[a]
                    j = following[v] if consumes else now[v]
                    if j < 0 or number[j] < 0:
                        continue
                    frame_score = np.float64(frames[t, labels[v]]) if consumes else 0.0
                    if scores[i] + weight[a] + scale * frame_score + suffix[j] < cutoff:
                        continue
                    if used == sources.size:
                        sources, targets = longer(sources, 2 * used), longer(targets, 2 * used)
                        arcs, acoustic = longer(arcs, 2 * used), longer(acoustic, 2 * used)
                    sources[used], targets[used] = number[i], number[j]
                    arcs[used], acoustic[used] = arc[a], frame_score
                    used += 1
        for i in range(slots[t], slots[t + 1]):
            now[states[i]] = -1
        now, following = following, now
    return consumed, kept, sources, targets, arcs, acoustic, used
