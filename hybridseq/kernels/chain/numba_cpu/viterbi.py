"""Best paths: one path for blocks of rows by max-plus products, k of them row by row."""

import numpy as np

from hybridseq.kernels import simd
from hybridseq.kernels.chain.numba_cpu.log_space import emission, step
from hybridseq.kernels.chain.numba_cpu.moderate import load_row
from hybridseq.kernels.chain.numba_cpu.primitives import invalid_scores, kernel

NO_LABEL = -100
BLOCK = 16
# Positions after which prefix scores are made relative to their best, so that float32 keeps its digits.
RENEW = 16


@kernel
def times_matrix(rows, matrix, out, count):
    """out[r, j] = max over i of rows[r, i] + matrix[i, j]; tiles and shapes as in ``primitives.times_matrix``."""
    depth, width = matrix.shape
    lanes = simd.lanes(matrix)
    none = simd.splat(matrix, simd.number(matrix, -np.inf))
    for r in range(0, count, 4):
        for j in range(0, width, 2 * lanes):
            a0, a1, a2, a3, b0, b1, b2, b3 = none, none, none, none, none, none, none, none
            two = j + lanes < width
            if two:
                for i in range(depth):
                    p, q = simd.load(matrix, i * width + j), simd.load(matrix, i * width + j + lanes)
                    x0, x1 = simd.splat(matrix, rows[r, i]), simd.splat(matrix, rows[r + 1, i])
                    x2, x3 = simd.splat(matrix, rows[r + 2, i]), simd.splat(matrix, rows[r + 3, i])
                    a0, b0 = simd.larger(simd.add(x0, p), a0), simd.larger(simd.add(x0, q), b0)
                    a1, b1 = simd.larger(simd.add(x1, p), a1), simd.larger(simd.add(x1, q), b1)
                    a2, b2 = simd.larger(simd.add(x2, p), a2), simd.larger(simd.add(x2, q), b2)
                    a3, b3 = simd.larger(simd.add(x3, p), a3), simd.larger(simd.add(x3, q), b3)
            else:
                for i in range(depth):
                    p = simd.load(matrix, i * width + j)
                    a0 = simd.larger(simd.add(simd.splat(matrix, rows[r, i]), p), a0)
                    a1 = simd.larger(simd.add(simd.splat(matrix, rows[r + 1, i]), p), a1)
                    a2 = simd.larger(simd.add(simd.splat(matrix, rows[r + 2, i]), p), a2)
                    a3 = simd.larger(simd.add(simd.splat(matrix, rows[r + 3, i]), p), a3)
            place = r * width + j
            simd.store(out, place, a0)
            simd.store(out, place + width, a1)
            simd.store(out, place + 2 * width, a2)
            simd.store(out, place + 3 * width, a3)
            if two:
                simd.store(out, place + lanes, b0)
                simd.store(out, place + width + lanes, b1)
                simd.store(out, place + 2 * width + lanes, b2)
                simd.store(out, place + 3 * width + lanes, b3)


@kernel
def pad_transitions(scores, matrix, arriving, bounds):
    """Fill ``matrix`` (K, padded K) with the transitions and ``arriving`` with their transpose, padded with −inf.

    ``bounds`` (2, padded K) receives the highest and the lowest score that leaves each label.
    """
    matrix[:] = -np.inf
    arriving[:] = -np.inf
    bounds[:] = -np.inf
    for i in range(scores.shape[0]):
        high, low = scores[i, 0], scores[i, 0]
        for j in range(scores.shape[0]):
            score = scores[i, j]
            matrix[i, j] = score
            arriving[j, i] = score
            high, low = max(high, score), min(low, score)
        bounds[0, i], bounds[1, i] = high, low


@kernel
def candidates(rows, r, bounds, out):
    """The labels from which a best path may leave, in ``out``; returns how many, or −1 for more than a third.

    Every label can be reached with at least max over k of rows[r, k] + lowest[k]: a source whose best is below that
    wins nowhere.
    """
    width = rows.shape[1]
    lanes = simd.lanes(rows)
    floor = simd.splat(rows, simd.number(rows, -np.inf))
    for j in range(0, width, lanes):
        floor = simd.larger(simd.add(simd.load(rows, r * width + j), simd.load(bounds, width + j)), floor)
    least, found = simd.largest(floor), 0
    if least == -np.inf:
        return -1
    for j in range(0, width, lanes):
        bits = simd.at_least(simd.add(simd.load(rows, r * width + j), simd.load(bounds, j)), least)
        while bits != 0:
            if found == out.size:
                return -1
            out[found] = j + simd.lowest_bit(bits)
            found += 1
            bits &= bits - 1
    return found


