"""Log-partition of groups of rows by scaled probabilities, and the walk over prefixes that other kernels share."""

import numpy as np

from hybridseq.kernels import simd
from hybridseq.kernels.arcs.numba_cpu.lanes import (
    ALIVE,
    DOUBT,
    ENDING,
    HIGH_PRODUCT,
    LEAST,
    LOST,
    LOW_PRODUCT,
    LOW_STATE,
    LOW_SUM,
    PRODUCT,
    SIZE,
    TAKEN,
    TOTAL,
    advance,
    enter,
    exponentiate,
    has_own_moves,
    load_columns,
    load_ends,
    load_moves,
    overlap,
)
from hybridseq.kernels.arcs.numba_cpu.topology import COLUMN_OFFSET, STATE_OFFSET, bounds
from hybridseq.kernels.chain.numba_cpu.primitives import kernel

# What a row's scaled probabilities turned out to be: exact, doubtful until suffixes tell, of no use, or of NaN.
EXACT, DOUBTFUL, LOST_ROW, INVALID = range(4)


@kernel
def workspace(steps, slots, states, columns, moves):
    """Buffers of a group: prefixes and rates (``slots`` positions), divisors, ends, moves, state."""
    lanes = simd.lanes(np.empty(0))
    return (
        np.empty(slots * states * lanes),
        np.empty(slots * columns * lanes),
        np.empty(steps * lanes),
        np.empty(states * lanes),
        np.empty(states * lanes),
        np.empty(moves * lanes),
        np.empty(SIZE * lanes),
    )


@kernel
def most(offsets):
    """The size of the largest part."""
    size = 0
    for g in range(offsets.size - 1):
        size = max(size, offsets[g + 1] - offsets[g])
    return size


@kernel
def new_workspace(scores, graph, longest, slots):
    """``workspace`` for any group of the batch."""
    own = has_own_moves(scores[1])
    moves = scores[1].shape[2] if own else 0
    return workspace(longest, slots, most(graph[STATE_OFFSET]), most(graph[COLUMN_OFFSET]), moves)


@kernel
def start_group(scores, graph, weights, rows, lengths, space):
    """Fill the group's ends, the moves that are the rows' own, and its state.

    ``weights`` are exp(moves − largest) of shared moves in the order in which arcs arrive, the same as they leave, and
    the largest, with a mark if a finite one came low.
    """
    _, _, _, initial, final, moved, state = space
    lanes = simd.lanes(state)
    first, last = bounds(graph, STATE_OFFSET, rows[0])
    state[:] = 0.0
    for r in range(lanes):
        state[PRODUCT * lanes + r] = 1.0
        if r < rows.size:
            state[ALIVE * lanes + r] = 1.0
            state[TAKEN * lanes + r] = weights[2][0] * (lengths[rows[r]] - 1)
            state[DOUBT * lanes + r] = weights[2][1]
    load_ends(scores[2], graph, rows, initial)
    exponentiate(initial, 0, last - first, state)
    load_ends(scores[3], graph, rows, final)
    exponentiate(final, 0, last - first, state)
    if scores[1].shape[0] > 1 and scores[1].shape[1] == 1:
        load_moves(scores[1], rows, lengths, 1, moved)
        taken = simd.load(state, TAKEN * lanes)
        exponentiate(moved, 0, scores[1].shape[2], state)
        # Once a step, not once a row.
        top = simd.subtract(simd.load(state, TAKEN * lanes), taken)
        simd.store(state, ENDING * lanes, top)
        for r in range(rows.size):
            state[TAKEN * lanes + r] += state[ENDING * lanes + r] * (lengths[rows[r]] - 2)


