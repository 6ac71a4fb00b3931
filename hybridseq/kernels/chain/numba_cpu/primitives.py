"""Vectorisable pieces that the chain's CPU kernels are made of."""

import numpy as np
from numba import njit, types
from numba.extending import overload

from hybridseq.kernels import simd

# NaN and infinity keep their meaning; only the order of sums is free.
MATH = {"contract", "reassoc", "nsz", "arcp"}
kernel = njit(nogil=True, cache=True, fastmath=MATH, error_model="numpy")
# The path that a row takes, fastest first; a path hands what it cannot do on to the next.
MODERATE, SCALED, LOGARITHMIC, INVALID = range(4)
# Positions after which float32 sums over time are moved to float64.
FLUSH = 512


def exp(x):
    """exp for x ≤ 0, branch free so that loops over it vectorise; exactly 0 below −87 (float32) or −708 (float64).

    Range reduction by ln 2 in two parts and a polynomial; under 2 units in the last place.
    """


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
def padded(array, count):
    """``count`` rounded up to whole vectors of the array's type."""
    return (count + simd.lanes(array) - 1) // simd.lanes(array) * simd.lanes(array)


@kernel
def times_matrix(rows, matrix, out, count):
    """out[:count] = rows[:count] @ matrix; ``count`` a multiple of 4, all three padded to the same width.

    Tiles of 4 rows by 2 vectors: 8 sums in registers for 2 loads and 4 broadcasts.
    """
    depth, width = matrix.shape
    step = simd.lanes(matrix)
    zero = simd.splat(matrix, simd.number(matrix, 0))
    for r in range(0, count, 4):
        for j in range(0, width, 2 * step):
            a0, a1, a2, a3, b0, b1, b2, b3 = zero, zero, zero, zero, zero, zero, zero, zero
            two = j + step < width
            if two:
                for i in range(depth):
                    p, q = simd.load(matrix, i * width + j), simd.load(matrix, i * width + j + step)
                    x0, x1 = simd.splat(matrix, rows[r, i]), simd.splat(matrix, rows[r + 1, i])
                    x2, x3 = simd.splat(matrix, rows[r + 2, i]), simd.splat(matrix, rows[r + 3, i])
                    a0, b0 = simd.multiply_add(x0, p, a0), simd.multiply_add(x0, q, b0)
                    a1, b1 = simd.multiply_add(x1, p, a1), simd.multiply_add(x1, q, b1)
                    a2, b2 = simd.multiply_add(x2, p, a2), simd.multiply_add(x2, q, b2)
                    a3, b3 = simd.multiply_add(x3, p, a3), simd.multiply_add(x3, q, b3)
            else:
                for i in range(depth):
                    p = simd.load(matrix, i * width + j)
                    a0 = simd.multiply_add(simd.splat(matrix, rows[r, i]), p, a0)
                    a1 = simd.multiply_add(simd.splat(matrix, rows[r + 1, i]), p, a1)
                    a2 = simd.multiply_add(simd.splat(matrix, rows[r + 2, i]), p, a2)
                    a3 = simd.multiply_add(simd.splat(matrix, rows[r + 3, i]), p, a3)
            place = r * width + j
            simd.store(out, place, a0)
            simd.store(out, place + width, a1)
            simd.store(out, place + 2 * width, a2)
            simd.store(out, place + 3 * width, a3)
            if two:
                simd.store(out, place + step, b0)
                simd.store(out, place + width + step, b1)
                simd.store(out, place + 2 * width + step, b2)
                simd.store(out, place + 3 * width + step, b3)


