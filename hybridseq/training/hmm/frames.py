"""Frames of real numbers, centred, some of them missing."""

from dataclasses import dataclass
from functools import cached_property

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
        found, codes = self._patterns
        which = codes[rows]
        order = np.argsort(which, kind="stable")
        size = np.bincount(which, minlength=len(found))
        return [(found[k], places) for k, places in enumerate(np.split(order, np.cumsum(size)[:-1])) if len(places)]

    @cached_property
    def _patterns(self):
        """The different rows of ``seen``, and which of them each row is."""
        packed = np.packbits(self.seen, axis=1)
        _, first, codes = np.unique(
            packed.view(np.dtype((np.void, packed.shape[1]))), return_index=True, return_inverse=True
        )
        return self.seen[first], codes.ravel()


def _largest_squares(x):
    """The largest square of each column: many rows at a time are quicker than one by one."""
    wide = len(x) // 64 * 64
    parts = [x[wide:]] if wide < len(x) else []
    if wide:
        folded = x[:wide].reshape(64, -1)
        parts += [edge(folded, axis=0).reshape(-1, x.shape[1]) for edge in (np.max, np.min)]
    return (np.concatenate(parts) ** 2).max(0)
