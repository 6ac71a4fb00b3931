"""Block-coordinate Frank-Wolfe on the structured SVM's dual, with cached label paths.

ψ of a label path is the features of the right labels less its own. The right labels themselves are no cached path:
their ψ and their cost are 0, and theirs is the mass that the cached paths of a sequence leave.
"""

from typing import NamedTuple

import numpy as np

from hybridseq.kernels.features.numba_cpu.sequence import add_costs, best_labels, path_score, score_tokens, weight_of
from hybridseq.kernels.features.numba_cpu.sums import add_all, add_some
from hybridseq.kernels.simd import kernel

#: A sequence's cached paths are balanced to this share of its gap, in no more steps than this.
_BALANCED, _STEPS = 0.3, 20

#: How far beyond the balance masses go, as a share of their change: over-relaxation, as sequences share their weights.
#: On a parabola a share e of the way past the top costs e² of the gain.
_BEYOND = 0.3


class Cache(NamedTuple):
    """Up to C label paths of each sequence.

    ``held`` (B,) says how many, ``paths`` (N, C) has their labels, ``masses`` and ``losses`` (B, C) their dual
    variables and costs, ``products`` (B, C, C) the inner products of their ψ.
    """

    held: np.ndarray
    paths: np.ndarray
    masses: np.ndarray
    losses: np.ndarray
    products: np.ndarray


class Room(NamedTuple):
    """Room for one sequence; ``flow`` (K,), ``weights`` and ``moves`` (K, padded K) are all 0 between uses."""

    margins: np.ndarray
    amounts: np.ndarray
    columns: np.ndarray
    products: np.ndarray
    touched: np.ndarray
    flow: np.ndarray
    weights: np.ndarray
    moves: np.ndarray


def empty_cache(count, tokens, size) -> Cache:
    """No paths yet, and room for ``size`` of each sequence."""
    return Cache(
        np.zeros(count, np.int64),
        np.zeros((tokens, size), np.int16),
        np.zeros((count, size)),
        np.zeros((count, size)),
        np.zeros((count, size, size), np.float32),
    )


def enlarged(cache, size) -> Cache:
    """The same paths with room for more."""
    new, old = empty_cache(len(cache.held), len(cache.paths), size), cache.paths.shape[1]
    new.held[:], new.paths[:, :old] = cache.held, cache.paths
    new.masses[:, :old], new.losses[:, :old] = cache.masses, cache.losses
    new.products[:, :old, :old] = cache.products
    return new


def room(size, search) -> Room:
    """Room for sequences of up to ``size`` cached paths."""
    return Room(
        np.zeros(size),
        np.zeros(size),
        np.zeros(size, np.int64),
        np.zeros(size),
        np.zeros(size + 1, np.int64),
        np.zeros(search.moves.shape[0], np.float32),
        np.zeros_like(search.weights),
        np.zeros_like(search.matrix),
    )


@kernel
def score_paths(
    start, length, held, paths, gold, indptr, indices, values, offsets, labels, scored, weights, moves, emissions, out
):
    """out[c] = F(path c) − F(right labels), from the positions where some path differs.

    ``scored``: the emissions are there already.
    """
    count = emissions.shape[2]
    dense = labels.size == (offsets.size - 1) * count
    for c in range(held):
        out[c] = 0.0
    before, last = False, np.int64(0)
    for t in range(length):
        token = start + t
        right, differs = gold[token], False
        for c in range(held):
            differs |= paths[token, c] != right
        if differs:
            if not scored:
                if dense:
                    add_all(token, indptr, indices, values, weights, count, emissions, t * count)
                else:
                    add_some(token, indptr, indices, values, offsets, labels, weights, emissions, 0, t)
            base = emissions[0, t, right]
            for c in range(held):
                out[c] += emissions[0, t, paths[token, c]] - base
        if t > 0 and (differs or before):
            base = moves[last, right]
            for c in range(held):
                out[c] += moves[paths[token - 1, c], paths[token, c]] - base
        before, last = differs, right


@kernel
def add_token(token, many, touched, flow, indptr, indices, values, offsets, labels, weights):
    """weights[feature, k] += value · flow[k] for a token's features and the ``touched`` labels; clears the flow."""
    count, first, last = flow.size, indptr[token], indptr[token + 1]
    if labels.size == (offsets.size - 1) * count and values.size == 0:
        # Two labels at a time; unsigned places, so that none is taken for one from the end.
        for m in range(0, many, 2):
            one, two = touched[m], touched[min(m + 1, many - 1)]
            amount = flow[one]
            flow[one] = 0
            other = flow[two]
            flow[two] = 0
            for n in range(first, last):
                base = indices[np.uint64(n)] * count
                weights[np.uint64(base + one)] += amount
                weights[np.uint64(base + two)] += other
        return
    for m in range(many):
        label = touched[m]
        amount = flow[label]
        flow[label] = 0
        if amount != 0:
            for n in range(first, last):
                place = weight_of(offsets[indices[n]], offsets[indices[n] + 1], label, count, labels)
                if place >= 0:
                    weights[place] += amount * values[n] if values.size else amount


