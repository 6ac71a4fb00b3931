"""Feature templates made ready to run: parsed, and applied to whole sentences at a time."""

import re
from collections.abc import Callable
from itertools import chain
from typing import NamedTuple

from hybridseq.text.shapes import word_shape
from hybridseq.text.vocabulary import Vocabulary

#: Distinct values whose features are kept; beyond it they are made anew.
_MOST_KEPT = 1 << 15

_TERM = re.compile(r"([^\W\d]\w*)\[([+-]?\d+)\]")
_AFFIX = re.compile(r"(prefix|suffix)([1-9]\d*)")


class Term(NamedTuple):
    """One value of a template: what a function makes of a column at an offset."""

    name: str
    offset: int
    column: int
    function: Callable[[str], str]

    def __str__(self):
        return f"{self.name}[{self.offset}]"


def parse(template: str) -> list[tuple[str, int]]:
    """The names and offsets of a template such as ``w[-1]|w[0]``."""
    found = [_TERM.fullmatch(term) for term in template.split("|")] if isinstance(template, str) else [None]
    if None in found:
        raise ValueError(f"a template is written as 'w[-1]|w[0]', a name and an offset a term; got {template!r}")
    return [(match[1], int(match[2])) for match in found]


def written(terms) -> str:
    """A template as its features begin."""
    return "|".join(map(str, terms))


def word_function(name: str) -> Callable[[str], str] | None:
    """What a name makes of the word; None for names of no word function.

    Affixes are empty where they would be the whole word.
    """
    if name in _WORD_FUNCTIONS:
        return _WORD_FUNCTIONS[name]
    affix = _AFFIX.fullmatch(name)
    if affix is None:
        return None
    length = int(affix[2])
    if affix[1] == "prefix":
        return lambda word: word[:length].lower() if len(word) > length else ""
    return lambda word: word[-length:].lower() if len(word) > length else ""


_WORD_FUNCTIONS = {
    "w": str,
    "lower": Vocabulary((), lowercase=True, digits=True).normalise,
    "shape": word_shape,
}


class Program:
    """Templates applied to a sentence: its columns in, a list of features a token out.

    Parameters
    ----------
    templates : list of tuples of Term
        Single terms come first in the output, an empty value left out; then conjunctions.
    before : int
        The words among so many before the token, wherever they stand, come last.

    Notes
    -----
    What depends on one value is made once a distinct value, and shifted as a list; so the cost is that of joining
    strings that are there already.
    """

    def __init__(self, templates, before=0):
        self.before, self.earlier = before, _Earlier()
        single: dict[tuple[int, int], list[Term]] = {}
        for terms in templates:
            if len(terms) == 1:
                single.setdefault((terms[0].column, terms[0].offset), []).append(terms[0])
        self.single = [(column, offset, _Features(terms)) for (column, offset), terms in single.items()]
        self.joint = [terms for terms in templates if len(terms) > 1]
        self.begins = [f"{written(terms)}=".__add__ for terms in self.joint]
        self.values = {(t.column, t.name): _Values(t.function) for terms in self.joint for t in terms}

    def __call__(self, columns):
        parts = [
            _shifted(list(map(features.__getitem__, columns[column])), offset, features.outside)
            for column, offset, features in self.single
        ]
        if self.joint:
            values = {key: list(map(value.__getitem__, columns[key[0]])) for key, value in self.values.items()}
            joint = []
            for begin, terms in zip(self.begins, self.joint):
                shifted = [_shifted(values[term.column, term.name], term.offset, "") for term in terms]
                joint.append(map(begin, map("|".join, zip(*shifted))))
            parts.append(zip(*joint))
        if self.before:
            earlier = list(map(self.earlier.__getitem__, columns[0]))
            parts.append([dict.fromkeys(earlier[max(0, t - self.before) : t]) for t in range(len(earlier))])
        return list(map(list, map(chain.from_iterable, zip(*parts)))) if parts else [[] for _ in columns[0]]


class _Kept(dict):
    """A dictionary that makes what is missing, and forgets everything once it has grown too large."""

    def __missing__(self, key):
        if len(self) >= _MOST_KEPT:
            self.clear()
        value = self[key] = self.make(key)
        return value


class _Features(_Kept):
    """From a column's value to its features by single terms at one offset."""

    def __init__(self, terms):
        super().__init__()
        self.terms = [(f"{term}=", term.function) for term in terms]
        self.outside = [f"{terms[0]}="]

    def make(self, value):
        found = [(begin, function(value)) for begin, function in self.terms]
        return [begin + part for begin, part in found if part]


class _Earlier(_Kept):
    """From a word to the feature of words after it."""

    def make(self, word):
        return f"before={word}"


class _Values(_Kept):
    def __init__(self, function):
        super().__init__()
        self.make = function


def _shifted(values, offset, outside):
    """What stands ``offset`` positions further on; ``outside`` beyond the ends."""
    if not offset:
        return values
    beyond = [outside] * min(abs(offset), len(values))
    return values[offset:] + beyond if offset > 0 else beyond + values[:offset]
