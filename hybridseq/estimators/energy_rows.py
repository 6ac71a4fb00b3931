"""Rows of features and of bits, checked once and turned into tensors batch by batch."""

import warnings

import numpy as np
import scipy.sparse
import torch

#: Rows that are predicted at a time.
AT_ONCE = 512


def check_bits(y, rows=None, num_bits=None) -> np.ndarray:
    """y (n, L) as an array of int64, 0 or 1.

    Raises
    ------
    ValueError
        Where y is no indicator matrix, or not of the wanted numbers of rows and labels; says which.
    """
    try:
        y = y.toarray() if scipy.sparse.issparse(y) else np.asarray(y)
    except ValueError:
        raise ValueError(
            "y must be an (n, L) array of 0 and 1, a column for each label; got rows of several lengths. Make one with "
            "sklearn.preprocessing.MultiLabelBinarizer."
        ) from None
    if y.ndim != 2:
        raise ValueError(
            f"y must be an (n, L) array of 0 and 1, a column for each label; got shape {y.shape}. Make one with "
            "sklearn.preprocessing.MultiLabelBinarizer."
        )
    if rows is not None and len(y) != rows:
        raise ValueError(f"X and y must have as many rows; got {rows} of X and {len(y)} of y")
    if y.shape[1] == 0 or (num_bits is not None and y.shape[1] != num_bits):
        wanted = "at least one" if num_bits is None else f"{num_bits}, as in training"
        raise ValueError(f"y must have a column for each label, {wanted}; got {y.shape[1]}")
    if y.dtype.kind not in "biuf":
        raise ValueError(f"y must hold 0 and 1 alone, as numbers; got {y.dtype}. Convert it: y.astype(int)")
    bad = (y != 0) & (y != 1)
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise ValueError(f"y must hold 0 and 1 alone; got {y[row, column].item()!r} in row {row}, column {column}")
    return y.astype(np.int64)


class Rows:
    """Features (n, D), dense or CSR, and bits (n, L) beside them, given out in batches.

    Parameters
    ----------
    X : array or CSR matrix
    Y : (n, L) int64 array, optional
    device
    """

    def __init__(self, X, Y=None, device="cpu"):
        self.X, self.Y, self.device = X, Y, device

    def __len__(self):
        return self.X.shape[0]

    def split(self, share, random):
        """Two parts in random order, the second with a share of the rows, at least one; at least one stays."""
        order = random.permutation(len(self))
        held = min(len(self) - 1, max(1, round(share * len(self))))
        return self._at(np.sort(order[held:])), self._at(np.sort(order[:held]))

    def _at(self, index):
        return Rows(self.X[index], self.Y[index], self.device)

    def inputs(self, index) -> torch.Tensor:
        """Features (B, D) of some rows, float32."""
        part = self.X[index]
        part = part.toarray() if scipy.sparse.issparse(part) else part
        return torch.from_numpy(np.ascontiguousarray(part, dtype=np.float32)).to(self.device)

    def bits(self) -> torch.Tensor:
        """All bits (n, L), float32."""
        return torch.from_numpy(self.Y.astype(np.float32))

    def shuffled(self, size: int | None = None):
        """``batches(rng)``: batches (x, y) of one epoch, y int64, in random order.

        By default of a fortieth of the rows, at least 4 and at most 32.
        """
        size = size or min(32, max(4, len(self) // 40))

        def batches(rng):
            order = rng.permutation(len(self))
            for first in range(0, len(order), size):
                index = order[first : first + size]
                yield self.inputs(index), torch.from_numpy(self.Y[index]).to(self.device)

        return batches

    def in_order(self):
        """Features batch by batch; sparse ones stay so."""
        for first in range(0, len(self), AT_ONCE):
            index = slice(first, first + AT_ONCE)
            yield self._sparse(self.X[index]) if scipy.sparse.issparse(self.X) else self.inputs(index)

    def _sparse(self, part):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
            parts = (torch.from_numpy(np.ascontiguousarray(p)) for p in (part.indptr, part.indices, part.data))
            options = {"dtype": torch.float32, "device": self.device, "check_invariants": False}
            return torch.sparse_csr_tensor(*parts, part.shape, **options)
