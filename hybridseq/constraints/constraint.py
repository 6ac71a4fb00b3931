"""What every constraint can do, and how constraints are joined."""

import difflib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import inf
from numbers import Integral

from hybridseq.constraints.automata import Automaton, StateBudgetError
from hybridseq.constraints.errors import ConstraintError

#: The most states that an automaton may have while a constraint is compiled.
BUDGET = 20_000


@dataclass(frozen=True)
class Violation:
    """One broken rule: the position, the label there, what is wrong, and the part of the constraint that says so."""

    position: int
    label: str
    reason: str
    part: str = ""


class Constraint(ABC):
    """A set of label sequences. Immutable; made by the functions of :mod:`hybridseq.constraints`.

    ``a & b`` holds where both hold, ``a | b`` where one does, ``~a`` where a does not; ``a >> b`` where a sequence
    can be cut in two so that a holds of the first part and b of the second; ``a.star()`` where it can be cut into
    any number of parts, a holding of each. Constraints compare and hash by what they say.
    """

    @abstractmethod
    def names(self) -> frozenset[str]:
        """The label names that the constraint speaks of."""

    @abstractmethod
    def automaton_over(self, names: tuple[str, ...], budget: int = BUDGET) -> Automaton:
        """The automaton of the sequences over these labels that satisfy the constraint."""

    def pairs_over(self, names: tuple[str, ...]):
        """(first, pairs, last) bool arrays that say the same, or None where neighbours do not tell."""
        return None

    @property
    def parts(self) -> tuple["Constraint", ...]:
        """The constraints that all must hold; one for all but ``&``."""
        return (self,)

    def check_names(self, names: Sequence[str]) -> None:
        """Raise where the constraint speaks of a label that is not among ``names``."""
        unknown = sorted(self.names() - set(names))
        if unknown:
            raise ConstraintError(
                f"{self!r} names the label {unknown[0]!r}, which is not among the labels "
                f"{list(names)[:12]}{'…' if len(names) > 12 else ''}{nearest(unknown[0], names)}"
            )

    def of(self, tokens: Sequence[str]) -> "Constraint":
        """The constraint for one sentence: what speaks of tokens, spoken of their positions."""
        return self

    def __and__(self, other):
        from hybridseq.constraints.combine import And

        return And.of_parts(self, other) if isinstance(other, Constraint) else NotImplemented

    def __or__(self, other):
        from hybridseq.constraints.combine import Or

        return Or.of_parts(self, other) if isinstance(other, Constraint) else NotImplemented

    def __invert__(self):
        from hybridseq.constraints.combine import Not

        return Not(self)

    def __rshift__(self, other):
        from hybridseq.constraints.combine import Then

        return Then.of_parts(self, other) if isinstance(other, Constraint) else NotImplemented

    def star(self) -> "Constraint":
        """Any number of sequences, one after another, that each satisfy the constraint; none is enough."""
        from hybridseq.constraints.combine import Star

        return Star(self)

    def soft(self, weight: float, learn: bool = False) -> "Constraint":
        """A constraint that may be broken, at a price.

        Parameters
        ----------
        weight : float
            What a sequence that breaks it scores more, in nats, once however often: below 0 to discourage.
        learn : bool
            Whether estimators train the weight; ``weight`` is then where it starts.

        Returns
        -------
        Constraint
            Stands by itself or joined with others by ``&``.
        """
        from hybridseq.constraints.combine import Soft

        weight = float(weight)
        if not weight < inf:
            raise ConstraintError(f"soft: the weight must be finite, or −inf; got {weight}")
        return Soft(self, weight, bool(learn))

    def __bool__(self):
        raise TypeError(
            "a constraint is neither true nor false: join constraints with &, | and ~ (not with and, or, not), and ask "
            "accepts(labels) about a sequence"
        )

    def accepts(self, labels: Sequence[str]) -> bool:
        """Whether a label sequence satisfies the constraint; O(T) once the constraint is compiled for its labels."""
        labels = check_sequence(labels)
        names = tuple(sorted(self.names() | set(labels)))
        return automaton_of(self, names).accepts([names.index(label) for label in labels])

    def violations(self, labels: Sequence[str]) -> list[Violation]:
        """What is wrong with a label sequence, from left to right, part by part; empty where it is accepted."""
        labels = check_sequence(labels)
        found = [violation for part in self.parts for violation in part.own_violations(labels)]
        return sorted(found, key=lambda violation: violation.position)

    def own_violations(self, labels: list[str]) -> list[Violation]:
        """The violations of a single part: by default the first place from where it cannot be satisfied any more."""
        names = tuple(sorted(self.names() | set(labels)))
        automaton = automaton_of(self, names)
        states = automaton.states([names.index(label) for label in labels])
        dead = next((t for t in range(len(labels)) if states[t + 1] < 0), None)
        if dead is not None:
            return [
                self._violation(
                    labels, dead, f"{labels[dead]!r} cannot stand here{_expected(automaton, states[dead], names)}"
                )
            ]
        if automaton.accepting[states[-1]]:
            return []
        if not labels:
            return [Violation(0, "", "the sequence is empty", repr(self))]
        reason = f"the sequence cannot end here{_expected(automaton, states[-1], names)}"
        return [self._violation(labels, len(labels) - 1, reason)]

    def _violation(self, labels, position, reason):
        return Violation(position, labels[position], reason, repr(self))

    def feasible_lengths(self, limit: int, labels: Iterable[str] | None = None) -> list[int]:
        """The lengths from 1 to ``limit`` that some sequence over the labels has.

        Parameters
        ----------
        limit : int
            The longest length to look at.
        labels : iterable of str, optional
            The label names; without them, those that the constraint names.
        """
        from hybridseq.constraints.feasible import satisfiable

        if isinstance(limit, bool) or not isinstance(limit, Integral) or limit < 0:
            raise ConstraintError(f"limit must be a whole number of at least 0; got {limit!r}")
        names = self._alphabet(labels)
        return [length for length in range(1, limit + 1) if satisfiable(self, names, length)]

    def count(self, T: int, labels: Iterable[str] | None = None) -> int:
        """How many sequences of length T over the labels (or over the names mentioned) it accepts; exact."""
        from hybridseq.constraints.feasible import count

        return count(self, self._alphabet(labels), T)

    def _alphabet(self, labels):
        names = tuple(sorted(self.names())) if labels is None else tuple(labels)
        if not names:
            raise ConstraintError(f"{self!r} names no label; say which labels there are: labels=[...]")
        return names

    def check_dataset(self, y: Iterable[Sequence[str]], X=None):
        """Which label sequences break the constraint, counted by part.

        Parameters
        ----------
        y : iterable of sequences of str
            Label sequences.
        X : sequence of sequences of str, optional
            The sentences, where the constraint speaks of tokens.

        Returns
        -------
        DatasetReport
            Prints as a table; ``ok`` tells whether all are accepted.
        """
        from hybridseq.constraints.dataset import check_dataset

        return check_dataset(self, y, X)

    def compile(self, label_names: Iterable[str], *, budget: int = BUDGET, allow_empty: bool = False):
        """The constraint over these labels, in this order, in the cheapest exact form.

        Parameters
        ----------
        label_names : iterable of str
            The K names, in the order of the label indices.
        budget : int
            The most states an automaton may have on the way.
        allow_empty : bool
            Whether a constraint that nothing satisfies is compiled all the same.

        Returns
        -------
        Plan
            What ``chain.restrict`` takes; its ``explain()`` tells the form and its cost.

        Raises
        ------
        ConstraintError
            Where a name stands twice, or the constraint names a label that is not among them.
        InfeasibleError
            Where no sequence of at least one label satisfies the constraint.
        StateBudgetError
            Where a part needs more states than the budget; names the part.
        """
        from hybridseq.constraints.compiler import compile_constraint

        return compile_constraint(self, label_names, budget=budget, allow_empty=allow_empty)


