"""Scaled probabilities for emissions of moderate range and shared transitions: the fastest path.

A row's emissions span a bounded range (or are −inf), so that one exp over the whole row serves. Where all transitions
are finite and none much less likely than the best, nothing that matters can vanish whatever the sequence; else each
step looks whether something did, and the row goes to a slower path. The argument is in the folder's README ("When
scaling is safe"). Rows are taken in blocks so that one pass over the transitions serves them all.
"""

import numpy as np

from hybridseq.kernels import simd
from hybridseq.kernels.chain.numba_cpu.primitives import (
    FLUSH,
    INVALID,
    MODERATE,
    SCALED,
    add_outer_products,
    flush,
    invalid_scores,
    kernel,
    of_status,
    pair_buffer,
    smallest_state,
    smallest_sum,
    times_matrix,
    widest_range,
)

BLOCK = 16


@kernel
def load_row(emissions, start, end, b, length, out, fill):
    """out[b, :length] = a row's scores with start and end folded in, ``fill`` in the padded labels."""
    steps, count = emissions.shape[1:]
    width, step = out.shape[2], simd.lanes(out)
    nothing = simd.number(emissions, fill)
    for t in range(length):
        for j in range(0, width, step):
            scores = simd.load_some(emissions, (b * steps + t) * count + j, count - j, nothing)
            simd.store(out, (b * steps + t) * width + j, scores)
    for j in range(count):
        out[b, 0, j] += start[j]
        out[b, length - 1, j] += end[j]


@kernel
def exp_row(emissions, start, end, b, length, rates):
    """rates[b] = exp(scores − largest); returns the largest and whether the row is fit for this path.

    A row that is not fit is left unfinished.
    """
    load_row(emissions, start, end, b, length, rates, -np.inf)
    steps, width = rates.shape[1:]
    step = simd.lanes(rates)
    first, last = b * steps * width, (b * steps + length) * width
    nothing = simd.splat(rates, simd.number(emissions, -np.inf))
    everything = simd.splat(rates, simd.number(emissions, np.inf))
    high, low = nothing, everything
    for x in range(first, last, step):
        scores = simd.load(rates, x)
        high = simd.larger(scores, high)
        low = simd.smaller(simd.where_above(scores, nothing, scores, everything), low)
    top = simd.largest(high)
    if not (top > -np.inf and top - simd.smallest(low) <= widest_range(rates)):
        return top, False
    shift = simd.splat(rates, top)
    for x in range(first, last, step):
        simd.store(rates, x, simd.exp(rates, simd.subtract(simd.load(rates, x), shift)))
    return top, True


@kernel
def absorb(sums, own, alpha, place, states):
    """Prefixes at one position: alpha ← sums · rates. Returns their total."""
    width, step = sums.shape[1], simd.lanes(alpha)
    running = simd.splat(alpha, simd.number(alpha, 0))
    for j in range(0, width, step):
        value = simd.multiply(simd.load(sums, own + j), simd.load(alpha, place + j))
        running = simd.add(running, value)
        simd.store(alpha, place + j, value)
        simd.store(states, own + j, value)
    return simd.total(running)


@kernel
def absorb_checked(sums, own, alpha, place, states, lost):
    """The same; also returns whether the sums can be trusted, and whether a live label came near vanishing.

    ``lost`` says that one did before: then a sum of 0 may only seem so.
    """
    width, step = sums.shape[1], simd.lanes(alpha)
    zero = simd.number(alpha, 0)
    nothing, idle = simd.splat(alpha, zero), simd.splat(alpha, zero + np.inf)
    missing = nothing if lost else idle
    running, least_sum, least_state = nothing, idle, idle
    for j in range(0, width, step):
        total, rate = simd.load(sums, own + j), simd.load(alpha, place + j)
        value = simd.multiply(total, rate)
        running = simd.add(running, value)
        arrived = simd.where_above(total, nothing, total, missing)
        least_sum = simd.smaller(simd.where_above(rate, nothing, arrived, idle), least_sum)
        alive = simd.where_above(total, nothing, value, idle)
        least_state = simd.smaller(simd.where_above(rate, nothing, alive, idle), least_state)
        simd.store(alpha, place + j, value)
        simd.store(states, own + j, value)
    trusted = simd.smallest(least_sum) >= smallest_sum(alpha)
    return simd.total(running), trusted, simd.smallest(least_state) < smallest_state(alpha)


