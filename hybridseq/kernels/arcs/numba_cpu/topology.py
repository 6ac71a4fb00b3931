"""Where a row's graph lies in the arrays of all graphs, and how the scores of its parts are looked up.

``graph`` is the tuple of ``Graph.tables``, states numbered within each graph, arcs throughout. ``scores`` are emissions
(B, T, K), moves (1 or B, 1 or T-1, M), initial and final (1 or B, S).
"""

import numpy as np

from hybridseq.kernels.chain.numba_cpu.primitives import kernel

(
    LABELS,
    SOURCE,
    TARGET,
    MOVE,
    ARRIVING,
    DEPARTING,
    LEAVING,
    LEFT_TO,
    LEFT_BY,
    STATE_OFFSET,
    ARC_OFFSET,
    COLUMNS,
    COLUMN,
    COLUMN_OFFSET,
) = range(14)
EMISSIONS, MOVES, INITIAL, FINAL = range(4)


@kernel
def bounds(graph, offset, b):
    """Where the part of row b's graph begins and ends."""
    offsets = graph[offset]
    g = b if offsets.size > 2 else 0
    return offsets[g], offsets[g + 1]


@kernel
def step(moves, b, t):
    """The (M,) scores of the moves that arrive at position t."""
    return moves[b if moves.shape[0] > 1 else 0, t - 1 if moves.shape[1] > 1 else 0]


@kernel
def end(scores, b, s):
    """The initial or final score of state s, numbered throughout."""
    return scores[b if scores.shape[0] > 1 else 0, s]


@kernel
def node(scores, graph, b, t, length, s):
    """The score of state s (numbered throughout) at position t, initial and final score included."""
    value = np.float64(scores[0][b, t, graph[LABELS][s]])
    if t == 0:
        value += end(scores[2], b, s)
    if t == length - 1:
        value += end(scores[3], b, s)
    return value


@kernel
def slots_of(part, b, own):
    """Where row b adds its gradients by moves, initial and final: at its own place, or at its thread's."""
    return b if own[0] else part, b if own[1] else part, b if own[2] else part
