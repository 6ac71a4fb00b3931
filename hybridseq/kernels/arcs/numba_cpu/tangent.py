"""Hessian-vector products and expected scores of groups of rows, by scaled probabilities and their derivatives."""

import numpy as np

from hybridseq.kernels import simd
from hybridseq.kernels.arcs.numba_cpu import slopes
from hybridseq.kernels.arcs.numba_cpu.backward import (
    checkpoints,
    judge,
    mark_ends,
    slots_for,
    write_columns,
    write_ends,
)
from hybridseq.kernels.arcs.numba_cpu.forward import DOUBTFUL, most, new_workspace, start_group, walk
from hybridseq.kernels.arcs.numba_cpu.lanes import (
    ENDING,
    WIDEST,
    exponentiate,
    has_own_moves,
    load_columns,
    load_ends,
    load_moves,
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
def start_direction(direction, graph, rows, lengths, extra):
    """Fill the group's directions of ends, and of moves that are the rows' own."""
    _, _, d_initial, d_final, bent, _, _ = extra
    load_ends(direction[2], graph, rows, d_initial)
    load_ends(direction[3], graph, rows, d_final)
    if direction[1].shape[0] > 1 and direction[1].shape[1] == 1:
        load_moves(direction[1], rows, lengths, 1, bent)


@kernel
def new_extra(scores, graph, slots, kept):
    """Slopes (``slots`` positions), directions by column, of ends and moves, kept slopes, expected scores."""
    lanes = simd.lanes(np.empty(0))
    states = most(graph[STATE_OFFSET])
    return (
        np.empty(slots * states * lanes),
        np.empty(most(graph[COLUMN_OFFSET]) * lanes),
        np.empty(states * lanes),
        np.empty(states * lanes),
        np.zeros(scores[1].shape[2] * lanes if has_own_moves(scores[1]) else 0),
        np.empty_like(kept),
        np.zeros(lanes),
    )


@kernel
def forward(part, rows, scores, direction, lengths, graph, weights, bends, group, expected):
    """Expected score of the direction for ``rows`` whose scaled probabilities are exact."""
    longest = 1
    for b in rows:
        longest = max(longest, lengths[b])
    space, kept = new_workspace(scores, graph, longest, 2), np.empty((0, 0))
    extra = new_extra(scores, graph, 2, kept)
    out = np.empty(lengths.size), np.empty(lengths.size, np.int8), np.empty(group)
    for x in range(0, rows.size, group):
        here = rows[x : x + group]
        start_group(scores, graph, weights, here, lengths, space)
        start_direction(direction, graph, here, lengths, extra)
        walk(scores, graph, weights, here, lengths, 0, False, 2, space, kept, out, (direction, bends, extra))
        for r in range(here.size):
            expected[here[r]] = extra[6][r]


@kernel
def write_arcs(part, sums, graph, arcs, own_moves, rows, lengths, t, weight, own, status, out):
    """As ``backward.write_arcs``: derivatives of the arcs' posteriors, w (ȧ g + a ġ + a g (v − E))."""
    pairs, d_pairs, expected = sums
    weights, bends, moved, bent = arcs
    lanes = simd.lanes(pairs)
    first, last = bounds(graph, ARC_OFFSET, rows[0])
    move = graph[LEFT_BY]
    for r in range(rows.size):
        b = rows[r]
        if status[b] <= DOUBTFUL and t < lengths[b] - 1:
            row, scale = out[slots_of(part, b, own)[0], t], weight[b]
            for x in range(first, last):
                place, m = (x - first) * lanes + r, move[x] * lanes + r
                factor, bend = (moved[m], bent[m]) if own_moves else (weights[x], bends[x])
                row[move[x]] += factor * (d_pairs[place] + pairs[place] * (bend - expected[r])) * scale


@kernel
def last_change(alpha, slope, here, final, d_final, expected, rows, lengths, t, state, count, at_last):
    """Derivative of the posterior of the last states of rows that end at position t."""
    lanes = simd.lanes(alpha)
    for r in range(rows.size):
        if lengths[rows[r]] == t + 1:
            scale = state[ENDING * lanes + r]
            for x in range(r, r + count * lanes, lanes):
                change = slope[here + x] + alpha[here + x] * (d_final[x] - expected[r])
                at_last[x] = change * final[x] * scale


@kernel
def backward_group(
    part, scores, direction, graph, weights, bends, rows, lengths, slots, space, extra, more, weight, own, out, gradient
):
    """Status and weighted Hessian-vector product of one group."""
    alpha, rates, _, initial, final, moved, state = space
    slope, d_columns, d_initial, d_final, bent, _, expected = extra
    onward, d_onward, pairs, d_pairs, column, at_last, kept = more
    g_emissions, g_moves, g_initial, g_final = gradient
    lanes = simd.lanes(alpha)
    start_group(scores, graph, weights, rows, lengths, space)
    start_direction(direction, graph, rows, lengths, extra)
    tangent = direction, bends, extra
    if not walk(scores, graph, weights, rows, lengths, 0, False, slots, space, kept, out, tangent):
        return
    moves, leaving, bend, overlaps, status = scores[1], weights[1], bends[1], out[2], out[1]
    d_emissions, d_moves = direction[0], direction[1]
    target, move, departing = graph[LEFT_TO], graph[LEFT_BY], graph[DEPARTING]
    columns, of_state = graph[COLUMNS], graph[COLUMN]
    first, last = bounds(graph, STATE_OFFSET, rows[0])
    first_column, last_column = bounds(graph, COLUMN_OFFSET, rows[0])
    count, width, half = last - first, alpha.size // slots, onward.size // 2
    rates_width = rates.size // slots
    by_step, own_moves = g_moves.shape[1] > 1, has_own_moves(moves)
    state[WIDEST * lanes : (WIDEST + 1) * lanes] = 0.0
    for x in (onward, d_onward, pairs, d_pairs):
        x[:] = 0.0
    sums, arcs = (pairs, d_pairs, expected), (leaving, bend, moved, bent)
    longest = lengths[rows[0]]
    for t in range(longest - 1, -1, -1):
        if t % slots == slots - 1 and t < longest - 1:
            walk(scores, graph, weights, rows, lengths, t // slots * slots, True, slots, space, kept, out, tangent)
        if t < longest - 1 and moves.shape[1] > 1:
            load_moves(moves, rows, lengths, t + 1, moved)
            exponentiate(moved, 0, moves.shape[2], state)
            load_moves(d_moves, rows, lengths, t + 1, bent)
        load_columns(d_emissions, columns, first_column, last_column, rows, lengths, t, d_columns, 0)
        mark_ends(rows, lengths, t, overlaps, state)
        here, at, there = t % slots * width, t % slots * rates_width, t % 2 * half
        behind = half - there
        if lengths[rows[rows.size - 1]] <= t + 1:
            last_change(alpha, slope, here, final, d_final, expected, rows, lengths, t, state, count, at_last)
        slopes.retreat(
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
            of_state,
            first,
            count,
            leaving,
            bend,
            moved,
            bent,
            own_moves,
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
        )
        write_columns(column, columns, first_column, last_column, rows, lengths, t, weight, g_emissions)
        if by_step and t < longest - 1:
            write_arcs(part, sums, graph, arcs, own_moves, rows, lengths, t, weight, own, status, g_moves)
            pairs[:] = 0.0
            d_pairs[:] = 0.0
    judge(rows, status, state)
    if not by_step and longest > 1:
        write_arcs(part, sums, graph, arcs, own_moves, rows, lengths, 0, weight, own, status, g_moves)
    for v in range(count):
        for r in range(lanes):
            x = v * lanes + r
            onward[x] = initial[x] * (d_onward[x] + (d_initial[x] - expected[r]) * onward[x])
    write_ends(part, graph, rows, weight, own, status, (onward, at_last), g_initial, g_final)


@kernel
def backward(
    part, rows, scores, direction, lengths, graph, weights, bends, group, limit, weight, own, status, gradient
):
    """Weighted derivative of the marginals along a direction for ``rows``, with their status."""
    longest = 1
    for b in rows:
        longest = max(longest, lengths[b])
    states = most(graph[STATE_OFFSET])
    slots = slots_for(longest, 2 * states, limit)
    space = new_workspace(scores, graph, longest, slots)
    lanes = simd.lanes(space[0])
    kept = checkpoints(longest, slots, states * lanes)
    extra = new_extra(scores, graph, slots, kept)
    arcs = most(graph[ARC_OFFSET]) * lanes
    more = (
        np.empty(2 * states * lanes),
        np.empty(2 * states * lanes),
        np.empty(arcs),
        np.empty(arcs),
        np.empty(most(graph[COLUMN_OFFSET]) * lanes),
        np.empty(states * lanes),
        kept,
    )
    out = np.empty(lengths.size), status, np.empty(group)
    for x in range(0, rows.size, group):
        here = rows[x : x + group]
        backward_group(
            part,
            scores,
            direction,
            graph,
            weights,
            bends,
            here,
            lengths,
            slots,
            space,
            extra,
            more,
            weight,
            own,
            out,
            gradient,
        )