@kernel
def add_paths(
    start,
    length,
    columns,
    many,
    amounts,
    paths,
    gold,
    indptr,
    indices,
    values,
    offsets,
    labels,
    pairs,
    touched,
    flow,
    weights,
    moves,
):
    """weights += Σ amounts[n] · ψ(path columns[n]), and the same in the (K, K) scores of label pairs."""
    before, last = False, np.int64(0)
    for t in range(length):
        token = start + t
        right, used, total = gold[token], 1, 0.0
        touched[0] = right
        for n in range(many):
            label = paths[token, columns[n]]
            if label != right:
                total += amounts[n]
                if flow[label] == 0:
                    touched[used] = label
                    used += 1
                flow[label] -= amounts[n]
        differs = used > 1
        if differs:
            flow[right] = total
            add_token(token, used, touched, flow, indptr, indices, values, offsets, labels, weights)
        if t > 0 and (differs or before):
            total = 0.0
            for n in range(many):
                i, j = paths[token - 1, columns[n]], paths[token, columns[n]]
                if i != last or j != right:
                    total += amounts[n]
                    place = pairs[i, j]
                    if place >= 0:
                        weights[place] -= amounts[n]
                        moves[i, j] = weights[place]
            place = pairs[last, right]
            if place >= 0:
                weights[place] += total
                moves[last, right] = weights[place]
        before, last = differs, right


@kernel
def follow(start, length, columns, many, paths, gold, moves, arriving, bounds):
    """Let what Viterbi keeps beside the scores of label pairs follow those of some paths; bounds become loose."""
    for token in range(start + 1, start + length):
        for n in range(-1, many):
            if n < 0:
                i, j = gold[token - 1], gold[token]
            else:
                i, j = np.int64(paths[token - 1, columns[n]]), np.int64(paths[token, columns[n]])
            score = moves[i, j]
            arriving[j, i] = score
            bounds[0, i], bounds[1, i] = max(bounds[0, i], score), min(bounds[1, i], score)


@kernel
def balance(b, held, left, small, strength, masses, products, margins, amounts):
    """Pairwise steps among a sequence's cached paths, each with exact line search; changes of mass in ``amounts``.

    A step moves mass to the path of greatest margin from that of least margin among those with mass, until they differ
    by ``small`` at most. ``left`` is the mass of the right labels, whose margin is 0.
    """
    for c in range(held):
        amounts[c] = 0.0
    for _ in range(_STEPS):
        worst, least, best, most = -1, np.inf, -1, 0.0
        if left > 0:
            least = 0.0
        for c in range(held):
            if masses[b, c] > 0 and margins[c] < least:
                worst, least = c, margins[c]
            if margins[c] > most:
                best, most = c, margins[c]
        if best == worst or not most - least > small:
            break
        norm = 0.0
        if best >= 0:
            norm += products[b, best, best]
        if worst >= 0:
            norm += products[b, worst, worst]
        if best >= 0 and worst >= 0:
            norm -= 2 * products[b, best, worst]
        limit = left if worst < 0 else masses[b, worst]
        step = min(limit, (most - least) / (strength * norm)) if norm > 0 else limit
        if best >= 0:
            masses[b, best] += step
            amounts[best] += step
            for c in range(held):
                margins[c] -= strength * step * products[b, best, c]
        else:
            left += step
        if worst >= 0:
            masses[b, worst] = 0.0 if step == limit else masses[b, worst] - step
            amounts[worst] -= step
            for c in range(held):
                margins[c] += strength * step * products[b, worst, c]
        else:
            left = 0.0 if step == limit else left - step


@kernel
def relax(b, held, masses, amounts):
    """Go on with the changes of mass beyond the balance, as far as masses stay from 0 to 1."""
    further, total, left = _BEYOND, 0.0, 1.0
    for c in range(held):
        left -= masses[b, c]
        total += amounts[c]
        if amounts[c] < 0:
            further = min(further, -masses[b, c] / amounts[c])
    if total > 0:
        further = min(further, max(left, 0.0) / total)
    for c in range(held):
        masses[b, c] = max(masses[b, c] + further * amounts[c], 0.0)
        amounts[c] *= 1 + further


