"""Scaled probabilities, a block of rows in step, with a check at every step.

A row whose probabilities may have vanished is marked in ``status`` and recomputed in log space, so that the answer is
the same. The argument for the tests that decide this is in the folder's README ("When scaling is safe").
"""

import numpy as np

from hybridseq.kernels import simd
from hybridseq.kernels.chain.numba_cpu.primitives import (
    FLUSH,
    INVALID,
    LOGARITHMIC,
    SCALED,
    add_outer_products,
    exp,
    exp_transitions,
    flush,
    invalid_scores,
    kernel,
    of_status,
    pair_buffer,
    row_times_matrix,
    smallest_mass,
    smallest_state,
    smallest_sum,
    times_matrix,
)

BLOCK = 8


@kernel
def load_emissions(emissions, start, end, b, t, length, scores):
    """Copy one position's scores, less their maximum, into a padded row.

    Returns the maximum; NaN where a score is NaN or +inf, −inf where no label is possible.
    """
    count = emissions.shape[2]
    below = 0
    for j in range(count):
        scores[j] = emissions[b, t, j]
    if t == 0:
        for j in range(count):
            scores[j] += start[j]
    if t == length - 1:
        for j in range(count):
            scores[j] += end[j]
    top = scores[0]
    for j in range(count):
        below += scores[j] < np.inf
        top = scores[j] if scores[j] > top else top
    if below < count:
        return simd.number(scores, np.nan)
    if top > -np.inf:
        for j in range(count):
            scores[j] -= top
    return top


@kernel
def first_rates(scores):
    """exp of every element of a block of scores, in place."""
    flat = scores.reshape(scores.size)
    for x in range(flat.size):
        flat[x] = exp(flat[x])


@kernel
def absorb(sums, scores, rates, lost):
    """sums ← sums · rates; returns their total, whether it can be trusted, and whether a live label vanished.

    ``lost`` says that a live label may have vanished before: then a small sum may only seem so.
    """
    width = sums.size
    zero, one = simd.number(sums, 0), simd.number(sums, 1)
    small = smallest_sum(sums)
    total, doubtful = zero, zero
    if lost:
        for j in range(width):
            doubtful += one if (sums[j] < small) & (scores[j] > -np.inf) else zero
    else:
        for j in range(width):
            doubtful += one if (sums[j] < small) & (sums[j] > zero) & (scores[j] > -np.inf) else zero
    for j in range(width):
        total += sums[j] * rates[j]
    bound = total * smallest_state(sums)
    vanished = zero
    for j in range(width):
        value = sums[j] * rates[j]
        vanished += one if (value < bound) & (sums[j] > zero) & (scores[j] > -np.inf) else zero
        sums[j] = value
    trusted = (total >= small) & (total < np.inf) & (doubtful == zero)
    return total, trusted, vanished > zero


