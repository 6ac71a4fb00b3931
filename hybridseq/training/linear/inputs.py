"""Feature sequences of every kind as attributes: dictionaries, string lists, arrays, sparse matrices."""

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Number

import numpy as np
from scipy import sparse

from hybridseq.text import DataError
from hybridseq.text.attributes import Attributes, AttributeVocabulary
from hybridseq.training.inputs import check_sentences
from hybridseq.training.sequences import is_stacked, shown, stack


def is_matrix(X) -> bool:
    """Whether sequences are arrays or sparse matrices, in a list or stacked, rather than named features."""
    if is_stacked(X):
        return True
    first = X[0] if len(X) else None
    return hasattr(first, "shape") or (
        isinstance(first, list | tuple)
        and len(first) > 0
        and isinstance(first[0], list | tuple)
        and len(first[0]) > 0
        and isinstance(first[0][0], Number)
    )


def learn(X, lengths=None):
    """How sequences become attributes, learned from training sequences, and those sequences.

    Parameters
    ----------
    X : list of sequences, array or sparse matrix
        A sequence is a list of feature dictionaries or of string lists, an array (T, D) or a sparse matrix (T, D);
        a single array or matrix holds all of them, one below the other.
    lengths : sequence of int, optional
        The lengths of sequences in a single array.

    Returns
    -------
    reader : AttributeInput or MatrixInput
    attributes : Attributes

    Raises
    ------
    DataError
        Where X is of no such kind, a sequence is empty, kinds are mixed, a number is not finite, or lengths do not
        add up; names the place.
    """
    if is_matrix(X):
        stacked, lengths = stack(X, lengths)
        return MatrixInput(stacked.shape[1]), _of_matrix(stacked, lengths)
    _check_named(X, lengths)
    vocabulary, attributes = AttributeVocabulary.learn(X)
    return AttributeInput(vocabulary), attributes


def _check_named(X, lengths):
    check_sentences(X)
    for i, sequence in enumerate(X):
        if isinstance(sequence, Mapping | set | frozenset):
            raise DataError(
                f"X[{i}] must be a sequence, a list with the features of each position; got {shown(sequence)}, the "
                "features of one position. Give a single sequence as [sequence]"
            )
    if lengths is not None:
        raise DataError("lengths belong to one stacked array; a list of sentences has its own: leave lengths out")


@dataclass(frozen=True)
class AttributeInput:
    """Named features, by their vocabulary."""

    vocabulary: AttributeVocabulary

    def encode(self, X, lengths=None) -> Attributes:
        """Sequences in the numbers of training; what training never showed is left out."""
        self._check(X, lengths)
        return self.vocabulary.encode(X)

    def _check(self, X, lengths):
        if is_matrix(X):
            raise DataError("X must be lists of named features, as in training; got arrays or sparse matrices")
        _check_named(X, lengths)

    def names(self) -> tuple[str, ...]:
        """What each attribute is called."""
        return self.vocabulary.names

    def extended(self, X, lengths=None):
        """The input with what ``X`` shows that is new, and ``X`` in its numbers; old numbers stay."""
        self._check(X, lengths)
        vocabulary, attributes = AttributeVocabulary.learn(X, self.vocabulary.names)
        return AttributeInput(vocabulary), attributes

    def without_weightless(self, pairs):
        """The input, and the pairs, without the attributes that have no weight."""
        kept = np.diff(pairs.offsets) > 0
        names = np.array(self.vocabulary.names, object)[kept].tolist()
        return AttributeInput(AttributeVocabulary(tuple(names))), pairs.without_features(kept)

    def to_json(self) -> dict:
        """A dictionary that JSON can hold."""
        return {"kind": "attributes", **self.vocabulary.to_json()}


@dataclass(frozen=True)
class MatrixInput:
    """The columns of arrays or sparse matrices."""

    size: int

    def encode(self, X, lengths=None) -> Attributes:
        """Sequences as attributes; a number that is 0 is no attribute."""
        if not is_matrix(X):
            raise DataError(f"X must be arrays or sparse matrices (T, {self.size}), as in training; got {shown(X)}")
        stacked, lengths = stack(X, lengths)
        if stacked.shape[1] != self.size:
            raise DataError(f"X must have {self.size} columns, as in training; got {stacked.shape[1]}")
        return _of_matrix(stacked, lengths)

    def names(self) -> tuple[str, ...]:
        """What each attribute is called: its column's number."""
        return tuple(map(str, range(self.size)))

    def extended(self, X, lengths=None):
        """The same input, and ``X`` in its numbers."""
        return self, self.encode(X, lengths)

    def without_weightless(self, pairs):
        """Both as they are: columns keep their places."""
        return self, pairs

    def to_json(self) -> dict:
        """A dictionary that JSON can hold."""
        return {"kind": "matrix", "size": self.size}


def input_from_json(data: dict) -> AttributeInput | MatrixInput:
    """The input that a ``to_json`` wrote."""
    if data["kind"] == "matrix":
        return MatrixInput(int(data["size"]))
    return AttributeInput(AttributeVocabulary.from_json(data))


def _of_matrix(stacked, lengths):
    matrix = sparse.csr_matrix(stacked, dtype=np.float64)
    if not matrix.data.all():
        matrix = matrix.copy()
        matrix.eliminate_zeros()
    values = None if (matrix.data == 1).all() else matrix.data
    return Attributes(lengths, matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32), values, matrix.shape[1])