@kernel
def add_outer_products(alpha, places, flow, out, count):
    """out += Σ over r < count of alpha[places[r] :]ᵀ flow[r].

    ``alpha`` is flat and padded; ``out`` has rows enough for tiles of 4 (see ``pair_buffer``).
    """
    width = flow.shape[1]
    step = simd.lanes(flow)
    for i in range(0, out.shape[0], 4):
        for j in range(0, width, 2 * step):
            place = i * width + j
            a0, a1 = simd.load(out, place), simd.load(out, place + width)
            a2, a3 = simd.load(out, place + 2 * width), simd.load(out, place + 3 * width)
            if j + step < width:
                b0, b1 = simd.load(out, place + step), simd.load(out, place + width + step)
                b2, b3 = simd.load(out, place + 2 * width + step), simd.load(out, place + 3 * width + step)
                for r in range(count):
                    p, q = simd.load(flow, r * width + j), simd.load(flow, r * width + j + step)
                    source = places[r] + i
                    x0, x1 = simd.splat(flow, alpha[source]), simd.splat(flow, alpha[source + 1])
                    x2, x3 = simd.splat(flow, alpha[source + 2]), simd.splat(flow, alpha[source + 3])
                    a0, b0 = simd.multiply_add(x0, p, a0), simd.multiply_add(x0, q, b0)
                    a1, b1 = simd.multiply_add(x1, p, a1), simd.multiply_add(x1, q, b1)
                    a2, b2 = simd.multiply_add(x2, p, a2), simd.multiply_add(x2, q, b2)
                    a3, b3 = simd.multiply_add(x3, p, a3), simd.multiply_add(x3, q, b3)
                simd.store(out, place + step, b0)
                simd.store(out, place + width + step, b1)
                simd.store(out, place + 2 * width + step, b2)
                simd.store(out, place + 3 * width + step, b3)
            else:
                for r in range(count):
                    p = simd.load(flow, r * width + j)
                    source = places[r] + i
                    a0 = simd.multiply_add(simd.splat(flow, alpha[source]), p, a0)
                    a1 = simd.multiply_add(simd.splat(flow, alpha[source + 1]), p, a1)
                    a2 = simd.multiply_add(simd.splat(flow, alpha[source + 2]), p, a2)
                    a3 = simd.multiply_add(simd.splat(flow, alpha[source + 3]), p, a3)
            simd.store(out, place, a0)
            simd.store(out, place + width, a1)
            simd.store(out, place + 2 * width, a2)
            simd.store(out, place + 3 * width, a3)


@kernel
def pair_buffer(array, count):
    """A zeroed (K rounded up to 4, padded K) buffer of the array's type."""
    return np.zeros(((count + 3) // 4 * 4, padded(array, count)), array.dtype)


@kernel
def of_status(rows, status, wanted):
    """The rows with that status, in their order."""
    out = np.empty(rows.size, rows.dtype)
    count = 0
    for b in rows:
        if status[b] == wanted:
            out[count] = b
            count += 1
    return out[:count]


@kernel
def invalid_scores(scores):
    """How many of the scores are NaN or +inf."""
    flat = scores.reshape(scores.size)
    bad = 0
    for x in range(flat.size):
        bad += not (flat[x] < np.inf)
    return bad


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
    for i in range(depth):
        a = row[i]
        for j in range(width):
            out[j] += a * matrix[i, j]


@kernel
def exp_transitions(scores, out):
    """out[:K, :K] = exp(scores − largest), zero padded; ``scores`` contiguous.

    Returns the largest score; whether a finite score came so low that products with it could vanish; and whether no
    score is so low, or −inf.
    """
    count, width = scores.shape[0], out.shape[1]
    step = simd.lanes(out)
    minus, plus, zero = simd.number(out, -np.inf), simd.number(out, np.inf), simd.number(out, 0)
    nothing, everything = simd.splat(out, minus), simd.splat(out, plus)
    high, low = nothing, everything
    for i in range(count):
        for j in range(0, width, step):
            high = simd.larger(simd.load_some(scores, i * count + j, count - j, minus), high)
            low = simd.smaller(simd.load_some(scores, i * count + j, count - j, plus), low)
    top, impossible = simd.largest(high), simd.smallest(low) == -np.inf
    if top == -np.inf:
        out[:] = zero
        return top, False, False
    shift, least = simd.splat(out, top), everything
    for i in range(count):
        for j in range(0, width, step):
            score = simd.load_some(scores, i * count + j, count - j, minus)
            value = simd.exp(out, simd.subtract(score, shift))
            least = simd.smaller(simd.where_above(score, nothing, value, everything), least)
            simd.store(out, i * width + j, value)
    lost = simd.smallest(least) < smallest_transition(out)
    return top, lost, not lost and not impossible


@kernel
def pair_gradient(pairs, matrix, added, out):
    """out = Σ pairs ∘ exp(transitions) + Σ added, over the threads' own sums; ``matrix`` is transposed."""
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            total = 0.0
            for part in range(pairs.shape[0]):
                total += pairs[part, i, j]
            total *= matrix[j, i]
            for part in range(added.shape[0]):
                total += added[part, 0, i, j]
            out[i, j] = total


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
