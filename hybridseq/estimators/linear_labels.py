"""Labels of sequences as ids: strings or whole numbers, in lists or stacked."""

from dataclasses import dataclass

import numpy as np

from hybridseq.text import DataError, LabelVocabulary
from hybridseq.training.sequences import place


@dataclass(frozen=True)
class Labels:
    """The labels of a model.

    Attributes
    ----------
    names : tuple of str
        What they are called, sorted; whole numbers by their value.
    numeric : bool
        Whether they are whole numbers.
    """

    names: tuple[str, ...]
    numeric: bool = False

    @property
    def classes(self) -> np.ndarray:
        """The labels as users give them, (K,)."""
        return np.array([int(name) for name in self.names]) if self.numeric else np.array(self.names)

    def encode(self, y, lengths) -> np.ndarray:
        """Ids (N,) of label sequences; an error names the place of a label that is not known."""
        flat = _flat(y, lengths)
        names = list(map(str, flat.tolist())) if self.numeric else flat
        try:
            return LabelVocabulary(self.names).encode(names)
        except DataError as error:
            i, position = place(error.position, lengths)
            raise type(error)(
                f"sentence {i}, {error.message}".replace(f"position {error.position}", f"position {position}"),
                error.label,
                i,
                position,
            ) from None

    def spell(self, sequences) -> list:
        """Label names as users give labels."""
        return [None if one is None else [int(n) for n in one] for one in sequences] if self.numeric else sequences


def learn_labels(y, lengths) -> Labels:
    """The labels of training sequences.

    Raises
    ------
    DataError
        Where y does not fit the lengths, a label is neither string nor whole number, kinds are mixed, or there is but
        one label.
    """
    return _labels(_flat(y, lengths), "y")


def labels_of(classes) -> Labels:
    """The labels of a list of them; errors as :func:`learn_labels`."""
    return _labels(_flat([list(classes)], np.array([len(classes)])), "classes")


def _labels(flat, name):
    numeric = isinstance(flat, np.ndarray)
    found = np.unique(flat) if numeric else sorted(set(flat))
    if len(found) < 2:
        raise DataError(
            f"{name} holds the label {found[0]!r} only: there is nothing to tell apart; give at least two labels"
        )
    return Labels(tuple(map(str, found)), numeric)


def names_of(y, lengths) -> list[list[str]]:
    """Label sequences as lists of names."""
    flat = list(map(str, np.asarray(_flat(y, lengths), object).tolist()))
    ends = np.cumsum(lengths)
    return [flat[end - length : end] for end, length in zip(ends, lengths)]


def _flat(y, lengths):
    """All labels one after the other: a list of strings or an integer array."""
    if y is None or isinstance(y, str) or not hasattr(y, "__len__"):
        raise DataError(f"y must be label sequences, one a sequence of X, or one stacked array; got {type(y).__name__}")
    total = int(lengths.sum())
    stacked = isinstance(y, np.ndarray) and y.dtype != object and y.ndim == 1
    if not stacked and len(y) and not hasattr(y[0], "__len__") | isinstance(y[0], str):
        raise DataError(f"y[0] must be a label sequence; got {y[0]!r}. Give a stacked y as an array")
    if not stacked and len(y) == total != len(lengths) and all(isinstance(label, str) for label in y):
        stacked = True
    if stacked:
        if len(y) != total:
            raise DataError(f"y has {len(y)} labels but X has {total} positions; give one label a position")
        flat = list(y) if not isinstance(y, np.ndarray) else y
    else:
        if len(y) != len(lengths):
            raise DataError(f"X has {len(lengths)} sequences but y has {len(y)}; they must agree")
        for i, (labels, length) in enumerate(zip(y, lengths)):
            if isinstance(labels, str) or not hasattr(labels, "__len__"):
                raise DataError(f"y[{i}] must be a label sequence, one label a position; got {labels!r}")
            if len(labels) != length:
                raise DataError(f"sequence {i} has {length} positions but {len(labels)} labels; give one label each")
        flat = [label for labels in y for label in labels]
    return _of_one_kind(flat, lengths)


def _of_one_kind(flat, lengths):
    array = isinstance(flat, np.ndarray)
    if array and flat.dtype.kind in "iu":
        return flat
    flat = flat.tolist() if array else flat
    if all(isinstance(label, str) for label in flat):
        if "" in flat:
            i, position = place(flat.index(""), lengths)
            raise DataError(f"sequence {i}, position {position}: the label is empty; give it a name, such as 'O'")
        return flat
    whole = [isinstance(label, int | np.integer) and not isinstance(label, bool) for label in flat]
    if all(whole):
        return np.array(flat, np.int64)
    wrong = next(n for n, label in enumerate(flat) if not (whole[n] if whole[0] else isinstance(label, str)))
    i, position = place(wrong, lengths)
    kind = "a whole number, as the first is" if whole[0] else "a string or a whole number"
    remedy = ". Convert labels: np.asarray(y).astype(int)" if isinstance(flat[wrong], float) else ""
    raise DataError(f"sequence {i}, position {position}: a label must be {kind}; got {flat[wrong]!r}{remedy}")
