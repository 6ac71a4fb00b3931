"""Sequences of like length in blocks of bounded memory, as the chain's kernel takes them."""

from dataclasses import dataclass

import numpy as np

#: Numbers in the largest array of a block, unless one sequence alone has more: what the cache holds.
LIMIT = 1 << 18


@dataclass(frozen=True)
class Block:
    """Some sequences, longest first.

    Attributes
    ----------
    sequences : (B,) int64 array
        Their indices in the caller's order.
    rows : slice
        Their rows in the sorted data.
    lengths : (B,) int64 array
        How long each is.
    """

    sequences: np.ndarray
    rows: slice
    lengths: np.ndarray

    def _places(self):
        return np.arange(self.lengths[0]) < self.lengths[:, None]

    def pad(self, values, fill=0):
        """Rows (n, …) as a padded array (B, T, …)."""
        shape = (len(self.lengths), int(self.lengths[0]), *values.shape[1:])
        if self.lengths[0] == self.lengths[-1]:
            return values.reshape(shape)
        padded = np.full(shape, fill, values.dtype)
        padded[self._places()] = values
        return padded

    def unpad(self, padded):
        """The rows (n, …) of a padded array (B, T, …)."""
        if self.lengths[0] == self.lengths[-1]:
            return padded.reshape(-1, *padded.shape[2:])
        return padded[self._places()]

    def ends(self):
        """The rows of the first and of the last positions, counted from the block's first row."""
        last = np.cumsum(self.lengths) - 1
        return last - self.lengths + 1, last


class Blocks:
    """The blocks of some sequences, and the order of rows in which each is contiguous.

    Parameters
    ----------
    lengths : (B,) int64 array
        How long each sequence is.
    width : int
        Numbers at a position.
    limit : int
        Numbers in a block's padded array, unless one sequence alone has more.
    """

    def __init__(self, lengths, width: int, limit: int = LIMIT):
        order = np.argsort(-lengths, kind="stable")
        sorted_lengths = lengths[order]
        starts = np.cumsum(lengths) - lengths
        if (order[1:] > order[:-1]).all():
            self.order = None
        else:
            self.order = np.concatenate([np.arange(starts[i], starts[i] + lengths[i]) for i in order])
        self.blocks, first, row = [], 0, 0
        while first < len(order):
            size = max(1, limit // (int(sorted_lengths[first]) * width))
            chosen = slice(first, first + size)
            total = int(sorted_lengths[chosen].sum())
            self.blocks.append(Block(order[chosen], slice(row, row + total), sorted_lengths[chosen]))
            first, row = first + size, row + total

    def __iter__(self):
        return iter(self.blocks)

    def sort(self, rows):
        """Rows (N, …) in the order of the blocks; the same array where that is the given order."""
        return rows if self.order is None else rows[self.order]

    def unsort(self, rows):
        """Rows in the order of the blocks as they were given."""
        if self.order is None:
            return rows
        given = np.empty_like(rows)
        given[self.order] = rows
        return given


def pieces(rows: slice, width: int, size: int = 1 << 16):
    """A slice in slices of at most ``size`` numbers: the cache holds them, and one thread multiplies them."""
    step = max(64, size // width)
    for first in range(rows.start, rows.stop, step):
        yield slice(first, min(first + step, rows.stop))