@kernel
def forget(b, start, length, held, floor, paths, masses, losses, products, margins):
    """Leave out the paths without mass whose margin is below ``floor``; returns how many stay."""
    c = 0
    while c < held:
        if masses[b, c] > 0 or margins[c] >= floor:
            c += 1
            continue
        held -= 1
        if c < held:
            margins[c], masses[b, c], losses[b, c] = margins[held], masses[b, held], losses[b, held]
            for t in range(start, start + length):
                paths[t, c] = paths[t, held]
            for d in range(held):
                products[b, c, d] = products[b, d, c] = products[b, held, d]
            products[b, c, c] = products[b, held, held]
            masses[b, held] = 0.0
    return held


@kernel
def frank_wolfe_pass(order, searching, corpus, costs, strength, cache, gaps, search, room):
    """Improve the dual by each sequence of ``order`` in turn: find its most violated path, balance its cached ones.

    The weights are ``search.weights`` and, of label pairs, ``search.matrix``. ``gaps`` (B,) receives the sequences'
    shares of the duality gap. Without ``searching`` both take the cached paths for all there are. A path for which
    there is no more room gives its mass to the right labels.
    """
    held, paths, masses, losses, products = cache
    starts, lengths, gold, indptr, indices = corpus.starts, corpus.lengths, corpus.gold, corpus.indptr, corpus.indices
    values, offsets, labels, pairs = corpus.values, corpus.offsets, corpus.labels, corpus.pairs
    weights, moves, emissions = search.weights, search.matrix, search.emissions
    margins, amounts, columns, inner, touched, flow, single, single_moves = room
    for b in order:
        start, length = starts[b], lengths[b]
        right = gold[start : start + length]
        again = True
        while again:
            again, many, changed, base = False, held[b], 0, 0.0
            if searching:
                score_tokens(b, corpus, 1.0, search)
                base = path_score(right, search)
            score_paths(
                start,
                length,
                many,
                paths,
                gold,
                indptr,
                indices,
                values,
                offsets,
                labels,
                searching,
                weights,
                moves,
                emissions,
                margins,
            )
            mean, left, most = 0.0, 1.0, 0.0
            for c in range(many):
                margins[c] += losses[b, c]
                mean += masses[b, c] * margins[c]
                left -= masses[b, c]
                most = max(most, margins[c])
            if searching:
                add_costs(right, costs, search)
                found = best_labels(length, search)
                new = path_score(found, search) - base
                # Whether it is another path than the best cached one, as far as float32 can tell.
                if new > most + 1e-6 * (abs(base) + abs(new)):
                    most = new
                    many = forget(b, start, length, many, mean, paths, masses, losses, products, margins)
                    if many == paths.shape[1]:
                        place = masses[b].argmin()
                        again = masses[b, place] > 0
                    else:
                        place = many
                        many += 1
                    held[b] = many
                    if again:
                        columns[0], amounts[0], changed = place, -strength * masses[b, place], 1
                        masses[b, place] = 0.0
                    else:
                        cost = 0.0
                        for t in range(length):
                            paths[start + t, place] = found[t]
                            cost += costs[right[t], found[t]]
                        losses[b, place] = cost
                        columns[0] = place
                        for sign in (-1.0, 1.0):
                            amounts[0] = sign
                            add_paths(
                                start,
                                length,
                                columns,
                                1,
                                amounts,
                                paths,
                                gold,
                                indptr,
                                indices,
                                values,
                                offsets,
                                labels,
                                pairs,
                                touched,
                                flow,
                                single,
                                single_moves,
                            )
                            if sign < 0:
                                score_paths(
                                    start,
                                    length,
                                    many,
                                    paths,
                                    gold,
                                    indptr,
                                    indices,
                                    values,
                                    offsets,
                                    labels,
                                    False,
                                    single,
                                    single_moves,
                                    emissions,
                                    inner,
                                )
                        for c in range(many):
                            products[b, place, c] = products[b, c, place] = inner[c]
                        margins[place] = new
            if not again:
                gaps[b] = strength * (most - mean)
                # What float64 can tell from 0.
                left = left if left > 1e-12 else 0.0
                balance(b, many, left, _BALANCED * (most - mean), strength, masses, products, margins, amounts)
                relax(b, many, masses, amounts)
                for c in range(many):
                    if amounts[c] != 0:
                        columns[changed], amounts[changed] = c, strength * amounts[c]
                        changed += 1
            if changed:
                add_paths(
                    start,
                    length,
                    columns,
                    changed,
                    amounts,
                    paths,
                    gold,
                    indptr,
                    indices,
                    values,
                    offsets,
                    labels,
                    pairs,
                    touched,
                    flow,
                    weights,
                    moves,
                )
                if searching:
                    follow(start, length, columns, changed, paths, gold, moves, search.arriving, search.bounds)
