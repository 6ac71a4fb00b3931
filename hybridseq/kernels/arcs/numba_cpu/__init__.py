"""Sparse automata on CPU: each function takes and returns numpy arrays.

Scores are a tuple: emissions (B, T, K) and moves (1 or B, 1 or T-1, M) of one dtype, float32 or float64, initial and
final (1 or B, S) float64. ``graph`` is the tuple of ``Graph.tables``. ``InvalidScore`` names the place where a score is
NaN or +inf.
"""

from hybridseq.kernels.arcs.numba_cpu.follow import add_pair_counts, labels_of, pair_scores
from hybridseq.kernels.arcs.numba_cpu.paths import decode, k_best, sample
from hybridseq.kernels.arcs.numba_cpu.second_order import expected_score, hessian_product
from hybridseq.kernels.arcs.numba_cpu.sums import gradient, log_partition

__all__ = [
    "add_pair_counts",
    "decode",
    "expected_score",
    "gradient",
    "hessian_product",
    "k_best",
    "labels_of",
    "log_partition",
    "pair_scores",
    "sample",
]
