"""The compiled kernels equal the reference: values, gradients, second derivatives, best paths, draws."""

import pytest
import torch

import hybridseq as hs
from hybridseq.kernels.chain import cpu, reference
from tests import tolerances
from tests.drawn import Case, gradients

# Odd sizes on purpose: one position, one label, a label more than a vector or a tile, a row more than a block.
SIZES = [(1, 1, 1), (3, 1, 2), (17, 7, 1), (17, 63, 2), (9, 17, 9), (5, 5, 17), (3, 4, 61)]
DTYPES = [torch.float32, torch.float64]
every_case = pytest.mark.parametrize(
    ("size", "shared", "dtype"),
    [(size, shared, dtype) for size in SIZES for shared in (True, False) for dtype in DTYPES],
    ids=lambda x: "x".join(map(str, x)) if isinstance(x, tuple) else str(x).removeprefix("torch."),
)


def truth_and_fast(case):
    """The reference in float64 and the kernels in the case's own dtype, each with its own leaves."""
    exact = tuple(x.detach().double().requires_grad_() for x in case.leaves)
    return (reference, exact), (cpu, case.leaves)


def assert_all_close(fast, truth, kind):
    for ours, theirs in zip(fast, truth, strict=True):
        torch.testing.assert_close(ours.double(), theirs.double(), **kind(fast[0].dtype))


@every_case
def test_log_partition_and_its_derivatives(size, shared, dtype):
    case = Case(*size, shared, dtype)
    weight = case.normal(case.batch).double()
    direction = [case.normal(*x.shape) for x in case.leaves]
    values, first, second = [], [], []
    for kernel, leaves in truth_and_fast(case):
        value = kernel.log_partition(*leaves, case.lengths)
        values.append(value.double())
        first.append(gradients(value * weight, leaves, create_graph=True))
        slope = sum((g * d.to(g.dtype)).sum() for g, d in zip(first[-1], direction))
        second.append(gradients(slope, leaves))
    torch.testing.assert_close(values[1], values[0], **tolerances.value(dtype))
    assert_all_close(first[1], first[0], tolerances.gradient)
    assert_all_close(second[1], second[0], tolerances.second)


@every_case
def test_marginals_and_their_gradient(size, shared, dtype):
    case = Case(*size, shared, dtype, seed=1)
    for name in ("marginals", "pair_marginals"):
        found, slopes = [], []
        for kernel, leaves in truth_and_fast(case):
            found.append(getattr(kernel, name)(*leaves, case.lengths))
            weight = torch.linspace(-1, 1, found[-1].numel()).view(found[-1].shape).to(found[-1].dtype)
            slopes.append(gradients(found[-1] * weight, leaves))
        assert_all_close([found[1]], [found[0]], tolerances.gradient)
        assert_all_close(slopes[1], slopes[0], tolerances.second)


@every_case
def test_score_and_its_gradient(size, shared, dtype):
    case = Case(*size, shared, dtype, seed=2)
    labels = case.paths()
    values, first = [], []
    for kernel, leaves in truth_and_fast(case):
        values.append(kernel.score(*leaves, case.lengths, labels).double())
        first.append(gradients(values[-1] * torch.arange(1, case.batch + 1), leaves))
    torch.testing.assert_close(values[1], values[0], **tolerances.value(dtype))
    assert_all_close(first[1], first[0], tolerances.gradient)


@every_case
def test_expected_score_and_its_gradient(size, shared, dtype):
    case = Case(*size, shared, dtype, seed=3)
    directions = [case.normal(*x.shape) for x in case.leaves]
    values, slopes = [], []
    for kernel, leaves in truth_and_fast(case):
        direction = tuple(d.to(leaves[0].dtype).requires_grad_() for d in directions)
        values.append(kernel.expected_score(*leaves, direction, case.lengths).double())
        slopes.append(gradients(values[-1] * torch.arange(1, case.batch + 1), (*leaves, *direction)))
    torch.testing.assert_close(values[1], values[0], **tolerances.gradient(dtype))
    assert_all_close(slopes[1], slopes[0], tolerances.second)


@every_case
def test_paths(size, shared, dtype):
    case = Case(*size, shared, dtype, seed=4)
    uniforms = case.uniform(3, case.batch, case.steps)
    (_, exact), (_, leaves) = truth_and_fast(case)
    with torch.no_grad():
        best = reference.decode(*exact, case.lengths)
        assert torch.equal(cpu.decode(*leaves, case.lengths), best)
        draws = cpu.sample(*leaves, case.lengths, uniforms)
        assert torch.equal(draws, reference.sample(*exact, case.lengths, uniforms))
        labels, scores = cpu.k_best(*leaves, case.lengths, 3)
        their_labels, their_scores = reference.k_best(*exact, case.lengths, 3)
    assert torch.equal(labels, their_labels)
    assert torch.equal(labels[:, 0], best)
    torch.testing.assert_close(scores, their_scores, **tolerances.value(dtype))


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("dtype", DTYPES)
def test_forbidden_parts_anywhere(shared, dtype):
    for seed in range(6):
        case = Case(9, 6, 5, shared, dtype, seed=seed).forbid(0.4)
        values, first = [], []
        for kernel, leaves in truth_and_fast(case):
            values.append(kernel.log_partition(*leaves, case.lengths).double())
            first.append(gradients(values[-1], leaves))
        torch.testing.assert_close(values[1], values[0], **tolerances.value(dtype))
        assert_all_close(first[1], first[0], tolerances.gradient)
        assert torch.equal(cpu.decode(*case.leaves, case.lengths), reference.decode(*case.leaves, case.lengths))


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_row_does_not_depend_on_its_batch(dtype):
    case = Case(19, 21, 9, dtype=dtype)
    emissions, *rest = (x.detach() for x in case.leaves)
    whole = case.chain(hs.LinearChain)
    for b, length in enumerate(case.lengths.tolist()):
        row = hs.LinearChain(emissions[b : b + 1, :length], *rest)
        torch.testing.assert_close(row.log_partition()[0], whole.log_partition()[b], rtol=1e-6, atol=0)
        torch.testing.assert_close(row.marginals()[0], whole.marginals()[b, :length], rtol=1e-5, atol=1e-6)
        assert torch.equal(row.decode()[0], whole.decode()[b, :length])
