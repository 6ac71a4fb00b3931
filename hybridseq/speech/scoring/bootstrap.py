"""The bootstrap over utterances or speakers :cite:p:`bisani2004`."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np

#: Draws held in memory at once.
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Comparison:
    """How the errors of one system compare with those of another on the same utterances.

    Attributes
    ----------
    relative : float
        (other's errors − own errors) / own errors: −0.2 where the other makes 20% fewer.
    low, high : float
        The interval of ``relative``; ``inf`` where a resample holds errors of the other only.
    better : float
        The share of resamples in which the other makes fewer errors; a tie counts half.
    level : float
        The interval's level.
    """

    relative: float
    low: float
    high: float
    better: float
    level: float

    def to_dict(self) -> dict:
        """The figures by name; an infinite one is None, for JSON has none."""
        return {name: value if np.isfinite(value) else None for name, value in asdict(self).items()}


def resampled(totals: np.ndarray, n: int, seed) -> Iterator[np.ndarray]:
    """Column sums of resamples of the rows, block by block.

    Parameters
    ----------
    totals : (U, C) array
        One row a unit.
    n : int
        How many resamples, each of U rows drawn with replacement.
    seed : int or numpy.random.Generator
        The randomness.

    Yields
    ------
    (m, C) arrays
        With n rows in all; O(n U) time.
    """
    generator = np.random.default_rng(seed)
    units = len(totals)
    rows = max(1, _BLOCK // units)
    for begin in range(0, n, rows):
        drawn = generator.integers(units, size=(min(rows, n - begin), units))
        yield totals[drawn].sum(axis=1)


def quantiles(values: np.ndarray, level: float) -> tuple[float, float]:
    """The bounds of the central interval of some values, which may be infinite."""
    tail = (1 - level) / 2
    low, high = np.quantile(values, [tail, 1 - tail], method="inverted_cdf")
    return float(low), float(high)


def relative(own: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(other − own) / own, 0 where both are 0 and infinite where only own is."""
    difference = np.asarray(other - own, dtype=float)
    out = np.where(difference == 0, 0.0, np.inf)
    return np.divide(difference, own, out=out, where=np.asarray(own) > 0)


def check(n: int, level: float) -> None:
    """A ValueError where a count of resamples or a level cannot be one."""
    if n < 1:
        raise ValueError(f"n must be at least 1 resample; got {n}")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, such as 0.95; got {level}")
