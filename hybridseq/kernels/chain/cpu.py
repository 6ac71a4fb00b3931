"""The CPU backend: ``reference``'s functions on top of the compiled operators.

Outside torch.compile the operations of every training step skip the operator dispatch, which costs more than a
small batch's arithmetic: same kernels, same rules, half the overhead. For the same reason they take constants to add
to transitions, start and end (``added``, each a tensor or None): what a constraint forbids need not pass autograd.
"""

import numpy as np
import torch

from hybridseq.kernels.chain import ops, reference


def _sum(scores, added):
    """The scores with the constants added, differentiable."""
    if added is None:
        return scores
    return scores[0], *(x if y is None else x + y for x, y in zip(scores[1:], added))


def _arrays(scores, added):
    """``ops.arrays`` of the sums."""
    arrays = ops.arrays(*scores)
    if added is None:
        return arrays
    return arrays[0], *(x if y is None else x + y.numpy() for x, y in zip(arrays[1:], added))


class _LogPartition(torch.autograd.Function):
    @staticmethod
    def forward(ctx, emissions, transitions, start, end, lengths, added):
        scores = emissions, transitions, start, end
        ctx.added = added
        ctx.arrays = *_arrays(scores, added), lengths.numpy()
        out, *ctx.prefixes = ops.kernels().log_partition(*ctx.arrays)
        ctx.save_for_backward(*scores, lengths)
        return torch.from_numpy(out)

    @staticmethod
    def backward(ctx, weight):
        *scores, lengths = ctx.saved_tensors
        if torch.is_grad_enabled():
            prefixes = map(torch.from_numpy, ctx.prefixes)
            return *ops.gradient(*_sum(scores, ctx.added), lengths, *prefixes, weight), None, None
        gradients = ops.kernels().gradient(*ctx.arrays, *ctx.prefixes, ops.array(weight))
        return *ops.tensors(scores, gradients), None, None


class _Score(torch.autograd.Function):
    @staticmethod
    def forward(ctx, emissions, transitions, start, end, lengths, labels, added):
        scores = emissions, transitions, start, end
        ctx.added = added
        ctx.arrays = *_arrays(scores, added), lengths.numpy(), ops.array(labels)
        ctx.save_for_backward(*scores, lengths, labels)
        return torch.from_numpy(ops.kernels().score(*ctx.arrays))

    @staticmethod
    def backward(ctx, weight):
        *scores, lengths, labels = ctx.saved_tensors
        if torch.is_grad_enabled():
            return *ops.score_gradient(*_sum(scores, ctx.added), lengths, labels, weight), None, None, None
        emissions, transitions, _, _, lengths, labels = ctx.arrays
        gradients = ops.kernels().score_gradient(emissions, transitions, lengths, labels, ops.array(weight))
        return *ops.tensors(scores, gradients), None, None, None


class _LogProb(torch.autograd.Function):
    """Score − log-partition in one: their gradients are added in place."""

    @staticmethod
    def forward(ctx, emissions, transitions, start, end, lengths, labels, added):
        scores = emissions, transitions, start, end
        ctx.added = added
        ctx.arrays = *_arrays(scores, added), lengths.numpy()
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
            scores = _sum(scores, ctx.added)
            total = ops.gradient(*scores, lengths, *map(torch.from_numpy, ctx.prefixes), weight)
            counts = ops.score_gradient(*scores, lengths, labels, weight)
            return *(a - b for a, b in zip(counts, total)), None, None, None
        weight = np.where(ctx.impossible, 0, -weight.numpy())
        gradients = ops.kernels().gradient(*ctx.arrays, *ctx.prefixes, weight, ctx.labels)
        return *ops.tensors(scores, gradients), None, None, None


def log_partition(emissions, transitions, start, end, lengths, added=None):
    """Log of the sum of exp(score) over all label sequences, (B,) float64."""
    if torch.compiler.is_compiling():
        return ops.log_partition(*_sum((emissions, transitions, start, end), added), lengths)[0]
    return _LogPartition.apply(emissions, transitions, start, end, lengths, added)


def score(emissions, transitions, start, end, lengths, labels, added=None):
    """Score of one label sequence a row, (B,) float64."""
    if torch.compiler.is_compiling():
        return ops.score(*_sum((emissions, transitions, start, end), added), lengths, labels)
    return _Score.apply(emissions, transitions, start, end, lengths, labels, added)


def log_prob(emissions, transitions, start, end, lengths, labels, added=None):
    """Log-probability of one label sequence a row, (B,) float64, never above 0."""
    if torch.compiler.is_compiling():
        scores = _sum((emissions, transitions, start, end), added)
        return reference.log_prob_of(ops.score(*scores, lengths, labels), ops.log_partition(*scores, lengths)[0])
    return _LogProb.apply(emissions, transitions, start, end, lengths, labels, added)


def _constants(*scores):
    """The scores without their graph, for what has no gradient."""
    return (x.detach() for x in scores)


def decode(emissions, transitions, start, end, lengths, added=None):
    """Best label sequence of each row, (B, T)."""
    scores = emissions, transitions, start, end
    if torch.compiler.is_compiling():
        return ops.decode(*_constants(*_sum(scores, added)), lengths)
    return torch.from_numpy(ops.kernels().decode(*_arrays(scores, added), ops.array(lengths)))


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
