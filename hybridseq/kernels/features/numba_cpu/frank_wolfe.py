"""Block-coordinate Frank-Wolfe on the structured SVM's dual, with pairwise steps and cached label paths."""

import numpy as np

from hybridseq.kernels.features.numba_cpu.sequence import (
    add_costs,
    add_difference,
    best_labels,
    load_weights,
    path_score,
    renew,
    score_tokens,
    subtract_paths,
)
from hybridseq.kernels.simd import kernel


@kernel
def path_cost(path, right, costs):
    """What a path's labels cost, float64."""
    cost = 0.0
    for t in range(path.size):
        cost += costs[right[t], path[t]]
    return cost


@kernel
def make_room(b, right, strength, paths, masses, corpus, weights, search, difference):
    """A place in the cache that holds no mass: that of the least mass gives it up to the right labels."""
    place = 0
    for c in range(masses.shape[1]):
        if masses[b, c] < masses[b, place]:
            place = c
    if masses[b, place] > 0:
        start = corpus.starts[b]
        used = subtract_paths(b, paths[place, start : start + right.size], right, corpus, difference)
        add_difference(strength * masses[b, place], used, difference, weights)
        renew(used, difference, corpus, weights, search)
        masses[b, place] = 0
    return place


@kernel
def pairwise_step(b, away, toward, limit, margin, strength, corpus, weights, search, difference):
    """Move up to ``limit`` mass between two label paths, as much as is best for the dual; returns how much."""
    used = subtract_paths(b, away, toward, corpus, difference)
    norm = 0.0
    for n in range(used):
        norm += difference.amounts[n] * difference.amounts[n]
    step = limit if norm == 0 else min(limit, margin / (strength * norm))
    add_difference(strength * step, used, difference, weights)
    renew(used, difference, corpus, weights, search)
    return step


@kernel
def frank_wolfe_pass(
    order, corpus, costs, strength, weights, paths, masses, losses, gaps, enough, inner, search, difference
):
    """Pairwise steps for each sequence of ``order``.

    ``paths`` (C, N) caches C label paths of every sequence, ``masses`` and ``losses`` (B, C) hold their dual variables
    and what they cost; the mass that is missing to 1 belongs to the right labels. ``gaps`` (B,) holds each sequence's share of the duality gap when last
    seen exactly, inf at first. A cached path serves instead of a new one while its own gap is at least ``enough`` (in
    0 … 1) of that share and of the mean. After the first step up to ``inner`` more follow among the cached paths, down
    to a tenth of the first one's gap. Returns how often Viterbi ran.
    """
    searched, mean = 0, gaps.mean()
    load_weights(corpus, weights, search)
    for b in order:
        start = corpus.starts[b]
        stop = start + corpus.lengths[b]
        right = corpus.gold[start:stop]
        floor = 0.0
        for repeat in range(inner + 1):
            score_tokens(b, corpus, 1.0, search)
            base = path_score(right, search)
            add_costs(right, costs, search)
            # The right labels go by the number −1: margin 0, and the mass that no cached path holds.
            own, left, worst, least, best, most = 0.0, 1.0, -1, np.inf, -1, 0.0
            for c in range(masses.shape[1]):
                if masses[b, c] > 0:
                    margin = path_score(paths[c, start:stop], search) - base
                    own += masses[b, c] * margin
                    left -= masses[b, c]
                    if margin < least:
                        worst, least = c, margin
                    if margin > most:
                        best, most = c, margin
            if left > 1e-12 and least > 0:
                worst, least = -1, 0.0
            if repeat == 0 and not strength * (most - own) >= enough * max(gaps[b], mean, 1e-300):
                searched += 1
                found = best_labels(right.size, search)
                new = path_score(found, search) - base
                gaps[b] = max(0.0, strength * (new - own))
                if new > most:
                    best, most = make_room(b, right, strength, paths, masses, corpus, weights, search, difference), new
                    paths[best, start:stop] = found
                    losses[b, best] = path_cost(found, right, costs)
                    if best == worst:
                        worst, least = -1, 0.0
            if best == worst or not most - least > floor:
                break
            if repeat == 0:
                floor = 0.1 * (most - least)
            away = right if worst == -1 else paths[worst, start:stop]
            toward = right if best == -1 else paths[best, start:stop]
            limit = max(left, 0.0) if worst == -1 else masses[b, worst]
            step = pairwise_step(b, away, toward, limit, most - least, strength, corpus, weights, search, difference)
            if best >= 0:
                masses[b, best] += step
            if worst >= 0:
                masses[b, worst] = 0.0 if step == limit else masses[b, worst] - step
    return searched
