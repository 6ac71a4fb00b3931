"""Token passing with a beam: what a search carries from frame to frame, and the step over one frame."""

import numpy as np

from hybridseq.kernels.beam.numba_cpu.counts import ACTIVE, CONSUMING, FRAMES, RECORDS, STUCK
from hybridseq.kernels.beam.numba_cpu.records import compact, longer
from hybridseq.kernels.simd import kernel


@kernel
def _close(cutoff, silent, level, tokens, fresh, buckets, records, counts):
    """Pass tokens on through states that consume nothing, level by level, from the consuming tokens."""
    first, target, weight, arc = silent
    states, scores, origins = tokens
    score, back, via = fresh
    heads, following = buckets
    previous, arcs = records
    active = counts[CONSUMING]
    used = counts[RECORDS]
    for depth in range(-1, heads.size):
        # Tokens of depth −1 are those that consumed; a later depth's states are in its bucket, and final by now.
        i = 0
        n = -1 if depth < 0 else heads[depth]
        if depth >= 0:
            heads[depth] = -1
        while (depth < 0 and i < counts[CONSUMING]) or n >= 0:
            if depth < 0:
                s, value, origin = states[i], scores[i], origins[i]
                i += 1
            else:
                s, value, origin = n, score[n], np.int32(used)
                previous[used], arcs[used] = back[n], via[n]
                used += 1
                states[active], scores[active], origins[active] = s, value, origin
                active += 1
                score[n] = -np.inf
                n = following[n]
            for a in range(first[s], first[s + 1]):
                v, passed = target[a], value + weight[a]
                if passed >= cutoff and passed > score[v]:
                    if score[v] == -np.inf:
                        following[v] = heads[level[v]]
                        heads[level[v]] = v
                    score[v], back[v], via[v] = passed, origin, arc[a]
    counts[ACTIVE], counts[RECORDS] = active, used


