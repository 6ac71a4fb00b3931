"""What single positions may hold: constraints of one example, given when it is predicted."""

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from hybridseq.constraints.automata import Automaton
from hybridseq.constraints.constraint import (
    BUDGET,
    Constraint,
    Violation,
    check_sequence,
    label_set,
    spoken,
    within_budget,
)
from hybridseq.constraints.errors import ConstraintError
from hybridseq.constraints.masks import PositionMask


class Positional(Constraint):
    """A constraint that is a set of labels at each of some positions."""

    @abstractmethod
    def sets_over(self, names) -> list[tuple[int, tuple[str, ...]]]:
        """Positions (negative ones from the end) and the labels that each allows."""

    def mask_over(self, names) -> PositionMask:
        """The same as a mask."""
        sets = self.sets_over(names)
        allowed = np.array([np.isin(np.array(names, object), labels) for _, labels in sets])
        return PositionMask(tuple(place for place, _ in sets), allowed.reshape(len(sets), len(names)))

    def accepts(self, labels):
        return not self.own_violations(check_sequence(labels))

    def automaton_over(self, names, budget=BUDGET):
        """A position from the front counts up to it; one from the end is guessed and then counted off."""
        return within_budget(self, lambda: self._automaton(names, budget))

    def _automaton(self, names, budget):
        count = len(names)
        anything = Automaton.everything(count)
        result = anything
        for place, labels in self.sets_over(names):
            wanted = Automaton.symbols([i for i, name in enumerate(names) if name in labels], count)
            steps = Automaton.symbols(range(count), count)
            if place >= 0:
                one = steps.repeat(place, place, budget).concatenate(wanted, budget).concatenate(anything, budget)
            else:
                one = anything.concatenate(wanted, budget).concatenate(
                    steps.repeat(-place - 1, -place - 1, budget), budget
                )
            result = result.intersect(one, budget).minimise()
        return result

    def own_violations(self, labels):
        found = []
        for place, allowed in self.sets_over(tuple(sorted(self.names() | set(labels)))):
            at = place if place >= 0 else len(labels) + place
            if not 0 <= at < len(labels):
                found.append(
                    Violation(
                        max(len(labels) - 1, 0),
                        labels[-1] if labels else "",
                        f"there is no position {place}",
                        repr(self),
                    )
                )
            elif labels[at] not in allowed:
                found.append(self._violation(labels, at, f"{labels[at]!r} stands here; expected {spoken(allowed)}"))
        return found


@dataclass(frozen=True, repr=False)
class At(Positional):
    """See :func:`at`."""

    position: int
    labels: tuple[str, ...]

    def __repr__(self):
        return f"at({self.position}, {spoken(self.labels)})"

    def names(self):
        return frozenset(self.labels)

    def sets_over(self, names):
        return [(self.position, self.labels)]


@dataclass(frozen=True, repr=False)
class Span(Positional):
    """See :func:`span`."""

    start: int
    end: int
    label: str

    def __repr__(self):
        return f"span({self.start}, {self.end}, {self.label!r})"

    def names(self):
        return frozenset([self.label])

    def sets_over(self, names):
        return [(place, (self.label,)) for place in range(self.start, self.end)]


@dataclass(frozen=True, eq=False, repr=False)
class Allowed(Constraint):
    """See :func:`allowed`."""

    mask: np.ndarray
    labels: tuple[str, ...] | None
    alone: bool = field(default=True, init=False)

    def __repr__(self):
        return f"allowed(mask of shape {self.mask.shape})"

    def names(self):
        return frozenset(self.labels or ())

    def mask_over(self, names):
        """The mask with its columns in the order of the names."""
        if self.labels is not None:
            missing = [name for name in names if name not in self.labels]
            if missing:
                raise ConstraintError(f"{self!r} has no column for the label {missing[0]!r}")
            table = self.mask[..., [self.labels.index(name) for name in names]]
        elif self.mask.shape[-1] != len(names):
            raise ConstraintError(
                f"{self!r} has {self.mask.shape[-1]} columns, but there are K = {len(names)} labels; "
                "give one column for each, or name them: allowed(mask, labels=[...])"
            )
        else:
            table = self.mask
        return PositionMask((), np.ones((0, len(names)), bool), table)

    def automaton_over(self, names, budget=BUDGET):
        raise ConstraintError(
            f"{self!r} stands by itself or joined by &, and has lengths of its own; it is no automaton"
        )

    def row(self, i: int) -> "Allowed":
        """The mask of one row; a mask for a single sequence is every row's."""
        return Allowed(self.mask[i], self.labels) if self.mask.ndim == 3 else self

    def own_violations(self, labels):
        if self.labels is None:
            raise ConstraintError(
                f"{self!r} does not know its columns' names; make it with allowed(mask, labels=[...])"
            )
        if self.mask.ndim == 3:
            raise ConstraintError(
                f"{self!r} speaks of a batch; ask about a row's own mask: allowed(mask[row], labels=...)"
            )
        found = []
        for t, label in enumerate(labels):
            if t >= len(self.mask):
                return [*found, self._violation(labels, t, f"the mask ends at {len(self.mask)} positions")]
            if label not in self.labels or not self.mask[t, self.labels.index(label)]:
                found.append(self._violation(labels, t, f"{label!r} is not allowed here"))
        return found

    def accepts(self, labels):
        return not self.own_violations(list(labels))


