"""The moderate path with its derivative along a direction: expected scores and Hessian-vector products, in blocks.

For rows that the moderate path serves. What ``_rate`` is added to a name is the derivative of what it names. The
formulas stand in the folder's README ("Second derivatives").
"""

import numpy as np

from hybridseq.kernels import simd
from hybridseq.kernels.chain.numba_cpu.moderate import BLOCK, exp_row, load_row
from hybridseq.kernels.chain.numba_cpu.primitives import (
    FLUSH,
    add_outer_products,
    flush,
    kernel,
    pair_buffer,
    times_matrix,
)


@kernel
def forward_block(lengths, rows, matrix, matrix_rate, rates, slopes, alpha, alpha_rate, scale, scale_rate, expected):
    """Prefixes that sum to 1 and their derivatives; adds up each row's expected score.

    ``rates`` (B, T, padded K) are exp of the emissions, ``slopes`` the direction's emissions; ``matrix_rate`` is
    exp(transitions) times the direction's transitions. ``scale`` receives what the prefixes were divided by,
    ``scale_rate`` the derivative of its log.
    """
    steps, width = alpha.shape[1:]
    step = simd.lanes(alpha)
    block = (rows.size + 3) // 4 * 4
    shape, nothing = (block, width), simd.splat(alpha, simd.number(alpha, 0))
    states, states_rate = np.zeros(shape, alpha.dtype), np.zeros(shape, alpha.dtype)
    sums, sums_rate, bent = np.ones(shape, alpha.dtype), np.zeros(shape, alpha.dtype), np.zeros(shape, alpha.dtype)
    active = rows.size
    for t in range(lengths[rows[0]]):
        while lengths[rows[active - 1]] <= t:
            active -= 1
        if t > 0:
            rounded = (active + 3) // 4 * 4
            times_matrix(states, matrix, sums, rounded)
            times_matrix(states_rate, matrix, sums_rate, rounded)
            times_matrix(states, matrix_rate, bent, rounded)
        for r in range(active):
            b = rows[r]
            place, own = (b * steps + t) * width, r * width
            running, running_rate = nothing, nothing
            for j in range(0, width, step):
                rate = simd.load(rates, place + j)
                value = simd.multiply(simd.load(sums, own + j), rate)
                moved = simd.add(simd.load(sums_rate, own + j), simd.load(bent, own + j))
                slope = simd.multiply_add(moved, rate, simd.multiply(value, simd.load(slopes, place + j)))
                running, running_rate = simd.add(running, value), simd.add(running_rate, slope)
                simd.store(states, own + j, value)
                simd.store(states_rate, own + j, slope)
            total = simd.total(running)
            gain = simd.total(running_rate) / total
            inverse, mean = simd.splat(alpha, 1 / total), simd.splat(alpha, gain)
            for j in range(0, width, step):
                value = simd.multiply(simd.load(states, own + j), inverse)
                slope = simd.multiply(simd.load(states_rate, own + j), inverse)
                slope = simd.subtract(slope, simd.multiply(value, mean))
                simd.store(states, own + j, value)
                simd.store(states_rate, own + j, slope)
                simd.store(alpha, place + j, value)
                simd.store(alpha_rate, place + j, slope)
            scale[b, t] = total
            scale_rate[b, t] = gain
            expected[b] += gain


