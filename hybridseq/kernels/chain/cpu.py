"""The CPU backend: ``reference``'s functions on top of the compiled operators.

Outside torch.compile the operations of every training step skip the operator dispatch, which costs more than a
small batch's arithmetic: same kernels, same rules, half the overhead.
"""

import numpy as np
import torch

from hybridseq.kernels.chain import ops, reference


class _LogPartition(torch.autograd.Function):
    @staticmethod
    def forward(ctx, emissions, transitions, start, end, lengths):
        scores = emissions, transitions, start, end
        ctx.arrays = *ops.arrays(*scores), lengths.numpy()
        out, *ctx.prefixes = ops.kernels().log_partition(*ctx.arrays)
        ctx.save_for_backward(*scores, lengths)
        return torch.from_numpy(out)

    @staticmethod
    def backward(ctx, weight):
        *scores, lengths = ctx.saved_tensors
        if torch.is_grad_enabled():
            prefixes = map(torch.from_numpy, ctx.prefixes)
            return *ops.gradient(*scores, lengths, *prefixes, weight), None
        gradients = ops.kernels().gradient(*ctx.arrays, *ctx.prefixes, ops.array(weight))
        return *ops.tensors(scores, gradients), None


class _Score(torch.autograd.Function):
    @staticmethod
    def forward(ctx, emissions, transitions, start, end, lengths, labels):
        scores = emissions, transitions, start, end
        ctx.arrays = *ops.arrays(*scores), lengths.numpy(), ops.array(labels)
        ctx.save_for_backward(*scores, lengths, labels)
        return torch.from_numpy(ops.kernels().score(*ctx.arrays))

    @staticmethod
    def backward(ctx, weight):
        *scores, lengths, labels = ctx.saved_tensors
        if torch.is_grad_enabled():
            return *ops.score_gradient(*scores, lengths, labels, weight), None, None
        emissions, transitions, _, _, lengths, labels = ctx.arrays
        gradients = ops.kernels().score_gradient(emissions, transitions, lengths, labels, ops.array(weight))
        return *ops.tensors(scores, gradients), None, None


class _LogProb(torch.autograd.Function):
    """Score − log-partition in one: their gradients are added in place."""

    @staticmethod
    def forward(ctx, emissions, transitions, start, end, lengths, labels):
        scores = emissions, transitions, start, end
        ctx.arrays = *ops.arrays(*scores), lengths.numpy()
        ctx.labels = ops.array(labels)
        kernels = ops.kernels()
        total, *ctx.prefixes = kernels.log_partition(*ctx.arrays)
        value = kernels.score(*ctx.arrays, ctx.labels)
        ctx.impossible = value == -np.inf
        total[ctx.impossible] = 0
        value -= total
        ctx.save_for_backward(*scores, lengths, labels)
        # Rounding may leave a sure sequence a hair above 0.
        return torch.from_numpy(np.minimum(value, 0))

    @staticmethod
    def backward(ctx, weight):
        *scores, lengths, labels = ctx.saved_tensors
        if torch.is_grad_enabled():
            weight = weight.masked_fill(torch.from_numpy(ctx.impossible), 0)
            total = ops.gradient(*scores, lengths, *map(torch.from_numpy, ctx.prefixes), weight)
            counts = ops.score_gradient(*scores, lengths, labels, weight)
            return *(a - b for a, b in zip(counts, total)), None, None
        weight = np.where(ctx.impossible, 0, -weight.numpy())
        gradients = ops.kernels().gradient(*ctx.arrays, *ctx.prefixes, weight, ctx.labels)
        return *ops.tensors(scores, gradients), None, None


def log_partition(emissions, transitions, start, end, lengths):
    """Log of the sum of exp(score) over all label sequences, (B,) float64."""
    if torch.compiler.is_compiling():
        return ops.log_partition(emissions, transitions, start, end, lengths)[0]
    return _LogPartition.apply(emissions, transitions, start, end, lengths)


def score(emissions, transitions, start, end, lengths, labels):
    """Score of one label sequence a row, (B,) float64."""
    if torch.compiler.is_compiling():
        return ops.score(emissions, transitions, start, end, lengths, labels)
    return _Score.apply(emissions, transitions, start, end, lengths, labels)


def log_prob(emissions, transitions, start, end, lengths, labels):
    """Log-probability of one label sequence a row, (B,) float64, never above 0."""
    if torch.compiler.is_compiling():
        return reference.log_prob_of(
            ops.score(emissions, transitions, start, end, lengths, labels),
            ops.log_partition(emissions, transitions, start, end, lengths)[0],
        )
    return _LogProb.apply(emissions, transitions, start, end, lengths, labels)


def _constants(*scores):
    """The scores without their graph, for what has no gradient."""
    return (x.detach() for x in scores)


def decode(emissions, transitions, start, end, lengths):
    """Best label sequence of each row, (B, T)."""
    if torch.compiler.is_compiling():
        return ops.decode(*_constants(emissions, transitions, start, end), lengths)
    return ops.decode_cpu(emissions, transitions, start, end, lengths)


def k_best(emissions, transitions, start, end, lengths, k):
    """The k best label sequences (B, k, T) and their scores (B, k) float64."""
    return ops.k_best(*_constants(emissions, transitions, start, end), lengths, k)


def sample(emissions, transitions, start, end, lengths, uniforms):
    """Exact draws (n, B, T)."""
    return ops.sample(*_constants(emissions, transitions, start, end), lengths, uniforms)


def _gradient(emissions, transitions, start, end, lengths):
    scores = emissions, transitions, start, end
    with torch.no_grad():
        _, *prefixes = ops.log_partition(*scores, lengths)
    weight = emissions.new_ones(emissions.shape[0], dtype=torch.float64)
    return ops.gradient(*scores, lengths, *prefixes, weight)


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
