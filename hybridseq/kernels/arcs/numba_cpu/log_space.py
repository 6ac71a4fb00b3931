"""Any scores, one row at a time, in log space and float64: exact where scaled probabilities would vanish."""

import numpy as np

from hybridseq.kernels.arcs.numba_cpu.topology import (
    ARRIVING,
    DEPARTING,
    LABELS,
    LEAVING,
    MOVE,
    SOURCE,
    STATE_OFFSET,
    TARGET,
    bounds,
    node,
    slots_of,
    step,
)
from hybridseq.kernels.chain.numba_cpu.log_space import normalise
from hybridseq.kernels.chain.numba_cpu.primitives import exp, kernel


@kernel
def arrive(previous, moves, graph, first, out):
    """out[v] = log-sum-exp over the arcs into v of previous[source] + moves[move]."""
    source, move, arriving = graph[SOURCE], graph[MOVE], graph[ARRIVING]
    for v in range(out.size):
        begin, end = arriving[first + v], arriving[first + v + 1]
        top = -np.inf
        for a in range(begin, end):
            top = max(top, previous[source[a]] + moves[move[a]])
        out[v] = top
        if top > -np.inf:
            total = 0.0
            for a in range(begin, end):
                total += exp(previous[source[a]] + moves[move[a]] - top)
            out[v] = np.log(total) + top


@kernel
def leave(onward, moves, graph, first, out):
    """out[u] = log-sum-exp over the arcs that leave u of moves[move] + onward[target]."""
    target, move, departing, leaving = graph[TARGET], graph[MOVE], graph[DEPARTING], graph[LEAVING]
    for u in range(out.size):
        begin, end = departing[first + u], departing[first + u + 1]
        top = -np.inf
        for x in range(begin, end):
            a = leaving[x]
            top = max(top, onward[target[a]] + moves[move[a]])
        out[u] = top
        if top > -np.inf:
            total = 0.0
            for x in range(begin, end):
                a = leaving[x]
                total += exp(onward[target[a]] + moves[move[a]] - top)
            out[u] = np.log(total) + top


@kernel
def forward_row(scores, graph, b, length, alpha):
    """Fill ``alpha`` (T, S) with log-probabilities given the prefix; return the row's log-partition.

    −inf: no path is possible. NaN: a score is NaN or +inf.
    """
    first, last = bounds(graph, STATE_OFFSET, b)
    log_partition = 0.0
    for t in range(length):
        if t == 0:
            alpha[0] = 0.0
        else:
            arrive(alpha[t - 1], step(scores[1], b, t), graph, first, alpha[t])
        for v in range(last - first):
            alpha[t, v] += node(scores, graph, b, t, length, first + v)
        log_partition += normalise(alpha[t])
        if not log_partition > -np.inf:
            break
    return log_partition


@kernel
def _posterior(alpha, beta, posterior):
    """Log-posterior of the states at one position; returns the log of the overlap."""
    for v in range(beta.size):
        posterior[v] = alpha[v] + beta[v]
    return normalise(posterior)


@kernel
def gradient_row(scores, graph, b, length, weight, slots, gradient):
    """One row's marginals and expected moves, times ``weight``, added to ``gradient``.

    ``slots``: the first places, in the gradients by moves, initial and final, that the row adds to.
    """
    first, last = bounds(graph, STATE_OFFSET, b)
    source, target, move, arriving = graph[SOURCE], graph[TARGET], graph[MOVE], graph[ARRIVING]
    count = last - first
    g_emissions, g_moves, g_initial, g_final = gradient
    g_emissions[b, :length] = 0
    alpha = np.empty((length, count))
    if not forward_row(scores, graph, b, length, alpha) > -np.inf:
        return
    beta, onward, posterior = np.zeros(count), np.empty(count), np.empty(count)
    for t in range(length - 1, -1, -1):
        mass = _posterior(alpha[t], beta, posterior)
        for v in range(count):
            value = exp(posterior[v]) * weight
            g_emissions[b, t, graph[LABELS][first + v]] += value
            if t == 0:
                g_initial[slots[1], first + v] += value
            if t == length - 1:
                g_final[slots[2], first + v] += value
        if t < length - 1:
            moves, place = step(scores[1], b, t + 1), t if g_moves.shape[1] > 1 else 0
            for a in range(arriving[first], arriving[last]):
                value = alpha[t, source[a]] - mass + (moves[move[a]] + onward[target[a]])
                g_moves[slots[0], place, move[a]] += exp(min(value, 0.0)) * weight
        if t > 0:
            top = -np.inf
            for v in range(count):
                onward[v] = node(scores, graph, b, t, length, first + v) + beta[v]
                top = max(top, onward[v])
            for v in range(count):
                onward[v] -= top
            leave(onward, step(scores[1], b, t), graph, first, beta)


