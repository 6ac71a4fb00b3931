"""Exact draws: forward filtering in log space, then states from the last to the first."""

import numpy as np

from hybridseq.kernels.arcs.numba_cpu.log_space import forward_row
from hybridseq.kernels.arcs.numba_cpu.topology import ARRIVING, MOVE, SOURCE, STATE_OFFSET, bounds, step
from hybridseq.kernels.chain.numba_cpu.primitives import exp, kernel


@kernel
def draw(weights, count, uniform):
    """The place drawn from ``count`` log-weights, which become heights; never one of weight 0."""
    top = -np.inf
    for x in range(count):
        top = max(top, weights[x])
    total = 0.0
    for x in range(count):
        total += exp(weights[x] - top)
        weights[x] = total
    drawn = 0
    # The last step up ends the search, should rounding put the bar at the top.
    while weights[drawn] <= uniform * total and weights[drawn] < total:
        drawn += 1
    return drawn


@kernel
def sample(part, rows, scores, lengths, graph, uniforms, states):
    """Draws (n, B, T) for ``rows``; ``states`` comes filled with −100."""
    source, move, arriving = graph[SOURCE], graph[MOVE], graph[ARRIVING]
    for b in rows:
        first, last = bounds(graph, STATE_OFFSET, b)
        length, count = lengths[b], last - first
        alpha, weights = np.empty((length, count)), np.empty(max(count, source.size))
        if not forward_row(scores, graph, b, length, alpha) > -np.inf:
            continue
        for n in range(uniforms.shape[0]):
            weights[:count] = alpha[length - 1]
            state = draw(weights, count, uniforms[n, b, length - 1])
            states[n, b, length - 1] = state
            for t in range(length - 2, -1, -1):
                begin, finish = arriving[first + state], arriving[first + state + 1]
                moves = step(scores[1], b, t + 1)
                for a in range(begin, finish):
                    weights[a - begin] = alpha[t, source[a]] + moves[move[a]]
                state = source[begin + draw(weights, finish - begin, uniforms[n, b, t])]
                states[n, b, t] = state
