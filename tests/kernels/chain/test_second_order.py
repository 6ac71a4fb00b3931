"""Derivatives of marginals and entropy: forbidden parts, long rows, and every path a row may take."""

import pytest
import torch

from hybridseq.kernels.chain import ops
from hybridseq.kernels.chain.numba_cpu.primitives import FLUSH, LOGARITHMIC, MODERATE, SCALED
from tests import tolerances
from tests.drawn import Case, gradients


def _both(case):
    """Gradients of a weighted entropy and of weighted marginals, by kernel and by reference."""
    weights = case.normal(case.batch, case.steps, case.labels)
    found = []
    for backend in ("cpu", "reference"):
        chain = case.chain(backend=backend)
        value = chain.entropy().sum() + (chain.marginals() * weights).sum()
        found.append(gradients(value, case.leaves))
    return found


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("fields", [(1,), (0, 1), (0, 1, 2, 3)])
def test_with_forbidden_parts(dtype, fields):
    case = Case(21, 13, 18, dtype=dtype, seed=1).forbid(fields=fields)
    for ours, reference in zip(*_both(case)):
        torch.testing.assert_close(ours, reference, **tolerances.second(dtype))


@pytest.mark.parametrize("path, spread", [(MODERATE, 1.0), (SCALED, 120.0), (LOGARITHMIC, 3000.0)])
def test_on_every_path(path, spread):
    case = Case(6, 9, 5, spread=spread, seed=2)
    status = ops.log_partition(*case.leaves, case.lengths)[3]
    assert (status == path).any()
    for ours, reference in zip(*_both(case)):
        torch.testing.assert_close(ours, reference, **tolerances.second(torch.float64))


def test_rows_longer_than_a_partial_sum():
    case = Case(3, 2 * FLUSH + 7, 3, seed=3)
    for ours, reference in zip(*_both(case)):
        torch.testing.assert_close(ours, reference, **tolerances.second(torch.float64))