@kernel
def backward_block(
    lengths, rows, matrix, matrix_rate, rates, slopes, alpha, alpha_rate, scale, scale_rate, weight, out, pairs, bends
):
    """Weighted derivatives of the marginals, in ``out`` (B, T, K), and of the pair counts.

    The latter are P ∘ (``pairs`` + direction ∘ ``bends``); both are added to, float64. ``matrix`` and ``matrix_rate``
    are transposed.
    """
    steps, width = alpha.shape[1:]
    count = out.shape[2]
    step = simd.lanes(alpha)
    block = (rows.size + 3) // 4 * 4
    shape, nothing = (block, width), simd.splat(alpha, simd.number(alpha, 0))
    flat, flat_rate = alpha.reshape(alpha.size), alpha_rate.reshape(alpha.size)
    beta, beta_rate, bent = np.zeros(shape, alpha.dtype), np.zeros(shape, alpha.dtype), np.zeros(shape, alpha.dtype)
    onward, onward_rate = np.zeros(shape, alpha.dtype), np.zeros(shape, alpha.dtype)
    flow, flow_rate = np.zeros(shape, alpha.dtype), np.zeros(shape, alpha.dtype)
    partial, partial_bends = pair_buffer(alpha, count), pair_buffer(alpha, count)
    places = np.zeros(block, np.int64)
    own_weight = weight.astype(alpha.dtype)
    active = 0
    for t in range(lengths[rows[0]] - 1, -1, -1):
        while active < rows.size and lengths[rows[active]] > t:
            beta[active, :count] = 1
            beta_rate[active] = 0
            bent[active] = 0
            active += 1
        for r in range(active):
            b = rows[r]
            place, own = (b * steps + t) * width, r * width
            running, running_rate = nothing, nothing
            for j in range(0, width, step):
                before = simd.load(alpha, place + j)
                after = simd.where_above(before, nothing, simd.load(beta, own + j), nothing)
                after_rate = simd.add(simd.load(beta_rate, own + j), simd.load(bent, own + j))
                after_rate = simd.where_above(before, nothing, after_rate, nothing)
                both = simd.multiply(before, after)
                both_rate = simd.multiply_add(
                    simd.load(alpha_rate, place + j), after, simd.multiply(before, after_rate)
                )
                running, running_rate = simd.add(running, both), simd.add(running_rate, both_rate)
                rate = simd.load(rates, place + j)
                leaving = simd.multiply(rate, after)
                leaving_rate = simd.multiply_add(rate, after_rate, simd.multiply(leaving, simd.load(slopes, place + j)))
                simd.store(onward, own + j, leaving)
                simd.store(onward_rate, own + j, leaving_rate)
                simd.store(flow, own + j, both)
                simd.store(flow_rate, own + j, both_rate)
            mass = simd.total(running)
            gain = simd.total(running_rate) / mass
            share, mean = simd.splat(alpha, own_weight[b] / mass), simd.splat(alpha, gain)
            onto = simd.splat(alpha, 1 / (mass * scale[b, t]))
            drift, weights = simd.splat(alpha, gain + scale_rate[b, t]), simd.splat(alpha, own_weight[b])
            for j in range(0, width, step):
                slope = simd.subtract(simd.load(flow_rate, own + j), simd.multiply(simd.load(flow, own + j), mean))
                place_out = (b * steps + t) * count + j
                simd.store_some(out, place_out, count - j, simd.multiply(slope, share))
                value = simd.multiply(simd.load(onward, own + j), onto)
                slope = simd.multiply(simd.load(onward_rate, own + j), onto)
                slope = simd.subtract(slope, simd.multiply(value, drift))
                simd.store(onward, own + j, value)
                simd.store(onward_rate, own + j, slope)
                simd.store(flow, own + j, simd.multiply(value, weights))
                simd.store(flow_rate, own + j, simd.multiply(slope, weights))
            places[r] = place - width
        if t > 0:
            rounded = (active + 3) // 4 * 4
            add_outer_products(flat_rate, places, flow, partial, active)
            add_outer_products(flat, places, flow_rate, partial, active)
            add_outer_products(flat, places, flow, partial_bends, active)
            times_matrix(onward, matrix, beta, rounded)
            times_matrix(onward_rate, matrix, beta_rate, rounded)
            times_matrix(onward, matrix_rate, bent, rounded)
            if t % FLUSH == 0:
                flush(partial, pairs)
                flush(partial_bends, bends)
    flush(partial, pairs)
    flush(partial_bends, bends)


@kernel
def forward(part, rows, scores, direction, lengths, matrix, matrix_rate, buffers, scale, scale_rate, expected):
    """Expected scores of ``rows``; fills the ``buffers`` that ``backward`` needs. Scores: emissions, start, end."""
    rates, slopes, alpha, alpha_rate = buffers
    for b in rows:
        expected[b] = 0
        exp_row(scores[0], scores[1], scores[2], b, lengths[b], rates)
        load_row(direction[0], direction[1], direction[2], b, lengths[b], slopes, 0)
    for first in range(0, rows.size, BLOCK):
        block = rows[first : first + BLOCK]
        forward_block(
            lengths, block, matrix, matrix_rate, rates, slopes, alpha, alpha_rate, scale, scale_rate, expected
        )


@kernel
def backward(part, rows, lengths, matrix, matrix_rate, buffers, scale, scale_rate, weight, out, pairs, bends):
    """Hessian-vector products of ``rows``; ``part`` numbers the caller's own sums in ``pairs`` and ``bends``."""
    rates, slopes, alpha, alpha_rate = buffers
    for b in rows:
        out[b, lengths[b] :] = 0
    for first in range(0, rows.size, BLOCK):
        backward_block(
            lengths,
            rows[first : first + BLOCK],
            matrix,
            matrix_rate,
            rates,
            slopes,
            alpha,
            alpha_rate,
            scale,
            scale_rate,
            weight,
            out,
            pairs[part],
            bends[part],
        )
