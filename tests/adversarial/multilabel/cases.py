"""Random score functions of a few bits, and all answers there are."""

import itertools

import torch

from hybridseq.adversarial.multilabel import BitScore, LocalTerms, ValueNetwork


def make_score(kind=BitScore, *, features=5, bits=4, patterns=6, conditional=False, seed=0, scale=1.0, **rest):
    """A score function with weights that matter, in evaluation mode."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        score = kind(LocalTerms(features, bits, (7,), 0.3), patterns, conditional, **rest)
        torch.nn.init.normal_(score.weights, std=scale)
        torch.nn.init.normal_(score.patterns.weight, std=scale)
        torch.nn.init.normal_(score.patterns.bias, std=scale)
    return score.eval()


def inputs(rows=3, features=5, seed=0):
    return torch.randn(rows, features, generator=torch.Generator().manual_seed(seed))


def all_bits(bits):
    """Every answer, (2^L, L) int64."""
    return torch.tensor(list(itertools.product((0, 1), repeat=bits)))


KINDS = [(BitScore, False), (BitScore, True), (ValueNetwork, False), (ValueNetwork, True)]
