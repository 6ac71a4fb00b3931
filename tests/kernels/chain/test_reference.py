"""The reference equals enumeration."""

import pytest
import torch

import hybridseq as hs
from tests import tolerances
from tests.drawn import Case, gradients

CLOSE = tolerances.value(torch.float64)


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("size", [(1, 1, 1), (3, 1, 4), (4, 6, 1), (4, 5, 2), (3, 4, 4)])
@pytest.mark.parametrize("forbidden", [0, 0.4])
def test_reference_equals_enumeration(size, shared, forbidden):
    case = Case(*size, shared).forbid(forbidden)
    ours, truth = case.chain(backend="reference"), case.chain(hs.BruteForce)
    labels = truth.sample(1, torch.Generator().manual_seed(0))[0].clamp(min=0)
    for name in ("log_partition", "marginals", "pair_marginals", "max_score", "entropy"):
        found, expected = getattr(ours, name)(), getattr(truth, name)()
        torch.testing.assert_close(found, expected, **CLOSE)
        weight = torch.linspace(1, 2, found.numel(), dtype=found.dtype).view(found.shape)
        for x, y in zip(gradients(found * weight, case.leaves), gradients(expected * weight, case.leaves)):
            torch.testing.assert_close(x, y, **CLOSE)
    torch.testing.assert_close(ours.log_prob(labels), truth.log_prob(labels), **CLOSE)
    assert torch.equal(ours.decode(), truth.decode())
    for x, y in zip(ours.k_best(4), truth.k_best(4)):
        torch.testing.assert_close(x, y, **CLOSE)
