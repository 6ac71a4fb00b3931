"""Regular expressions over label names, and what is said with them."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from hybridseq.constraints.automata import Automaton
from hybridseq.constraints.automata.regex import Pattern, parse
from hybridseq.constraints.constraint import BUDGET, Constraint, label_set, spoken, within_budget
from hybridseq.constraints.errors import ConstraintError


@dataclass(frozen=True, repr=False)
class Regex(Constraint):
    """See :func:`regex`."""

    pattern: Pattern

    def __repr__(self):
        return f"regex({str(self.pattern)!r})"

    def names(self):
        return frozenset(self.pattern.names())

    def automaton_over(self, names, budget=BUDGET):
        return within_budget(self, lambda: self.pattern.automaton(names, budget))


@dataclass(frozen=True, repr=False)
class Contains(Constraint):
    """See :func:`contains` and :func:`never`."""

    pattern: Pattern
    wanted: bool

    def __repr__(self):
        return f"{'contains' if self.wanted else 'never'}({str(self.pattern)!r})"

    def names(self):
        return frozenset(self.pattern.names())

    def automaton_over(self, names, budget=BUDGET):
        def build():
            anything = Automaton.everything(len(names))
            inner = self.pattern.automaton(names, budget).minimise()
            found = anything.concatenate(inner, budget).minimise().concatenate(anything, budget).minimise()
            return found if self.wanted else found.complement()

        return within_budget(self, build)


@dataclass(frozen=True, repr=False)
class Precedes(Constraint):
    """See :func:`precedes`."""

    before: tuple[str, ...]
    after: tuple[str, ...]

    def __repr__(self):
        return f"precedes({spoken(self.before)}, {spoken(self.after)})"

    def names(self):
        return frozenset(self.before + self.after)

    def automaton_over(self, names, budget=BUDGET):
        opens, needs = (np.isin(np.array(names, object), labels) for labels in (self.before, self.after))
        waiting = np.where(needs, -1, np.where(opens, 1, 0))
        return Automaton(np.stack([waiting, np.ones_like(waiting)]).astype(np.int32), np.ones(2, bool))

    def own_violations(self, labels):
        seen = next((t for t, label in enumerate(labels) if label in self.before), len(labels))
        return [
            self._violation(labels, t, f"{labels[t]!r} stands before any {spoken(self.before)}")
            for t in range(min(seen + 1, len(labels)))
            if labels[t] in self.after
        ]


@dataclass(frozen=True, repr=False)
class Implies(Constraint):
    """See :func:`implies`."""

    condition: Constraint
    consequence: Constraint

    def __repr__(self):
        said = (
            str(x.pattern) if isinstance(x, Contains) and x.wanted else x for x in (self.condition, self.consequence)
        )
        return "implies({!r}, {!r})".format(*said)

    def names(self):
        return self.condition.names() | self.consequence.names()

    def of(self, tokens):
        return Implies(self.condition.of(tokens), self.consequence.of(tokens))

    def automaton_over(self, names, budget=BUDGET):
        return (~self.condition | self.consequence).automaton_over(names, budget)

    def own_violations(self, labels):
        if self.condition.accepts(labels) and not self.consequence.accepts(labels):
            return [
                self._violation(labels, v.position, f"{v.reason}, as {self.condition!r} holds")
                for v in self.consequence.violations(labels)[:1]
            ]
        return []


def regex(pattern: str) -> Constraint:
    """The whole sequence matches a regular expression over label names.

    Parameters
    ----------
    pattern : str
        Names apart by spaces; ``|``, ``*``, ``+``, ``?``, ``{m,n}``, parentheses, ``.`` (any label), ``[A B]`` (one
        of), ``[^A B]`` (any other). Names that hold such a sign stand in quotes: ``"O* ('B|x' I-x*)? O*"``.

    Raises
    ------
    PatternError
        Where the pattern cannot be read; shows the place.
    """
    return Regex(parse(pattern))


def _parse_some(what, pattern):
    parsed = parse(pattern)
    names = tuple(sorted(parsed.names())) or ("any",)
    if parsed.automaton(names).accepting[0]:
        raise ConstraintError(
            f"{what}({pattern!r}): the pattern also matches nothing at all, which is found everywhere; "
            "write + in place of *, or leave the ? out"
        )
    return parsed


def contains(pattern: str) -> Constraint:
    """Somewhere in the sequence, neighbouring labels match the pattern (see :func:`regex`).

    Raises
    ------
    PatternError, ConstraintError
        Where the pattern cannot be read, or matches the empty sequence.
    """
    return Contains(_parse_some("contains", pattern), True)


def never(pattern: str) -> Constraint:
    """Nowhere in the sequence do neighbouring labels match the pattern: ``~contains(pattern)``.

    Raises
    ------
    PatternError, ConstraintError
        Where the pattern cannot be read, or matches the empty sequence.
    """
    return Contains(_parse_some("never", pattern), False)


def precedes(before: str | Iterable[str], after: str | Iterable[str]) -> Constraint:
    """Every ``after`` has a ``before`` somewhere ahead of it.

    Satisfied where no ``after`` occurs. Either may be several labels, any of which counts.
    """
    return Precedes(label_set("precedes", before), label_set("precedes", after))


def implies(condition: str | Constraint, consequence: str | Constraint) -> Constraint:
    """Where the condition holds, the consequence holds too.

    Parameters
    ----------
    condition, consequence : str or Constraint
        A string is a pattern that the sequence contains, as in :func:`contains`: ``implies("A", "B")`` says that
        a sequence with an A somewhere has a B somewhere, on either side.
    """
    for side in (condition, consequence):
        if not isinstance(side, str | Constraint):
            raise ConstraintError(f"implies takes patterns (strings) or constraints; got {side!r}")
    sides = (contains(x) if isinstance(x, str) else x for x in (condition, consequence))
    return Implies(*sides)