@lru_cache(maxsize=512)
def automaton_of(constraint: Constraint, names: tuple[str, ...], budget: int = BUDGET) -> Automaton:
    """A constraint's minimal automaton over these labels, remembered."""
    return constraint.automaton_over(names, budget).minimise()


def within_budget(constraint, build):
    """What ``build()`` gives; a budget that it breaks is reported as this constraint's."""
    try:
        return build()
    except StateBudgetError as error:
        raise StateBudgetError(error.states, error.budget, f"{constraint!r} ({error.operation})") from None


def check_sequence(labels) -> list[str]:
    """The labels as a list; raises where they are not a sequence of strings."""
    if isinstance(labels, str):
        raise ConstraintError(f"a label sequence is a list of label names; got the string {labels!r}")
    labels = list(labels)
    for i, label in enumerate(labels):
        if not isinstance(label, str):
            raise ConstraintError(f"labels must be strings; got {label!r} at position {i}")
    return labels


def label_set(what, labels) -> tuple[str, ...]:
    """One name, or several, as a sorted tuple without doubles; raises where there is none."""
    if not isinstance(labels, str | Iterable):
        raise ConstraintError(f"{what} takes a label name, or several; got {labels!r}")
    names = (labels,) if isinstance(labels, str) else tuple(labels)
    for name in names:
        if not isinstance(name, str):
            raise ConstraintError(f"{what} takes label names (strings); got {name!r}")
    if not names:
        raise ConstraintError(f"{what} needs at least one label; got none")
    # numpy's strings show as such.
    return tuple(sorted(set(map(str, names))))


def bounds(what, minimum, maximum, exactly) -> tuple[int, int | None]:
    """Checked ``min``, ``max`` from what the user gave."""
    if exactly is not None:
        if minimum is not None or maximum is not None:
            raise ConstraintError(f"{what}: give exactly= or min= and max=, not both")
        minimum = maximum = exactly
    for name, value in (("min", minimum), ("max", maximum)):
        if value is not None and (isinstance(value, bool) or not isinstance(value, Integral) or value < 0):
            raise ConstraintError(f"{what}: {name} must be a whole number of at least 0; got {value!r}")
    if minimum is not None and maximum is not None and minimum > maximum:
        raise ConstraintError(f"{what}: min = {minimum} is above max = {maximum}")
    return int(minimum or 0), None if maximum is None else int(maximum)


def spoken_bounds(minimum: int, maximum: int | None) -> str:
    """The bounds as they stand in a ``repr``."""
    if minimum == maximum:
        return f"exactly={minimum}"
    said = [f"min={minimum}"] if minimum else []
    return ", ".join(said + ([f"max={maximum}"] if maximum is not None else []))


def spoken(names: Sequence[str]) -> str:
    """Label names as they stand in a ``repr``: one as a string, several as a list."""
    return repr(names[0]) if len(names) == 1 else repr(list(names))


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint at a known name that is spelled alike, or nothing."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _expected(automaton, state, names):
    able = [name for name, after in zip(names, automaton.table[state]) if after >= 0]
    if not able:
        return "; no label can"
    shown = ", ".join(map(repr, able[:5])) + (f" or {len(able) - 5} more" if len(able) > 5 else "")
    return f"; expected {shown}"
