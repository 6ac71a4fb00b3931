"""Hand-made features as numbers: what sklearn-crfsuite's users give, string lists and dictionaries a token."""

import math
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain, count, repeat, starmap
from numbers import Real

import numpy as np

from hybridseq.text.errors import DataError

#: Sentences whose features are looked up at once, few enough for the cache.
_CHUNK = 64
#: Items of dictionaries that are remembered after training, beside one an attribute.
_REMEMBERED = 100_000
_MISSING = -2
#: Tokens for each set of keys from which those with the same keys are looked up together.
_SHARED = 8


@dataclass(frozen=True)
class Attributes:
    """The attributes of N tokens, row by row.

    Parameters
    ----------
    lengths : (B,) int64 array
        Tokens of each sentence.
    indptr : (N + 1,) int64 array
        Where each token's attributes begin.
    indices : (n,) int32 array
        Their ids.
    values : (n,) float64 array or None
        Their values; None where all are 1.
    size : int
        How many attributes there are.
    """

    lengths: np.ndarray
    indptr: np.ndarray
    indices: np.ndarray
    values: np.ndarray | None
    size: int

    def tokens(self, rows) -> np.ndarray:
        """The tokens of some sentences, one after the other."""
        ends = np.cumsum(self.lengths)
        return np.concatenate([np.arange(ends[b] - self.lengths[b], ends[b]) for b in rows])

    def without(self, rows) -> "Attributes":
        """The other sentences."""
        kept = np.ones(len(self.indptr) - 1, bool)
        kept[self.tokens(rows)] = False
        sizes = np.diff(self.indptr)
        chosen = np.repeat(kept, sizes)
        return Attributes(
            np.delete(self.lengths, rows),
            np.concatenate([[0], np.cumsum(sizes[kept])]),
            self.indices[chosen],
            None if self.values is None else self.values[chosen],
            self.size,
        )


@dataclass(frozen=True)
class AttributeVocabulary:
    """Attributes by number. Made by :meth:`build`, or with :meth:`learn`, which encodes at once.

    A token's features are a list of strings, each an attribute of value 1, or a dictionary: a string value makes the
    attribute ``"key:value"`` of value 1, a number or bool is the value of the attribute ``"key"``, and a nested
    dictionary or list of strings makes attributes ``"key:…"``.

    Parameters
    ----------
    names : tuple of str
        ``names[i]`` has number i.
    """

    names: tuple[str, ...]
    _index: dict = field(init=False, repr=False, compare=False)
    #: Dictionary items of value 1 that were met, and their numbers: saves spelling the name out again. As pairs of key
    #: and value, and as a table of values for each key.
    _items: dict = field(init=False, repr=False, compare=False)
    _tables: dict = field(init=False, repr=False, compare=False)

    def __post_init__(self):
        object.__setattr__(self, "names", tuple(self.names))
        object.__setattr__(self, "_index", dict(zip(self.names, count())))
        object.__setattr__(self, "_items", {})
        object.__setattr__(self, "_tables", {})
        if len(self._index) != len(self.names):
            raise ValueError("attribute names must be distinct")

    def __len__(self):
        return len(self.names)

    @classmethod
    def build(cls, X: Iterable[Sequence]) -> "AttributeVocabulary":
        """The vocabulary of some sentences' features."""
        return cls.learn(X)[0]

    @classmethod
    def learn(cls, X: Sequence[Sequence], names: Iterable[str] = ()) -> tuple["AttributeVocabulary", Attributes]:
        """The vocabulary of sentences, and the sentences in its numbers.

        Parameters
        ----------
        X : list of sentences
            Each a list with a dictionary, or a list of strings, for every token.
        names : iterable of str
            Attributes that are known before and keep their numbers.

        Raises
        ------
        DataError
            With the place: a token of neither kind or of another than the first, a key that is no string, a value
            that is no finite number.

        Notes
        -----
        O(n) for n features, some 0.1 µs each.
        """
        numbers = count()
        index = defaultdict(numbers.__next__, zip(names, numbers))
        learner = _Learner(index)
        if len(X) > _CHUNK:
            # Batches hold sentences of like length: what they meet together gets numbers close together.
            with suppress(DataError):
                deque(_encode(sorted(X, key=len, reverse=True), learner), maxlen=0)
        found = list(_encode(X, learner))
        index.default_factory = None
        vocabulary = object.__new__(cls)
        # What was looked up need not be spelled out again.
        found_names = {"names": tuple(index), "_index": index, "_items": learner.items, "_tables": learner.tables}
        for name, value in found_names.items():
            object.__setattr__(vocabulary, name, value)
        return vocabulary, _joined(found, X, len(index))

    def encode(self, X: Sequence[Sequence]) -> Attributes:
        """Sentences in numbers; attributes that are not known are left out. Errors and cost as :meth:`learn`."""
        return _joined(_encode(X, _Reader(self._index, self._items, self._tables)), X, len(self))

    def to_json(self) -> dict:
        """A dictionary that JSON can hold, and :meth:`from_json` reads."""
        return {"names": list(self.names)}

    @classmethod
    def from_json(cls, data: dict) -> "AttributeVocabulary":
        """The vocabulary that :meth:`to_json` wrote."""
        return cls(tuple(data["names"]))


