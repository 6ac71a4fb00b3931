"""Gradient of the log-partition of groups of rows, by scaled probabilities.

Prefixes are computed here again, not stored between the two calls. Where a group's prefixes would take more memory than
allowed, only every √T-th is kept, and the stretches between are walked twice.
"""

import numpy as np

from hybridseq.kernels import simd
from hybridseq.kernels.arcs.numba_cpu.forward import (
    DOUBTFUL,
    EXACT,
    LOST_ROW,
    most,
    new_workspace,
    start_group,
    walk,
)
from hybridseq.kernels.arcs.numba_cpu.lanes import (
    ENDING,
    HIGH_SUFFIX,
    WIDEST,
    exponentiate,
    has_own_moves,
    load_moves,
    retreat,
)
from hybridseq.kernels.arcs.numba_cpu.topology import (
    ARC_OFFSET,
    COLUMN,
    COLUMN_OFFSET,
    COLUMNS,
    DEPARTING,
    LEFT_BY,
    LEFT_TO,
    STATE_OFFSET,
    bounds,
    slots_of,
)
from hybridseq.kernels.chain.numba_cpu.primitives import kernel


@kernel
def slots_for(longest, states, limit):
    """Positions whose prefixes are kept at once: all of them within ``limit`` bytes, else about √T."""
    if longest * states * simd.BYTES <= limit:
        return longest
    return int(np.ceil(np.sqrt(longest)))


