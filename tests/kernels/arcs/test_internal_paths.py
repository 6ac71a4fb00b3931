"""Scaled rows, doubtful ones and rows in log space: each is taken where it should be, and all give the same answer."""

import numpy as np
import pytest
import torch

from hybridseq.kernels import threads
from hybridseq.kernels.arcs import cpu, ops, reference
from hybridseq.kernels.arcs.graph import Graph
from hybridseq.kernels.arcs.numba_cpu import forward, sums
from hybridseq.kernels.arcs.numba_cpu.batch import Batch
from tests import tolerances
from tests.drawn import gradients
from tests.kernels.arcs.drawn_graphs import FORMS, ArcCase

DTYPES = [torch.float32, torch.float64]
EXACT, DOUBTFUL, LOST = forward.EXACT, forward.DOUBTFUL, forward.LOST_ROW


def paths_of(arguments):
    """What each row's forward pass made of itself, and what became of it."""
    *scores, lengths, graph = arguments
    batch = Batch(ops.values(*scores), lengths.numpy(), ops.tables(graph.tables))
    out, first = np.empty(len(lengths)), np.empty(len(lengths), np.int8)
    inputs = batch.scores, batch.lengths, batch.graph, batch.weights(), batch.group, out, first
    threads.run(forward.forward, batch.parts(1), *inputs)
    return set(first.tolist()), set(sums.run_forward(batch)[1].tolist())


def assert_equals_reference(case):
    """Value, gradient and a Hessian-vector product."""
    dtype, direction = case.leaves[0].dtype, [torch.full_like(x, 0.5).cos_() for x in case.leaves]
    for d in direction:
        d *= torch.linspace(-1, 1, d.numel()).view(d.shape)
    values, first, second = [], [], []
    exact = case.exact()
    for kernel, leaves, rest in ((reference, exact[:4], exact[4:]), (cpu, case.leaves, case.arguments[4:])):
        values.append(kernel.log_partition(*leaves, *rest).double())
        first.append(gradients(values[-1], leaves, create_graph=True))
        slope = sum((g * d.to(g.dtype)).sum() for g, d in zip(first[-1], direction))
        second.append(gradients(slope, leaves))
        with torch.no_grad():
            values.append(kernel.expected_score(*leaves, *rest, [d.to(leaves[0].dtype) for d in direction]).double())
    torch.testing.assert_close(values[2], values[0], **tolerances.value(dtype))
    torch.testing.assert_close(values[3], values[1], **tolerances.second(dtype))
    for found, kind in ((first, tolerances.gradient), (second, tolerances.second)):
        for theirs, ours in zip(*found):
            torch.testing.assert_close(ours.double(), theirs, **kind(dtype))


class TwoTracks(ArcCase):
    """States that never meet: what is likely at first is unlikely later."""

    def __post_init__(self):
        super().__post_init__()
        self.graph = Graph.from_arcs([0, 1], [0, 1], [0, 1])
        self.lengths[:] = self.steps
        scores = torch.zeros(self.batch, self.steps, 2, dtype=self.dtype)
        scores[:, : self.steps // 2, 0] = scores[:, self.steps // 2 :, 1] = self.spread
        self.leaves = tuple(x.to(self.dtype).requires_grad_() for x in (scores, *torch.zeros(3, 2)))


class Fading(ArcCase):
    """A state that is left for good, and slowly forgotten."""

    def __post_init__(self):
        super().__post_init__()
        self.graph = Graph.from_arcs([0, 1], [0, 0, 1], [0, 1, 1])
        self.lengths[:] = self.steps
        scores = torch.zeros(self.batch, self.steps, 2, dtype=self.dtype)
        scores[:, :, 1] = self.spread
        self.leaves = tuple(x.to(self.dtype).requires_grad_() for x in (scores, torch.zeros(3), *torch.zeros(2, 2)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("case", "first", "last"),
    [
        (lambda dtype: ArcCase(9, 20, 3, 5, dtype=dtype), EXACT, EXACT),
        (lambda dtype: Fading(3, 200, 2, dtype=dtype, spread=2.0), DOUBTFUL, EXACT),
        (lambda dtype: Fading(3, 200, 2, dtype=dtype, spread=7.0), DOUBTFUL, EXACT),
        (lambda dtype: TwoTracks(3, 60, 2, dtype=dtype, spread=8.0), EXACT, EXACT),
        (lambda dtype: TwoTracks(3, 90, 2, dtype=dtype, spread=8.0), DOUBTFUL, EXACT),
        (lambda dtype: TwoTracks(3, 300, 2, dtype=dtype, spread=8.0), DOUBTFUL, LOST),
        (lambda dtype: TwoTracks(3, 10, 2, dtype=dtype, spread=1e4), LOST, LOST),
    ],
)
def test_every_path_is_taken_and_equals_the_reference(case, first, last, dtype):
    case = case(dtype)
    assert paths_of(case.arguments) == ({first}, {last})
    assert_equals_reference(case)


def drawn_case(seed, dtype):
    """Sizes, ranges and masks by chance: dead ends, corridors, hard zeros beside scores of any size."""
    g = torch.Generator().manual_seed(seed)

    def pick(*values):
        return values[int(torch.randint(len(values), (1,), generator=g))]

    size = pick(1, 6, 19), pick(2, 5, 30), pick(2, 3, 8), pick(2, 5, 9)
    case = ArcCase(*size, pick(True, False), pick(*FORMS), dtype, seed=seed, density=pick(0.0, 0.2, 0.6))
    case.leaves[0].data *= pick(1, 5, 20, 60, 200, 1e4)
    for i in (1, 2, 3):
        case.leaves[i].data *= pick(1, 5, 20, 60, 200, 1e4)
    if pick(True, False):
        case.forbid(pick(0.2, 0.6), pick((1,), (1, 3), (0, 1), (0, 1, 2, 3)))
    return case


@pytest.mark.parametrize("dtype", DTYPES)
def test_drawn_cases(dtype):
    first, last = set(), set()
    for seed in range(80):
        case = drawn_case(seed, dtype)
        for seen, new in zip((first, last), paths_of(case.arguments)):
            seen |= new
        assert_equals_reference(case)
    assert first == {EXACT, DOUBTFUL, LOST}
    assert last == {EXACT, LOST}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("form", FORMS)
def test_checkpoints_change_nothing(packed, form, monkeypatch):
    case = ArcCase(11, 29, 3, 7, packed=packed, form=form).forbid(0.1)
    case.lengths[:5] = torch.tensor([29, 28, 26, 25, 24])
    best, three = cpu.decode(*case.arguments), cpu.k_best(*case.arguments, 3)
    for limit in (0, 29 * 7 * 64 - 1):
        monkeypatch.setattr(sums, "MEMORY", limit)
        assert_equals_reference(case)
        assert torch.equal(cpu.decode(*case.arguments), best)
        for ours, theirs in zip(cpu.k_best(*case.arguments, 3), three):
            assert torch.equal(ours, theirs)
