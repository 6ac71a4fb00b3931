"""Log-partition of groups of rows by scaled probabilities, and the walk over prefixes that other kernels share."""

import numpy as np

from hybridseq.kernels import simd
from hybridseq.kernels.arcs.numba_cpu import slopes
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
from hybridseq.kernels.arcs.numba_cpu.topology import (
    ARRIVING,
    COLUMN,
    COLUMN_OFFSET,
    COLUMNS,
    MOVE,
    SOURCE,
    STATE_OFFSET,
    bounds,
)
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
        # A group of rows of one position has no moves to load.
        np.zeros(moves * lanes),
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
def spill(state):
    """Turn the products of sums into logarithms."""
    lanes = simd.lanes(state)
    for r in range(lanes):
        state[TAKEN * lanes + r] += np.log(state[PRODUCT * lanes + r])
        state[PRODUCT * lanes + r] = 1.0


@kernel
def finish(b, r, state, log_partition, status, overlaps):
    """The log-partition of a row that ends, and what its probabilities are worth."""
    lanes = simd.lanes(state)
    total = state[TOTAL * lanes + r]
    overlaps[r] = total
    log_partition[b] = -np.inf
    if total > 0:
        log_partition[b] = state[TAKEN * lanes + r] + np.log(state[PRODUCT * lanes + r] * total)
    if state[LOST * lanes + r] > 0 or 0 < total < LOW_SUM:
        status[b] = LOST_ROW
    elif state[DOUBT * lanes + r] > 0:
        status[b] = DOUBTFUL if total > 0 else LOST_ROW
    else:
        status[b] = EXACT
    state[ALIVE * lanes + r] = 0.0


@kernel
def account(alpha, here, inverse, final, count, state, rows, lengths, t, log_partition, status, overlaps):
    """Take position t's sum into the lanes' totals, judge whether anything was lost, and finish rows that end here."""
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
        overlap(alpha, here, final, count, state)
        for r in range(rows.size):
            if lengths[rows[r]] == t + 1:
                finish(rows[r], r, state, log_partition, status, overlaps)
    product = simd.load(state, PRODUCT * lanes)
    product = simd.where_above(simd.load(state, ALIVE * lanes), zero, simd.multiply(product, total), product)
    product = simd.where_above(product, zero, product, one)
    simd.store(state, PRODUCT * lanes, product)
    if simd.largest(product) > HIGH_PRODUCT or simd.smallest(product) < LOW_PRODUCT:
        spill(state)


@kernel
def walk(scores, graph, weights, rows, lengths, begin, again, slots, space, kept, out, tangent):
    """Prefixes from position ``begin`` on, with log-partition and status; returns whether the scores are valid.

    Positions lie in ``slots`` places by turns. The first prefixes of every stretch of as many go to ``kept`` where it
    has room. ``again``: the stretch that starts at ``begin`` is walked again, from what was kept. With a ``tangent``
    (or None) the prefixes' derivatives go along.
    """
    # Taking an array out of a tuple costs as much as tens of arcs: once here, not at every position.
    emissions, moves, _, _ = scores
    alpha, rates, inverse, initial, final, moved, state = space
    log_partition, status, overlaps = out
    columns, column = graph[COLUMNS], graph[COLUMN]
    source, move, arriving = graph[SOURCE], graph[MOVE], graph[ARRIVING]
    weight = weights[0]
    first, last = bounds(graph, STATE_OFFSET, rows[0])
    first_column, last_column = bounds(graph, COLUMN_OFFSET, rows[0])
    lanes = simd.lanes(alpha)
    count, used = last - first, last_column - first_column
    width, rates_width, kept_width = alpha.size // slots, rates.size // slots, kept.shape[1]
    own, by_step = has_own_moves(moves), moves.shape[1] > 1
    finish = lengths[rows[0]]
    if again:
        finish = min(finish, begin + slots)
        alpha[:kept_width] = kept[begin // slots]
    if tangent is not None:
        (d_emissions, d_moves, _, _), (bend, _), extra = tangent
        slope, d_columns, d_initial, d_final, bent, kept_slope, expected = extra
        if again:
            slope[:kept_width] = kept_slope[begin // slots]
    for t in range(begin, finish):
        here, there, at = (t - 1) % slots * width, t % slots * width, t % slots * rates_width
        if not load_columns(emissions, columns, first_column, last_column, rows, lengths, t, rates, at):
            for b in rows:
                status[b] = INVALID
            return False
        exponentiate(rates, at, used, state)
        if t == 0:
            enter(alpha, there, column, first, count, initial, rates, at, state)
        else:
            divisor = simd.load(inverse, (t - 1) * lanes)
            for x in range(at, at + used * lanes, lanes):
                simd.store(rates, x, simd.multiply(simd.load(rates, x), divisor))
            if again and t == begin:
                continue
            if by_step:
                load_moves(moves, rows, lengths, t, moved)
                exponentiate(moved, 0, moves.shape[2], state)
            advance(
                alpha, here, there, source, move, arriving, column, first, count, weight, moved, own, rates, at, state
            )
        if tangent is not None:
            load_columns(d_emissions, columns, first_column, last_column, rows, lengths, t, d_columns, 0)
            if t == 0:
                slopes.enter(alpha, slope, there, column, first, count, d_initial, d_columns)
            else:
                if by_step:
                    load_moves(d_moves, rows, lengths, t, bent)
                slopes.advance(
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
                    weight,
                    bend,
                    moved,
                    bent,
                    own,
                    rates,
                    at,
                    d_columns,
                )
        if not again:
            account(alpha, there, inverse, final, count, state, rows, lengths, t, log_partition, status, overlaps)
            if kept.shape[0] > 0 and t % slots == 0:
                kept[t // slots] = alpha[:kept_width]
            if tangent is not None:
                if kept.shape[0] > 0 and t % slots == 0:
                    kept_slope[t // slots] = slope[:kept_width]
                for r in range(rows.size):
                    if lengths[rows[r]] == t + 1:
                        expected[r] = slopes.finish(alpha, slope, there, final, d_final, count, r, overlaps[r])
    return True


@kernel
def forward(part, rows, scores, lengths, graph, weights, group, log_partition, status):
    """Log-partition and status of ``rows``, in groups of ``group`` or fewer."""
    longest = 1
    for b in rows:
        longest = max(longest, lengths[b])
    space = new_workspace(scores, graph, longest, 2)
    out, kept = (log_partition, status, np.empty(group)), np.empty((0, 0))
    for x in range(0, rows.size, group):
        start_group(scores, graph, weights, rows[x : x + group], lengths, space)
        walk(scores, graph, weights, rows[x : x + group], lengths, 0, False, 2, space, kept, out, None)
