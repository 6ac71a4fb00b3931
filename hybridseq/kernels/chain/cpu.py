"""The CPU backend: ``reference``'s functions on top of the compiled operators."""

import torch

from hybridseq.kernels.chain import ops

decode = ops.decode
score = ops.score
k_best = ops.k_best
sample = ops.sample


def log_partition(emissions, transitions, start, end, lengths):
    """Log of the sum of exp(score) over all label sequences, (B,) float64."""
    return ops.log_partition(emissions, transitions, start, end, lengths)[0]


def _gradient(emissions, transitions, start, end, lengths):
    scores = emissions, transitions, start, end
    with torch.no_grad():
        _, alpha, scale, status = ops.log_partition(*scores, lengths)
    weight = emissions.new_ones(emissions.shape[0], dtype=torch.float64)
    return ops.gradient(*scores, lengths, alpha, scale, status, weight)


def marginals(emissions, transitions, start, end, lengths):
    """Probability of each label at each position, (B, T, K)."""
    return _gradient(emissions, transitions, start, end, lengths)[0]


def pair_marginals(emissions, transitions, start, end, lengths):
    """Probability of each pair of neighbouring labels, (B, T-1, K, K): the gradient by per-position transitions."""
    batch, steps, labels = emissions.shape
    if transitions.dim() == 2:
        transitions = transitions.expand(batch, steps - 1, labels, labels)
    return _gradient(emissions, transitions, start, end, lengths)[1]


def expected_score(emissions, transitions, start, end, direction, lengths):
    """Expectation, (B,) float64, of the score that ``direction`` gives to a sequence."""
    return ops.expected_score(emissions, transitions, start, end, *direction, lengths)
