"""Best paths: one for groups of rows in lanes, in the scores' own type, k of them row by row, in float64.

No back-pointers are stored: the traceback finds each source again from the best prefix scores, of which only every
√T-th position's are kept where all would take more memory than allowed.
"""

import numpy as np

from hybridseq.kernels import simd
from hybridseq.kernels.arcs.numba_cpu.backward import checkpoints, slots_for
from hybridseq.kernels.arcs.numba_cpu.forward import most
from hybridseq.kernels.arcs.numba_cpu.lanes import has_own_moves, load_columns, load_ends, load_moves
from hybridseq.kernels.arcs.numba_cpu.topology import (
    ARRIVING,
    COLUMN,
    COLUMN_OFFSET,
    COLUMNS,
    LABELS,
    MOVE,
    SOURCE,
    STATE_OFFSET,
    bounds,
    end,
    step,
)
from hybridseq.kernels.chain.numba_cpu.primitives import kernel

NO_STATE = -100
# Every so many positions a row's largest prefix score is taken out, so that float32 keeps its digits.
RENEW = 16


@kernel
def advance(best, here, there, source, move, arriving, column, first, count, by_arc, moved, own, scores):
    """best[there :] = the largest over arriving arcs of best[here :] + move, + score, for ``count`` states."""
    lanes = simd.lanes(best)
    none = simd.splat(best, simd.number(best, -np.inf))
    begin = np.uint64(arriving[first])
    for v in range(count):
        finish = np.uint64(arriving[first + v + 1])
        value = none
        if own:
            for a in range(begin, finish):
                score = simd.load(moved, move[a] * lanes)
                value = simd.larger(simd.add(score, simd.load(best, here + source[a] * lanes)), value)
        else:
            for a in range(begin, finish):
                score = simd.splat(best, by_arc[a])
                value = simd.larger(simd.add(score, simd.load(best, here + source[a] * lanes)), value)
        begin = finish
        simd.store(best, there + v * lanes, simd.add(value, simd.load(scores, column[first + v] * lanes)))


@kernel
def renew(best, there, count):
    """Take each lane's largest number out of best[there :]."""
    lanes = simd.lanes(best)
    none, zero = simd.splat(best, simd.number(best, -np.inf)), simd.splat(best, simd.number(best, 0))
    high = none
    for x in range(there, there + count * lanes, lanes):
        high = simd.larger(simd.load(best, x), high)
    high = simd.where_above(high, none, high, zero)
    for x in range(there, there + count * lanes, lanes):
        simd.store(best, x, simd.subtract(simd.load(best, x), high))