@kernel
def tangent_forward_row(scores, direction, graph, b, length, alpha, rate):
    """Forward pass with its derivative along a direction.

    ``rate`` (T, S) receives the derivative of the log-probabilities in ``alpha``, centred so that its mean over them
    is 0. Returns the log-partition and its derivative: the direction's expected score.
    """
    first, last = bounds(graph, STATE_OFFSET, b)
    source, move, arriving = graph[SOURCE], graph[MOVE], graph[ARRIVING]
    count = last - first
    log_partition, expected = 0.0, 0.0
    for t in range(length):
        if t == 0:
            alpha[0] = 0.0
            rate[0] = 0.0
        else:
            moves, d_moves = step(scores[1], b, t), step(direction[1], b, t)
            arrive(alpha[t - 1], moves, graph, first, alpha[t])
            for v in range(count):
                total = 0.0
                if alpha[t, v] > -np.inf:
                    for a in range(arriving[first + v], arriving[first + v + 1]):
                        u = source[a]
                        share = exp(min(alpha[t - 1, u] + moves[move[a]] - alpha[t, v], 0.0))
                        total += share * (rate[t - 1, u] + d_moves[move[a]])
                rate[t, v] = total
        for v in range(count):
            alpha[t, v] += node(scores, graph, b, t, length, first + v)
            rate[t, v] += node(direction, graph, b, t, length, first + v)
        log_partition += normalise(alpha[t])
        if not log_partition > -np.inf:
            return log_partition, 0.0
        mean = 0.0
        for v in range(count):
            mean += exp(alpha[t, v]) * rate[t, v]
        for v in range(count):
            rate[t, v] -= mean
        expected += mean
    return log_partition, expected


@kernel
def tangent_gradient_row(scores, direction, graph, b, length, weight, slots, out):
    """Derivative, along a direction, of what ``gradient_row`` computes: a Hessian-vector product."""
    first, last = bounds(graph, STATE_OFFSET, b)
    source, target, move, arriving = graph[SOURCE], graph[TARGET], graph[MOVE], graph[ARRIVING]
    departing, leaving = graph[DEPARTING], graph[LEAVING]
    count = last - first
    o_emissions, o_moves, o_initial, o_final = out
    o_emissions[b, :length] = 0
    alpha, rate = np.empty((length, count)), np.empty((length, count))
    if not tangent_forward_row(scores, direction, graph, b, length, alpha, rate)[0] > -np.inf:
        return
    beta, beta_rate = np.zeros(count), np.zeros(count)
    onward, onward_rate, posterior = np.empty(count), np.empty(count), np.empty(count)
    for t in range(length - 1, -1, -1):
        mass = _posterior(alpha[t], beta, posterior)
        mean = 0.0
        for v in range(count):
            posterior[v] = exp(posterior[v])
            mean += posterior[v] * (rate[t, v] + beta_rate[v])
        for v in range(count):
            value = weight * posterior[v] * (rate[t, v] + beta_rate[v] - mean)
            o_emissions[b, t, graph[LABELS][first + v]] += value
            if t == 0:
                o_initial[slots[1], first + v] += value
            if t == length - 1:
                o_final[slots[2], first + v] += value
        if t < length - 1:
            moves, d_moves = step(scores[1], b, t + 1), step(direction[1], b, t + 1)
            place = t if o_moves.shape[1] > 1 else 0
            for a in range(arriving[first], arriving[last]):
                u, v = source[a], target[a]
                share = exp(min(alpha[t, u] - mass + (moves[move[a]] + onward[v]), 0.0)) * weight
                o_moves[slots[0], place, move[a]] += share * (rate[t, u] - mean + d_moves[move[a]] + onward_rate[v])
        if t > 0:
            top = -np.inf
            for v in range(count):
                onward[v] = node(scores, graph, b, t, length, first + v) + beta[v]
                onward_rate[v] = node(direction, graph, b, t, length, first + v) + beta_rate[v]
                top = max(top, onward[v])
            for v in range(count):
                onward[v] -= top
            moves, d_moves = step(scores[1], b, t), step(direction[1], b, t)
            leave(onward, moves, graph, first, beta)
            for u in range(count):
                total = 0.0
                if beta[u] > -np.inf:
                    for x in range(departing[first + u], departing[first + u + 1]):
                        a = leaving[x]
                        share = exp(min(moves[move[a]] + onward[target[a]] - beta[u], 0.0))
                        total += share * (d_moves[move[a]] + onward_rate[target[a]])
                beta_rate[u] = total


@kernel
def forward(part, rows, scores, lengths, graph, log_partition):
    """Log-partition of ``rows``."""
    for b in rows:
        first, last = bounds(graph, STATE_OFFSET, b)
        alpha = np.empty((lengths[b], last - first))
        log_partition[b] = forward_row(scores, graph, b, lengths[b], alpha)


@kernel
def backward(part, rows, scores, lengths, graph, weight, own, gradient):
    """Weighted gradient of the log-partition for ``rows``."""
    for b in rows:
        if own[0]:
            gradient[1][b] = 0
        gradient_row(scores, graph, b, lengths[b], weight[b], slots_of(part, b, own), gradient)


@kernel
def tangent_forward(part, rows, scores, direction, lengths, graph, expected):
    """Derivative of each row's log-partition along a direction; 0 in infeasible rows."""
    for b in rows:
        first, last = bounds(graph, STATE_OFFSET, b)
        alpha, rate = np.empty((lengths[b], last - first)), np.empty((lengths[b], last - first))
        expected[b] = tangent_forward_row(scores, direction, graph, b, lengths[b], alpha, rate)[1]


@kernel
def tangent_backward(part, rows, scores, direction, lengths, graph, weight, own, out):
    """Weighted derivative of the marginals along a direction."""
    for b in rows:
        if own[0]:
            out[1][b] = 0
        tangent_gradient_row(scores, direction, graph, b, lengths[b], weight[b], slots_of(part, b, own), out)