class _Learner:
    """Numbers every attribute that comes."""

    room = math.inf

    def __init__(self, index):
        self.strings, self.index = index.__getitem__, index
        self.items, self.tables = {}, {}

    def number(self, name, value):
        return self.index[name]


class _Reader:
    """Numbers what a vocabulary knows; −1 for the rest, and for what adds nothing to a score."""

    def __init__(self, index, items, tables):
        self.index, self.items, self.tables = index, items, tables
        self.room = len(index) + _REMEMBERED

    def number(self, name, value):
        return self.index.get(name, -1) if value else -1


def _encode(X, numbers):
    """Chunks of (known features a token, their ids, values or None)."""
    kind = _kind(X)
    for first in range(0, len(X), _CHUNK):
        tokens = list(chain.from_iterable(X[first : first + _CHUNK]))
        _check_kinds(X, first, tokens, kind)
        if kind is dict:
            yield _known(*_dictionaries(X, first, tokens, numbers))
        else:
            yield _known(*_lists(X, first, tokens, numbers))


def _lists(X, first, tokens, numbers):
    sizes = np.fromiter(map(len, tokens), np.int64, len(tokens))
    strings = list(chain.from_iterable(tokens))
    if set(map(type, strings)) - {str}:
        _raise_for(X, first, lambda feature: isinstance(feature, str), "a feature must be a string")
    if isinstance(numbers, _Reader):
        ids = np.fromiter(map(numbers.index.get, strings, repeat(-1)), np.int64, len(strings))
    else:
        ids = np.fromiter(map(numbers.strings, strings), np.int64, len(strings))
    return sizes, ids, None


def _dictionaries(X, first, tokens, numbers):
    sizes = np.fromiter(map(len, tokens), np.int64, len(tokens))
    kinds = list(map(tuple, tokens))
    distinct = set(kinds)
    try:
        if len(distinct) * _SHARED > len(tokens):
            items = list(chain.from_iterable(map(dict.items, tokens)))
            ids, values = _looked_up(items, numbers.items, numbers, None)
        else:
            ids, values = _by_keys(tokens, sizes, kinds, distinct, numbers)
    except TypeError:
        # A nested value has no hash.
        return _nested(tokens, numbers, X, first)
    return sizes, ids, values


def _by_keys(tokens, sizes, kinds, distinct, numbers):
    """Tokens that have the same keys are looked up together, key by key: no pair of key and value has to be made."""
    begins = np.cumsum(sizes) - sizes
    ids, values = np.empty(int(sizes.sum()), np.int64), None
    for keys in distinct:
        if len(distinct) == 1:
            members, places = tokens, begins
        else:
            chosen = [n for n, own in enumerate(kinds) if own == keys]
            members, places = [tokens[n] for n in chosen], begins[chosen]
        for c, (key, column) in enumerate(zip(keys, zip(*map(dict.values, members)))):
            table = numbers.tables.setdefault(key, {})
            found, amounts = _looked_up(column, table, numbers, key)
            ids[places + c] = found
            if amounts is not None:
                values = np.ones(len(ids)) if values is None else values
                values[places + c] = amounts
    return ids, values


def _looked_up(entries, table, numbers, key):
    """The numbers of a table's entries, and their values or None; entries are values of a key, or pairs of both."""
    ids = np.fromiter(map(table.get, entries, repeat(_MISSING)), np.int64, len(entries))
    values = None
    if not len(ids) or ids.min() > _MISSING:
        return ids, None
    for place in np.flatnonzero(ids == _MISSING).tolist():
        entry = entries[place]
        number, value = table.get(entry), 1.0
        if number is None:
            name, value = _spelled(*entry) if key is None else _spelled(key, entry)
            if value is None:
                raise TypeError(f"{name!r} has no plain value")
            number = numbers.number(name, value)
            if (value == 1 or number < 0) and len(table) < numbers.room:
                table[entry] = number
        ids[place] = number
        if value != 1 and number >= 0:
            values = np.ones(len(ids)) if values is None else values
            values[place] = value
    return ids, values