@kernel
def checkpoints(longest, slots, width):
    """A buffer for the prefixes at the first position of every stretch; empty where all are kept."""
    return np.empty(((longest - 1) // slots + 1 if slots < longest else 0, width))


@kernel
def mark_ends(rows, lengths, t, overlaps, state):
    """1 / Z in the lanes of rows that end at position t, 0 elsewhere."""
    lanes = simd.lanes(state)
    for r in range(rows.size):
        ends = lengths[rows[r]] == t + 1 and overlaps[r] > 0
        state[ENDING * lanes + r] = 1 / overlaps[r] if ends else 0.0


@kernel
def write_columns(column, columns, first, last, rows, lengths, t, weight, g_emissions):
    """The posteriors by column, weighted, to the gradient by emissions."""
    lanes = simd.lanes(column)
    begin, finish, step = np.uint64(first), np.uint64(last), np.uint64(lanes)
    for r in range(rows.size):
        if t < lengths[rows[r]]:
            b, s, scale, place = np.uint64(rows[r]), np.uint64(t), weight[rows[r]], np.uint64(r)
            for c in range(begin, finish):
                g_emissions[b, s, np.uint64(columns[c])] = column[place] * scale
                place += step


@kernel
def write_arcs(part, pairs, graph, weights, moved, own_moves, rows, lengths, t, weight, own, status, g_moves):
    """The arcs' posteriors, weighted, to the gradient by moves at step t; the rows' that have such a step."""
    lanes = simd.lanes(pairs)
    first, last = bounds(graph, ARC_OFFSET, rows[0])
    move = graph[LEFT_BY]
    for r in range(rows.size):
        b = rows[r]
        if status[b] <= DOUBTFUL and t < lengths[b] - 1:
            row, scale = g_moves[slots_of(part, b, own)[0], t], weight[b]
            for x in range(first, last):
                factor = moved[move[x] * lanes + r] if own_moves else weights[x]
                row[move[x]] += pairs[(x - first) * lanes + r] * factor * scale


@kernel
def judge(rows, status, state):
    """Doubtful rows turn out exact or lost: what a prefix lost matters only beside a huge suffix."""
    lanes = simd.lanes(state)
    for r in range(rows.size):
        if status[rows[r]] == DOUBTFUL:
            status[rows[r]] = EXACT if state[WIDEST * lanes + r] <= HIGH_SUFFIX else LOST_ROW


@kernel
def write_ends(part, graph, rows, weight, own, status, ends, g_initial, g_final):
    """The posteriors of the rows' first and last states, weighted, to the gradients by initial and final."""
    at_first, at_last = ends
    lanes = simd.lanes(at_first)
    first, last = bounds(graph, STATE_OFFSET, rows[0])
    for r in range(rows.size):
        b = rows[r]
        if status[b] == EXACT:
            _, begin, end = slots_of(part, b, own)
            for v in range(last - first):
                g_initial[begin, first + v] += at_first[v * lanes + r] * weight[b]
                g_final[end, first + v] += at_last[v * lanes + r] * weight[b]


@kernel
def last_posterior(alpha, here, final, rows, lengths, t, state, count, at_last):
    """Posterior of the last states of rows that end at position t."""
    lanes = simd.lanes(alpha)
    for r in range(rows.size):
        if lengths[rows[r]] == t + 1:
            scale = state[ENDING * lanes + r]
            for v in range(count):
                at_last[v * lanes + r] = alpha[here + v * lanes + r] * final[v * lanes + r] * scale


@kernel
def backward_group(part, scores, graph, weights, rows, lengths, slots, space, more, weight, own, out, gradient):
    """Log-partition, status and weighted gradient of one group; rows that are not exact give none by moves and ends."""
    alpha, rates, _, initial, final, moved, state = space
    onward, pairs, column, at_last, kept = more
    g_emissions, g_moves, g_initial, g_final = gradient
    lanes = simd.lanes(alpha)
    start_group(scores, graph, weights, rows, lengths, space)
    if not walk(scores, graph, weights, rows, lengths, 0, False, slots, space, kept, out, None):
        return
    moves, leaving, overlaps, status = scores[1], weights[1], out[2], out[1]
    target, move, departing = graph[LEFT_TO], graph[LEFT_BY], graph[DEPARTING]
    columns, of_state = graph[COLUMNS], graph[COLUMN]
    first, last = bounds(graph, STATE_OFFSET, rows[0])
    first_column, last_column = bounds(graph, COLUMN_OFFSET, rows[0])
    count, width, half = last - first, alpha.size // slots, onward.size // 2
    rates_width = rates.size // slots
    by_step, own_moves = g_moves.shape[1] > 1, has_own_moves(moves)
    state[WIDEST * lanes : (WIDEST + 1) * lanes] = 0.0
    onward[:] = 0.0
    pairs[:] = 0.0
    longest = lengths[rows[0]]
    for t in range(longest - 1, -1, -1):
        if t % slots == slots - 1 and t < longest - 1:
            walk(scores, graph, weights, rows, lengths, t // slots * slots, True, slots, space, kept, out, None)
        if t < longest - 1 and moves.shape[1] > 1:
            load_moves(moves, rows, lengths, t + 1, moved)
            exponentiate(moved, 0, moves.shape[2], state)
        mark_ends(rows, lengths, t, overlaps, state)
        here, at, there = t % slots * width, t % slots * rates_width, t % 2 * half
        if lengths[rows[rows.size - 1]] <= t + 1:
            last_posterior(alpha, here, final, rows, lengths, t, state, count, at_last)
        behind = half - there
        retreat(
            alpha,
            here,
            onward,
            behind,
            there,
            target,
            move,
            departing,
            of_state,
            first,
            count,
            leaving,
            moved,
            own_moves,
            pairs,
            final,
            rates,
            at,
            column,
            state,
        )
        write_columns(column, columns, first_column, last_column, rows, lengths, t, weight, g_emissions)
        if by_step and t < longest - 1:
            # Rows that turn out lost are written again.
            write_arcs(part, pairs, graph, leaving, moved, own_moves, rows, lengths, t, weight, own, status, g_moves)
            pairs[:] = 0.0
    judge(rows, status, state)
    if not by_step and longest > 1:
        write_arcs(part, pairs, graph, leaving, moved, own_moves, rows, lengths, 0, weight, own, status, g_moves)
    for x in range(0, count * lanes, lanes):
        simd.store(onward, x, simd.multiply(simd.load(onward, x), simd.load(initial, x)))
    write_ends(part, graph, rows, weight, own, status, (onward, at_last), g_initial, g_final)


@kernel
def backward(part, rows, scores, lengths, graph, weights, group, limit, weight, own, log_partition, status, gradient):
    """Weighted gradient of the log-partition for ``rows``, with log-partition and status as in ``forward``."""
    longest = 1
    for b in rows:
        longest = max(longest, lengths[b])
    lanes = simd.lanes(log_partition)
    states = most(graph[STATE_OFFSET])
    slots = slots_for(longest, states, limit)
    space = new_workspace(scores, graph, longest, slots)
    more = (
        np.empty(2 * states * lanes),
        np.empty(most(graph[ARC_OFFSET]) * lanes),
        np.empty(most(graph[COLUMN_OFFSET]) * lanes),
        np.empty(states * lanes),
        checkpoints(longest, slots, states * lanes),
    )
    out = log_partition, status, np.empty(group)
    for x in range(0, rows.size, group):
        part_rows = rows[x : x + group]
        backward_group(part, scores, graph, weights, part_rows, lengths, slots, space, more, weight, own, out, gradient)
