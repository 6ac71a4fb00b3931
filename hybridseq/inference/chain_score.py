"""A linear chain as F(x, ·): multilinear between its label sequences."""

import torch
from torch import Tensor

from hybridseq.inference.score_function import Scored, ScoreFunction
from hybridseq.inference.spaces import LabelSpace
from hybridseq.structures.linear_chain import LinearChain


class ChainScored(Scored):
    r"""The score of a linear chain, of label sequences and of distributions at every position.

    .. math::

       F(q) = \mathrm{start}·q_1 + \sum_t \mathrm{emissions}_t · q_t
              + \sum_t q_t^\top\, \mathrm{transitions}\, q_{t+1} + \mathrm{end}·q_L

    the expected score where positions are independent with probabilities q.

    Parameters
    ----------
    chain : LinearChain
        With finite scores.

    Raises
    ------
    ValueError
        Where a score is −inf: between a forbidden label pair and others there is no finite value.
    """

    multilinear = True
    reach = 1

    def __init__(self, chain: LinearChain):
        if not isinstance(chain, LinearChain):
            raise TypeError(f"a chain score is made of a LinearChain; got {type(chain).__name__}.")
        for name, part in zip(("emissions", "transitions", "start", "end"), chain.scores):
            if not part.isfinite().all():
                raise ValueError(
                    f"the chain's {name} are not all finite: relaxed outputs have no score beside forbidden ones. Give "
                    "the chain without its constraint (chain.unrestricted()), and constrain the answers."
                )
        self.structure = chain
        self.space = LabelSpace(chain.lengths, chain.num_labels, chain.emissions.shape[1])
        self.dtype = chain.emissions.dtype

    def raw_score(self, y: Tensor) -> Tensor:
        emissions, transitions, start, end = self.structure.scores
        moved = y[:, :-1] @ transitions if transitions.dim() == 2 else (y[:, :-1, None] @ transitions)[:, :, 0]
        last = y.gather(1, (self.space.lengths - 1)[:, None, None].expand(-1, 1, y.shape[2]))[:, 0]
        inner = (emissions * y).sum((1, 2)) + (moved * y[:, 1:]).sum((1, 2))
        return inner + y[:, 0] @ start + last @ end

    def raw_hard_score(self, y: Tensor) -> Tensor:
        return self.structure.score(y)

    def raw_hard_scores(self, ys):
        emissions, transitions, start, end = self.structure.scores
        inside, last = self.space.inside, self.space.lengths - 1
        y = torch.where(inside, ys, 0)
        local = emissions.expand(len(y), -1, -1, -1).gather(3, y[..., None])[..., 0]
        moves = transitions[(*self._pairs(transitions), y[..., :-1], y[..., 1:])]
        ends = end[y.gather(2, last.expand(len(y), -1)[..., None])[..., 0]]
        return (local * inside).sum(2) + (moves * inside[:, 1:]).sum(2) + start[y[..., 0]] + ends

    def raw_gains(self, ys, places, candidates=None):
        emissions, transitions, start, end = self.structure.scores
        last = self.space.lengths[:, None, None] - 1
        scores = emissions[:, places].expand(len(ys), -1, -1, -1)
        at = places[:, None]
        if emissions.shape[1] > 1:
            y = torch.where(self.space.inside, ys, 0)
            pairs, steps = self._pairs(transitions), emissions.shape[1] - 1
            before, after = (places - 1).clamp(min=0), places.clamp(max=steps - 1)
            here = (pairs[0], before) if pairs else ()
            into = transitions[(*here, y[..., before])]
            here = (pairs[0], after) if pairs else ()
            onward = transitions[(*here, slice(None), y[..., after + 1])] if pairs else transitions.T[y[..., after + 1]]
            scores = scores + torch.where(at > 0, into, start)
            scores = scores + torch.where(at < last, onward, 0)
        else:
            scores = scores + start
        scores = scores + torch.where(at == last, end, 0)
        return scores - scores.gather(3, self._standing(ys, places))

    @staticmethod
    def _pairs(transitions):
        """What chooses a position's transitions, before the two labels: nothing where they are shared."""
        if transitions.dim() == 2:
            return ()
        batch, steps = transitions.shape[:2]
        device = transitions.device
        return torch.arange(batch, device=device)[:, None], torch.arange(steps, device=device)

    def rows(self, index):
        emissions, transitions, start, end = self.structure.scores
        transitions = transitions if transitions.dim() == 2 else transitions[index]
        rest = {"lengths": self.structure.lengths[index], "backend": self.structure.backend}
        return ChainScored(LinearChain(emissions[index], transitions, start, end, **rest))

    def double(self):
        return ChainScored(self.structure.double())


class ChainScore(ScoreFunction):
    """Any network that gives a linear chain, as F.

    Parameters
    ----------
    network : nn.Module
        ``network(**x)``, or ``network(x)`` where x is no dictionary, gives a :class:`~hybridseq.LinearChain`.
    """

    def __init__(self, network):
        super().__init__()
        self.network = network

    def at(self, x):
        chain = self.network(**x) if isinstance(x, dict) else self.network(x)
        return ChainScored(chain.unrestricted())
