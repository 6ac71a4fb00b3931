"""A chain within budgets: only its best label sequence can be had."""

import functools
import warnings

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from hybridseq.structures import budgets, checks, restriction
from hybridseq.structures.above import Above
from hybridseq.structures.structure import NO_LABEL, Structure


class BudgetedError(RuntimeError):
    """A method that sums over label sequences was asked of a structure with budgets."""


def _beyond(name):
    def method(self, *_):
        raise BudgetedError(
            f"{name} ranges over all label sequences within the budgets, for which there is no recursion. What works: "
            "score, decode, max_score, feasible, solve, and the losses that use only these (structured_hinge, "
            "perceptron). For counts of labels use constraints.count, which is exact everywhere; or ask the structure "
            "without its budgets: .base."
        )

    return method


class BudgetedChain(Above):
    """The label sequences of a chain whose sums of coefficients stay within bounds.

    Made by :meth:`LinearChain.restrict` from a plan with budgets (``constraints.linear``).

    Parameters
    ----------
    base : LinearChain or RestrictedChain
    coefficients : (R, K) array or tensor
        What a position with each label adds to each of R sums.
    low, high : (R,) arrays or tensors
        Bounds of the sums, both ends included; −inf or inf where there is none.

    Notes
    -----
    ``decode`` and what follows from it are searches (:func:`hybridseq.inference.solve`): ``solve`` also tells whether
    the answer is proven. ``max_score`` is differentiable, its gradient is the parts of the sequence that was found.
    """

    def __init__(self, base, coefficients, low, high):
        self.base = base
        self.coefficients, self.low, self.high = checks.budgets(coefficients, low, high, base.num_labels)

    def __repr__(self):
        return f"BudgetedChain({self.base!r}, {len(self.low)} budgets)"

    @property
    def backend(self):
        """The backend of the chain that the searches decode."""
        return self.base.backend

    def solve(self, method: str = "auto", time_limit: float | None = None) -> budgets.Solution:
        """The best label sequences with their bounds, see :func:`hybridseq.inference.solve`."""
        return budgets.solve(self.base, self.coefficients, self.low, self.high, method, time_limit)

    @functools.cached_property
    def _solution(self):
        found = self.solve()
        if not found.exact.all():
            rows = (~found.exact).nonzero()[:, 0].tolist()
            warnings.warn(f"the best label sequences of rows {rows} are not proven; solve() tells bounds", stacklevel=3)
        return found

    def raw_score(self, labels):
        value = self.base.raw_score(labels)
        used = torch.where(checks.inside(self), labels, NO_LABEL)
        kept = budgets.Sums(self.coefficients, self.low, self.high).kept(used.cpu().numpy())
        return torch.where(torch.from_numpy(np.asarray(kept)).to(value.device), value, -torch.inf)

    def decode(self) -> Int64[Tensor, "B T"]:
        """The label sequence with the highest score; a warning names rows where it is not proven."""
        return self._solution.labels

    raw_log_partition = _beyond("log_partition")
    raw_log_prob = _beyond("log_prob")
    raw_expected_score = _beyond("an expectation")
    marginals = _beyond("marginals")
    pair_marginals = _beyond("pair_marginals")
    raw_k_best = _beyond("k_best")
    raw_sample = _beyond("sample")

    def _on(self, base):
        return BudgetedChain(base, self.coefficients, self.low, self.high)

    def double(self) -> "BudgetedChain":
        """The same scores in float64, without their graph."""
        return self._on(self.base.double())

    def augment(self, cost: Float[Tensor, "B T K"]) -> "BudgetedChain":
        return self._carry(self._on(self.base.augment(cost)), lambda s: s.augment(cost))

    def restrict(self, what, labels=None, weights=None) -> Structure:
        """As ``LinearChain.restrict``: what all of them accept."""
        if isinstance(what, Tensor):
            return self._carry(self._on(self.base.restrict(what)), lambda s: s.restrict(what))
        return restriction.apply(self, checks.as_plan(what, labels, self.num_labels), weights)

    def restrict_pairs(self, plan):
        """The structure with −inf where a plan's label pairs are forbidden."""
        return self._on(self.base.restrict_pairs(plan))

    def restrict_automaton(self, plan, weights=None):
        """The structure over what the automaton accepts."""
        return self._on(self.base.restrict_automaton(plan, weights))

    def restrict_budgets(self, coefficients, low, high):
        """The structure within more budgets."""
        ours, theirs = (self.coefficients, self.low, self.high), (coefficients, low, high)
        return BudgetedChain(self.base, *(np.concatenate(pair) for pair in zip(ours, theirs)))
