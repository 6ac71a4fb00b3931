"""Sequences of frames, symbols or sparse rows, as one stacked array with their lengths."""

from collections.abc import Sequence
from numbers import Number

import numpy as np

from hybridseq.text import DataError


def is_stacked(X) -> bool:
    """Whether X is one array or sparse matrix, rather than a list of them."""
    if _is_sparse(X):
        return True
    return hasattr(X, "__array__") and getattr(getattr(X, "dtype", None), "kind", "f") != "O" and np.ndim(X) < 3


def stack(X, lengths=None, name="X", *, finite=True, missing=False):
    """Sequences as one array.

    Parameters
    ----------
    X : list of arrays or sparse matrices, or one of them
        Arrays (T, D) of numbers; integer arrays (T,) of symbols; scipy sparse matrices (T, D). A list holds one for
        each sequence. A single one holds all of them, one below the other, and is cut by ``lengths``.
    lengths : sequence of int, optional
        The length of each sequence in a single array; without it, that is one sequence.
    name : str
        What X is called in errors.
    finite : bool
        Whether numbers must be finite.
    missing : bool
        Whether NaN may stand, although numbers must be finite otherwise.

    Returns
    -------
    stacked : (N, D) array or CSR matrix
        All rows; D = 1 for symbols. An array that is stacked already is not copied.
    lengths : (B,) int64 array
        Their sum is N.

    Raises
    ------
    DataError
        Where there is no sequence, one is empty or no array of numbers, widths differ, lengths do not add up, or a
        number is not finite; names the sequence, position and column.

    Notes
    -----
    O(N·D).
    """
    if is_stacked(X):
        stacked = _rows(X, name)
        lengths = _lengths(lengths, stacked.shape[0], name)
    else:
        parts = _parts(X, lengths, name)
        lengths = np.array([part.shape[0] for part in parts], np.int64)
        if _is_sparse(parts[0]):
            from scipy import sparse

            stacked = sparse.vstack(parts, format="csr")
        else:
            stacked = np.concatenate(parts)
    if finite:
        _check_finite(stacked, lengths, name, missing)
    return stacked, lengths


def split(stacked, lengths) -> list:
    """The sequences of a stacked array, as views."""
    ends = np.cumsum(lengths)
    return [stacked[end - length : end] for end, length in zip(ends, lengths)]


def place(row, lengths) -> tuple[int, int]:
    """Sequence and position of a row of the stacked array."""
    ends = np.cumsum(lengths)
    i = int(np.searchsorted(ends, row, side="right"))
    return i, int(row - (ends[i] - lengths[i]))


def _is_sparse(X):
    return hasattr(X, "tocsr")


def _rows(X, name):
    """One sequence, or several stacked ones, as rows."""
    if _is_sparse(X):
        if X.ndim != 2 or not X.shape[1]:
            raise DataError(f"{name} must have shape (T, D) with at least one column; got {X.shape}")
        return X.tocsr()
    try:
        rows = np.asarray(X)
    except ValueError:
        raise DataError(f"{name} must be an array (T, D); got rows of different widths") from None
    if rows.dtype.kind not in "biuf":
        raise DataError(f"{name} must hold numbers; got {rows.dtype} ({shown(X)}). Convert it: np.asarray(…, float)")
    if rows.ndim == 1 and rows.dtype.kind in "iu":
        return rows[:, None]
    if rows.ndim == 1:
        raise DataError(
            f"{name} must have shape (T, D); got {rows.shape}. Give frames of a single number as {name}[:, None]"
        )
    if rows.ndim != 2 or not rows.shape[1]:
        raise DataError(f"{name} must have shape (T, D) with at least one column; got {rows.shape}")
    return rows


def _parts(X, lengths, name):
    if isinstance(X, str) or not isinstance(X, Sequence | np.ndarray):
        raise DataError(f"{name} must be a list of arrays (T, D), or one array with lengths; got {type(X).__name__}")
    if lengths is not None:
        raise DataError(
            f"lengths belong to one stacked array, but {name} is a list of {len(X)} sequences, which has its own; "
            "leave lengths out"
        )
    if len(X) == 0:
        raise DataError(f"{name} holds no sequence; give at least one")
    parts = []
    for i, part in enumerate(X):
        if isinstance(part, Sequence) and len(part) and isinstance(part[0], Number):
            raise DataError(
                f"{name}[{i}] is a list of numbers, which may be a frame or a sequence: give np.asarray({name}) for "
                f"one sequence of frames, or a list of arrays for several sequences"
            )
        if isinstance(part, str) or not ((hasattr(part, "shape") and part.shape) or isinstance(part, Sequence)):
            raise DataError(f"{name}[{i}] must be an array (T, D); got {shown(part)}")
        if (part.shape[0] if hasattr(part, "shape") else len(part)) == 0:
            raise DataError(f"{name}[{i}] is an empty sequence; leave it out")
        parts.append(_rows(part, f"{name}[{i}]"))
        if _is_sparse(parts[i]) != _is_sparse(parts[0]):
            raise DataError(f"{name} mixes sparse matrices and arrays ({name}[0] and {name}[{i}]); give one kind")
        if parts[i].shape[1] != parts[0].shape[1]:
            raise DataError(
                f"{name}[{i}] has {parts[i].shape[1]} columns but {name}[0] has {parts[0].shape[1]}; they must agree"
            )
    return parts


def _lengths(lengths, rows, name):
    if rows == 0:
        raise DataError(f"{name} holds no row; give at least one sequence")
    if lengths is None:
        return np.array([rows], np.int64)
    lengths = np.asarray(lengths)
    if lengths.ndim != 1 or lengths.dtype.kind not in "iu":
        raise DataError(f"lengths must be a list of whole numbers, one a sequence; got {shown(lengths)}")
    short = np.flatnonzero(lengths < 1)
    if len(short):
        raise DataError(
            f"lengths[{short[0]}] is {lengths[short[0]]}; every sequence needs at least one row. Leave it out"
        )
    if lengths.sum() != rows:
        raise DataError(f"lengths add up to {lengths.sum()} but {name} has {rows} rows; they must agree")
    return lengths.astype(np.int64)


def _check_finite(stacked, lengths, name, missing):
    values = stacked.data if _is_sparse(stacked) else stacked
    if values.dtype.kind != "f":
        return
    # A sum costs no array of flags; it may overflow, and then they settle it.
    with np.errstate(all="ignore"):
        if np.isfinite(values.sum(dtype=np.float64)):
            return
    wrong = np.isinf(values) if missing else ~np.isfinite(values)
    if not wrong.any():
        return
    if _is_sparse(stacked):
        at = int(np.flatnonzero(wrong)[0])
        row, column = int(np.searchsorted(stacked.indptr, at, side="right")) - 1, int(stacked.indices[at])
    else:
        row, column = map(int, np.argwhere(wrong)[0])
    i, position = place(row, lengths)
    remedy = "NaN may stand for a missing number" if missing else "replace it, or leave the sequence out"
    raise DataError(
        f"{name}: sequence {i}, position {position}, column {column} is {stacked[row, column]}; numbers must be "
        f"finite: {remedy}"
    )


def shown(value) -> str:
    """A value as an error shows it."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
