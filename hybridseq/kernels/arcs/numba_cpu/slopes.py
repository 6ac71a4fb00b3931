"""Derivatives along a direction of what ``lanes`` computes: α̇ next to α, divided by the same numbers.

``moved`` and ``bent`` hold the weights and directions of moves that are the rows' own, one vector a move; else
``weights`` and ``bends`` hold them by arc.
"""

import numpy as np

from hybridseq.kernels import simd
from hybridseq.kernels.arcs.numba_cpu.lanes import DOUBT, ENDING, WIDEST
from hybridseq.kernels.chain.numba_cpu.primitives import kernel


@kernel
def enter(alpha, slope, there, column, first, count, d_initial, d_columns):
    """slope[there :] at the first position."""
    lanes = simd.lanes(alpha)
    for v in range(count):
        bend = simd.add(simd.load(d_initial, v * lanes), simd.load(d_columns, column[first + v] * lanes))
        simd.store(slope, there + v * lanes, simd.multiply(simd.load(alpha, there + v * lanes), bend))


@kernel
def advance(
    alpha,
    slope,
    here,
    there,
    source,
    move,
    arriving,
    column,
    first,
    count,
    weights,
    bends,
    moved,
    bent,
    own,
    rates,
    at,
    d_columns,
):
    """slope[there :] from slope[here :], once alpha[there :] is known."""
    lanes = simd.lanes(alpha)
    begin = np.uint64(arriving[first])
    for v in range(count):
        finish = np.uint64(arriving[first + v + 1])
        value = simd.splat(alpha, 0.0)
        for a in range(begin, finish):
            place = here + source[a] * lanes
            if own:
                weight, bend = simd.load(moved, move[a] * lanes), simd.load(bent, move[a] * lanes)
            else:
                weight, bend = simd.splat(alpha, weights[a]), simd.splat(alpha, bends[a])
            inner = simd.multiply_add(bend, simd.load(alpha, place), simd.load(slope, place))
            value = simd.multiply_add(weight, inner, value)
        begin = finish
        place = column[first + v] * lanes
        value = simd.multiply(value, simd.load(rates, at + place))
        value = simd.multiply_add(simd.load(alpha, there + v * lanes), simd.load(d_columns, place), value)
        simd.store(slope, there + v * lanes, value)


@kernel
def finish(alpha, slope, here, final, d_final, count, r, overlap):
    """Derivative of the log-partition of a row that ends here, in lane r."""
    lanes = simd.lanes(alpha)
    total = 0.0
    for x in range(here + r, here + r + count * lanes, lanes):
        total += final[x - here] * (slope[x] + alpha[x] * d_final[x - here])
    return total / overlap if overlap > 0 else 0.0


@kernel
def retreat(
    alpha,
    slope,
    here,
    onward,
    d_onward,
    behind,
    there,
    target,
    move,
    departing,
    columns,
    first,
    count,
    weights,
    bends,
    moved,
    bent,
    own,
    pairs,
    d_pairs,
    final,
    d_final,
    rates,
    at,
    d_columns,
    expected,
    column,
    state,
):
    """The derivative of ``lanes.retreat``, and what it computes itself.

    ``column`` receives the derivatives of the posteriors, ``d_pairs`` grows by those of prefix · onward.
    """
    lanes = simd.lanes(alpha)
    zero = simd.splat(alpha, 0.0)
    widest, ending = simd.load(state, WIDEST * lanes), simd.load(state, ENDING * lanes)
    floor = simd.subtract(zero, simd.load(state, DOUBT * lanes))
    mean = simd.load(expected, 0)
    column[:] = 0.0
    begin = np.uint64(departing[first])
    pair = 0
    for u in range(count):
        finish = np.uint64(departing[first + u + 1])
        prefix, d_prefix = simd.load(alpha, here + u * lanes), simd.load(slope, here + u * lanes)
        value = simd.multiply(simd.load(final, u * lanes), ending)
        d_value = simd.multiply(value, simd.load(d_final, u * lanes))
        for x in range(begin, finish):
            ahead = simd.load(onward, behind + target[x] * lanes)
            d_ahead = simd.load(d_onward, behind + target[x] * lanes)
            if own:
                weight, bend = simd.load(moved, move[x] * lanes), simd.load(bent, move[x] * lanes)
            else:
                weight, bend = simd.splat(alpha, weights[x]), simd.splat(alpha, bends[x])
            value = simd.multiply_add(weight, ahead, value)
            d_value = simd.multiply_add(weight, simd.multiply_add(bend, ahead, d_ahead), d_value)
            simd.store(pairs, pair, simd.multiply_add(prefix, ahead, simd.load(pairs, pair)))
            both = simd.multiply_add(prefix, d_ahead, simd.multiply(d_prefix, ahead))
            simd.store(d_pairs, pair, simd.add(both, simd.load(d_pairs, pair)))
            pair += lanes
        begin = finish
        widest = simd.larger(value, widest)
        place = columns[first + u] * lanes
        change = simd.multiply(prefix, simd.subtract(d_value, simd.multiply(mean, value)))
        change = simd.multiply_add(d_prefix, value, change)
        simd.store(column, place, simd.add(change, simd.load(column, place)))
        rate = simd.load(rates, at + place)
        d_value = simd.multiply(rate, simd.multiply_add(simd.load(d_columns, place), value, d_value))
        simd.store(onward, there + u * lanes, simd.where_above(prefix, floor, simd.multiply(value, rate), zero))
        simd.store(d_onward, there + u * lanes, simd.where_above(prefix, floor, d_value, zero))
    simd.store(state, WIDEST * lanes, widest)