@dataclass(frozen=True, repr=False)
class Tokens(Constraint):
    """See :func:`tokens`."""

    entries: tuple[tuple[str, tuple[str, ...]], ...]
    alone: bool = field(default=True, init=False)

    @cached_property
    def _labels_of(self):
        return dict(self.entries)

    def __repr__(self):
        entries = {token: list(labels) for token, labels in self.entries}
        return f"tokens({entries!r})"

    def names(self):
        return frozenset(label for _, labels in self.entries for label in labels)

    def of(self, tokens):
        known = self._labels_of
        found = [At(t, known[token]) for t, token in enumerate(tokens) if token in known]
        if not found:
            return ANYTHING
        from hybridseq.constraints.combine import And

        return And.of_parts(*found)

    def automaton_over(self, names, budget=BUDGET):
        raise ConstraintError(f"{self!r} needs the sentence's tokens: constraint.of(tokens)")

    def own_violations(self, labels):
        raise ConstraintError(f"{self!r} needs the sentence's tokens: constraint.of(tokens).violations(labels)")

    def accepts(self, labels):
        raise ConstraintError(f"{self!r} needs the sentence's tokens: constraint.of(tokens).accepts(labels)")


@dataclass(frozen=True, repr=False)
class Anything(Constraint):
    """Every sequence."""

    def __repr__(self):
        return "anything()"

    def names(self):
        return frozenset()

    def pairs_over(self, names):
        count = len(names)
        return np.ones(count, bool), np.ones((count, count), bool), np.ones(count, bool)

    def automaton_over(self, names, budget=BUDGET):
        return Automaton.everything(len(names))


ANYTHING = Anything()


def anything() -> Constraint:
    """The constraint that every sequence satisfies."""
    return ANYTHING


def _whole(what, name, value):
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise ConstraintError(f"{what}: {name} must be a whole number; got {value!r}")
    return int(value)


def at(position: int, labels: str | Iterable[str]) -> Constraint:
    """One of these labels stands at a position, counted from 0 or, below 0, from the end (−1: the last).

    A sequence too short to have the position does not satisfy it.
    """
    return At(_whole("at", "position", position), label_set("at", labels))


def span(i: int, j: int, label: str) -> Constraint:
    """Positions i to j − 1 all have the label.

    Raises
    ------
    ConstraintError
        Where not 0 ≤ i < j.
    """
    i, j = _whole("span", "i", i), _whole("span", "j", j)
    if not 0 <= i < j:
        raise ConstraintError(f"span needs 0 <= i < j, positions i to j - 1; got i = {i}, j = {j}")
    if not isinstance(label, str):
        raise ConstraintError(f"span takes one label name; got {label!r}")
    return Span(i, j, label)


def allowed(mask, labels: Sequence[str] | None = None) -> Constraint:
    """The labels that each position allows.

    Parameters
    ----------
    mask : (T, K) or (B, T, K) bool array or tensor
        For one sequence, or for the rows of a batch; positions beyond a row's length do not matter.
    labels : sequence of str, optional
        The columns' names; without them, columns stand in the order of the labels compiled for.

    Raises
    ------
    ConstraintError
        Where the mask is not of bool, or has another shape.
    """
    mask = np.array(mask.detach().cpu().numpy() if hasattr(mask, "detach") else mask)
    if mask.dtype != bool or mask.ndim not in (2, 3):
        raise ConstraintError(f"allowed takes a bool mask (T, K) or (B, T, K); got {mask.dtype} of shape {mask.shape}")
    if labels is not None:
        labels = tuple(labels)
        if len(labels) != mask.shape[-1] or len(set(labels)) != len(labels):
            raise ConstraintError(
                f"allowed needs a distinct name for each of {mask.shape[-1]} columns; got {list(labels)}"
            )
    mask.setflags(write=False)
    return Allowed(mask, labels)


def tokens(labels_of: Mapping[str, str | Iterable[str]]) -> Constraint:
    """The labels that certain tokens allow, wherever they stand: ``tokens({"Taipei": ["B-city", "I-city"]})``.

    Tokens that are not listed allow every label. Estimators know the sentences; by hand,
    ``constraint.of(sentence)`` gives the constraint of one.
    """
    if not isinstance(labels_of, Mapping):
        raise ConstraintError(f"tokens takes a dictionary, token to labels; got {type(labels_of).__name__}")
    entries = ((str(token), label_set("tokens", labels)) for token, labels in labels_of.items())
    return Tokens(tuple(sorted(entries)))
