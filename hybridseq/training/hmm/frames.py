"""Frames of real numbers, centred, some of them missing."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Frames:
    """Frames (N, D) less their mean, 0 where a number is missing.

    Attributes
    ----------
    x : (N, D) float64 array
        What is left of the frames.
    shift : (D,) array
        The mean of each column's numbers.
    spread : (D,) array
        The largest square of each column of ``x``.
    seen : (N, D) bool array or None
        Which numbers are there; None where all are.
    """

    x: np.ndarray
    shift: np.ndarray
    spread: np.ndarray
    seen: np.ndarray | None = None

    @classmethod
    def of(cls, X) -> "Frames":
        """From frames whose missing numbers are NaN."""
        X = np.asarray(X, np.float64)
        shift = np.ones(len(X)) @ X / len(X)
        if np.isfinite(shift).all():
            x = X - shift
            return cls(x, shift, _largest_squares(x))
        seen = ~np.isnan(X)
        shift = np.where(seen, X, 0).sum(0) / np.maximum(seen.sum(0), 1)
        x = np.where(seen, X - shift, 0)
        return cls(x, shift, _largest_squares(x), seen)

    def filled(self) -> np.ndarray:
        """The frames as they were, missing numbers replaced by their column's mean."""
        return self.x + self.shift

    def patterns(self, rows: slice):
        """Rows that lack the same numbers: pairs of what is seen (D,) and their places (n,) among ``rows``."""
        if self.seen is None:
            return [(np.ones(self.x.shape[1], bool), slice(None))]
        found, which = np.unique(self.seen[rows], axis=0, return_inverse=True)
        which = which.ravel()
        order = np.argsort(which, kind="stable")
        return list(zip(found, np.split(order, np.cumsum(np.bincount(which))[:-1])))


def _largest_squares(x):
    """The largest square of each column: many rows at a time are quicker than one by one."""
    wide = len(x) // 64 * 64
    parts = [x[wide:]] if wide < len(x) else []
    if wide:
        folded = x[:wide].reshape(64, -1)
        parts += [edge(folded, axis=0).reshape(-1, x.shape[1]) for edge in (np.max, np.min)]
    return (np.concatenate(parts) ** 2).max(0)
