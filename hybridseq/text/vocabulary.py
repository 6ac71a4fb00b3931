"""Tokens and labels as numbers."""

import difflib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, repeat

import numpy as np

from hybridseq.text.errors import DataError

_DIGITS = str.maketrans("123456789", "0" * 9)


@dataclass(frozen=True)
class Vocabulary:
    """Tokens by number: 0 is padding, 1 is every unknown token, the known ones follow.

    Immutable. Made by :meth:`build`; padding and unknown have no spelling, so no token of the data can be
    taken for them.

    Parameters
    ----------
    tokens : tuple of str
        The known tokens; ``tokens[i]`` has number ``i + 2``.
    lowercase, digits : bool
        Whether tokens are lower-cased, and their digits all written 0, before they are looked up.
    counts : tuple of int, optional
        How often each token was seen.
    """

    tokens: tuple[str, ...]
    lowercase: bool = False
    digits: bool = False
    counts: tuple[int, ...] | None = field(default=None, repr=False)
    _index: dict[str, int] = field(init=False, repr=False, compare=False)

    pad = 0
    unk = 1

    def __post_init__(self):
        object.__setattr__(self, "tokens", tuple(self.tokens))
        index = {token: i for i, token in enumerate(self.tokens, 2)}
        if len(index) != len(self.tokens):
            twice = next(token for token, n in Counter(self.tokens).items() if n > 1)
            raise ValueError(f"tokens must be distinct; got {twice!r} more than once")
        if self.counts is not None:
            object.__setattr__(self, "counts", tuple(self.counts))
            if len(self.counts) != len(self.tokens):
                raise ValueError(f"counts must have one number a token ({len(self.tokens)}); got {len(self.counts)}")
        object.__setattr__(self, "_index", index)

    @classmethod
    def build(
        cls,
        sentences: Iterable[Iterable[str]],
        *,
        min_freq: int = 1,
        max_size: int | None = None,
        lowercase: bool = False,
        digits: bool = False,
    ) -> "Vocabulary":
        """The vocabulary of some sentences.

        Parameters
        ----------
        sentences : iterable of iterables of str
            Lists of tokens. A list of words gives the vocabulary of their characters.
        min_freq : int
            How often a token must be seen to be known.
        max_size : int, optional
            How many tokens to keep at most, the most frequent ones.
        lowercase, digits : bool
            As in the class.

        Returns
        -------
        Vocabulary
            Most frequent first, then by spelling: the order of the sentences does not matter.

        Raises
        ------
        ValueError
            Where ``min_freq`` or ``max_size`` is below 1.

        Notes
        -----
        O(N + V log V) for N tokens, V of them distinct.
        """
        for name, value in (("min_freq", min_freq), ("max_size", max_size)):
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1; got {value}")
        seen = Counter(chain.from_iterable(sentences))
        counter: Counter[str] = Counter()
        for token, count in seen.items():
            counter[_normalised(token, lowercase, digits)] += count
        ranked = sorted((-count, token) for token, count in counter.items() if count >= min_freq)[:max_size]
        return cls(tuple(token for _, token in ranked), lowercase, digits, tuple(-negative for negative, _ in ranked))

    def __len__(self):
        """The number of tokens and the two specials: the rows of an embedding table."""
        return len(self.tokens) + 2

    def __contains__(self, token):
        return _normalised(token, self.lowercase, self.digits) in self._index

    def __iter__(self) -> Iterator[str]:
        return iter(self.tokens)

    def normalise(self, token: str) -> str:
        """The form under which a token is looked up."""
        return _normalised(token, self.lowercase, self.digits)

    def encode(self, tokens: Sequence[str]) -> np.ndarray:
        """The numbers of tokens, unknown ones 1: an (N,) int64 array; O(N)."""
        forms: Iterable[str] = tokens
        if self.lowercase:
            forms = map(str.lower, forms)
        if self.digits:
            forms = map(str.translate, forms, repeat(_DIGITS))
        return np.fromiter(map(self._index.get, forms, repeat(self.unk)), dtype=np.int64, count=len(tokens))

    def decode(self, ids: Iterable[int]) -> list[str]:
        """The tokens of numbers; padding and unknown read ``<pad>`` and ``<unk>``."""
        return [self.tokens[i - 2] if i >= 2 else ("<pad>", "<unk>")[i] for i in ids]

    def to_json(self) -> dict:
        """A dictionary that JSON can hold, and :meth:`from_json` reads."""
        return {
            "tokens": list(self.tokens),
            "lowercase": self.lowercase,
            "digits": self.digits,
            "counts": None if self.counts is None else list(self.counts),
        }

    @classmethod
    def from_json(cls, data: dict) -> "Vocabulary":
        """The vocabulary that :meth:`to_json` wrote; a ValueError names what is missing or wrong."""
        _check_fields(cls.__name__, data, {"tokens": list, "lowercase": bool, "digits": bool})
        counts = data.get("counts")
        return cls(
            tuple(data["tokens"]),
            data["lowercase"],
            data["digits"],
            None if counts is None else tuple(counts),
        )


