"""The compiled form of a constraint over neighbouring labels."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np


@dataclass(frozen=True, eq=False)
class PairPlan:
    """Which labels may begin, follow one another and end: all that a first-order chain needs.

    Parameters
    ----------
    labels : tuple of str
        The K label names, in the order of the arrays.
    first : (K,) bool array
        Whether the label may begin a sequence.
    pairs : (K, K) bool array
        ``[i, j]``: whether label j may follow label i.
    last : (K,) bool array
        Whether the label may end a sequence.

    Raises
    ------
    ValueError
        Where a shape does not agree with the number of labels.

    Notes
    -----
    The arrays are copied and read-only. Equality compares labels and arrays.
    """

    labels: tuple[str, ...]
    first: np.ndarray = field(repr=False)
    pairs: np.ndarray = field(repr=False)
    last: np.ndarray = field(repr=False)

    def __post_init__(self):
        object.__setattr__(self, "labels", tuple(self.labels))
        num_labels = len(self.labels)
        for name, shape in (("first", (num_labels,)), ("pairs", (num_labels,) * 2), ("last", (num_labels,))):
            array = np.array(getattr(self, name), dtype=bool)
            if array.shape != shape:
                raise ValueError(
                    f"{name} must have shape {shape}, as there are K = {num_labels} labels; got {array.shape}"
                )
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    @cached_property
    def penalties(self):
        """``first``, ``pairs`` and ``last`` as float32 arrays to add, 0 or −inf; None where all is allowed."""
        arrays = (self.first, self.pairs, self.last)
        return tuple(None if a.all() else np.where(a, np.float32(0), np.float32(-np.inf)) for a in arrays)

    def accepts(self, ids) -> bool:
        """Whether the plan lets a sequence of label indices through; the empty sequence passes. O(T)."""
        ids = np.asarray(ids, dtype=np.int64)
        if ids.size == 0:
            return True
        return bool(self.first[ids[0]] and self.pairs[ids[:-1], ids[1:]].all() and self.last[ids[-1]])

    def feasible(self, length: int) -> bool:
        """Whether any sequence of this length (at least 1) passes; O(length · K²)."""
        alive = self.first
        for _ in range(length - 1):
            alive = alive @ self.pairs
        return bool((alive & self.last).any())

    def __eq__(self, other):
        if not isinstance(other, PairPlan):
            return NotImplemented
        return self.labels == other.labels and all(
            np.array_equal(getattr(self, name), getattr(other, name)) for name in ("first", "pairs", "last")
        )

    def __hash__(self):
        return hash((self.labels, self.first.tobytes(), self.pairs.tobytes(), self.last.tobytes()))