def _spelled(key, value):
    """An item's attribute and value; value None where it has none."""
    if type(key) is not str and not isinstance(key, str):
        return key, None
    if isinstance(value, str):
        return f"{key}:{value}", 1.0
    if value is True or value is False:
        return key, float(value)
    if isinstance(value, Real | np.bool_) and math.isfinite(value):
        return key, float(value)
    return key, None


def _nested(tokens, numbers, X, first):
    """Dictionaries that may hold others, item by item; what stands twice counts twice."""
    spelled = [list(_spelled_out(token)) for token in tokens]
    items = list(chain.from_iterable(spelled))
    if any(value is None for _, value in items):
        _raise_for_item(X, first)
    sizes = np.fromiter(map(len, spelled), np.int64, len(spelled))
    ids = np.fromiter(starmap(numbers.number, items), np.int64, len(items))
    values = np.fromiter((value for _, value in items), np.float64, len(items))
    return sizes, ids, None if (values == 1).all() else values


def _spelled_out(token):
    """A dictionary's attributes and values, with those inside; value None where something has none."""
    for key, value in token.items():
        if isinstance(key, str) and isinstance(value, Mapping):
            yield from ((f"{key}:{name}", inner) for name, inner in _spelled_out(value))
        elif isinstance(key, str) and isinstance(value, list | tuple | set | frozenset):
            yield from ((f"{key}:{name}", 1.0 if isinstance(name, str) else None) for name in value)
        else:
            yield _spelled(key, value)


def _known(sizes, ids, values):
    """The same without what is unknown."""
    known = ids >= 0
    if not known.all():
        ends = np.cumsum(sizes)
        sizes = np.diff(np.concatenate([[0], np.cumsum(known)])[ends], prepend=0)
        ids, values = ids[known], None if values is None else values[known]
    return sizes, ids.astype(np.int32), values


def _joined(chunks, X, size):
    """One table of all chunks."""
    sizes, ids, values = zip(*chunks)
    if all(part is None for part in values):
        values = None
    else:
        values = np.concatenate([np.ones(len(own)) if part is None else part for part, own in zip(values, ids)])
    indptr = np.concatenate([[0], np.cumsum(np.concatenate(sizes))])
    lengths = np.fromiter(map(len, X), np.int64, len(X))
    return Attributes(lengths, indptr, np.concatenate(ids), values, size)


def _kind(X):
    first = X[0][0]
    if isinstance(first, Mapping):
        return dict
    if isinstance(first, list | tuple | set | frozenset):
        return list
    raise DataError(
        f"sentence 0, position 0: a token must be a dictionary of features or a list of strings; got {first!r}. "
        "hybridseq.text.TokenTemplates makes features of words"
    )


def _check_kinds(X, first, tokens, kind):
    kinds = set(map(type, tokens))
    allowed = Mapping if kind is dict else (list, tuple, set, frozenset)
    if all(issubclass(one, allowed) for one in kinds) and (kind is list or all(issubclass(k, dict) for k in kinds)):
        return
    wanted = "a dictionary of features" if kind is dict else "a list of strings"
    for i, sentence in enumerate(X[first : first + _CHUNK], first):
        for position, token in enumerate(sentence):
            if not isinstance(token, dict if kind is dict else allowed):
                raise DataError(
                    f"sentence {i}, position {position}: a token must be {wanted}, as the first is; got {token!r}. "
                    "Give all tokens features of one kind"
                )


def _raise_for(X, first, right, rule):
    for i, sentence in enumerate(X[first:], first):
        for position, token in enumerate(sentence):
            for feature in token:
                if not right(feature):
                    raise DataError(f"sentence {i}, position {position}: {rule}; got {feature!r}")


def _raise_for_item(X, first):
    for i, sentence in enumerate(X[first:], first):
        for position, token in enumerate(sentence):
            for key, value in token.items():
                if not isinstance(key, str):
                    raise DataError(
                        f"sentence {i}, position {position}: a feature's name must be a string; got {key!r}"
                    )
                if any(inner is None for _, inner in _spelled_out({key: value})):
                    raise DataError(
                        f"sentence {i}, position {position}: the feature {key!r} must be a string, a bool, a finite "
                        f"number, or a dictionary or list of strings; got {value!r}"
                    )
    raise AssertionError("unreachable")