@kernel
def few_times_matrix(rows, r, sources, matrix, out):
    """Row r of ``times_matrix`` over some sources only; tiles of 4 vectors."""
    width = matrix.shape[1]
    lanes = simd.lanes(matrix)
    none = simd.splat(matrix, simd.number(matrix, -np.inf))
    j = 0
    while j + 4 * lanes <= width:
        a, b, c, d = none, none, none, none
        for i in sources:
            x, place = simd.splat(matrix, rows[r, i]), i * width + j
            a = simd.larger(simd.add(x, simd.load(matrix, place)), a)
            b = simd.larger(simd.add(x, simd.load(matrix, place + lanes)), b)
            c = simd.larger(simd.add(x, simd.load(matrix, place + 2 * lanes)), c)
            d = simd.larger(simd.add(x, simd.load(matrix, place + 3 * lanes)), d)
        simd.store(out, r * width + j, a)
        simd.store(out, r * width + j + lanes, b)
        simd.store(out, r * width + j + 2 * lanes, c)
        simd.store(out, r * width + j + 3 * lanes, d)
        j += 4 * lanes
    while j < width:
        a = none
        for i in sources:
            a = simd.larger(simd.add(simd.splat(matrix, rows[r, i]), simd.load(matrix, i * width + j)), a)
        simd.store(out, r * width + j, a)
        j += lanes


@kernel
def best_arrivals(rows, matrix, bounds, sources, out, count):
    """The same as ``times_matrix``, by few sources where all rows of a tile have few; pays with many labels."""
    for first in range(0, count, 4):
        for r in range(first, min(first + 4, count)):
            found = candidates(rows, r, bounds, sources)
            if found < 0:
                times_matrix(rows[first:], matrix, out[first:], 4)
                break
            few_times_matrix(rows, r, sources[:found], matrix, out)


@kernel
def row_times_matrix(row, scores, out):
    """out[j] = max over i of row[i] + scores[i, j], for one row and an unpadded contiguous matrix."""
    count = scores.shape[0]
    lanes = simd.lanes(out)
    low = simd.number(out, -np.inf)
    for j in range(0, out.size, lanes):
        best = simd.splat(out, low)
        for i in range(count):
            moves = simd.load_some(scores, i * count + j, count - j, low)
            best = simd.larger(simd.add(simd.splat(out, row[i]), moves), best)
        simd.store(out, j, best)


@kernel
def best_label(scores, place, width):
    """The first label with the largest of ``width`` scores at ``place``, and that score."""
    lanes = simd.lanes(scores)
    best = simd.load(scores, place)
    for j in range(lanes, width, lanes):
        best = simd.larger(simd.load(scores, place + j), best)
    top = simd.largest(best)
    for j in range(0, width, lanes):
        lane = simd.first_equal(simd.load(scores, place + j), top)
        if lane < lanes:
            return j + lane, top
    return 0, top


@kernel
def best_source(prefix, place, arriving, label):
    """The first i with the largest prefix[place + i] + arriving[label, i]."""
    width = arriving.shape[1]
    lanes = simd.lanes(prefix)
    row = label * width
    best = simd.add(simd.load(prefix, place), simd.load(arriving, row))
    for j in range(lanes, width, lanes):
        best = simd.larger(simd.add(simd.load(prefix, place + j), simd.load(arriving, row + j)), best)
    top = simd.largest(best)
    for j in range(0, width, lanes):
        both = simd.add(simd.load(prefix, place + j), simd.load(arriving, row + j))
        lane = simd.first_equal(both, top)
        if lane < lanes:
            return j + lane
    return 0


@kernel
def best_source_at(prefix, scores, label):
    """The same for one position's own transitions."""
    best, source = prefix[0] + scores[0, label], 0
    for i in range(1, scores.shape[0]):
        if prefix[i] + scores[i, label] > best:
            best, source = prefix[i] + scores[i, label], i
    return source


