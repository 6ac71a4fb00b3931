"""Vectorisable pieces that the chain's CPU kernels are made of."""

import numpy as np
from numba import njit, types
from numba.extending import overload

# NaN and infinity keep their meaning; only the order of sums is free.
MATH = {"contract", "reassoc", "nsz", "arcp"}
kernel = njit(nogil=True, cache=True, fastmath=MATH, error_model="numpy")
# For code behind a NaN check: maxima may then be vectorised.
kernel_without_nan = njit(nogil=True, cache=True, fastmath=MATH | {"nnan"}, error_model="numpy")

LANES = 16
# Positions after which float32 sums over time are moved to float64.
FLUSH = 512


def exp(x):
    """exp for x ≤ 0, branch free so that loops over it vectorise; exactly 0 below −87 (float32) or −708 (float64).

    Range reduction by ln 2 in two parts and a polynomial; under 2 units in the last place.
    """
    raise NotImplementedError("compiled code only")


@overload(exp, fastmath=MATH)
def _exp(x):
    if isinstance(x, types.Float) and x.bitwidth == 32:

        def exp32(x):
            low = np.float32(-87.0)
            y = x if x > low else low
            n = np.floor(y * np.float32(1.44269504) + np.float32(0.5))
            r = y - n * np.float32(0.693359375) + n * np.float32(2.12194440e-4)
            p = np.float32(1.9875691500e-4)
            p = p * r + np.float32(1.3981999507e-3)
            p = p * r + np.float32(8.3334519073e-3)
            p = p * r + np.float32(4.1665795894e-2)
            p = p * r + np.float32(1.6666665459e-1)
            p = p * r + np.float32(5.0000001201e-1)
            p = p * r * r + r + np.float32(1.0)
            scale = np.int32((np.int32(n) + np.int32(127)) << np.int32(23)).view(np.float32)
            return p * scale if x > low else np.float32(0.0)

        return exp32

    def exp64(x):
        y = x if x > -708.0 else -708.0
        n = np.floor(y * 1.4426950408889634 + 0.5)
        r = y - n * 0.693147180369123816490 - n * 1.90821492927058770002e-10
        p = 1.0 / 479001600.0
        p = p * r + 1.0 / 39916800.0
        p = p * r + 1.0 / 3628800.0
        p = p * r + 1.0 / 362880.0
        p = p * r + 1.0 / 40320.0
        p = p * r + 1.0 / 5040.0
        p = p * r + 1.0 / 720.0
        p = p * r + 1.0 / 120.0
        p = p * r + 1.0 / 24.0
        p = p * r + 1.0 / 6.0
        p = p * r + 0.5
        p = p * r * r + r + 1.0
        scale = np.int64((np.int64(n) + np.int64(1023)) << np.int64(52)).view(np.float64)
        return p * scale if x > -708.0 else 0.0

    return exp64


@kernel
def padded(count):
    """``count`` rounded up to whole vectors."""
    return (count + LANES - 1) // LANES * LANES


@kernel
def times_matrix(rows, matrix, out, count):
    """out[:count] = rows[:count] @ matrix, ``count`` a multiple of 4 and ``matrix`` padded to (even, lanes)."""
    depth, width = matrix.shape
    out[:count] = 0
    for i in range(0, depth, 2):
        for r in range(0, count, 4):
            a0, a1, a2, a3 = rows[r, i], rows[r + 1, i], rows[r + 2, i], rows[r + 3, i]
            b0, b1, b2, b3 = rows[r, i + 1], rows[r + 1, i + 1], rows[r + 2, i + 1], rows[r + 3, i + 1]
            for j in range(width):
                p, q = matrix[i, j], matrix[i + 1, j]
                out[r, j] += a0 * p + b0 * q
                out[r + 1, j] += a1 * p + b1 * q
                out[r + 2, j] += a2 * p + b2 * q
                out[r + 3, j] += a3 * p + b3 * q


@kernel
def add_outer_products(alpha, rows, t, weight, onward, out, count):
    """out += Σ over rows of weight · alpha[row, t]ᵀ onward, ``count`` a multiple of 4 (spare rows are 0 in onward)."""
    depth, width = alpha.shape[2], onward.shape[1]
    for r in range(0, count, 4):
        b0, b1, b2, b3 = rows[r], rows[r + 1], rows[r + 2], rows[r + 3]
        for i in range(depth):
            a0, a1 = alpha[b0, t, i] * weight[r], alpha[b1, t, i] * weight[r + 1]
            a2, a3 = alpha[b2, t, i] * weight[r + 2], alpha[b3, t, i] * weight[r + 3]
            for j in range(width):
                out[i, j] += a0 * onward[r, j] + a1 * onward[r + 1, j] + a2 * onward[r + 2, j] + a3 * onward[r + 3, j]


@kernel
def flush(partial, total):
    """Move float32 sums into float64 ones, before they grow so many that rounding tells."""
    for i in range(total.shape[0]):
        for j in range(total.shape[1]):
            total[i, j] += partial[i, j]
    partial[:] = 0


@kernel
def row_times_matrix(row, matrix, out):
    """out = row @ matrix for one row."""
    depth, width = matrix.shape
    out[:] = 0
    for i in range(0, depth, 2):
        a, b = row[i], row[i + 1]
        for j in range(width):
            out[j] += a * matrix[i, j] + b * matrix[i + 1, j]


@kernel
def exp_transitions(scores, out):
    """out[:K, :K] = exp(scores − largest), zero padded.

    Returns the largest score; whether a finite score came so low that products with it could vanish; and whether no
    score is so low, or −inf.
    """
    labels = scores.shape[0]
    top = scores[0, 0]
    for i in range(labels):
        for j in range(labels):
            top = scores[i, j] if scores[i, j] > top else top
    out[:] = 0
    if top == -np.inf:
        return top, False, False
    floor = smallest_transition(out)
    low, impossible = 0, 0
    for i in range(labels):
        for j in range(labels):
            value = exp(scores[i, j] - top)
            out[i, j] = value
            low += value < floor
            impossible += scores[i, j] == -np.inf
    return top, low > impossible, low == 0


def smallest_transition(array):
    """Transition probabilities under this may make a live product vanish."""


def smallest_state(array):
    """Live states under this share of their row count as lost from sight."""


def smallest_sum(array):
    """Sums under this are not trusted once something was lost from sight."""


def smallest_mass(array):
    """Least overlap of prefixes and suffixes from which marginals are computed."""


def widest_range(array):
    """Widest range of emissions, in nats, for which no step needs a check."""


def _by_precision(function, single, double):
    @overload(function)
    def choose(array):
        if array.dtype == types.float32:
            return lambda array: np.float32(single)
        return lambda array: np.float64(double)


_by_precision(smallest_transition, 1e-12, 1e-100)
_by_precision(smallest_state, 1e-25, 1e-150)
_by_precision(smallest_sum, 1e-30, 1e-200)
_by_precision(smallest_mass, 1e-20, 1e-100)
_by_precision(widest_range, 55.0, 400.0)
