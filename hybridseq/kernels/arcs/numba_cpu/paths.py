"""Best paths and draws, int64, padded with −100."""

import numpy as np

from hybridseq.kernels import simd, threads
from hybridseq.kernels.arcs.numba_cpu import draws, sums, viterbi
from hybridseq.kernels.arcs.numba_cpu.batch import Batch, raise_invalid


def decode(scores, lengths, graph):
    """States (B, T) of the best path of each row; all −100 where none is possible."""
    batch = Batch(scores, lengths, graph)
    states = np.full(scores[0].shape[:2], viterbi.NO_STATE, np.int64)
    invalid = np.zeros(len(lengths), np.bool_)
    kind = scores[0].dtype
    group = 1 if batch.packed else simd.BYTES // kind.itemsize
    rest = batch.by_arc().astype(kind), group, sums.MEMORY, states, invalid
    threads.run(viterbi.decode, batch.parts(1), scores, lengths, graph, *rest)
    if invalid.any():
        raise_invalid(scores, lengths, graph, np.flatnonzero(invalid))
    return states


def k_best(scores, lengths, graph, k):
    """The k best paths: states (B, k, T) and scores (B, k) float64, best first."""
    batch = Batch(scores, lengths, graph)
    batch.refuse_invalid()
    states = np.full((len(lengths), k, scores[0].shape[1]), viterbi.NO_STATE, np.int64)
    out = np.empty((len(lengths), k))
    threads.run(viterbi.k_best, batch.parts(20 * k), batch.wide(), lengths, graph, k, sums.MEMORY, states, out)
    return states, out


def sample(scores, lengths, graph, uniforms):
    """Exact draws (n, B, T) from ``uniforms`` (n, B, T) float64 in [0, 1)."""
    batch = Batch(scores, lengths, graph)
    batch.refuse_invalid()
    states = np.full(uniforms.shape, viterbi.NO_STATE, np.int64)
    threads.run(draws.sample, batch.parts(100), batch.wide(), lengths, graph, uniforms, states)
    return states
