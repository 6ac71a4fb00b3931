"""Expected scores of a direction and Hessian-vector products: each row by the fastest path that is exact for it.

In float64 throughout, so that one compilation serves both types.
"""

import numpy as np

from hybridseq.kernels import threads
from hybridseq.kernels.arcs.numba_cpu import forward, log_space, sums, tangent
from hybridseq.kernels.arcs.numba_cpu.batch import Batch


def _wide(arrays):
    return tuple(np.asarray(x, np.float64) for x in arrays)


def expected_score(scores, direction, lengths, graph):
    """Expected score (B,) float64, under the graph's distribution, of a direction: four arrays shaped as the scores."""
    batch = Batch(_wide(scores), lengths, graph)
    _, status = sums.run_forward(batch)
    inputs = batch.scores, _wide(direction), lengths, graph
    expected = np.zeros(len(lengths))
    rows = np.flatnonzero(status != forward.LOST_ROW)
    if rows.size:
        rest = batch.weights(), batch.bends(direction), batch.group, expected
        threads.run(tangent.forward, batch.parts(3, rows), *inputs, *rest)
    rows = np.flatnonzero(status == forward.LOST_ROW)
    if rows.size:
        threads.run(log_space.tangent_forward, batch.parts(200, rows), *inputs, expected)
    return expected


def hessian_product(scores, direction, lengths, graph, weight, forms):
    """Derivative along ``direction`` of ``sums.gradient``'s gradients."""
    batch = Batch(_wide(scores), lengths, graph)
    inputs = batch.scores, _wide(direction), lengths, graph
    own, buffers = batch.gradient_buffers(*forms)
    status = np.empty(len(lengths), np.int8)
    rest = batch.weights(), batch.bends(direction), batch.group, sums.MEMORY, weight, own, status, buffers
    threads.run(tangent.backward, batch.parts(8), *inputs, *rest)
    sums.refuse_invalid(batch, status)
    rows = np.flatnonzero(status == forward.LOST_ROW)
    if rows.size:
        threads.run(log_space.tangent_backward, batch.parts(600, rows), *inputs, weight, own, buffers)
    return batch.summed(own, buffers)
