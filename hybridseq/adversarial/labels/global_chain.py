"""A linear chain plus a term over the whole label sequence: no exact argmax."""

import copy

import torch
from torch import Tensor, nn

from hybridseq.inference.chain_score import ChainScored
from hybridseq.inference.score_function import Scored, ScoreFunction


class GlobalChainScored(Scored):
    """F(y) = chain(y) + weight · term(y).

    Parameters
    ----------
    chain : ChainScored
    term : nn.Module
        ``(y (B, T, K), lengths) -> (B,)``, see ``TERMS``.
    weight : float or tensor
    """

    def __init__(self, chain: ChainScored, term: nn.Module, weight=1.0):
        self.chain, self.term, self.weight = chain, term, weight
        self.space, self.dtype = chain.space, chain.dtype

    def raw_score(self, y: Tensor) -> Tensor:
        return self.chain.raw_score(y) + self.weight * self.term(y, self.space.lengths)

    def raw_hard_score(self, y: Tensor) -> Tensor:
        whole = self.term(self.space.vertices(y, self.dtype), self.space.lengths)
        return self.chain.raw_hard_score(y) + self.weight * whole

    def raw_hard_scores(self, ys):
        # The term knows no x, so that no row of x need be copied.
        y, count = ys.flatten(0, 1), len(ys)
        inside = self.space.inside.repeat(count, 1)
        hot = nn.functional.one_hot(torch.where(inside, y, 0), self.space.num_labels).to(self.dtype)
        whole = self.term(hot * inside[:, :, None], self.space.lengths.repeat(count))
        return self.chain.raw_hard_scores(ys) + self.weight * whole.view(count, -1)

    def rows(self, index):
        return GlobalChainScored(self.chain.rows(index), self.term, self.weight)

    def double(self):
        return GlobalChainScored(self.chain.double(), copy.deepcopy(self.term).double(), self.weight)


class GlobalChainScore(ScoreFunction):
    """A network that gives a linear chain, and a term over all labels, as F.

    Parameters
    ----------
    network : nn.Module
        As of :class:`~hybridseq.inference.ChainScore`.
    term : nn.Module
        See ``TERMS``.
    weight : float
        What the term is multiplied by.
    """

    def __init__(self, network, term, weight: float = 1.0):
        super().__init__()
        self.network, self.term, self.weight = network, term, weight

    def at(self, x):
        chain = self.network(**x) if isinstance(x, dict) else self.network(x)
        return GlobalChainScored(ChainScored(chain.unrestricted()), self.term, self.weight)
