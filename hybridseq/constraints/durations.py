"""How long a label lasts."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from numbers import Integral

import numpy as np

from hybridseq.constraints.automata import Automaton
from hybridseq.constraints.constraint import (
    BUDGET,
    Constraint,
    bounds,
    label_set,
    spoken,
    spoken_bounds,
)
from hybridseq.constraints.errors import ConstraintError


class _Each:
    """Every label there is."""

    def __repr__(self):
        return "each"

    def __reduce__(self):
        return "each"


#: Stands for every label: ``run(each, min=5)``.
each = _Each()


@dataclass(frozen=True, repr=False)
class Run(Constraint):
    """See :func:`run`."""

    labels: tuple[str, ...] | None
    min: int
    max: int | None
    multiple_of: int

    def __repr__(self):
        said = [
            "each" if self.labels is None else spoken(self.labels),
            spoken_bounds(self.min, self.max) or ("" if self.multiple_of > 1 else "min=0"),
            f"multiple_of={self.multiple_of}" if self.multiple_of > 1 else "",
        ]
        return f"run({', '.join(filter(None, said))})"

    def names(self):
        return frozenset(self.labels or ())

    def fits(self, length: int) -> bool:
        """Whether a run may be this long."""
        return length >= self.min and (self.max is None or length <= self.max) and length % self.multiple_of == 0

    def automaton_over(self, names, budget=BUDGET):
        """State 0 is outside the labels; then each has its counts, which wrap round where there is no maximum."""
        mine = [i for i, name in enumerate(names) if self.labels is None or name in self.labels]
        if self.max is None:
            before = max(self.min - 1, 0)
            size, wrap = before + self.multiple_of, before + 1
        else:
            size, wrap = self.max, 0
        if size == 0:
            table = np.zeros((1, len(names)), np.int32)
            table[0, mine] = -1
            return Automaton(table, np.ones(1, bool))
        if size * len(mine) > budget:
            from hybridseq.constraints.automata import StateBudgetError

            raise StateBudgetError(size * len(mine), budget, repr(self))
        counts = np.arange(1, size + 1)
        complete = np.array([self.fits(count) for count in counts.tolist()])
        begun = np.zeros(len(names), np.int32)
        begun[mine] = 1 + size * np.arange(len(mine))
        table = np.full((1 + size * len(mine), len(names)), -1, np.int32)
        table[0] = begun
        for place, label in enumerate(mine):
            own = 1 + size * place
            table[own : own + size][complete] = begun
            table[own : own + size - 1, label] = own + counts[:-1]
            table[own + size - 1, label] = own + wrap - 1 if wrap else -1
        return Automaton(table, np.concatenate([[True], np.tile(complete, len(mine))]))

    def own_violations(self, labels):
        found, start = [], 0
        for label, group in groupby(labels):
            length = len(list(group))
            if (self.labels is None or label in self.labels) and not self.fits(length):
                found.append(
                    self._violation(
                        labels, start, f"{label!r} stands {length} times in a row, which is not {self._rule()}"
                    )
                )
            start += length
        return found

    def _rule(self):
        if self.min == self.max:
            rule = f"exactly {self.min}"
        else:
            said = [f"at least {self.min}"] if self.min > 1 else []
            rule = " and ".join(said + ([f"at most {self.max}"] if self.max is not None else []))
        multiple = f"a multiple of {self.multiple_of}" if self.multiple_of > 1 else ""
        return " and ".join(filter(None, [rule, multiple])) or "allowed"


def run(
    label: str | Iterable[str],
    min: int | None = None,
    max: int | None = None,
    exactly: int | None = None,
    multiple_of: int | None = None,
) -> Constraint:
    """How often a label stands in a row: speaks of every maximal run of it in the whole sequence.

    Parameters
    ----------
    label : str, iterable of str, or ``each``
        One label, several (each by itself), or all of them. A sequence without the label satisfies the constraint.
    min, max, exactly : int, optional
        Lengths of a run.
    multiple_of : int, optional
        Every run's length is a multiple of it; may be joined with ``min`` and ``max``.

    Raises
    ------
    ConstraintError
        Where no bound is given, or bounds are no whole numbers or contradict one another.

    Notes
    -----
    "Five in a row" has three readings: ``min=5``, ``exactly=5``, ``multiple_of=5``. An automaton counts to the
    longest bound for each label; only the arcs from a complete run to another label add up with the number of labels.
    """
    what = "run"
    minimum, maximum = bounds(what, min, max, exactly)
    if (min, max, exactly, multiple_of) == (None,) * 4:
        raise ConstraintError("run needs min=, max=, exactly= or multiple_of=")
    if multiple_of is not None and (
        isinstance(multiple_of, bool) or not isinstance(multiple_of, Integral) or multiple_of < 1
    ):
        raise ConstraintError(f"run: multiple_of must be a whole number of at least 1; got {multiple_of!r}")
    labels = None if label is each else label_set(what, label)
    return Run(labels, minimum, maximum, int(multiple_of or 1))
