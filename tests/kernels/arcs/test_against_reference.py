"""The compiled kernels equal the reference: values, gradients, second derivatives, best paths, draws."""

import pytest
import torch

from hybridseq.kernels.arcs import cpu, reference
from tests import tolerances
from tests.drawn import gradients
from tests.kernels.arcs.drawn_graphs import FORMS, ArcCase

# Rows, positions, labels, states. Odd on purpose: one of each, a row more than a group, many states.
SIZES = [(1, 1, 1, 1), (3, 1, 2, 3), (17, 7, 1, 5), (1, 30, 3, 6), (9, 17, 9, 4), (5, 5, 4, 101), (8, 63, 2, 2)]
DTYPES = [torch.float32, torch.float64]
KINDS = [(False, form) for form in FORMS] + [(True, "shared"), (True, "steps")]
every_case = pytest.mark.parametrize(
    ("size", "packed", "form", "dtype"),
    [(size, *kind, dtype) for size in SIZES for kind in KINDS for dtype in DTYPES],
    ids=lambda x: "x".join(map(str, x)) if isinstance(x, tuple) else str(x).removeprefix("torch."),
)


def truth_and_fast(case):
    """The reference in float64 and the kernels in the case's own dtype, each with its own leaves."""
    exact = case.exact()
    return (reference, exact[:4], exact[4:]), (cpu, case.leaves, case.arguments[4:])


def assert_all_close(fast, truth, kind):
    for ours, theirs in zip(fast, truth, strict=True):
        torch.testing.assert_close(ours.double(), theirs.double(), **kind(fast[0].dtype))


def case_of(size, packed, form, dtype, **options):
    density = 0.5 if size[3] < 50 else 0.05
    return ArcCase(*size, packed=packed, form=form, dtype=dtype, density=density, **options)


@every_case
def test_log_partition_and_its_derivatives(size, packed, form, dtype):
    case = case_of(size, packed, form, dtype)
    weight = torch.linspace(-1, 2, case.batch, dtype=torch.float64)
    direction = case.directions()
    values, plain, first, second = [], [], [], []
    for kernel, leaves, rest in truth_and_fast(case):
        value = kernel.log_partition(*leaves, *rest)
        values.append(value.double())
        plain.append(gradients(value * weight, leaves))
        first.append(gradients(value * weight, leaves, create_graph=True))
        slope = sum((g * d.to(g.dtype)).sum() for g, d in zip(first[-1], direction))
        second.append(gradients(slope, leaves))
    torch.testing.assert_close(values[1], values[0], **tolerances.value(dtype))
    torch.testing.assert_close(cpu.log_partition(*(x.detach() for x in case.leaves), *case.arguments[4:]), values[1])
    assert_all_close(plain[1], plain[0], tolerances.gradient)
    assert_all_close(first[1], first[0], tolerances.gradient)
    assert_all_close(second[1], second[0], tolerances.second)


@every_case
def test_marginals_and_their_gradient(size, packed, form, dtype):
    case = case_of(size, packed, form, dtype, seed=1)
    for name in ("marginals", "state_marginals", "move_marginals"):
        found, slopes = [], []
        for kernel, leaves, rest in truth_and_fast(case):
            found.append(getattr(kernel, name)(*leaves, *rest))
            weight = torch.linspace(-1, 1, found[-1].numel()).view(found[-1].shape).to(found[-1].dtype)
            slopes.append(gradients(found[-1] * weight, leaves))
        assert_all_close([found[1]], [found[0]], tolerances.gradient)
        assert_all_close(slopes[1], slopes[0], tolerances.second)


@every_case
def test_scores_of_given_states_and_labels(size, packed, form, dtype):
    case = case_of(size, packed, form, dtype, seed=2)
    with torch.no_grad():
        states = reference.sample(*case.exact(), case.uniform(1, case.batch, case.steps))[0]
    labels = torch.randint(case.labels, (case.batch, case.steps), generator=case.generator)
    for name, given in (("score", states), ("score_labels", labels)):
        values, first = [], []
        for kernel, leaves, rest in truth_and_fast(case):
            values.append(getattr(kernel, name)(*leaves, *rest, given).double())
            first.append(gradients(values[-1] * torch.arange(1, case.batch + 1), leaves))
        torch.testing.assert_close(values[1], values[0], **tolerances.value(dtype))
        assert_all_close(first[1], first[0], tolerances.gradient)