@kernel
def load_rates(scores, graph, rows, lengths, t, slots, space):
    """exp of position t's emissions by column, divided by the sum of the prefixes before; −1 where one is invalid."""
    _, rates, inverse, _, _, _, state = space
    lanes = simd.lanes(rates)
    at = t % slots * (rates.size // slots)
    columns = load_columns(scores[0], graph, rows, lengths, t, rates, at)
    if columns < 0:
        return -1
    exponentiate(rates, at, columns, state)
    if t > 0:
        divisor = simd.load(inverse, (t - 1) * lanes)
        for x in range(at, at + columns * lanes, lanes):
            simd.store(rates, x, simd.multiply(simd.load(rates, x), divisor))
    return at


@kernel
def move_to(scores, graph, weights, rows, lengths, t, slots, space):
    """Prefixes of position t, from those of t − 1; returns whether its scores are valid."""
    alpha, rates, _, initial, _, moved, state = space
    first, last = bounds(graph, STATE_OFFSET, rows[0])
    width = alpha.size // slots
    at, there = load_rates(scores, graph, rows, lengths, t, slots, space), t % slots * width
    if at < 0:
        return False
    if t == 0:
        enter(alpha, there, graph, first, last - first, initial, rates, at, state)
        return True
    if scores[1].shape[1] > 1:
        load_moves(scores[1], rows, lengths, t, moved)
        exponentiate(moved, 0, scores[1].shape[2], state)
    here, own = (t - 1) % slots * width, has_own_moves(scores[1])
    advance(alpha, here, there, graph, first, last - first, weights[0], moved, own, rates, at, state)
    return True


@kernel
def spill(state):
    """Turn the products of sums into logarithms."""
    lanes = simd.lanes(state)
    for r in range(lanes):
        state[TAKEN * lanes + r] += np.log(state[PRODUCT * lanes + r])
        state[PRODUCT * lanes + r] = 1.0


@kernel
def account(rows, lengths, t, slots, count, space, out):
    """Take position t's sum into the lanes' totals, judge whether anything was lost, and finish rows that end here."""
    alpha, _, inverse, _, final, _, state = space
    lanes = simd.lanes(state)
    zero, one = simd.splat(state, 0.0), simd.splat(state, 1.0)
    total, least = simd.load(state, TOTAL * lanes), simd.load(state, LEAST * lanes)
    alive = simd.load(state, ALIVE * lanes)
    simd.store(inverse, t * lanes, simd.where_above(total, zero, simd.divide(one, total), zero))
    mark = simd.where_above(simd.multiply(total, simd.splat(state, LOW_STATE)), least, alive, zero)
    simd.store(state, DOUBT * lanes, simd.larger(simd.load(state, DOUBT * lanes), mark))
    mark = simd.where_above(simd.splat(state, LOW_SUM), total, simd.where_above(total, zero, alive, zero), zero)
    simd.store(state, LOST * lanes, simd.larger(simd.load(state, LOST * lanes), mark))
    if t >= lengths[rows[rows.size - 1]] - 1:
        overlap(alpha, t % slots * (alpha.size // slots), final, count, state)
        for r in range(rows.size):
            if lengths[rows[r]] == t + 1:
                _finish(rows[r], r, state, out)
    product = simd.load(state, PRODUCT * lanes)
    product = simd.where_above(simd.load(state, ALIVE * lanes), zero, simd.multiply(product, total), product)
    product = simd.where_above(product, zero, product, one)
    simd.store(state, PRODUCT * lanes, product)
    if simd.largest(product) > HIGH_PRODUCT or simd.smallest(product) < LOW_PRODUCT:
        spill(state)


@kernel
def _finish(b, r, state, out):
    """The log-partition of a row that ends, and what its probabilities are worth."""
    lanes = simd.lanes(state)
    log_partition, status, overlaps = out
    total = state[TOTAL * lanes + r]
    product = state[PRODUCT * lanes + r]
    overlaps[r] = total
    log_partition[b] = state[TAKEN * lanes + r] + np.log(product * total) if total > 0 else -np.inf
    if state[LOST * lanes + r] > 0 or 0 < total < LOW_SUM:
        status[b] = LOST_ROW
    elif state[DOUBT * lanes + r] > 0:
        status[b] = DOUBTFUL if total > 0 else LOST_ROW
    else:
        status[b] = EXACT
    state[ALIVE * lanes + r] = 0.0


@kernel
def forward_group(scores, graph, weights, rows, lengths, slots, space, out):
    """Log-partition and status of one group, longest row first; returns whether its scores are valid."""
    first, last = bounds(graph, STATE_OFFSET, rows[0])
    start_group(scores, graph, weights, rows, lengths, space)
    for t in range(lengths[rows[0]]):
        if not move_to(scores, graph, weights, rows, lengths, t, slots, space):
            for b in rows:
                out[1][b] = INVALID
            return False
        account(rows, lengths, t, slots, last - first, space, out)
    return True


@kernel
def forward(part, rows, scores, lengths, graph, weights, group, log_partition, status):
    """Log-partition and status of ``rows``, in groups of ``group`` or fewer."""
    longest = 1
    for b in rows:
        longest = max(longest, lengths[b])
    space = new_workspace(scores, graph, longest, 2)
    out = log_partition, status, np.empty(group)
    for x in range(0, rows.size, group):
        forward_group(scores, graph, weights, rows[x : x + group], lengths, 2, space, out)