class UnknownLabelError(DataError):
    """A label that training never saw; ``label``, ``sentence`` and ``position`` tell which and where."""

    def __init__(self, message: str, label: str, sentence: int | None, position: int):
        super().__init__(message)
        self.label, self.sentence, self.position = label, sentence, position

    def __reduce__(self):
        return type(self), (self.message, self.label, self.sentence, self.position)


@dataclass(frozen=True)
class LabelVocabulary:
    """Labels by number, without padding or unknown. Immutable; made by :meth:`build`.

    Parameters
    ----------
    labels : tuple of str
        The labels; ``labels[i]`` has number i.
    """

    labels: tuple[str, ...]
    _index: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self):
        object.__setattr__(self, "labels", tuple(self.labels))
        index = {label: i for i, label in enumerate(self.labels)}
        if len(index) != len(self.labels):
            twice = next(label for label, n in Counter(self.labels).items() if n > 1)
            raise ValueError(f"labels must be distinct; got {twice!r} more than once")
        object.__setattr__(self, "_index", index)

    @classmethod
    def build(cls, sequences: Iterable[Iterable[str]]) -> "LabelVocabulary":
        """The labels of some label sequences, sorted.

        Raises
        ------
        DataError
            Where there is no label at all.
        """
        labels = sorted(set(chain.from_iterable(sequences)))
        if not labels:
            raise DataError("no label was found; give at least one sentence with its labels")
        return cls(tuple(labels))

    def __len__(self):
        return len(self.labels)

    def __contains__(self, label):
        return label in self._index

    def __iter__(self) -> Iterator[str]:
        return iter(self.labels)

    def encode(self, labels: Sequence[str], sentence: int | None = None) -> np.ndarray:
        """The numbers of one sentence's labels.

        Parameters
        ----------
        labels : sequence of str
            The labels.
        sentence : int, optional
            The sentence's index in the data, for the error.

        Returns
        -------
        (T,) int64 array

        Raises
        ------
        UnknownLabelError
            Where a label is unknown, with the place and the nearest known labels.
        """
        try:
            return np.fromiter(map(self._index.__getitem__, labels), dtype=np.int64, count=len(labels))
        except KeyError:
            position = next(i for i, label in enumerate(labels) if label not in self._index)
        label = labels[position]
        place = f"position {position}" if sentence is None else f"sentence {sentence}, position {position}"
        near = difflib.get_close_matches(str(label), self.labels, n=3)
        known = f"the nearest are {near}" if near else f"they are {_shortened(self.labels)}"
        raise UnknownLabelError(
            f"{place}: got the label {label!r}, which is not among the {len(self)} known labels; {known}. "
            "Mend the label, or train on data that shows it",
            label,
            sentence,
            position,
        )

    def encode_all(self, sequences: Iterable[Sequence[str]]) -> list[np.ndarray]:
        """:meth:`encode` of each sentence, with its index in the error."""
        return [self.encode(labels, sentence=i) for i, labels in enumerate(sequences)]

    def decode(self, ids: Iterable[int]) -> list[str]:
        """The labels of numbers."""
        return [self.labels[i] for i in ids]

    def to_json(self) -> dict:
        """A dictionary that JSON can hold, and :meth:`from_json` reads."""
        return {"labels": list(self.labels)}

    @classmethod
    def from_json(cls, data: dict) -> "LabelVocabulary":
        """The vocabulary that :meth:`to_json` wrote; a ValueError names what is missing or wrong."""
        _check_fields(cls.__name__, data, {"labels": list})
        return cls(tuple(data["labels"]))


def _normalised(token: str, lowercase: bool, digits: bool) -> str:
    token = token.lower() if lowercase else token
    return token.translate(_DIGITS) if digits else token


def _shortened(labels: Sequence[str], limit: int = 12) -> str:
    return str(list(labels)) if len(labels) <= limit else f"{list(labels[:limit])} and {len(labels) - limit} more"


def _check_fields(owner: str, data: dict, fields: dict[str, type]) -> None:
    for name, kind in fields.items():
        if not isinstance(data, dict) or not isinstance(data.get(name), kind):
            raise ValueError(f"the data of a {owner} must hold {name!r} as a {kind.__name__}; write it with to_json()")
        if kind is list and not all(isinstance(item, str) for item in data[name]):
            raise ValueError(f"{name!r} of a {owner} must be a list of strings")
