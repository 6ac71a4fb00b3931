"""Budgets: linear bounds on a whole sequence, beyond what automata hold."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf, isfinite

from hybridseq.constraints.constraint import BUDGET, Constraint, Violation
from hybridseq.constraints.errors import ConstraintError


@dataclass(frozen=True, repr=False)
class Linear(Constraint):
    """See :func:`linear`."""

    coefficients: tuple[tuple[str, float], ...]
    min: float
    max: float
    alone: bool = field(default=True, init=False)

    def __repr__(self):
        said = [f"{name}={value}" for name, value in (("min", self.min), ("max", self.max)) if isfinite(value)]
        return f"linear({dict(self.coefficients)!r}, {', '.join(said)})"

    def names(self):
        return frozenset(name for name, _ in self.coefficients)

    def automaton_over(self, names, budget=BUDGET):
        raise ConstraintError(f"{self!r} is a budget, not a regular constraint; it can be decoded with, joined by &")

    def total(self, labels) -> float:
        """The sum that is bounded."""
        values = dict(self.coefficients)
        return sum(values.get(label, 0.0) for label in labels)

    def accepts(self, labels):
        return not self.own_violations(list(labels))

    def own_violations(self, labels):
        total, slack = self.total(labels), 1e-9 * (1 + sum(abs(value) for _, value in self.coefficients))
        if self.min - slack <= total <= self.max + slack:
            return []
        last = max(len(labels) - 1, 0)
        reason = f"the sum is {total:g}, " + (f"below {self.min:g}" if total < self.min else f"above {self.max:g}")
        return [Violation(last, labels[last] if labels else "", reason, repr(self))]


def linear(coefficients: Mapping[str, float], min: float | None = None, max: float | None = None) -> Constraint:
    """The sum of the labels' coefficients over a sequence stays within bounds.

    Parameters
    ----------
    coefficients : mapping of str to float
        What each position with the label adds; 0 for labels that are not listed.
    min, max : float, optional
        The bounds, at least one of them; both ends belong to it.

    Raises
    ------
    ConstraintError
        Where no bound is given, or a number is not finite.

    Notes
    -----
    Real coefficients are beyond automata: decoding goes through Lagrangian bounds and, where these leave a gap,
    through mixed-integer programming; sums over all sequences (log-partition, marginals) cannot be had. Counts of
    labels are better said with :func:`~hybridseq.constraints.count`, which is exact everywhere.
    """
    if not isinstance(coefficients, Mapping):
        raise ConstraintError(f"linear takes a dictionary, label to coefficient; got {type(coefficients).__name__}")
    entries = tuple(sorted((str(name), float(value)) for name, value in coefficients.items()))
    if min is None and max is None:
        raise ConstraintError("linear needs min= or max=")
    for what, value in [*entries, ("min", min or 0.0), ("max", max or 0.0)]:
        if not isinstance(what, str) or not isfinite(value):
            raise ConstraintError(f"linear takes label names and finite numbers; got {what!r}: {value!r}")
    low, high = -inf if min is None else float(min), inf if max is None else float(max)
    if low > high:
        raise ConstraintError(f"linear: min = {low:g} is above max = {high:g}")
    return Linear(entries, low, high)
