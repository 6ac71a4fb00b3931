"""How often labels occur."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from hybridseq.constraints.automata import Automaton, StateBudgetError
from hybridseq.constraints.constraint import BUDGET, Constraint, Violation, bounds, label_set, spoken, spoken_bounds
from hybridseq.constraints.errors import ConstraintError


@dataclass(frozen=True, repr=False)
class Count(Constraint):
    """See :func:`count` and :func:`segments`."""

    of_segments: bool
    labels: tuple[str, ...]
    min: int
    max: int | None

    def __repr__(self):
        name = "segments" if self.of_segments else "count"
        return f"{name}({spoken(self.labels)}, {spoken_bounds(self.min, self.max) or 'min=0'})"

    def names(self):
        return frozenset(self.labels)

    def automaton_over(self, names, budget=BUDGET):
        """A state for each number seen, up to the bound that decides; for segments also whether one is open."""
        top = self.min if self.max is None else self.max
        if (top + 1) * (1 + self.of_segments) > budget:
            raise StateBudgetError((top + 1) * (1 + self.of_segments), budget, repr(self))
        among = np.isin(np.array(names, object), self.labels)
        here = np.arange(top + 1)
        more = np.append(here[1:], top if self.max is None else -1)
        enough = here >= self.min
        if not self.of_segments:
            return Automaton(np.where(among, more[:, None], here[:, None]).astype(np.int32), enough)
        # Even states are outside a segment, odd ones inside.
        opened = np.where(more >= 0, 2 * more + 1, -1)
        outside = np.where(among, opened[:, None], 2 * here[:, None])
        inside = np.where(among, 2 * here[:, None] + 1, 2 * here[:, None])
        table = np.stack([outside, inside], 1).reshape(2 * (top + 1), len(names))
        return Automaton(table.astype(np.int32), np.repeat(enough, 2))

    def own_violations(self, labels):
        among = [label in self.labels for label in labels]
        starts = [t for t, here in enumerate(among) if here and not (self.of_segments and t and among[t - 1])]
        noun = "in {} segments" if self.of_segments else "{} times"
        said = f"{spoken(self.labels)} occurs {noun.format(len(starts))}"
        if self.max is not None and len(starts) > self.max:
            return [self._violation(labels, starts[self.max], f"{said}; at most {self.max}")]
        if len(starts) < self.min:
            last = max(len(labels) - 1, 0)
            return [Violation(last, labels[last] if labels else "", f"{said}; at least {self.min}", repr(self))]
        return []


def _count(what, of_segments, label, minimum, maximum, exactly):
    if (minimum, maximum, exactly) == (None, None, None):
        raise ConstraintError(f"{what} needs min=, max= or exactly=")
    return Count(of_segments, label_set(what, label), *bounds(what, minimum, maximum, exactly))


def count(
    label: str | Iterable[str], min: int | None = None, max: int | None = None, exactly: int | None = None
) -> Constraint:
    """How many positions have the label (or one of several).

    Raises
    ------
    ConstraintError
        Where no bound is given, or bounds are no whole numbers or contradict one another.

    Notes
    -----
    A counter runs beside the chain: one state for each number up to the bound.
    """
    return _count("count", False, label, min, max, exactly)


def segments(
    label: str | Iterable[str], min: int | None = None, max: int | None = None, exactly: int | None = None
) -> Constraint:
    """How many maximal runs of the label there are, however long each is; of several labels, runs of any of them.

    Raises
    ------
    ConstraintError
        As :func:`count`.
    """
    return _count("segments", True, label, min, max, exactly)
