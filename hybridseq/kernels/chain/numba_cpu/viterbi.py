"""Best paths: one path for blocks of rows by max-plus products, k of them row by row."""

import numpy as np

from hybridseq.kernels.chain.numba_cpu.log_space import emission, step
from hybridseq.kernels.chain.numba_cpu.primitives import kernel, kernel_without_nan, padded

NO_LABEL = -100
BLOCK = 16


@kernel
def invalid_scores(scores):
    """How many of the scores are NaN or +inf."""
    flat = scores.reshape(scores.size)
    bad = 0
    for x in range(flat.size):
        bad += not (flat[x] < np.inf)
    return bad


@kernel_without_nan
def times_matrix(rows, matrix, out, count):
    """out[r, j] = max over i of rows[r, i] + matrix[i, j]; shapes as in ``primitives.times_matrix``."""
    depth, width = matrix.shape
    out[:count] = -np.inf
    for i in range(0, depth, 2):
        for r in range(0, count, 4):
            a0, a1, a2, a3 = rows[r, i], rows[r + 1, i], rows[r + 2, i], rows[r + 3, i]
            b0, b1, b2, b3 = rows[r, i + 1], rows[r + 1, i + 1], rows[r + 2, i + 1], rows[r + 3, i + 1]
            for j in range(width):
                p, q = matrix[i, j], matrix[i + 1, j]
                out[r, j] = max(out[r, j], max(a0 + p, b0 + q))
                out[r + 1, j] = max(out[r + 1, j], max(a1 + p, b1 + q))
                out[r + 2, j] = max(out[r + 2, j], max(a2 + p, b2 + q))
                out[r + 3, j] = max(out[r + 3, j], max(a3 + p, b3 + q))


@kernel_without_nan
def row_times_matrix(row, matrix, out):
    """The same for one row and an unpadded matrix."""
    count = matrix.shape[0]
    out[:] = -np.inf
    for i in range(count):
        base = row[i]
        for j in range(count):
            out[j] = max(out[j], base + matrix[i, j])


@kernel_without_nan
def largest(values, count):
    """The largest of the first ``count`` values."""
    top = values[0]
    for j in range(count):
        top = max(top, values[j])
    return top


@kernel_without_nan
def best_source(scores, arriving, count):
    """The first i with the largest scores[i] + arriving[i]."""
    top = scores[0] + arriving[0]
    for i in range(count):
        top = max(top, scores[i] + arriving[i])
    for i in range(count):
        if scores[i] + arriving[i] == top:
            return i
    return 0


@kernel
def decode_block(emissions, transitions, start, end, lengths, rows, matrix, arriving, prefix, labels):
    """Viterbi for up to BLOCK rows, longest first.

    ``prefix`` (B, T, K) receives the best prefix scores, less their maximum at each position. No back-pointers: the
    traceback finds each source again from them, K sums a position instead of K² stored choices.
    """
    count, width = emissions.shape[2], padded(emissions.shape[2])
    shared = transitions.shape[0] == 1 and transitions.shape[1] == 1
    block = (rows.size + 3) // 4 * 4
    states = np.full((block, width), -np.inf, emissions.dtype)
    moved = np.zeros((block, width), emissions.dtype)
    active = rows.size
    for t in range(lengths[rows[0]]):
        while active > 0 and lengths[rows[active - 1]] <= t:
            active -= 1
        if t > 0 and shared:
            times_matrix(states, matrix, moved, (active + 3) // 4 * 4)
        for r in range(active):
            b = rows[r]
            if t > 0 and not shared:
                row_times_matrix(states[r], step(transitions, b, t), moved[r])
            for j in range(count):
                moved[r, j] += emissions[b, t, j]
            if t == 0:
                for j in range(count):
                    moved[r, j] += start[j]
            if t == lengths[b] - 1:
                for j in range(count):
                    moved[r, j] += end[j]
            top = largest(moved[r], count)
            if top == -np.inf:
                top = 0
            for j in range(count):
                states[r, j] = moved[r, j] - top
            for j in range(count):
                prefix[b, t, j] = states[r, j]
    for b in rows:
        length = lengths[b]
        labels[b, length:] = NO_LABEL
        last = prefix[b, length - 1]
        top = largest(last, count)
        if top == -np.inf:
            labels[b, :length] = NO_LABEL
            continue
        label = 0
        while last[label] != top:
            label += 1
        labels[b, length - 1] = label
        for t in range(length - 1, 0, -1):
            if shared:
                label = best_source(prefix[b, t - 1], arriving[label], count)
            else:
                label = best_source(prefix[b, t - 1], step(transitions, b, t)[:, label], count)
            labels[b, t - 1] = label


@kernel
def decode(
    part, rows, emissions, transitions, start, end, lengths, matrix, arriving, prefix, labels, invalid
):
    """Best label sequences of ``rows``; counts invalid scores in ``invalid``, and then decodes nothing."""
    for b in rows:
        invalid[b] = invalid_scores(emissions[b, : lengths[b]])
    for b in rows:
        if invalid[b] > 0:
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
