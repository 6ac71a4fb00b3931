"""Prefixes of one sequence for online inference: emissions (T, K), transitions (K, K), float64 tensors on the CPU."""

import torch

from hybridseq.kernels.chain import ops


def log_prefixes(emissions, transitions, start):
    """Log-probabilities (T, K) of labels given the prefix that ends there, and log-sums (T,) of the prefixes' scores.

    Rabiner (1989), eq. 19-20, in log space; −inf where a prefix allows nothing. O(T·K²).
    """
    alpha, totals = torch.empty_like(emissions), emissions.new_empty(len(emissions))
    scores = (ops.array(x) for x in (emissions, transitions, start))
    ops.kernels().log_prefixes(*scores, alpha.numpy(), totals.numpy())
    return alpha, totals


def best_prefixes(emissions, transitions, start, end):
    """The best label sequence (T,), and the best scores (T, K) of prefixes that end in a label.

    The scores of a position are relative to the best of them, which is 0; ``end`` counts in the last position's. All
    −inf where nothing is possible. O(T·K²).
    """
    lengths = torch.tensor([len(emissions)])
    arrays = ops.arrays(emissions[None], transitions, start, end)
    labels, prefixes = map(torch.from_numpy, ops.kernels().best_prefixes(*arrays, ops.array(lengths)))
    prefixes = prefixes[0]
    top = prefixes.amax(1, keepdim=True)
    return labels[0], prefixes - torch.where(top == -torch.inf, 0, top)
