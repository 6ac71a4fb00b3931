"""The compiled sums equal the reference: scores, and their gradient by the weights."""

import numpy as np
import pytest
import torch

from hybridseq.kernels import threads as pool
from hybridseq.kernels.features import numba_cpu, reference
from hybridseq.kernels.features.numba_cpu import sums
from tests import tolerances
from tests.kernels.conftest import _Poisoned
from tests.kernels.features.drawn import Case

CASES = [Case(labels, some, ones) for labels in (1, 2, 5, 17, 61) for some in (True, False) for ones in (True, False)]
every_case = pytest.mark.parametrize("case", CASES, ids=lambda c: f"K={c.labels}-some={c.some}-ones={c.ones}")


@pytest.fixture(autouse=True, params=[1, 2])
def several_threads(request, threads, monkeypatch):
    threads(request.param)
    monkeypatch.setattr(pool, "WAKE", 1)
    monkeypatch.setattr(sums, "np", _Poisoned())


@every_case
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scores(case, dtype):
    weights = case.weights(dtype)[: case.states]
    rows = np.array([3, 0, 5, 1])
    sequences = case.starts[rows], case.lengths[rows]
    found = torch.from_numpy(numba_cpu.emissions(case.features, *sequences, weights, case.labels))
    wanted = reference.emissions(case.features, *sequences, torch.from_numpy(weights).double(), case.labels)
    assert found.dtype == torch.from_numpy(weights).dtype
    torch.testing.assert_close(found.double(), wanted, **tolerances.value(found.dtype))


@every_case
@pytest.mark.parametrize("rooms", [1, 2])
def test_the_gradient(case, rooms):
    weights = torch.from_numpy(case.weights()[: case.states]).requires_grad_()
    scores = reference.emissions(case.features, case.starts, case.lengths, weights, case.labels)
    # The padding's gradient must not be read.
    flow = np.full(scores.shape, np.nan)
    for b, length in enumerate(case.lengths):
        flow[b, :length] = case.random.normal(size=(length, case.labels))
    inside = ~np.isnan(flow)
    (scores[torch.from_numpy(inside)] * torch.from_numpy(flow[inside])).sum().backward()
    before = case.random.normal(size=(rooms, case.states))
    out = before.copy()
    numba_cpu.add_gradient(case.features, case.starts, case.lengths, flow, out)
    found = torch.from_numpy((out - before).sum(0))
    torch.testing.assert_close(found, weights.grad, **tolerances.gradient(torch.float64))


def test_nothing_is_rounded_to_float32_on_the_way():
    case = Case(some=False, ones=False)
    tiny = np.full(case.states, 1e-300)
    assert numba_cpu.emissions(case.features, case.starts, case.lengths, tiny, case.labels).any()
