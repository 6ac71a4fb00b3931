"""Up to ``simd.lanes`` rows in step, one a lane: scores in, scaled probabilities on.

Vectors over states, columns or moves lie in flat float64 arrays, LANES numbers each. Rows of a group share their
graph; where every row has its own, a group is one row. Lanes without a row, and rows past their end, hold zeros.
"""

import numpy as np

from hybridseq.kernels import simd
from hybridseq.kernels.arcs.numba_cpu.topology import STATE_OFFSET, bounds, end, step
from hybridseq.kernels.chain.numba_cpu.primitives import kernel

# With finite factors no smaller than these, and states no smaller than that beside their sum, no product vanishes.
LOW_SCORE = -138.0
LOW_STATE = 1e-140
# A sum over states below this is not trusted.
LOW_SUM = 1e-100
# Suffixes up to this beside what the prefixes lost leave no trace.
HIGH_SUFFIX = 1e180
# The product of sums is turned into a logarithm before it leaves this range.
LOW_PRODUCT, HIGH_PRODUCT = 1e-90, 1e90
# Vectors of a group's state: a position's sum, its smallest state; the sum of what was taken out of scores, the product
# of sums; marks of doubtful and of lost lanes; 1 in lanes before their end; 1 / Z in lanes that end; largest suffix.
TOTAL, LEAST, TAKEN, PRODUCT, DOUBT, LOST, ALIVE, ENDING, WIDEST, SIZE = range(10)


@kernel
def load_columns(emissions, columns, first, last, rows, lengths, t, scores, at):
    """The scores of ``columns[first:last]`` at position t to scores[at :], 0 beyond a row's end.

    Returns whether all are valid.
    """
    lanes = simd.lanes(scores)
    # Unsigned numbers: an index that may be negative costs as much as the copy.
    begin, finish, step = np.uint64(first), np.uint64(last), np.uint64(lanes)
    bad = 0
    for r in range(lanes):
        place = np.uint64(at + r)
        if r < rows.size and t < lengths[rows[r]]:
            b, s = np.uint64(rows[r]), np.uint64(t)
            for c in range(begin, finish):
                value = np.float64(emissions[b, s, np.uint64(columns[c])])
                bad += not value < np.inf
                scores[place] = value
                place += step
        else:
            for _ in range(begin, finish):
                scores[place] = 0.0
                place += step
    return bad == 0


@kernel
def exponentiate(scores, begin, count, state):
    """scores[begin :] ← exp(scores − the lane's largest).

    The largest is added to the lanes' sums of what was taken out; lanes with a low finite score become doubtful.
    """
    lanes = simd.lanes(scores)
    none, zero = simd.splat(scores, -np.inf), simd.splat(scores, 0.0)
    high = none
    finish = begin + count * lanes
    for x in range(begin, finish, lanes):
        high = simd.larger(simd.load(scores, x), high)
    high = simd.where_above(high, none, high, zero)
    low = zero
    for x in range(begin, finish, lanes):
        value = simd.load(scores, x)
        shifted = simd.subtract(value, high)
        low = simd.smaller(simd.where_above(value, none, shifted, zero), low)
        simd.store(scores, x, simd.exp(scores, shifted))
    simd.store(state, TAKEN * lanes, simd.add(simd.load(state, TAKEN * lanes), high))
    doubt = simd.load(state, DOUBT * lanes)
    low_score = simd.splat(scores, LOW_SCORE)
    simd.store(state, DOUBT * lanes, simd.where_above(low_score, low, simd.splat(scores, 1.0), doubt))


@kernel
def load_ends(values, graph, rows, out):
    """Initial or final scores of every state; 0 in lanes without a row."""
    lanes = simd.lanes(out)
    first, last = bounds(graph, STATE_OFFSET, rows[0])
    for v in range(last - first):
        for r in range(lanes):
            out[v * lanes + r] = end(values, rows[r], first + v) if r < rows.size else 0.0


@kernel
def load_moves(moves, rows, lengths, t, out):
    """The scores of all moves that arrive at position t, where rows have their own; 0 beyond a row's end."""
    lanes = simd.lanes(out)
    for r in range(lanes):
        if r < rows.size and t < lengths[rows[r]]:
            row = step(moves, rows[r], t)
            for m in range(row.size):
                out[m * lanes + r] = row[m]
        else:
            for m in range(moves.shape[2]):
                out[m * lanes + r] = 0.0


@kernel
def has_own_moves(moves):
    """Whether moves differ between rows or steps."""
    return moves.shape[0] > 1 or moves.shape[1] > 1