@kernel
def walk(scores, graph, by_arc, rows, lengths, begin, again, slots, space, kept):
    """Best prefix scores from position ``begin`` on, as ``forward.walk``; returns whether the scores are valid."""
    emissions, moves, _, _ = scores
    best, loaded, initial, _, moved = space
    columns, column = graph[COLUMNS], graph[COLUMN]
    source, move, arriving = graph[SOURCE], graph[MOVE], graph[ARRIVING]
    first, last = bounds(graph, STATE_OFFSET, rows[0])
    first_column, last_column = bounds(graph, COLUMN_OFFSET, rows[0])
    lanes = simd.lanes(best)
    count, width, kept_width = last - first, best.size // slots, kept.shape[1]
    own, by_step = has_own_moves(moves), moves.shape[1] > 1
    finish = lengths[rows[0]]
    if again:
        finish = min(finish, begin + slots)
        best[:kept_width] = kept[begin // slots]
    for t in range(begin + 1 if again else 0, finish):
        here, there = (t - 1) % slots * width, t % slots * width
        if not load_columns(emissions, columns, first_column, last_column, rows, lengths, t, loaded, 0):
            return False
        if t == 0:
            for v in range(count):
                score = simd.load(loaded, column[first + v] * lanes)
                simd.store(best, there + v * lanes, simd.add(simd.load(initial, v * lanes), score))
        else:
            if by_step:
                load_moves(moves, rows, lengths, t, moved)
            advance(best, here, there, source, move, arriving, column, first, count, by_arc, moved, own, loaded)
        if t % RENEW == RENEW - 1:
            renew(best, there, count)
        if not again and kept.shape[0] > 0 and t % slots == 0:
            kept[t // slots] = best[:kept_width]
    return True


@kernel
def best_last(best, here, final, count, r):
    """The first state with the largest best + final in lane r; −100 where none is possible."""
    lanes = simd.lanes(best)
    top, state = -np.inf, NO_STATE
    for v in range(count):
        value = best[here + v * lanes + r] + final[v * lanes + r]
        if value > top:
            top, state = value, v
    return state


@kernel
def best_source(best, here, source, begin, finish, by_arc, r):
    """The source of the first arc, of those from ``begin`` to ``finish``, with the largest best + score in lane r."""
    lanes = simd.lanes(best)
    top, state = -np.inf, NO_STATE
    for a in range(np.uint64(begin), np.uint64(finish)):
        value = best[np.uint64(here + source[a] * lanes + r)] + by_arc[a]
        if value > top:
            top, state = value, source[a]
    return state


@kernel
def best_source_at(best, here, source, move, begin, finish, moves, b, t, r):
    """The same where rows have moves of their own, those that arrive at position t."""
    lanes = simd.lanes(best)
    top, state = -np.inf, NO_STATE
    scores = step(moves, b, t)
    for a in range(begin, finish):
        value = best[here + source[a] * lanes + r] + scores[move[a]]
        if value > top:
            top, state = value, source[a]
    return state


@kernel
def decode_group(scores, graph, by_arc, rows, lengths, slots, space, kept, states):
    """Best paths of one group, longest row first; returns whether its scores are valid."""
    best, _, initial, final, moved = space
    moves = scores[1]
    load_ends(scores[2], graph, rows, initial)
    load_ends(scores[3], graph, rows, final)
    if moves.shape[0] > 1 and moves.shape[1] == 1:
        load_moves(moves, rows, lengths, 1, moved)
    if not walk(scores, graph, by_arc, rows, lengths, 0, False, slots, space, kept):
        return False
    source, move, arriving = graph[SOURCE], graph[MOVE], graph[ARRIVING]
    first, last = bounds(graph, STATE_OFFSET, rows[0])
    width, longest, own = best.size // slots, lengths[rows[0]], has_own_moves(moves)
    chosen = np.full(rows.size, NO_STATE)
    for t in range(longest - 1, -1, -1):
        if t % slots == slots - 1 and t < longest - 1:
            walk(scores, graph, by_arc, rows, lengths, t // slots * slots, True, slots, space, kept)
        here = t % slots * width
        for r in range(rows.size):
            b = rows[r]
            if t == lengths[b] - 1:
                chosen[r] = best_last(best, here, final, last - first, r)
            elif t < lengths[b] and chosen[r] >= 0:
                v = first + chosen[r]
                begin, finish = arriving[v], arriving[v + 1]
                if finish - begin == 1:
                    chosen[r] = source[begin]
                elif own:
                    chosen[r] = best_source_at(best, here, source, move, begin, finish, moves, b, t + 1, r)
                else:
                    chosen[r] = best_source(best, here, source, begin, finish, by_arc, r)
            states[b, t] = chosen[r]
    return True


@kernel
def decode(part, rows, scores, lengths, graph, by_arc, group, limit, states, invalid):
    """Best paths of ``rows``; marks those with invalid scores in ``invalid``."""
    longest = 1
    for b in rows:
        longest = max(longest, lengths[b])
    lanes, kind = simd.lanes(by_arc), by_arc.dtype
    count = most(graph[STATE_OFFSET])
    slots = slots_for(longest, count, limit)
    space = (
        np.empty(slots * count * lanes, kind),
        np.empty(most(graph[COLUMN_OFFSET]) * lanes, kind),
        np.empty(count * lanes, kind),
        np.empty(count * lanes, kind),
        np.empty(scores[1].shape[2] * lanes if has_own_moves(scores[1]) else 0, kind),
    )
    kept = checkpoints(longest, slots, count * lanes).astype(kind)
    for x in range(0, rows.size, group):
        rows_here = rows[x : x + group]
        if not decode_group(scores, graph, by_arc, rows_here, lengths, slots, space, kept, states):
            for b in rows_here:
                invalid[b] = True


@kernel
def next_arrival(previous, source, move, moves, begin, finish, taken):
    """The best prefix not yet taken that arrives by an arc from ``begin`` to ``finish``: its score and arc, or −1.

    ``previous`` (S, k) holds each source's best scores in order, ``taken`` how many of them each arc has used.
    """
    best, arc = -np.inf, -1
    for a in range(begin, finish):
        n = taken[a - begin]
        if n < previous.shape[1]:
            value = previous[source[a], n] + moves[move[a]]
            if value > best:
                best, arc = value, a
    return best, arc


@kernel
def k_best_walk(scores, graph, b, begin, finish, slots, values):
    """The k best prefix scores (slots, S, k) of one row's states, from position ``begin`` on."""
    source, move, arriving, labels = graph[SOURCE], graph[MOVE], graph[ARRIVING], graph[LABELS]
    first, last = bounds(graph, STATE_OFFSET, b)
    k = values.shape[2]
    taken = np.empty(source.size, np.int64)
    for t in range(begin, finish):
        here = values[t % slots]
        for v in range(last - first):
            score = np.float64(scores[0][b, t, labels[first + v]])
            if t == 0:
                here[v] = -np.inf
                here[v, 0] = score + end(scores[2], b, first + v)
            else:
                enter, leave = arriving[first + v], arriving[first + v + 1]
                previous, moves = values[(t - 1) % slots], step(scores[1], b, t)
                taken[: leave - enter] = 0
                for n in range(k):
                    best, arc = next_arrival(previous, source, move, moves, enter, leave, taken)
                    here[v, n] = best + score
                    if arc < 0:
                        here[v, n:] = -np.inf
                        break
                    taken[arc - enter] += 1


@kernel
def k_best_row(scores, graph, b, length, k, limit, states, out):
    """The k best paths of one row. Every state keeps the k best prefixes that end in it, O(T·A·k)."""
    source, move, arriving = graph[SOURCE], graph[MOVE], graph[ARRIVING]
    first, last = bounds(graph, STATE_OFFSET, b)
    count = last - first
    # slots_for counts lanes of 8 bytes.
    slots = slots_for(length, count * k, limit * (simd.BYTES // 8))
    values, kept = np.empty((slots, count, k)), checkpoints(length, slots, count * k)
    for t in range(0, length, slots):
        k_best_walk(scores, graph, b, t, min(length, t + slots), slots, values)
        if kept.shape[0] > 0:
            kept[t // slots] = values[0].reshape(count * k)
    here, taken = values[(length - 1) % slots], np.zeros(max(count, source.size), np.int64)
    at, rank = np.full(k, NO_STATE), np.zeros(k, np.int64)
    for n in range(k):
        best = -np.inf
        for v in range(count):
            if taken[v] < k:
                value = here[v, taken[v]] + end(scores[3], b, first + v)
                if value > best:
                    best, at[n] = value, v
        out[b, n] = best
        if at[n] >= 0:
            rank[n] = taken[at[n]]
            taken[at[n]] += 1
            states[b, n, length - 1] = at[n]
    for t in range(length - 2, -1, -1):
        if t % slots == slots - 1:
            begin = t // slots * slots
            values[0] = kept[t // slots].reshape(count, k)
            k_best_walk(scores, graph, b, begin + 1, begin + slots, slots, values)
        here, moves = values[t % slots], step(scores[1], b, t + 1)
        for n in range(k):
            if at[n] >= 0:
                enter, leave = arriving[first + at[n]], arriving[first + at[n] + 1]
                taken[: leave - enter] = 0
                _, arc = next_arrival(here, source, move, moves, enter, leave, taken)
                for _ in range(rank[n]):
                    taken[arc - enter] += 1
                    _, arc = next_arrival(here, source, move, moves, enter, leave, taken)
                at[n], rank[n] = source[arc], taken[arc - enter]
                states[b, n, t] = at[n]


@kernel
def k_best(part, rows, scores, lengths, graph, k, limit, states, out):
    """The k best paths of ``rows``; ``states`` comes filled with −100."""
    for b in rows:
        k_best_row(scores, graph, b, lengths[b], k, limit, states, out)
