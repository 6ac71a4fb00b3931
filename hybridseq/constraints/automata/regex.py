"""Regular expressions over label names: reading them.

A label name stands for itself; names are separated by white space or operators.

=============  =======================================================
``A B``        A, then B
``A | B``      A or B
``A* A+ A?``   any number, at least one, at most one
``A{2}``       exactly two; ``A{2,}`` two or more, ``A{2,4}`` two to four
``.``          any label
``[A B]``      one of these; ``[^A B]`` one of the others
``( )``        grouping; ``()`` and the empty pattern match the empty sequence
``'a b'``      a name with white space or operators in it, in single or double quotes; a backslash escapes
=============  =======================================================
"""

import re

from hybridseq.constraints.automata.pattern import PLAIN, AnyLabel, Either, InOrder, Label, OneOf, Pattern, Repeat

__all__ = ["Pattern", "PatternError", "parse"]

#: Most places for a label in a pattern, repetitions written out: ``(A B){50}`` has 100.
MAX_SIZE = 10_000
#: Most brackets within brackets, and repetitions within repetitions.
MAX_DEPTH = 100

_SPACE = re.compile(r"\s*")
_BOUNDS = re.compile(r"\{\s*(\d+)\s*(?:(,)\s*(\d*)\s*)?\}")
_SHORT = {"*": (0, None), "+": (1, None), "?": (0, 1)}
_LABEL = "a label, '.', '[' or '('"


class PatternError(ValueError):
    """A pattern that cannot be read.

    Parameters
    ----------
    message : str
        What was expected, and what stands there.
    pattern : str
        The whole pattern.
    position : int
        Where in it.
    """

    def __init__(self, message: str, pattern: str, position: int):
        super().__init__(message, pattern, position)
        self.message, self.pattern, self.position = message, pattern, position

    def __str__(self):
        begin = max(0, self.position - 60)
        shown = re.sub(r"\s", " ", self.pattern[begin : begin + 100])
        before = "…" if begin else ""
        after = "…" if begin + 100 < len(self.pattern) else ""
        place = " " * (len(before) + self.position - begin)
        return f"{self.message}\n  {before}{shown}{after}\n  {place}^"


def parse(pattern: str) -> Pattern:
    """Read a regular expression over label names; the module's docstring shows the operators.

    Raises
    ------
    PatternError
        Where it cannot be read, or asks for more than ``MAX_SIZE`` places or ``MAX_DEPTH`` levels.

    Examples
    --------
    >>> parse("O* (B-X I-X* O+)?")
    parse('O* (B-X I-X* O+)?')
    >>> parse("O | B-X").automaton(["O", "B-X", "I-X"]).accepts([1])
    True
    """
    if not isinstance(pattern, str):
        raise TypeError(f"pattern must be a string; got {pattern!r}")
    return _Reader(pattern).whole()


