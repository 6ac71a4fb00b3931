"""Bounds on sums of coefficients over a label sequence, in numbers that are tested exactly where that is possible."""

from fractions import Fraction
from math import ceil, floor, gcd, isfinite, lcm

import numpy as np

#: Decimals up to this denominator, and whole numbers up to this size, are counted in whole numbers.
DENOMINATOR, LARGEST = 10**6, 10**9


def _whole(row, low, high, slack):
    """The row and its bounds in whole numbers; None where that is not possible."""
    parts = [Fraction(repr(x)) for x in row.tolist()]
    common = lcm(*(x.denominator for x in parts))
    if common > DENOMINATOR or max(abs(x * common) for x in parts) > LARGEST:
        return None
    numbers = [int(x * common) for x in parts]
    unit = gcd(*numbers) or 1
    scale, slack = Fraction(common, unit), Fraction(slack)
    low = ceil((Fraction(repr(low)) - slack) * scale) if isfinite(low) else low
    high = floor((Fraction(repr(high)) + slack) * scale) if isfinite(high) else high
    return [x // unit for x in numbers], low, high


class Sums:
    """R sums that must stay within bounds: low ≤ Σ_t coefficients[r, y_t] ≤ high.

    Decimals with a small common denominator (0.1, 2.5, 3) are scaled to whole numbers, whose sums are exact. Others are
    tested up to rounding, a slack of 1e-9 · (1 + Σ |coefficients|), and scaled so that solvers see large numbers.

    Attributes
    ----------
    coefficients : (R, K) float64 array
    low, high : (R,) float64 arrays
        Bounds, slack included.
    """

    def __init__(self, coefficients, low, high):
        rows = []
        for row, a, b in zip(coefficients, low.tolist(), high.tolist()):
            slack = 1e-9 * (1 + np.abs(row).sum())
            scaled = _whole(row, a, b, slack)
            if scaled is None:
                scale = 1000 / np.abs(row).max()
                scaled = row * scale, (a - slack) * scale, (b + slack) * scale
            rows.append(scaled)
        shape = coefficients.shape
        self.coefficients = np.array([row for row, _, _ in rows], np.float64).reshape(shape)
        self.low, self.high = (np.array([row[i] for row in rows], np.float64) for i in (1, 2))

    @property
    def empty(self):
        """Whether some bounds exclude every sum."""
        return bool((self.low > self.high).any())

    def totals(self, labels):
        """The sums (…, R) of label sequences (…, T); −100 adds nothing."""
        counts = (labels[..., None] == np.arange(self.coefficients.shape[1])).sum(-2)
        return counts @ self.coefficients.T

    def kept(self, labels):
        """Whether label sequences (…, T) stay within all bounds."""
        totals = self.totals(labels)
        return ((totals >= self.low) & (totals <= self.high)).all(-1)

    def penalty(self, multipliers):
        """What the multipliers' scores of a sequence within the bounds are worth at least, (…,): a bound's offset."""
        at = np.where(multipliers > 0, self.low, self.high)
        return np.where(multipliers == 0, 0, multipliers * np.where(multipliers == 0, 0, at)).sum(-1)
