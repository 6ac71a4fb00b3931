"""Log-partition and its gradient: each row by the fastest path that is exact for it.

The slower path is compiled only when a row needs it.
"""

import numpy as np

from hybridseq.kernels import threads
from hybridseq.kernels.arcs.numba_cpu import backward, forward, log_space
from hybridseq.kernels.arcs.numba_cpu.batch import Batch, raise_invalid

# Bytes of prefixes that a thread keeps before it turns to checkpoints.
MEMORY = 64 << 20


def refuse_invalid(batch, status):
    """Raise if a row's emissions are NaN or +inf."""
    rows = np.flatnonzero(status == forward.INVALID)
    if rows.size:
        raise_invalid(batch.scores, batch.lengths, batch.graph, rows)


def run_forward(batch):
    """Log-partition (B,) and which rows' scaled probabilities are exact."""
    out, status = np.empty(len(batch.lengths)), np.empty(len(batch.lengths), np.int8)
    inputs = batch.scores, batch.lengths, batch.graph
    threads.run(forward.forward, batch.parts(1), *inputs, batch.weights(), batch.group, out, status)
    if status.any():
        refuse_invalid(batch, status)
        rows = np.flatnonzero(status == forward.DOUBTFUL)
        if rows.size:
            weight, gradient = np.zeros(len(out)), batch.gradient_buffers("shared", False, False)
            run_backward(batch, rows, weight, *gradient, out, status)
        rows = np.flatnonzero(status == forward.LOST_ROW)
        if rows.size:
            threads.run(log_space.forward, batch.parts(100, rows), *inputs, out)
    return out, status


def run_backward(batch, rows, weight, own, gradient, out, status):
    """The gradient by scaled probabilities, with log-partition and status."""
    parts = batch.parts(3, rows)
    rest = batch.weights(), batch.group, MEMORY, weight, own, out, status, gradient
    threads.run(backward.backward, parts, batch.scores, batch.lengths, batch.graph, *rest)


def log_partition(scores, lengths, graph):
    """Log-partition (B,) float64."""
    return run_forward(Batch(scores, lengths, graph))[0]


def gradient(scores, lengths, graph, weight, forms):
    """Log-partition (B,) and the gradient of the weighted sum of them.

    ``forms``: "shared", "rows" or "steps" for the moves, and whether initial and final are given a row: the shapes of
    the gradients, as of the scores with axes of length 1 where they are shared.
    """
    batch = Batch(scores, lengths, graph)
    out, status = np.empty(len(lengths)), np.empty(len(lengths), np.int8)
    own, buffers = batch.gradient_buffers(*forms)
    run_backward(batch, None, weight, own, buffers, out, status)
    if status.any():
        refuse_invalid(batch, status)
        rows = np.flatnonzero(status == forward.LOST_ROW)
        if rows.size:
            inputs = scores, lengths, graph
            threads.run(log_space.forward, batch.parts(100, rows), *inputs, out)
            threads.run(log_space.backward, batch.parts(300, rows), *inputs, weight, own, buffers)
    return out, *batch.summed(own, buffers)
