"""States that are given, all or some of them."""

from collections.abc import Sequence
from numbers import Integral, Real

import numpy as np

from hybridseq.text import DataError
from hybridseq.training.sequences import place

#: Stands for a state that is not given.
MISSING = -1


def read_labels(y, lengths, stacked: bool, name="y"):
    """Given states as numbers.

    Parameters
    ----------
    y : list or array
        Strings or whole numbers, one for each row; None, NaN or −1 where the state is not given. For stacked data one
        sequence (N,); otherwise a list with one sequence, or None, for each.
    lengths : (B,) int64 array
        How long each sequence is.
    stacked : bool
        Whether the data came stacked.
    name : str
        What y is called in errors.

    Returns
    -------
    classes : (K,) array
        The states, sorted.
    labels : (N,) int64 array
        The place of each row's state in ``classes``; −1 where it is not given.

    Raises
    ------
    DataError
        Where y and the data do not fit together, a label is neither string nor whole number, or none is given.
    """
    if isinstance(y, str) or not isinstance(y, Sequence | np.ndarray):
        raise DataError(f"{name} must be a list of states; got {type(y).__name__}")
    if stacked:
        if len(y) != lengths.sum():
            raise DataError(f"{name} has {len(y)} states but X has {lengths.sum()} rows; give one a row, or None")
        parts = [_one(y, lengths.sum(), lambda t: _named(place(t, lengths)))]
    else:
        if len(y) != len(lengths):
            raise DataError(f"{name} has {len(y)} sequences but X has {len(lengths)}; they must agree")
        parts = []
        for i, (part, length) in enumerate(zip(y, lengths)):
            if part is not None and (isinstance(part, str) or not hasattr(part, "__len__")):
                raise DataError(f"{name}[{i}] must be a list of states, or None; got {part!r}")
            if part is not None and len(part) != length:
                raise DataError(f"sequence {i} has {length} rows but {len(part)} states; give one a row, or None")
            parts.append(_one(part, length, lambda t, i=i: _named((i, t))))
    values = np.concatenate([part for part, _ in parts])
    given = np.concatenate([given for _, given in parts])
    if not given.any():
        raise DataError(f"{name} gives no state; leave {name} out to train without")
    kinds = {isinstance(value, str) for value in values[given]}
    if len(kinds) > 1:
        raise DataError(f"{name} mixes strings and numbers; give all states alike")
    classes, found = np.unique(values[given].astype(str if kinds.pop() else np.int64), return_inverse=True)
    labels = np.full(len(values), MISSING)
    labels[given] = found
    return classes, labels


def _named(spot):
    return f"sequence {spot[0]}, position {spot[1]}"


def _one(part, length, where):
    """One sequence's states as objects (T,), and which are given."""
    if part is None:
        return np.full(length, None), np.zeros(length, bool)
    try:
        values = np.asarray(part)
    except ValueError:
        values = np.empty(0, object)
    if values.ndim == 1 and values.dtype.kind in "iuf":
        given = ~np.isnan(values) & (values != MISSING) if values.dtype.kind == "f" else values != MISSING
        wrong = given & (values != np.floor(values))
        if wrong.any():
            t = int(np.flatnonzero(wrong)[0])
            raise DataError(f"{where(t)}: a state is a string or a whole number; got {values[t]}")
        return np.where(given, values, MISSING).astype(np.int64).astype(object), given
    values = np.empty(length, object)
    for t, value in enumerate(part):
        if isinstance(value, str):
            if not value:
                raise DataError(f"{where(t)}: the state is empty; give it a name, or None where it is not given")
            values[t] = str(value)
        elif isinstance(value, Integral) and not isinstance(value, bool | np.bool_):
            values[t] = None if value == MISSING else int(value)
        elif value is None or (isinstance(value, Real) and np.isnan(value)):
            values[t] = None
        else:
            raise DataError(f"{where(t)}: a state is a string or a whole number, or None; got {value!r}")
    return values, np.array([value is not None for value in values], bool)