@kernel
def nth_largest(values, count, n):
    """The n-th largest of the first ``count`` values, counted from 1, which are reordered; O(count) on average.

    Hoare's quickselect, with the median of three as pivot.
    """
    low, high, place = 0, count - 1, n - 1
    while low < high:
        a, b, c = values[low], values[(low + high) // 2], values[high]
        pivot = max(min(a, b), min(max(a, b), c))
        i, j = low, high
        while i <= j:
            while values[i] > pivot:
                i += 1
            while values[j] < pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if place <= j:
            high = j
        elif place >= i:
            low = i
        else:
            break
    return values[place]


@kernel
def threshold(scores, count, spare, best, beam, max_active, min_active):
    """The least score that stays: ``beam`` below the best, but at most ``max_active`` and at least ``min_active``."""
    cutoff = best - beam
    inside = 0
    for i in range(count):
        inside += scores[i] >= cutoff
    if inside < min_active and count <= min_active:
        return -np.inf
    if min_active <= inside <= max_active:
        return cutoff
    for i in range(count):
        spare[i] = scores[i]
    return nth_largest(spare, count, max_active if inside > max_active else min_active)


@kernel
def step(frame, scale, labels, emitting, silent, level, pruning, tokens, fresh, buckets, room, records, counts):
    """Consume one frame; False, and nothing changes, where no token could live."""
    first, target, weight, arc = emitting
    states, scores, origins = tokens
    score, back, via = fresh
    reached, values, spare = room
    previous, arcs = records
    count = 0
    for i in range(counts[ACTIVE]):
        s, value, origin = states[i], scores[i], origins[i]
        for a in range(first[s], first[s + 1]):
            v, passed = target[a], value + weight[a]
            if passed > score[v]:
                if score[v] == -np.inf:
                    reached[count] = v
                    count += 1
                score[v], back[v], via[v] = passed, origin, arc[a]
    best = -np.inf
    for i in range(count):
        s = reached[i]
        values[i] = score[s] + scale * frame[labels[s]]
        score[s] = -np.inf
        best = max(best, values[i])
    if best == -np.inf:
        return False
    cutoff = threshold(values, count, spare, best, pruning[0], pruning[1], pruning[2])
    active, used = 0, counts[RECORDS]
    for i in range(count):
        if values[i] >= cutoff and values[i] > -np.inf:
            s = reached[i]
            previous[used], arcs[used] = back[s], via[s]
            states[active], scores[active], origins[active] = s, values[i], used
            active += 1
            used += 1
    counts[CONSUMING], counts[RECORDS] = active, used
    counts[FRAMES] += 1
    _close(cutoff, silent, level, tokens, fresh, buckets, records, counts)
    return True


@kernel
def begin(start, silent, level, tokens, fresh, buckets, records, counts):
    """Put the first token on the start, and on what it reaches without a frame."""
    states, scores, origins = tokens
    states[0], scores[0], origins[0] = start, 0.0, 0
    counts[:] = 0
    counts[CONSUMING] = counts[RECORDS] = 1
    _close(-np.inf, silent, level, tokens, fresh, buckets, records, counts)


@kernel
def close_all(silent, level, tokens, fresh, buckets, records, counts):
    """After the last frame: pass tokens on through states that consume nothing without a beam."""
    _close(-np.inf, silent, level, tokens, fresh, buckets, records, counts)


@kernel
def make_room(origins, previous, arcs, settled, counts):
    """Records with room for one frame, or one last closure, more; they double where compaction does not halve them."""
    wanted = counts[RECORDS] + 2 * origins.size
    if wanted > previous.size:
        settled = compact(origins, previous, arcs, settled, counts)
        if counts[RECORDS] + 2 * origins.size > previous.size // 2:
            size = 2 * max(previous.size, wanted)
            previous, arcs = longer(previous, size), longer(arcs, size)
    return previous, arcs, settled


@kernel
def _keep(slot, states, scores, tokens, slots, counts):
    """Append the live tokens, after ``slot`` frames, to those of all frames."""
    used = slots[slot]
    size = used + counts[ACTIVE]
    if size > states.size:
        states, scores = longer(states, 2 * size), longer(scores, 2 * size)
    for i in range(counts[ACTIVE]):
        states[used + i], scores[used + i] = tokens[0][i], tokens[1][i]
    slots[slot + 1] = size
    return states, scores


@kernel
def advance(
    frames,
    scale,
    labels,
    emitting,
    silent,
    level,
    pruning,
    tokens,
    fresh,
    buckets,
    room,
    records,
    settled,
    counts,
    slots,
):
    """Consume frames (T, K) until one lets no token live.

    Returns the records and the settled path, which may grow, and states and scores of kept tokens: none where ``slots``
    is empty; else those after 0 … T frames, the last ones brought to the end, and ``slots`` (T + 2,) tells where each
    frame's begin.
    """
    previous, arcs = records
    kept = 1024 if slots.size else 0
    states, scores = np.empty(kept, np.int32), np.empty(kept)
    if slots.size:
        slots[0] = 0
        states, scores = _keep(0, states, scores, tokens, slots, counts)
    for t in range(len(frames)):
        previous, arcs, settled = make_room(tokens[2], previous, arcs, settled, counts)
        records = previous, arcs
        if not step(
            frames[t], scale, labels, emitting, silent, level, pruning, tokens, fresh, buckets, room, records, counts
        ):
            counts[STUCK] = 1
            # The frames that are left have no tokens.
            for later in range(t + 2, slots.size):
                slots[later] = slots[t + 1]
            break
        if slots.size:
            if t == len(frames) - 1:
                _close(-np.inf, silent, level, tokens, fresh, buckets, records, counts)
            states, scores = _keep(t + 1, states, scores, tokens, slots, counts)
    return previous, arcs, settled, states, scores


@kernel
def best_token(states, scores, end, counts):
    """The number of the best live token, and of the one at the end state; −1: none there."""
    best, at_end = 0, -1
    for i in range(counts[ACTIVE]):
        if scores[i] > scores[best]:
            best = i
        if states[i] == end:
            at_end = i
    return best, at_end
