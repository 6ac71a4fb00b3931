"""A linear chain plus a term over the whole label sequence: no exact argmax."""

import copy

import torch
from torch import Tensor

from hybridseq.adversarial.labels.term import LabelTerm
from hybridseq.inference.chain_score import ChainScored
from hybridseq.inference.score_function import Scored, ScoreFunction

#: Positions of changed sequences that a term sees at once: some 100 MB of its features.
_POSITIONS = 2**17


class GlobalChainScored(Scored):
    """F(y) = chain(y) + weight · term(y).

    Parameters
    ----------
    chain : ChainScored
    term : LabelTerm
        See ``TERMS``.
    weight : float or tensor
    """

    def __init__(self, chain: ChainScored, term: LabelTerm, weight=1.0):
        self.chain, self.term, self.weight = chain, term, weight
        self.space, self.dtype = chain.space, chain.dtype
        self.reach = None if term.reach is None else max(chain.reach, term.reach)

    def raw_score(self, y: Tensor) -> Tensor:
        return self.chain.raw_score(y) + self.weight * self.term(y, self.space.lengths)

    def raw_hard_score(self, y: Tensor) -> Tensor:
        return self.chain.raw_hard_score(y) + self.weight * self.term.hard(y, self.space.lengths)

    def raw_hard_scores(self, ys):
        # The term knows no x, so that no row of x need be copied.
        whole = self.term.hard(*self._flat(ys)).view(len(ys), -1)
        return self.chain.raw_hard_scores(ys) + self.weight * whole

    def raw_gains(self, ys, places, candidates=None):
        gains, now = self.chain.raw_gains(ys, places), self._standing(ys, places)
        flat, lengths = self._flat(ys)
        choices = self.space.choices
        if candidates is None or candidates >= choices - 1:
            tried = (now + torch.arange(1, choices, device=ys.device)) % choices
        else:
            slopes = gains + self.weight * self.term.slopes(flat, lengths, places).view(gains.shape)
            tried = slopes.scatter(3, now, -torch.inf).topk(candidates).indices
        rows = max(1, _POSITIONS // (tried[0, 0].numel() * self.space.shape[1]))
        parts = zip(flat.split(rows), lengths.split(rows), tried.flatten(0, 1).split(rows))
        whole = torch.cat([self.term.gains(y, length, places, some) for y, length, some in parts]).view(tried.shape)
        found = torch.full_like(gains, -torch.inf).scatter_(3, now, 0)
        return found.scatter_(3, tried, gains.gather(3, tried) + self.weight * whole)

    def _flat(self, ys):
        return ys.flatten(0, 1), self.space.lengths.repeat(len(ys))

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
    term : LabelTerm
        See ``TERMS``.
    weight : float
        What the term is multiplied by.
    speed : float
        How many times as fast as the network the term learns: it starts from nothing beside a chain that is trained.
    """

    def __init__(self, network, term, weight: float = 1.0, speed: float = 1.0):
        super().__init__()
        if not isinstance(term, LabelTerm):
            raise TypeError(f"term must be a LabelTerm, a score of a whole label sequence; got {type(term).__name__}")
        self.network, self.term, self.weight, self.speed = network, term, weight, speed

    def parameter_groups(self, rate):
        return [
            {"params": list(self.network.parameters()), "lr": rate},
            {"params": list(self.term.parameters()), "lr": rate * self.speed},
        ]

    def at(self, x):
        chain = self.network(**x) if isinstance(x, dict) else self.network(x)
        return GlobalChainScored(ChainScored(chain.unrestricted()), self.term, self.weight)