@every_case
def test_expected_score_and_its_gradient(size, packed, form, dtype):
    case = case_of(size, packed, form, dtype, seed=3)
    directions = case.directions()
    values, slopes = [], []
    for kernel, leaves, rest in truth_and_fast(case):
        direction = tuple(d.to(leaves[0].dtype).requires_grad_() for d in directions)
        values.append(kernel.expected_score(*leaves, *rest, direction).double())
        slopes.append(gradients(values[-1] * torch.arange(1, case.batch + 1), (*leaves, *direction)))
    torch.testing.assert_close(values[1], values[0], **tolerances.gradient(dtype))
    assert_all_close(slopes[1], slopes[0], tolerances.second)


@every_case
def test_paths(size, packed, form, dtype):
    case = case_of(size, packed, form, dtype, seed=4)
    # Arcs that share a move may tie, and then rounding chooses.
    uniforms = case.uniform(3, case.batch, case.steps)
    (_, *exact), (_, *fast) = truth_and_fast(case)
    exact, fast = ([*leaves, *rest] for leaves, rest in (exact, fast))
    with torch.no_grad():
        best, ours = reference.decode(*exact), cpu.decode(*fast)
        torch.testing.assert_close(reference.score(*exact, ours), reference.score(*exact, best))
        assert torch.equal(cpu.sample(*fast, uniforms), reference.sample(*exact, uniforms))
        states, scores = cpu.k_best(*fast, 3)
        _, their_scores = reference.k_best(*exact, 3)
        torch.testing.assert_close(reference.score(*exact, states[:, 0]), reference.score(*exact, ours))
    torch.testing.assert_close(scores, their_scores, **tolerances.value(dtype))


@pytest.mark.parametrize(("packed", "form"), KINDS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_forbidden_parts_anywhere(packed, form, dtype):
    infeasible = 0
    for seed in range(6):
        case = ArcCase(9, 6, 4, 5, packed=packed, form=form, dtype=dtype, seed=seed).forbid(0.3)
        direction = case.directions()
        values, first, second = [], [], []
        for kernel, leaves, rest in truth_and_fast(case):
            value = kernel.log_partition(*leaves, *rest)
            values.append(value.double())
            first.append(gradients(value, leaves, create_graph=True))
            second.append(gradients(sum((g * d).sum() for g, d in zip(first[-1], direction)), leaves))
        infeasible += int((values[0] == -torch.inf).sum())
        torch.testing.assert_close(values[1], values[0], **tolerances.value(dtype))
        assert_all_close(first[1], first[0], tolerances.gradient)
        assert_all_close(second[1], second[0], tolerances.second)
        best, ours = reference.decode(*case.exact()), cpu.decode(*case.arguments)
        assert torch.equal(ours == -100, best == -100)
        torch.testing.assert_close(reference.score(*case.exact(), ours), reference.score(*case.exact(), best))
    assert infeasible > 0


@pytest.mark.parametrize(("packed", "form"), KINDS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_row_does_not_depend_on_its_batch(packed, form, dtype):
    case = ArcCase(19, 11, 4, 6, packed=packed, form=form, dtype=dtype)
    arguments = [x.detach() if isinstance(x, torch.Tensor) else x for x in case.arguments]
    totals, nodes, best = (f(*arguments) for f in (cpu.log_partition, cpu.marginals, cpu.decode))
    for b, length in enumerate(case.lengths.tolist()):
        row = case.row(b)
        torch.testing.assert_close(cpu.log_partition(*row)[0], totals[b], rtol=1e-12, atol=0)
        torch.testing.assert_close(cpu.marginals(*row)[0], nodes[b, :length], rtol=1e-5, atol=1e-7)
        assert torch.equal(cpu.decode(*row)[0], best[b, :length])


def test_moves_that_only_seem_to_differ():
    case = ArcCase(9, 8, 3, 5)
    emissions, moves, initial, final = case.leaves
    wide = moves.expand(9, 7, -1)
    total = cpu.log_partition(emissions, wide, initial, final, case.lengths, case.graph)
    torch.testing.assert_close(total, cpu.log_partition(*case.arguments))
    expected = gradients(cpu.log_partition(*case.arguments), case.leaves)
    for ours, theirs in zip(gradients(total, case.leaves), expected):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("kept", [0, 1 << 22])
def test_gradients_kept_or_computed_anew(kept, monkeypatch):
    monkeypatch.setattr(cpu, "KEPT", kept)
    for packed in (False, True):
        case = ArcCase(9, 8, 3, 5, packed=packed)
        weight = torch.linspace(-1, 1, 9, dtype=torch.float64)
        value, exact = cpu.log_partition(*case.arguments) * weight, case.exact()
        truth = gradients(reference.log_partition(*exact) * weight, exact[:4])
        for _ in range(2):
            assert_all_close(gradients(value, case.leaves), truth, tolerances.gradient)