@kernel
def forward_block(
    emissions,
    transitions,
    start,
    end,
    lengths,
    rows,
    matrix,
    top_transition,
    lost_transition,
    alpha,
    log_partition,
    status,
):
    """Forward pass of up to BLOCK rows, longest first; fills ``alpha``, ``log_partition`` and ``status``."""
    width = alpha.shape[2]
    shared = transitions.shape[0] == 1 and transitions.shape[1] == 1
    block = (rows.size + 3) // 4 * 4
    states = np.zeros((block, width), emissions.dtype)
    sums = np.zeros((block, width), emissions.dtype)
    scores = np.full((block, width), -np.inf, emissions.dtype)
    rates = np.zeros((block, width), emissions.dtype)
    offset = np.zeros(block)
    product = np.ones(block)
    top = np.zeros(block, emissions.dtype)
    lost = np.zeros(block, np.bool_)
    own = np.empty((0, 0), emissions.dtype) if shared else np.zeros(matrix.shape, emissions.dtype)
    active = rows.size
    for t in range(lengths[rows[0]]):
        while active > 0 and lengths[rows[active - 1]] <= t:
            active -= 1
        if t == 0:
            sums[:] = 1
        elif shared:
            times_matrix(states, matrix, sums, (active + 3) // 4 * 4)
            for r in range(active):
                lost[r] |= lost_transition
                offset[r] += top_transition
        else:
            for r in range(active):
                highest, vanished, _ = exp_transitions(transitions[rows[r], t - 1], own)
                row_times_matrix(states[r], own, sums[r])
                lost[r] |= vanished
                offset[r] += highest
        for r in range(active):
            b = rows[r]
            top[r] = load_emissions(emissions, start, end, b, t, lengths[b], scores[r])
        rates[:active] = scores[:active]
        first_rates(rates[:active])
        for r in range(active):
            b = rows[r]
            total, trusted, vanished = absorb(sums[r], scores[r], rates[r], lost[r])
            lost[r] = vanished
            if status[b] != SCALED:
                continue
            if not (trusted and top[r] > -np.inf):
                status[b] = LOGARITHMIC
                states[r, :] = 0
                continue
            inverse = 1 / total
            for j in range(width):
                states[r, j] = sums[r, j] * inverse
            for j in range(width):
                alpha[b, t, j] = states[r, j]
            offset[r] += top[r]
            product[r] *= total
            if product[r] < 1e-100 or product[r] > 1e100:
                offset[r] += np.log(product[r])
                product[r] = 1
    for r in range(rows.size):
        b = rows[r]
        if status[b] == SCALED:
            log_partition[b] = offset[r] + np.log(product[r])


@kernel
def backward_block(
    emissions,
    transitions,
    start,
    end,
    lengths,
    rows,
    matrix,
    lost_transition,
    alpha,
    weight,
    status,
    grad_emissions,
    grad_transitions,
    pairs,
):
    """Backward pass of up to BLOCK rows.

    Writes the weighted marginals. Weighted pair counts go to ``grad_transitions``; for shared transitions they are
    added to ``pairs`` (float64) without the factor exp(transitions). ``matrix`` is exp(transitions) transposed. Returns
    whether every row held; one that did not is marked in ``status``, and the block must run again without it.
    """
    count, width = emissions.shape[2], alpha.shape[2]
    shared = transitions.shape[0] == 1 and transitions.shape[1] == 1
    block = (rows.size + 3) // 4 * 4
    beta = np.zeros((block, width), emissions.dtype)
    scores = np.full((block, width), -np.inf, emissions.dtype)
    rates = np.zeros((block, width), emissions.dtype)
    onward = np.zeros((block, width), emissions.dtype)
    flow = np.zeros((block, width), emissions.dtype)
    lost = np.zeros(block, np.bool_)
    own = np.empty((0, 0), emissions.dtype) if shared else np.zeros(matrix.shape, emissions.dtype)
    zero = simd.number(emissions, 0)
    partial, flat = pair_buffer(alpha, count), alpha.reshape(alpha.size)
    places = np.zeros(block, np.int64)
    tiny, least = smallest_sum(emissions), smallest_mass(emissions)
    active = 0
    for t in range(lengths[rows[0]] - 1, -1, -1):
        while active < rows.size and lengths[rows[active]] > t:
            beta[active, :count] = 1
            active += 1
        for r in range(active):
            b = rows[r]
            if status[b] != SCALED:
                continue
            mass = zero
            for j in range(count):
                mass += alpha[b, t, j] * beta[r, j]
            if not mass >= least:
                status[b] = LOGARITHMIC
                continue
            scale = weight[b] / mass
            for j in range(count):
                grad_emissions[b, t, j] = alpha[b, t, j] * beta[r, j] * scale
        if t == 0:
            break
        for r in range(active):
            b = rows[r]
            load_emissions(emissions, start, end, b, t, lengths[b], scores[r])
        rates[:active] = scores[:active]
        first_rates(rates[:active])
        for r in range(active):
            # beta's largest is 1: its overlap with the rates is checked through ``mass`` one step on.
            bound = smallest_state(emissions)
            vanished = 0
            for j in range(width):
                value = beta[r, j] * rates[r, j]
                vanished += (value < bound) & (beta[r, j] > zero) & (scores[r, j] > -np.inf)
                onward[r, j] = value
            lost[r] = vanished > 0
        if shared:
            times_matrix(onward, matrix, beta, (active + 3) // 4 * 4)
        for r in range(active):
            b = rows[r]
            if not shared:
                _, vanished, _ = exp_transitions(transitions[b, t - 1], own)
                lost[r] |= vanished
                for i in range(count):
                    total = zero
                    for j in range(width):
                        total += own[i, j] * onward[r, j]
                    beta[r, i] = total
            else:
                lost[r] |= lost_transition
            flow[r, :] = 0
            places[r] = (b * alpha.shape[1] + t - 1) * width
            if status[b] != SCALED:
                beta[r, :] = 0
                continue
            mass, top, doubtful = zero, zero, 0
            for i in range(count):
                value = beta[r, i]
                mass += alpha[b, t - 1, i] * value
                top = value if value > top else top
                doubtful += (value < tiny) & (alpha[b, t - 1, i] > zero) & (lost[r] | (value > zero))
            if doubtful > 0 or not (mass >= tiny and top < np.inf):
                status[b] = LOGARITHMIC
                beta[r, :] = 0
                continue
            scale = weight[b] / mass
            if shared:
                for j in range(count):
                    flow[r, j] = onward[r, j] * scale
            else:
                for i in range(count):
                    for j in range(count):
                        grad_transitions[b, t - 1, i, j] = alpha[b, t - 1, i] * scale * own[i, j] * onward[r, j]
            inverse = 1 / top
            for i in range(width):
                beta[r, i] *= inverse
        if shared:
            add_outer_products(flat, places, flow, partial, active)
            if t % FLUSH == 0:
                flush(partial, pairs)
    if shared:
        flush(partial, pairs)
    held = True
    for b in rows:
        held &= status[b] == SCALED
    return held


@kernel
def forward(part, rows, emissions, transitions, start, end, lengths, matrix, top, lost, alpha, log_partition, status):
    """Log-partition and prefixes of ``rows``."""
    for b in rows:
        status[b] = SCALED if invalid_scores(emissions[b, : lengths[b]]) == 0 else INVALID
    chosen = of_status(rows, status, SCALED)
    for first in range(0, chosen.size, BLOCK):
        block = chosen[first : first + BLOCK]
        forward_block(
            emissions, transitions, start, end, lengths, block, matrix, top, lost, alpha, log_partition, status
        )


@kernel
def backward(
    part,
    rows,
    emissions,
    transitions,
    start,
    end,
    lengths,
    matrix,
    lost,
    alpha,
    weight,
    status,
    grad_emissions,
    grad_transitions,
    pairs,
):
    """Weighted gradient of the log-partition for ``rows``; ``part`` numbers the caller's own sums in ``pairs``."""
    for b in rows:
        grad_emissions[b, lengths[b] :] = 0
        if transitions.shape[0] > 1 or transitions.shape[1] != 1:
            grad_transitions[b, lengths[b] - 1 :] = 0
    for first in range(0, rows.size, BLOCK):
        block = rows[first : first + BLOCK]
        own_pairs = np.zeros(pairs.shape[1:])
        while block.size > 0 and not backward_block(
            emissions,
            transitions,
            start,
            end,
            lengths,
            block,
            matrix,
            lost,
            alpha,
            weight,
            status,
            grad_emissions,
            grad_transitions,
            own_pairs,
        ):
            block = of_status(block, status, SCALED)
            own_pairs[:] = 0
        pairs[part] += own_pairs