@kernel
def decode_block(emissions, transitions, start, end, lengths, rows, matrix, arriving, bounds, prefix, labels):
    """Viterbi for up to BLOCK rows, longest first.

    ``prefix`` (B, T, padded K) receives the best prefix scores up to a constant a position. No back-pointers: the
    traceback finds each source again from them, K sums a position instead of K² stored choices.
    """
    shared = transitions.shape[0] == 1 and transitions.shape[1] == 1
    steps, width = prefix.shape[1:]
    lanes = simd.lanes(prefix)
    block = (rows.size + 3) // 4 * 4
    states = np.full((block, width), -np.inf, emissions.dtype)
    moved = np.zeros((block, width), emissions.dtype)
    many, sources = width >= 3 * lanes, np.empty(width // 3, np.int64)
    active = rows.size
    for b in rows:
        load_row(emissions, start, end, b, lengths[b], prefix, -np.inf)
    for t in range(lengths[rows[0]]):
        while lengths[rows[active - 1]] <= t:
            active -= 1
        if t > 0:
            if shared and many:
                best_arrivals(states, matrix, bounds, sources, moved, active)
            elif shared:
                times_matrix(states, matrix, moved, (active + 3) // 4 * 4)
            else:
                for r in range(active):
                    row_times_matrix(states[r], step(transitions, rows[r], t), moved[r])
        for r in range(active):
            place, own = (rows[r] * steps + t) * width, r * width
            best = simd.splat(prefix, simd.number(states, -np.inf))
            for j in range(0, width, lanes):
                value = simd.add(simd.load(prefix, place + j), simd.load(moved, own + j))
                best = simd.larger(value, best)
                simd.store(prefix, place + j, value)
                simd.store(states, own + j, value)
            if t % RENEW == RENEW - 1:
                top = simd.largest(best)
                if top > -np.inf:
                    shift = simd.splat(prefix, top)
                    for j in range(0, width, lanes):
                        value = simd.subtract(simd.load(states, own + j), shift)
                        simd.store(prefix, place + j, value)
                        simd.store(states, own + j, value)
    chosen = np.zeros(rows.size, np.int64)
    for t in range(lengths[rows[0]] - 1, -1, -1):
        while active < rows.size and lengths[rows[active]] > t:
            active += 1
        for r in range(active):
            b = rows[r]
            if t == lengths[b] - 1:
                chosen[r], top = best_label(prefix, (b * steps + t) * width, width)
                if top == -np.inf:
                    chosen[r] = NO_LABEL
            elif chosen[r] >= 0:
                if shared:
                    chosen[r] = best_source(prefix, (b * steps + t) * width, arriving, chosen[r])
                else:
                    chosen[r] = best_source_at(prefix[b, t], step(transitions, b, t + 1), chosen[r])
            labels[b, t] = chosen[r]
    for b in rows:
        labels[b, lengths[b] :] = NO_LABEL


@kernel
def decode(part, rows, emissions, transitions, start, end, lengths, matrix, arriving, bounds, prefix, labels, invalid):
    """Best label sequences of ``rows``; counts invalid scores in ``invalid``, and then decodes nothing."""
    bad = 0
    for b in rows:
        invalid[b] = invalid_scores(emissions[b, : lengths[b]])
        bad += invalid[b]
    if bad > 0:
        return
    for first in range(0, rows.size, BLOCK):
        decode_block(
            emissions,
            transitions,
            start,
            end,
            lengths,
            rows[first : first + BLOCK],
            matrix,
            arriving,
            bounds,
            prefix,
            labels,
        )


@kernel
def k_best_row(emissions, transitions, start, end, b, length, k, labels, scores):
    """The k best label sequences of one row, in float64.

    Every label keeps the k best prefixes that end in it, best first; a k-way merge over the sources takes the next
    best arrival k times, O(T·K²·k).
    """
    count = emissions.shape[2]
    value = np.full((count, k), -np.inf)
    onward = np.full((count, k), -np.inf)
    source = np.empty((length, count, k), np.int32)
    rank = np.empty((length, count, k), np.int32)
    taken = np.empty(count, np.int64)
    for j in range(count):
        value[j, 0] = emission(emissions, start, end, b, 0, length, j)
    for t in range(1, length):
        moves = step(transitions, b, t)
        for j in range(count):
            taken[:] = 0
            here = emission(emissions, start, end, b, t, length, j)
            for n in range(k):
                best, arg = -np.inf, -1
                for i in range(count):
                    if taken[i] < k and value[i, taken[i]] + moves[i, j] > best:
                        best, arg = value[i, taken[i]] + moves[i, j], i
                onward[j, n] = best + here
                source[t, j, n] = arg
                rank[t, j, n] = taken[arg] if arg >= 0 else 0
                if arg >= 0:
                    taken[arg] += 1
        value, onward = onward, value
    taken[:] = 0
    for n in range(k):
        best, label = -np.inf, -1
        for j in range(count):
            if taken[j] < k and value[j, taken[j]] > best:
                best, label = value[j, taken[j]], j
        scores[b, n] = best
        labels[b, n, :] = NO_LABEL
        if label < 0:
            continue
        place = taken[label]
        taken[label] += 1
        for t in range(length - 1, -1, -1):
            labels[b, n, t] = label
            if t > 0:
                label, place = source[t, label, place], rank[t, label, place]


@kernel
def k_best(part, rows, emissions, transitions, start, end, lengths, k, labels, scores, invalid):
    """The k best label sequences of ``rows``."""
    for b in rows:
        invalid[b] = invalid_scores(emissions[b, : lengths[b]])
        if invalid[b] == 0:
            k_best_row(emissions, transitions, start, end, b, lengths[b], k, labels, scores)
