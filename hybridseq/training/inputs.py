"""Sentences checked at the boundary and turned into numbers."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hybridseq.text import DataError, LabelVocabulary, Vocabulary

#: Characters of a longer word that are kept: the first and the last ones.
_HEAD, _TAIL = 16, 12


def check_sentences(X, name="X") -> None:
    """Raise a :class:`~hybridseq.text.DataError` unless X is a list of sentences, none of them empty."""
    if isinstance(X, str) or not isinstance(X, Sequence | np.ndarray):
        raise DataError(
            f"{name} must be a list of sentences, each a list of tokens or an array (T, D); got {type(X).__name__}"
        )
    if len(X) == 0:
        raise DataError(f"{name} holds no sentence; give at least one")
    for i, sentence in enumerate(X):
        if isinstance(sentence, str):
            raise DataError(
                f"{name}[{i}] is the string {sentence[:40]!r}; give a list of tokens, for example {name}[{i}].split()"
            )
        if not hasattr(sentence, "__len__"):
            raise DataError(f"{name}[{i}] must be a list of tokens or an array (T, D); got {sentence!r}")
        if len(sentence) == 0:
            raise DataError(f"{name}[{i}] is an empty sentence; leave it out")


def check_labels(X, y, names=("X", "y")) -> None:
    """Raise a :class:`~hybridseq.text.DataError` unless y has one label (a string) for each token of X."""
    if y is None or isinstance(y, str) or not isinstance(y, Sequence | np.ndarray):
        raise DataError(f"{names[1]} must be a list of label lists, one a sentence; got {type(y).__name__}")
    if len(X) != len(y):
        raise DataError(f"{names[0]} has {len(X)} sentences but {names[1]} has {len(y)}; they must agree")
    for i, (sentence, labels) in enumerate(zip(X, y)):
        if isinstance(labels, str) or not hasattr(labels, "__len__"):
            raise DataError(f"{names[1]}[{i}] must be a list of labels, one a token; got {labels!r}")
        if len(sentence) != len(labels):
            raise DataError(f"sentence {i} has {len(sentence)} tokens but {len(labels)} labels; give one label a token")
        for position, label in enumerate(labels):
            if not isinstance(label, str):
                raise DataError(
                    f"sentence {i}, position {position}: a label must be a string; got {label!r}. Convert it with str()"
                )
            if not label:
                raise DataError(f"sentence {i}, position {position}: the label is empty; give it a name, such as 'O'")


def check_tokens(X) -> None:
    """Raise a :class:`~hybridseq.text.DataError` unless all tokens are of one kind, and vectors finite; O(tokens)."""
    if is_dense(X):
        DenseInput.build(X).encode(X)
    else:
        _fields(X, None)


@dataclass(frozen=True)
class Encoded:
    """Sentences as flat arrays of N tokens; row b is ``starts[b] : starts[b] + lengths[b]``.

    Parameters
    ----------
    lengths : (B,) int64 array
        Tokens of each sentence.
    forms : (N,) int64 array or None
        The row of each token's spelling in ``form_words`` and ``form_chars``; row 0 is padding.
    form_words : (F,) int64 array or None
        The word id of each spelling.
    form_chars : (F, L) int64 array or None
        The character ids of each spelling.
    columns : (N, C) int64 array or None
        Ids of further columns.
    vectors : (N, D) float32 array or None
        Dense input.
    labels : (N,) int64 array or None
        Label ids.
    """

    lengths: np.ndarray
    forms: np.ndarray | None = None
    form_words: np.ndarray | None = None
    form_chars: np.ndarray | None = None
    columns: np.ndarray | None = None
    vectors: np.ndarray | None = None
    labels: np.ndarray | None = None

    @property
    def starts(self) -> np.ndarray:
        """Where each sentence begins, (B,)."""
        return np.concatenate([[0], np.cumsum(self.lengths)[:-1]])


@dataclass(frozen=True)
class TokenInput:
    """How sentences of tokens become numbers: the vocabularies of words, characters and further columns."""

    words: Vocabulary
    chars: Vocabulary | None
    columns: tuple[Vocabulary, ...] = ()

    @classmethod
    def build(cls, X, *, min_count=1, lowercase=True, chars=True) -> "TokenInput":
        """The vocabularies of training sentences.

        Parameters
        ----------
        X : list of lists of str, or of tuples of str
            Sentences; the first member of a tuple is the word.
        min_count : int
            How often a word must be seen to be known.
        lowercase : bool
            Whether words are looked up in lower case, their digits all read as 0. Characters keep both.
        chars : bool
            Whether characters are used.
        """
        fields = _fields(X, None)
        words = fields[0]
        return cls(
            Vocabulary.build([words], min_freq=min_count, lowercase=lowercase, digits=lowercase),
            Vocabulary.build(Counter(words)) if chars else None,
            tuple(Vocabulary.build([column]) for column in fields[1:]),
        )

    def encode(self, X) -> Encoded:
        """Numbers of sentences; O(number of tokens), characters once a distinct spelling."""
        fields = _fields(X, 1 + len(self.columns))
        words = fields[0]
        index = {word: i for i, word in enumerate(dict.fromkeys(words), 1)}
        spellings = list(index)
        return Encoded(
            lengths=np.fromiter(map(len, X), np.int64, len(X)),
            forms=np.fromiter(map(index.__getitem__, words), np.int64, len(words)),
            form_words=np.concatenate([[0], self.words.encode(spellings)]),
            form_chars=None if self.chars is None else self._spell(spellings),
            columns=np.stack([v.encode(c) for v, c in zip(self.columns, fields[1:])], 1) if self.columns else None,
        )

    def _spell(self, spellings):
        cut = [w if len(w) <= _HEAD + _TAIL else w[:_HEAD] + w[-_TAIL:] for w in spellings]
        lengths = np.array([0, *map(len, cut)])
        rows = np.zeros((len(lengths), max(lengths.max(), 1)), np.int64)
        rows[np.arange(rows.shape[1]) < lengths[:, None]] = self.chars.encode("".join(cut))
        return rows

    def to_json(self) -> dict:
        """A dictionary that JSON can hold."""
        return {
            "kind": "tokens",
            "words": self.words.to_json(),
            "chars": self.chars and self.chars.to_json(),
            "columns": [column.to_json() for column in self.columns],
        }

    @classmethod
    def from_json(cls, data: dict) -> "TokenInput":
        """What :meth:`to_json` wrote."""
        return cls(
            Vocabulary.from_json(data["words"]),
            data["chars"] and Vocabulary.from_json(data["chars"]),
            tuple(Vocabulary.from_json(column) for column in data["columns"]),
        )


def _fields(X, expected):
    """The columns of all tokens, flat; checks that every token has as many."""
    first = X[0][0]
    if isinstance(first, str):
        width, flat = 1, [token for sentence in X for token in sentence]
    elif isinstance(first, tuple | list):
        width, flat = len(first), [token for sentence in X for token in sentence]
    else:
        raise DataError(f"sentence 0, position 0: a token must be a string or a tuple of strings; got {first!r}")
    if expected is not None and width != expected:
        raise DataError(
            f"sentence 0, position 0: got {first!r}, a token of {width} column(s); the model was trained on {expected}"
        )
    if width == 1 and isinstance(first, str):
        if all(map(_is_text, flat)):
            return [flat]
    elif all(isinstance(t, tuple | list) and len(t) == width and all(map(_is_text, t)) for t in flat):
        return [list(column) for column in zip(*flat)]
    kind = "a string" if isinstance(first, str) else f"a tuple of {width} strings, as the first is"
    for i, sentence in enumerate(X):
        for position, token in enumerate(sentence):
            right = (
                _is_text(token)
                if isinstance(first, str)
                else isinstance(token, tuple | list) and len(token) == width and all(map(_is_text, token))
            )
            if not right:
                raise DataError(
                    f"sentence {i}, position {position}: a token must be {kind}, and not empty; got {token!r}"
                )
    raise AssertionError("unreachable")


def _is_text(value):
    return isinstance(value, str) and value != ""


@dataclass(frozen=True)
class DenseInput:
    """Sentences of dense vectors of one size."""

    size: int

    @classmethod
    def build(cls, X) -> "DenseInput":
        """The input of training arrays (T, D)."""
        return cls(int(np.shape(X[0])[1]) if np.ndim(X[0]) == 2 else 0)

    def encode(self, X) -> Encoded:
        """One flat array; checks shapes and that all is finite."""
        for i, rows in enumerate(X):
            shape = np.shape(rows)
            if len(shape) != 2 or shape[1] != self.size:
                wanted = f"(T, {self.size})" if self.size else "(T, D)"
                raise DataError(f"sentence {i} must be an array {wanted}, as in training; got shape {shape}")
        vectors = np.concatenate([np.asarray(rows, dtype=np.float32) for rows in X])
        lengths = np.fromiter(map(len, X), np.int64, len(X))
        finite = np.isfinite(vectors).all(1)
        if not finite.all():
            place = int(np.argmin(finite))
            i = int(np.searchsorted(np.cumsum(lengths), place, side="right"))
            raise DataError(
                f"sentence {i}, position {place - int(lengths[:i].sum())}: a vector holds NaN or an infinity; "
                "replace it before fitting or predicting"
            )
        return Encoded(lengths=lengths, vectors=vectors)

    def to_json(self) -> dict:
        """A dictionary that JSON can hold."""
        return {"kind": "dense", "size": self.size}

    @classmethod
    def from_json(cls, data: dict) -> "DenseInput":
        """What :meth:`to_json` wrote."""
        return cls(int(data["size"]))


def is_dense(X) -> bool:
    """Whether sentences are arrays of numbers."""
    return (isinstance(X[0], np.ndarray) and X[0].dtype.kind in "fiub") or _is_tensor(X[0])


def _is_tensor(value):
    return hasattr(value, "numpy") and hasattr(value, "detach")


def input_from_json(data: dict) -> TokenInput | DenseInput:
    """The input that a ``to_json`` wrote."""
    return {"tokens": TokenInput, "dense": DenseInput}[data["kind"]].from_json(data)


def encode_labels(y, labels: LabelVocabulary) -> np.ndarray:
    """Label ids of all tokens, flat; an error names the sentence of an unknown label."""
    return np.concatenate(labels.encode_all(y))
