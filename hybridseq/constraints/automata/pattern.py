"""Regular expressions over label names, as immutable trees."""

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

import numpy as np

from hybridseq.constraints.automata.alphabet import Alphabet
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
        alphabet = Alphabet(self.names(), names, budget)
        return alphabet.lift(self._over(alphabet))

    @abstractmethod
    def _over(self, alphabet: Alphabet) -> Automaton:
        """The minimal automaton over the alphabet's symbols."""

    def _within(self, tightness):
        return str(self) if self.tightness >= tightness else f"({self})"


class OneLabel(Pattern):
    """Sequences of exactly one label."""

    size = 1

    @abstractmethod
    def mask(self, alphabet: Alphabet) -> np.ndarray:
        """The symbols that it may be, bool."""

    def _over(self, alphabet):
        return alphabet.row([self.mask(alphabet)])


@dataclass(frozen=True, repr=False)
class AnyLabel(OneLabel):
    """One label, whichever."""

    def __str__(self):
        return "."

    def mask(self, alphabet):
        return alphabet.mask((), inverted=True)


@dataclass(frozen=True, repr=False)
class Label(OneLabel):
    """One label."""

    name: str

    def __str__(self):
        return _spelled(self.name)

    def names(self):
        return {self.name}

    def mask(self, alphabet):
        return alphabet.mask((self.name,))


@dataclass(frozen=True, repr=False)
class OneOf(OneLabel):
    """One label of some, or, ``inverted``, one of the others."""

    labels: tuple[str, ...]
    inverted: bool = False

    def __str__(self):
        return f"[{'^' if self.inverted else ''}{' '.join(map(_spelled, self.labels))}]"

    def names(self):
        return set(self.labels)

    def mask(self, alphabet):
        return alphabet.mask(self.labels, self.inverted)


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

    def _over(self, alphabet):
        pieces = []
        for single, run in groupby(self.parts, key=lambda part: isinstance(part, OneLabel)):
            parts = list(run)
            if single:
                pieces.append(alphabet.row([part.mask(alphabet) for part in parts]))
            else:
                pieces += [part._over(alphabet) for part in parts]
        return alphabet.concatenation(pieces or [alphabet.row([])])


@dataclass(frozen=True, repr=False)
class Either(Pattern):
    """Any of the parts."""

    parts: tuple[Pattern, ...]
    tightness = 0

    def __str__(self):
        return " | ".join(part._within(1) for part in self.parts)

    def _over(self, alphabet):
        single = [part.mask(alphabet) for part in self.parts if isinstance(part, OneLabel)]
        others = [part._over(alphabet) for part in self.parts if not isinstance(part, OneLabel)]
        return alphabet.union(([alphabet.row([np.any(single, axis=0)])] if single else []) + others)


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

    def _over(self, alphabet):
        part, least, most = self._unnested()
        return part._over(alphabet).repeat(least, most, alphabet.budget).minimise()

    def _unnested(self):
        """The same repetition, with the repetitions just inside it multiplied out where that leaves no gap."""
        part, least, most = self.part, self.least, self.most
        while isinstance(part, Repeat) and part.least <= 1:
            unbounded = (most is None and part.most != 0) or (part.most is None and most != 0)
            part, least, most = part.part, least * part.least, None if unbounded else (most or 0) * (part.most or 0)
        return part, least, most


def _spelled(name):
    if PLAIN.fullmatch(name):
        return name
    return "'" + name.replace("\\", "\\\\").replace("'", "\\'") + "'"
