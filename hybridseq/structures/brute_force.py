"""The chain's enumerating twin: every label sequence written out, for tests on tiny cases."""

import itertools
from dataclasses import dataclass
from math import fsum

import numpy as np
import torch

from hybridseq.kernels.chain.reference import log_prob_of
from hybridseq.structures import checks
from hybridseq.structures.linear_chain import LinearChain
from hybridseq.structures.structure import NO_LABEL


@dataclass(frozen=True)
class _Budgets:
    """Bounds of sums, asked of one sequence at a time; rounding is forgiven."""

    coefficients: np.ndarray
    low: np.ndarray
    high: np.ndarray
    positions = None

    def accepts(self, path):
        """Whether all sums of a path are within their bounds."""
        total = np.array([fsum(row[path]) for row in self.coefficients])
        slack = 1e-9 * (1 + np.abs(self.coefficients).sum(1))
        return ((total >= self.low - slack) & (total <= self.high + slack)).all()


class BruteForce(LinearChain):
    """A linear chain that enumerates its K**T label sequences.

    The constructor and all methods are ``LinearChain``'s; nothing here uses a recursion, so that each can check the
    other. O(B·T·K**T).
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._plans = ()
        _, steps, labels = self.emissions.shape
        if labels**steps > 1_000_000:
            raise ValueError(f"{labels}**{steps} label sequences are too many to enumerate; use LinearChain.")

    def _rows(self):
        """For every row its length, all label sequences (N, L) and their scores (N,) in float64."""
        emissions, transitions, start, end = (x.double() for x in self.scores)
        for b, length in enumerate(self.lengths.tolist()):
            paths = torch.tensor(list(itertools.product(range(self.num_labels), repeat=length)))
            scores = start[paths[:, 0]] + end[paths[:, -1]]
            for t in range(length):
                scores = scores + emissions[b, t, paths[:, t]]
                if t > 0:
                    step = transitions if transitions.dim() == 2 else transitions[b, t - 1]
                    scores = scores + step[paths[:, t - 1], paths[:, t]]
            for plan, weights in self._plans:
                scores = self._judged(scores, paths, plan, weights)
            yield b, length, paths, scores

    @staticmethod
    def _judged(scores, paths, plan, weights):
        """Scores without what a plan refuses, asked sequence by sequence."""
        sequences = [path.numpy() for path in paths]
        for i, automaton in enumerate(getattr(plan, "soft", ())):
            broken = torch.tensor([not automaton.accepts(path) for path in sequences])
            scores = torch.where(broken, scores + weights[i], scores)
        # Positions stand in the emissions already, and may differ from row to row.
        ask = plan if plan.positions is None else plan.automaton
        accepted = torch.tensor([bool(ask.accepts(path)) for path in sequences])
        return torch.where(accepted, scores, -torch.inf)

    def _judge(self, plan, weights=None):
        weights = torch.tensor(getattr(plan, "weights", ())) if weights is None else weights
        chain = self._with()
        chain._plans = *self._plans, (plan, weights.to(self.emissions).double())
        return chain

    def restrict_pairs(self, plan):
        return self._judge(plan)

    def restrict_automaton(self, plan, weights=None):
        checks.check_weights(weights, len(plan.weights))
        return self._judge(plan, weights)

    def restrict_budgets(self, coefficients, low, high):
        return self._judge(_Budgets(*(np.asarray(x, np.float64) for x in (coefficients, low, high))))

    def raw_score(self, labels):
        found = []
        for b, length, paths, scores in self._rows():
            found.append(scores[(paths == labels[b, :length]).all(1)].squeeze(0))
        return torch.stack(found)

    def raw_log_prob(self, labels):
        return log_prob_of(self.raw_score(labels), self.raw_log_partition())

    @staticmethod
    def _possible(scores):
        return scores > -torch.inf

    def raw_log_partition(self):
        return torch.stack(
            [
                scores[keep].logsumexp(0) if (keep := self._possible(scores)).any() else scores.new_tensor(-torch.inf)
                for *_, scores in self._rows()
            ]
        )

    def _probabilities(self):
        for b, length, paths, scores in self._rows():
            keep = self._possible(scores)
            yield b, length, paths[keep], scores[keep].softmax(0) if keep.any() else scores[keep]

    def raw_expected_score(self, other):
        totals = []
        theirs = {b: scores for b, _, _, scores in other._rows()}
        for b, _, _, scores in self._rows():
            keep = self._possible(scores)
            seen = theirs[b][keep]
            mean = (scores[keep].softmax(0) * torch.where(seen > -torch.inf, seen, 0)).sum()
            totals.append(mean if (seen > -torch.inf).all() else mean.new_tensor(-torch.inf))
        return torch.stack(totals)

    def marginals(self):
        rows = []
        for _, length, paths, probabilities in self._probabilities():
            hot = torch.nn.functional.one_hot(paths, self.num_labels).to(probabilities)
            row = torch.einsum("n,ntk->tk", probabilities, hot)
            rows.append(torch.nn.functional.pad(row, (0, 0, 0, self.emissions.shape[1] - length)))
        return self._round(torch.stack(rows))

    def pair_marginals(self):
        rows = []
        for _, length, paths, probabilities in self._probabilities():
            hot = torch.nn.functional.one_hot(paths, self.num_labels).to(probabilities)
            row = torch.einsum("n,nti,ntj->tij", probabilities, hot[:, :-1], hot[:, 1:])
            rows.append(torch.nn.functional.pad(row, (0, 0, 0, 0, 0, self.emissions.shape[1] - length)))
        return self._round(torch.stack(rows))

    def decode(self):
        return self.raw_k_best(1)[0][:, 0]

    def raw_k_best(self, k):
        batch, steps, _ = self.emissions.shape
        labels = torch.full((batch, k, steps), NO_LABEL)
        values = torch.full((batch, k), -torch.inf, dtype=torch.float64)
        for b, length, paths, scores in self._rows():
            order = scores.detach().argsort(descending=True, stable=True)[:k]
            order = order[self._possible(scores[order])]
            labels[b, : len(order), :length] = paths[order]
            values[b, : len(order)] = scores[order].detach()
        return labels, values

    def raw_sample(self, uniforms):
        labels = torch.full(uniforms.shape, NO_LABEL)
        for b, length, paths, probabilities in self._probabilities():
            if len(paths):
                draws = torch.searchsorted(probabilities.detach().cumsum(0), uniforms[:, b, 0].contiguous())
                labels[:, b, :length] = paths[draws.clamp(max=len(paths) - 1)]
        return labels
