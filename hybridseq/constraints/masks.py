"""The labels that single positions allow, resolved once the lengths of a batch are known."""

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, eq=False)
class PositionMask:
    """Which labels stand where, beside whatever a plan says of the order of labels.

    Parameters
    ----------
    places : tuple of int
        Positions, from 0; negative ones count from the end of a sequence, −1 being the last.
    allowed : (P, K) bool array
        The labels that each of them allows.
    table : (T, K) or (B, T, K) bool array, optional
        The labels of every position, for one sequence or for the rows of a batch.
    """

    places: tuple[int, ...]
    allowed: np.ndarray = field(repr=False)
    table: np.ndarray | None = field(default=None, repr=False)

    def resolve(self, lengths, steps: int) -> np.ndarray:
        """The mask (B, T, K) of rows of these lengths (B,), True in the padding.

        A row that lacks a position that the mask speaks of has nothing allowed at its first one.

        Raises
        ------
        ValueError
            Where the table has another number of rows, or fewer positions than a row.
        """
        lengths = np.asarray(lengths)
        rows = np.arange(len(lengths))
        mask = np.ones((len(lengths), steps, self.allowed.shape[1]), bool)
        if self.table is not None:
            table = self.table if self.table.ndim == 3 else self.table[None]
            if len(table) not in (1, len(lengths)):
                raise ValueError(f"the mask of allowed labels has {len(table)} rows; the batch has {len(lengths)}")
            if table.shape[1] < lengths.max():
                raise ValueError(
                    f"the mask of allowed labels has {table.shape[1]} positions; the longest row has {lengths.max()}"
                )
            inside = np.arange(min(steps, table.shape[1])) < lengths[:, None]
            mask[:, : inside.shape[1]] = table[:, : inside.shape[1]] | ~inside[:, :, None]
        for place, labels in zip(self.places, self.allowed):
            at = place if place >= 0 else lengths + place
            there = (at >= 0) & (at < lengths)
            mask[rows[there], np.broadcast_to(at, rows.shape)[there]] &= labels
            mask[~there, 0] = False
        return mask

    def without_table(self) -> "PositionMask":
        """The same places without the table."""
        return PositionMask(self.places, self.allowed)

    def both(self, other: "PositionMask | None") -> "PositionMask":
        """The mask that allows what this one and ``other`` allow."""
        if other is None:
            return self
        tables = [x for x in (self.table, other.table) if x is not None]
        if len(tables) == 2:
            steps = max(x.shape[-2] for x in tables)
            missing = [[(0, 0)] * (x.ndim - 2) + [(0, steps - x.shape[-2]), (0, 0)] for x in tables]
            tables = [np.logical_and(*(np.pad(x, pad, constant_values=True) for x, pad in zip(tables, missing)))]
        return PositionMask(
            self.places + other.places, np.concatenate([self.allowed, other.allowed]), tables[0] if tables else None
        )
