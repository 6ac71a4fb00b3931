"""The kernels' own exponentials against numpy's."""

import numpy as np
import pytest
from numba import njit

from hybridseq.kernels import simd
from hybridseq.kernels.chain.numba_cpu import primitives
from tests import tolerances


@njit
def by_scalar(x, out):
    for i in range(x.size):
        out[i] = primitives.exp(x[i])


@njit
def by_vector(x, out):
    for i in range(0, x.size, simd.lanes(x)):
        simd.store(out, i, simd.exp(x, simd.load(x, i)))


@pytest.mark.parametrize("function", [by_scalar, by_vector])
@pytest.mark.parametrize(("dtype", "low"), [(np.float32, -87), (np.float64, -708)])
def test_exp(function, dtype, low):
    x = np.concatenate([np.linspace(low, 0, 4096 - 8), [0, -1e-30, -np.inf, low - 0.1, -1e5, -1e30, -1e-3, low]])
    x = x.astype(dtype)
    out = np.full_like(x, np.nan)
    function(x, out)
    exact = np.exp(x.astype(np.float64 if dtype == np.float32 else np.longdouble))
    kept = x > low
    spacing = np.spacing(exact[kept].astype(dtype))
    assert np.abs((out[kept] - exact[kept]) / spacing).max() <= tolerances.EXP_ULPS
    assert (out[~kept] == 0).all()
    assert out[x == 0].tolist() == [1.0] * int((x == 0).sum())
