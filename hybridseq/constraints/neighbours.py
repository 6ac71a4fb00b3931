"""Constraints that look at single labels and at neighbours: all that a first-order chain holds by itself."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from hybridseq.constraints.automata import Automaton
from hybridseq.constraints.constraint import BUDGET, Constraint, label_set, spoken
from hybridseq.constraints.errors import ConstraintError


def pair_automaton(first, pairs, last) -> Automaton:
    """The automaton of which labels may begin, follow one another and end; the empty sequence passes."""
    into = np.arange(1, len(first) + 1)
    table = np.vstack([np.where(first, into, -1), np.where(pairs, into, -1)])
    return Automaton(table, np.concatenate([[True], last])).minimise()


class PairConstraint(Constraint):
    """A constraint that ``pairs_over`` says in full."""

    def automaton_over(self, names, budget=BUDGET):
        return pair_automaton(*self.pairs_over(names))


def _everything(names):
    count = len(names)
    return np.ones(count, bool), np.ones((count, count), bool), np.ones(count, bool)


@dataclass(frozen=True, repr=False)
class Transitions(PairConstraint):
    """See :func:`transitions`."""

    pairs: tuple[tuple[str, str], ...]
    forbids: bool

    def __repr__(self):
        return f"transitions({'forbidden' if self.forbids else 'allowed'}={list(self.pairs)!r})"

    def names(self):
        return frozenset(name for pair in self.pairs for name in pair)

    def pairs_over(self, names):
        first, pairs, last = _everything(names)
        listed = np.zeros_like(pairs)
        number = {name: i for i, name in enumerate(names)}
        for before, after in self.pairs:
            if before in number and after in number:
                listed[number[before], number[after]] = True
        return first, ~listed if self.forbids else listed, last

    def own_violations(self, labels):
        listed = set(self.pairs)
        return [
            self._violation(labels, t, f"{labels[t]!r} follows {labels[t - 1]!r}")
            for t in range(1, len(labels))
            if ((labels[t - 1], labels[t]) in listed) == self.forbids
        ]


@dataclass(frozen=True, repr=False)
class Edge(PairConstraint):
    """See :func:`first` and :func:`last`."""

    end: str
    labels: tuple[str, ...]

    def __repr__(self):
        return f"{self.end}({list(self.labels)!r})"

    def names(self):
        return frozenset(self.labels)

    def pairs_over(self, names):
        first, pairs, last = _everything(names)
        among = np.isin(np.array(names, object), self.labels)
        return (among, pairs, last) if self.end == "first" else (first, pairs, among)

    def own_violations(self, labels):
        place = 0 if self.end == "first" else len(labels) - 1
        if not labels or labels[place] in self.labels:
            return []
        verb = "begins" if self.end == "first" else "ends"
        return [
            self._violation(labels, place, f"{labels[place]!r} {verb} the sequence; expected {spoken(self.labels)}")
        ]


def transitions(
    allowed: Iterable[tuple[str, str]] | None = None, *, forbidden: Iterable[tuple[str, str]] | None = None
) -> Constraint:
    """Which labels may follow which.

    Parameters
    ----------
    allowed : iterable of (str, str)
        The only pairs (label, next label) that may stand side by side.
    forbidden : iterable of (str, str)
        Or else: the pairs that may not.

    Raises
    ------
    ConstraintError
        Where not exactly one of the two is given, or an item is no pair of names.
    """
    if (allowed is None) == (forbidden is None):
        raise ConstraintError("transitions takes allowed=[(a, b), …] or forbidden=[(a, b), …], one of them")
    pairs = []
    for pair in forbidden if allowed is None else allowed:
        pair = tuple(pair) if isinstance(pair, Iterable) and not isinstance(pair, str) else pair
        if not isinstance(pair, tuple) or len(pair) != 2 or not all(isinstance(name, str) for name in pair):
            raise ConstraintError(f"transitions takes pairs (label, next label); got {pair!r}")
        pairs.append(tuple(map(str, pair)))
    return Transitions(tuple(sorted(set(pairs))), allowed is None)


def first(labels: Iterable[str] | str) -> Constraint:
    """The first label is one of these; the empty sequence satisfies it."""
    return Edge("first", label_set("first", labels))


def last(labels: Iterable[str] | str) -> Constraint:
    """The last label is one of these; the empty sequence satisfies it."""
    return Edge("last", label_set("last", labels))
