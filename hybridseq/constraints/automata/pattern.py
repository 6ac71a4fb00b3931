"""Regular expressions over label names, as immutable trees."""

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from hybridseq.constraints.automata.automaton import Automaton

#: A label name that needs no quotes.
PLAIN = re.compile(r"""[^\s|*+?(){}.\[\]^'"\\]+""")


class Pattern(ABC):
    """A set of label sequences. Made by :func:`~hybridseq.constraints.automata.regex.parse`; equal where spelled alike.

    ``str`` gives a pattern that parses to an equal tree.
    """

    parts: tuple["Pattern", ...] = ()
    #: How tightly it holds together; a looser part stands in brackets.
    tightness = 3

    def __repr__(self):
        return f"parse({str(self)!r})"

    @abstractmethod
    def __str__(self): ...

    def names(self) -> set[str]:
        """The label names that it mentions."""
        return set().union(*(part.names() for part in self.parts))

    @cached_property
    def size(self) -> int:
        """How many places for a label there are, once repetitions are written out."""
        return sum(part.size for part in self.parts)

    @cached_property
    def depth(self) -> int:
        """How many operators enclose the innermost label."""
        return 1 + max((part.depth for part in self.parts), default=-1)

    def automaton(self, names: Sequence[str], budget: int | None = None) -> Automaton:
        """The minimal automaton of the sequences of these labels that match.

        Parameters
        ----------
        names : sequence of str
            The K labels, in the order of their indices. A name of the pattern that is not among them cannot occur,
            and matches nothing.
        budget : int, optional
            Most states that any step may make. Without it a short pattern can take exponential time and memory,
            such as ``.* A .{30}``.

        Raises
        ------
        StateBudgetError
            Where the budget was not enough.
        """
        from hybridseq.constraints.automata.translation import translate

        return translate(self, names, budget)

    def _within(self, tightness):
        return str(self) if self.tightness >= tightness else f"({self})"


@dataclass(frozen=True, repr=False)
class AnyLabel(Pattern):
    """One label, whichever."""

    size = 1

    def __str__(self):
        return "."


@dataclass(frozen=True, repr=False)
class Label(Pattern):
    """One label."""

    name: str
    size = 1

    def __str__(self):
        return _spelled(self.name)

    def names(self):
        return {self.name}


@dataclass(frozen=True, repr=False)
class OneOf(Pattern):
    """One label of some, or, ``inverted``, one of the others."""

    labels: tuple[str, ...]
    inverted: bool = False
    size = 1

    def __str__(self):
        return f"[{'^' if self.inverted else ''}{' '.join(map(_spelled, self.labels))}]"

    def names(self):
        return set(self.labels)


@dataclass(frozen=True, repr=False)
class InOrder(Pattern):
    """One part after the other; without parts, the empty sequence."""

    parts: tuple[Pattern, ...]

    @property
    def tightness(self):
        """An empty one brings its own brackets."""
        return 1 if self.parts else 3

    def __str__(self):
        return " ".join(part._within(2) for part in self.parts) or "()"


@dataclass(frozen=True, repr=False)
class Either(Pattern):
    """Any of the parts."""

    parts: tuple[Pattern, ...]
    tightness = 0

    def __str__(self):
        return " | ".join(part._within(1) for part in self.parts)


@dataclass(frozen=True, repr=False)
class Repeat(Pattern):
    """``least`` to ``most`` times the part; None: any number from ``least`` on."""

    part: Pattern
    least: int
    most: int | None
    tightness = 2

    @property
    def parts(self):
        """The part that is repeated."""
        return (self.part,)

    @cached_property
    def size(self):
        """One copy of the part for each time that is counted."""
        return self.part.size * (max(self.least, 1) if self.most is None else self.most)

    def __str__(self):
        short = {(0, None): "*", (1, None): "+", (0, 1): "?", (self.least, self.least): f"{{{self.least}}}"}
        most = "" if self.most is None else self.most
        return self.part._within(2) + short.get((self.least, self.most), f"{{{self.least},{most}}}")


def _spelled(name):
    if PLAIN.fullmatch(name):
        return name
    return "'" + name.replace("\\", "\\\\").replace("'", "\\'") + "'"