class _Reader:
    """Recursive descent; ``at`` is the place of the next character that is not white space."""

    def __init__(self, text):
        self.text, self.at, self.level = text, 0, 0
        self._move(0)

    def whole(self):
        found = self._either()
        if self._next():
            raise PatternError("the '(' of this ')' is missing", self.text, self.at)
        return found

    def _next(self):
        return self.text[self.at : self.at + 1]

    def _move(self, to):
        self.at = _SPACE.match(self.text, to).end()

    def _expected(self, what):
        if self.at < len(self.text):
            raise PatternError(f"expected {what}; got {self._next()!r}", self.text, self.at)
        raise PatternError(f"expected {what}; the pattern ends", self.text, self.at)

    def _bounded(self, pattern, at):
        if pattern.size > MAX_SIZE:
            message = f"up to here the pattern, written out, has {pattern.size} places for a label"
            raise PatternError(f"{message}; at most {MAX_SIZE} are allowed", self.text, at)
        if pattern.depth > MAX_DEPTH:
            self._too_deep(at)
        return pattern

    def _too_deep(self, at):
        raise PatternError(f"operators stand more than {MAX_DEPTH} deep in one another here", self.text, at)

    def _either(self):
        """Branches up to a bracket or the end."""
        branches = [self._in_order()]
        while self._next() == "|":
            if branches[-1] is None:
                self._expected(f"{_LABEL} before '|' (write () for the empty sequence)")
            self._move(self.at + 1)
            branches.append(self._in_order())
        if branches[-1] is None and len(branches) > 1:
            self._expected(f"{_LABEL} after '|' (write () for the empty sequence)")
        return self._bounded(_joined(Either, [InOrder(()) if x is None else x for x in branches]), self.at)

    def _in_order(self):
        """Parts up to a bar, a bracket or the end; None where there is none."""
        parts = []
        while self._next() not in ("", "|", ")"):
            parts.append(self._repeated())
        return self._bounded(_joined(InOrder, parts), self.at) if parts else None

    def _repeated(self):
        found = self._single()
        while self._next() in ("*", "+", "?", "{"):
            at = self.at
            found = self._bounded(Repeat(found, *self._times()), at)
        return found

    def _times(self):
        if self._next() in _SHORT:
            times = _SHORT[self._next()]
            self._move(self.at + 1)
            return times
        bounds = _BOUNDS.match(self.text, self.at)
        if not bounds:
            raise PatternError("expected bounds such as {2}, {2,} or {2,4}", self.text, self.at)
        least, comma, most = bounds.groups()
        if max(len(least), len(most or "")) > 9:
            raise PatternError(f"bounds must be at most {MAX_SIZE}", self.text, self.at)
        least = int(least)
        most = least if not comma else int(most) if most else None
        if most is not None and most < least:
            raise PatternError(f"the upper bound must be at least {least}; got {most}", self.text, self.at)
        if least > MAX_SIZE or (most or 0) > MAX_SIZE:
            raise PatternError(f"bounds must be at most {MAX_SIZE}; got {max(least, most or 0)}", self.text, self.at)
        self._move(bounds.end())
        return least, most

    def _single(self):
        opening, at = self._next(), self.at
        if opening == "(":
            return self._group()
        if opening == "[":
            return self._one_of()
        if opening == ".":
            self._move(at + 1)
            return AnyLabel()
        name = self._name()
        if name is None:
            self._expected(_LABEL)
        return Label(name)

    def _group(self):
        at = self.at
        self.level += 1
        if self.level > MAX_DEPTH:
            self._too_deep(at)
        self._move(at + 1)
        found = self._either()
        if self._next() != ")":
            raise PatternError("the ')' of this '(' is missing", self.text, at)
        self._move(self.at + 1)
        self.level -= 1
        return found

    def _one_of(self):
        at = self.at
        inverted = self.text[at + 1 : at + 2] == "^"
        self._move(at + 1 + inverted)
        names = []
        while self._next() != "]":
            name = self._name()
            if name is None and not self._next():
                raise PatternError("the ']' of this '[' is missing", self.text, at)
            if name is None:
                self._expected("a label or ']'")
            names.append(name)
        if not names:
            self._expected("a label")
        self._move(self.at + 1)
        return OneOf(tuple(dict.fromkeys(names)), inverted)

    def _name(self):
        """A name, plain or quoted; None where none stands here."""
        at = self.at
        if self._next() in ("'", '"'):
            name, end = self._quoted()
        else:
            plain = PLAIN.match(self.text, at)
            if not plain:
                return None
            name, end = plain.group(), plain.end()
        if self.text[end : end + 1] in ("'", '"', "\\", "^") or (end - at > len(name) and PLAIN.match(self.text, end)):
            message = "expected white space or an operator after a name (quote names that hold quotes or operators)"
            raise PatternError(f"{message}; got {self.text[end]!r}", self.text, end)
        self._move(end)
        return name

    def _quoted(self):
        quote, end, name = self.text[self.at], self.at + 1, []
        while end < len(self.text) and self.text[end] != quote:
            end += self.text[end] == "\\"
            name.append(self.text[end : end + 1])
            end += 1
        if end >= len(self.text):
            raise PatternError(f"the closing {quote} of this quote is missing", self.text, self.at)
        return "".join(name), end + 1


def _joined(kind, parts):
    """One node over the parts, those of the same kind opened up."""
    parts = [inner for part in parts for inner in (part.parts if isinstance(part, kind) else (part,))]
    return parts[0] if len(parts) == 1 else kind(tuple(parts))
