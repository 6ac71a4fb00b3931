"""Scaled probabilities for scores of moderate range: the fastest path, without a check at every step.

All transitions are finite and none much less likely than the best, and a row's emissions span a bounded range (or are
−inf). Then nothing that matters can vanish, whatever the sequence; the argument is in the folder's README ("When scaling
is safe"). Rows are taken in blocks so that one pass over the transitions serves them all.
"""

import numpy as np

from hybridseq.kernels.chain.numba_cpu.primitives import (
    FLUSH,
    add_outer_products,
    exp,
    flush,
    kernel,
    kernel_without_nan,
    padded,
    smallest_sum,
    times_matrix,
    widest_range,
)

BLOCK = 16


@kernel_without_nan
def row_range(scores):
    """Largest score and its distance from the smallest finite one."""
    flat = scores.reshape(scores.size)
    top = flat[0]
    for x in range(flat.size):
        top = max(top, flat[x])
    low = top
    for x in range(flat.size):
        low = min(low, flat[x] if flat[x] > -np.inf else top)
    return top, top - low


@kernel
def load_row(emissions, start, end, b, length, out):
    """out[:length] = a row's scores with start and end folded in; returns (largest, spread)."""
    for t in range(length):
        for j in range(out.shape[1]):
            out[t, j] = emissions[b, t, j]
    for j in range(out.shape[1]):
        out[0, j] += start[j]
        out[length - 1, j] += end[j]
    return row_range(out[:length])


@kernel
def exp_row(scores, top):
    """scores ← exp(scores − top), in place."""
    flat = scores.reshape(scores.size)
    for x in range(flat.size):
        flat[x] = exp(flat[x] - top)


@kernel
def is_moderate(emissions, start, end, b, length, rates):
    """Fill ``rates`` (T, K) with exp(scores − largest); whether the row is fit for this path, and the largest."""
    top, spread = load_row(emissions, start, end, b, length, rates)
    if not (top > -np.inf and spread <= widest_range(emissions)):
        return False, top
    exp_row(rates[:length], top)
    return True, top


@kernel
def forward_block(lengths, rows, matrix, top_transition, tops, alpha, scale, log_partition):
    """Forward pass of up to BLOCK rows, longest first; ``alpha`` holds the rates and receives the prefixes.

    ``scale`` (B, T) receives what the prefixes were divided by. Returns whether no row's sum vanished.
    """
    count, width = alpha.shape[2], padded(alpha.shape[2])
    block = (rows.size + 3) // 4 * 4
    zero = alpha[0, 0, 0] * 0
    one = zero + 1
    low, high, small = zero + 1e-4, zero + 1e4, smallest_sum(alpha)
    states, sums = np.zeros((block, width), alpha.dtype), np.ones((block, width), alpha.dtype)
    offset = np.zeros(block)
    active, good = rows.size, True
    for t in range(lengths[rows[0]]):
        while lengths[rows[active - 1]] <= t:
            active -= 1
        if t > 0:
            times_matrix(states, matrix, sums, (active + 3) // 4 * 4)
        for r in range(active):
            here, total = alpha[rows[r], t], zero
            sums_here, state = sums[r], states[r]
            for j in range(count):
                value = sums_here[j] * here[j]
                here[j] = value
                state[j] = value
                total += value
            divisor = one
            if not (total >= low and total <= high):
                if not total >= small:
                    good = False
                    offset[r] = np.nan
                    total = one
                divisor = total
                offset[r] += np.log(total)
                inverse = 1 / total
                for j in range(count):
                    here[j] *= inverse
                    state[j] *= inverse
                total = one
            scale[rows[r], t] = divisor
            if t == lengths[rows[r]] - 1:
                steps = np.float64(lengths[rows[r]])
                offset[r] += np.log(total) + steps * np.float64(tops[rows[r]]) + (steps - 1) * top_transition
    for r in range(rows.size):
        log_partition[rows[r]] = offset[r]
    return good


@kernel
def backward_block(lengths, rows, matrix, alpha, scale, weight, rates, pairs):
    """Backward pass of up to BLOCK rows.

    ``rates`` (B, T, K) holds the rates and receives the weighted marginals; the weighted pair counts, still without
    the factor exp(transitions), are added to ``pairs`` (float64). ``matrix`` is exp(transitions) transposed.
    """
    count, width = alpha.shape[2], padded(alpha.shape[2])
    block = (rows.size + 3) // 4 * 4
    zero = alpha[0, 0, 0] * 0
    beta, onward = np.zeros((block, width), alpha.dtype), np.zeros((block, width), alpha.dtype)
    own_weight = np.zeros(block, alpha.dtype)
    partial = np.zeros((count, width), alpha.dtype)
    own_rows = np.full(block, rows[0])
    own_rows[: rows.size] = rows
    active = 0
    for t in range(lengths[rows[0]] - 1, -1, -1):
        while active < rows.size and lengths[rows[active]] > t:
            beta[active, :count] = 1
            own_weight[active] = weight[rows[active]]
            active += 1
        for r in range(active):
            b = rows[r]
            before, here, after, out = alpha[b, t], rates[b, t], beta[r], onward[r]
            mass = zero
            for j in range(count):
                both = before[j] * after[j]
                mass += both
                out[j] = here[j] * after[j]
                here[j] = both
            inverse = 1 / mass
            share, flow = own_weight[r] * inverse, inverse / scale[b, t]
            for j in range(count):
                here[j] *= share
                out[j] *= flow
        if t > 0:
            rounded = (active + 3) // 4 * 4
            add_outer_products(alpha, own_rows, t - 1, own_weight, onward, partial, rounded)
            times_matrix(onward, matrix, beta, rounded)
            if t % FLUSH == 0:
                flush(partial, pairs)
    flush(partial, pairs)