@kernel
def advance(alpha, here, there, source, move, arriving, column, first, count, weights, moved, own, rates, at, state):
    """alpha[there :] = (Σ over arriving arcs of alpha[here :] · weight) · rates[at :], for ``count`` states.

    ``weights`` holds one number an arc, or, with ``own``, ``moved`` one vector a move. ``state`` receives the sum over
    the states and the smallest of them that is not 0.
    """
    lanes = simd.lanes(alpha)
    zero, large = simd.splat(alpha, 0.0), simd.splat(alpha, 1e300)
    total, least = zero, large
    begin = np.uint64(arriving[first])
    for v in range(count):
        finish = np.uint64(arriving[first + v + 1])
        value = zero
        if own:
            for a in range(begin, finish):
                weight = simd.load(moved, move[a] * lanes)
                value = simd.multiply_add(weight, simd.load(alpha, here + source[a] * lanes), value)
        else:
            for a in range(begin, finish):
                weight = simd.splat(alpha, weights[a])
                value = simd.multiply_add(weight, simd.load(alpha, here + source[a] * lanes), value)
        begin = finish
        value = simd.multiply(value, simd.load(rates, at + column[first + v] * lanes))
        simd.store(alpha, there + v * lanes, value)
        total = simd.add(total, value)
        least = simd.smaller(simd.where_above(value, zero, value, large), least)
    simd.store(state, TOTAL * lanes, total)
    simd.store(state, LEAST * lanes, least)


@kernel
def enter(alpha, there, column, first, count, initial, rates, at, state):
    """alpha[there :] = initial · rates[at :], and ``state`` as in ``advance``."""
    lanes = simd.lanes(alpha)
    zero, large = simd.splat(alpha, 0.0), simd.splat(alpha, 1e300)
    total, least = zero, large
    for v in range(count):
        value = simd.multiply(simd.load(initial, v * lanes), simd.load(rates, at + column[first + v] * lanes))
        simd.store(alpha, there + v * lanes, value)
        total = simd.add(total, value)
        least = simd.smaller(simd.where_above(value, zero, value, large), least)
    simd.store(state, TOTAL * lanes, total)
    simd.store(state, LEAST * lanes, least)


@kernel
def overlap(alpha, here, final, count, state):
    """The sum over states of alpha[here :] · final, to ``state``."""
    lanes = simd.lanes(alpha)
    total = simd.splat(alpha, 0.0)
    for x in range(0, count * lanes, lanes):
        total = simd.multiply_add(simd.load(alpha, here + x), simd.load(final, x), total)
    simd.store(state, TOTAL * lanes, total)


@kernel
def retreat(
    alpha,
    here,
    onward,
    behind,
    there,
    target,
    move,
    departing,
    columns,
    first,
    count,
    weights,
    moved,
    own,
    pairs,
    final,
    rates,
    at,
    column,
    state,
):
    """One position back: its suffixes, from onward[behind :], with what they make of the prefixes alpha[here :].

    ``onward`` holds suffix · rate; this position's goes to onward[there :]. ``pairs`` grows by prefix · onward of every
    arc, in the order in which arcs leave; ``column`` receives the posteriors by column. ``state`` holds 1 / Z of the
    rows that end here and receives the largest suffix.
    """
    lanes = simd.lanes(alpha)
    zero = simd.splat(alpha, 0.0)
    widest, ending = simd.load(state, WIDEST * lanes), simd.load(state, ENDING * lanes)
    # In doubtful lanes a prefix of 0 may be a loss: their suffixes are carried on, to be judged.
    floor = simd.subtract(zero, simd.load(state, DOUBT * lanes))
    column[:] = 0.0
    begin = np.uint64(departing[first])
    place = 0
    for u in range(count):
        finish = np.uint64(departing[first + u + 1])
        prefix = simd.load(alpha, here + u * lanes)
        value = simd.multiply(simd.load(final, u * lanes), ending)
        if own:
            for x in range(begin, finish):
                ahead = simd.load(onward, behind + target[x] * lanes)
                value = simd.multiply_add(simd.load(moved, move[x] * lanes), ahead, value)
                simd.store(pairs, place, simd.multiply_add(prefix, ahead, simd.load(pairs, place)))
                place += lanes
        else:
            for x in range(begin, finish):
                ahead = simd.load(onward, behind + target[x] * lanes)
                value = simd.multiply_add(simd.splat(alpha, weights[x]), ahead, value)
                simd.store(pairs, place, simd.multiply_add(prefix, ahead, simd.load(pairs, place)))
                place += lanes
        begin = finish
        widest = simd.larger(value, widest)
        own_column = columns[first + u] * lanes
        simd.store(column, own_column, simd.multiply_add(prefix, value, simd.load(column, own_column)))
        value = simd.multiply(value, simd.load(rates, at + own_column))
        simd.store(onward, there + u * lanes, simd.where_above(prefix, floor, value, zero))
    simd.store(state, WIDEST * lanes, widest)
