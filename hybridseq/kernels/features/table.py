"""Which features tokens have, and which feature–label pairs have weights."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class FeatureTable:
    """Features of N tokens (CSR), and the labels that each of A features has a weight for.

    Parameters
    ----------
    indptr : (N + 1,) int64 array
        Where each token's features begin.
    indices : (n,) int32 array
        Feature numbers.
    values : (n,) float64 array or None
        Feature values; None where all are 1.
    offsets : (A + 1,) int64 array
        Where each feature's weights begin.
    labels : (S,) int32 array
        The label of each weight; ascending within a feature.
    """

    indptr: np.ndarray
    indices: np.ndarray
    values: np.ndarray | None
    offsets: np.ndarray
    labels: np.ndarray

    @cached_property
    def per_token(self) -> float:
        """Weights that a token touches on average."""
        touched = np.diff(self.offsets)[self.indices].sum() if len(self.indices) < 1e6 else None
        if touched is None:
            sample = self.indices[:: len(self.indices) // 100_000]
            touched = np.diff(self.offsets)[sample].mean() * len(self.indices)
        return max(1.0, float(touched) / max(1, len(self.indptr) - 1))

    @cached_property
    def _single(self):
        return self.values.astype(np.float32)

    @cached_property
    def _narrow(self):
        """Offsets of half the size: more of them stay in the cache."""
        return self.offsets.astype(np.int32)

    def arrays(self, dtype):
        """What kernels take: the five arrays, values in the wanted dtype and empty where all are 1."""
        if self.values is None:
            values = np.empty(0, dtype)
        else:
            values = self._single if dtype == np.float32 else self.values
        return self.indptr, self.indices, values, self._narrow, self.labels