@kernel
def forward_block(
    lengths, rows, matrix, top_transition, lost_transition, dense, tops, alpha, scale, log_partition, status
):
    """Forward pass of up to BLOCK rows, longest first; ``alpha`` holds the rates and receives the prefixes.

    ``scale`` (B, T) receives what the prefixes were divided by. A row that may have lost something is handed on
    (``status``).
    """
    length, width = alpha.shape[1:]
    step = simd.lanes(alpha)
    block = (rows.size + 3) // 4 * 4
    zero = simd.number(alpha, 0)
    low, high, small = zero + 1e-4, zero + 1e4, smallest_sum(alpha)
    states, sums = np.zeros((block, width), alpha.dtype), np.ones((block, width), alpha.dtype)
    offset, lost = np.zeros(block), np.zeros(block, np.bool_)
    active = rows.size
    for t in range(lengths[rows[0]]):
        while lengths[rows[active - 1]] <= t:
            active -= 1
        if t > 0:
            times_matrix(states, matrix, sums, (active + 3) // 4 * 4)
        for r in range(active):
            b = rows[r]
            place, own = (b * length + t) * width, r * width
            trusted = True
            if dense:
                total = absorb(sums, own, alpha, place, states)
            else:
                total, trusted, vanished = absorb_checked(sums, own, alpha, place, states, lost[r])
                lost[r] = vanished or lost_transition
            divisor = zero + 1
            if not (total >= low and total <= high and trusted):
                if not (total >= small and total < np.inf and trusted):
                    status[b] = SCALED
                    total = zero + 1
                divisor = total
                offset[r] += np.log(total)
                inverse = simd.splat(alpha, 1 / total)
                for j in range(0, width, step):
                    value = simd.multiply(simd.load(states, own + j), inverse)
                    simd.store(alpha, place + j, value)
                    simd.store(states, own + j, value)
                total = zero + 1
            scale[b, t] = divisor
            if t == lengths[b] - 1:
                count = np.float64(lengths[b])
                offset[r] += np.log(total) + count * np.float64(tops[b])
                if count > 1:
                    offset[r] += (count - 1) * top_transition
    for r in range(rows.size):
        log_partition[rows[r]] = offset[r]


@kernel
def backward_block(lengths, rows, matrix, alpha, scale, weight, rates, grad_emissions, pairs, status):
    """Backward pass of up to BLOCK rows.

    ``rates`` (B, T, padded K) is used up. Writes the weighted marginals; the weighted pair counts, still without the
    factor exp(transitions), are added to ``pairs`` (float64). ``matrix`` is exp(transitions) transposed. Returns
    whether every row held; one that did not is handed on, and the block must run again without it.
    """
    steps, width = alpha.shape[1:]
    count = grad_emissions.shape[2]
    step = simd.lanes(alpha)
    block = (rows.size + 3) // 4 * 4
    flat = alpha.reshape(alpha.size)
    nothing = simd.splat(alpha, simd.number(alpha, 0))
    held = True
    beta, onward = np.zeros((block, width), alpha.dtype), np.zeros((block, width), alpha.dtype)
    flow, partial = np.zeros((block, width), alpha.dtype), pair_buffer(alpha, count)
    places = np.zeros(block, np.int64)
    own_weight = weight.astype(alpha.dtype)
    active = 0
    for t in range(lengths[rows[0]] - 1, -1, -1):
        while active < rows.size and lengths[rows[active]] > t:
            beta[active, :count] = 1
            active += 1
        for r in range(active):
            b = rows[r]
            place, own = (b * steps + t) * width, r * width
            running = nothing
            for j in range(0, width, step):
                before = simd.load(alpha, place + j)
                # What cannot be reached has no say, and its suffixes may overflow.
                after = simd.where_above(before, nothing, simd.load(beta, own + j), nothing)
                both = simd.multiply(before, after)
                running = simd.add(running, both)
                simd.store(onward, own + j, simd.multiply(simd.load(rates, place + j), after))
                simd.store(flow, own + j, both)
            mass = simd.total(running)
            # Suffixes are kept such that prefix times suffix sums to 1; at the end the suffix is 1 itself.
            if not ((mass > 0.5 and mass < 2) or (t == lengths[b] - 1 and mass > 0)):
                status[b] = SCALED
                held = False
                mass = simd.number(alpha, 1)
            inverse = 1 / mass
            share, onto = simd.splat(alpha, own_weight[b] * inverse), simd.splat(alpha, inverse / scale[b, t])
            weights = simd.splat(alpha, own_weight[b])
            for j in range(0, width, step):
                marginal = simd.multiply(simd.load(flow, own + j), share)
                simd.store_some(grad_emissions, (b * steps + t) * count + j, count - j, marginal)
                value = simd.multiply(simd.load(onward, own + j), onto)
                simd.store(onward, own + j, value)
                simd.store(flow, own + j, simd.multiply(value, weights))
            places[r] = place - width
        if t > 0:
            add_outer_products(flat, places, flow, partial, active)
            times_matrix(onward, matrix, beta, (active + 3) // 4 * 4)
            if t % FLUSH == 0:
                flush(partial, pairs)
    flush(partial, pairs)
    return held


@kernel
def forward(part, rows, emissions, start, end, lengths, matrix, top, lost, dense, alpha, scale, log_partition, status):
    """Log-partition and prefixes of ``rows``; ``matrix``, ``top``, ``lost``, ``dense``: see ``exp_transitions``."""
    tops = np.zeros(lengths.size, emissions.dtype)
    for b in rows:
        status[b] = INVALID
        if invalid_scores(emissions[b, : lengths[b]]) == 0:
            tops[b], fit = exp_row(emissions, start, end, b, lengths[b], alpha)
            status[b] = MODERATE if fit else SCALED
    chosen = of_status(rows, status, MODERATE)
    for first in range(0, chosen.size, BLOCK):
        block = chosen[first : first + BLOCK]
        forward_block(lengths, block, matrix, top, lost, dense, tops, alpha, scale, log_partition, status)


@kernel
def backward(part, rows, emissions, start, end, lengths, matrix, alpha, scale, weight, status, grad_emissions, pairs):
    """Weighted gradient of the log-partition for ``rows``; ``part`` numbers the caller's own sums in ``pairs``."""
    rates = np.empty_like(alpha)
    for b in rows:
        exp_row(emissions, start, end, b, lengths[b], rates)
        grad_emissions[b, lengths[b] :] = 0
    for first in range(0, rows.size, BLOCK):
        block = rows[first : first + BLOCK]
        own_pairs = np.zeros(pairs.shape[1:])
        while block.size > 0 and not backward_block(
            lengths, block, matrix, alpha, scale, weight, rates, grad_emissions, own_pairs, status
        ):
            block = of_status(block, status, MODERATE)
            own_pairs[:] = 0
        pairs[part] += own_pairs
