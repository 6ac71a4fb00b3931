"""Moderate, scaled and logarithmic rows: each is taken where it should be, and all give the reference's answer."""

import pytest
import torch

from hybridseq.kernels.chain import cpu, ops, reference
from hybridseq.kernels.chain.numba_cpu.forward_backward import LOGARITHMIC, MODERATE, SCALED
from tests import tolerances
from tests.drawn import Case, gradients

DTYPES = [torch.float32, torch.float64]


def path_of(case):
    """The path that each row's forward pass took."""
    return ops.log_partition(*case.leaves, case.lengths)[3]


def assert_equals_reference(case):
    value = cpu.log_partition(*case.leaves, case.lengths)
    exact = tuple(x.detach().double().requires_grad_() for x in case.leaves)
    truth = reference.log_partition(*exact, case.lengths)
    torch.testing.assert_close(value, truth, **tolerances.value(case.dtype))
    for ours, theirs in zip(gradients(value, case.leaves), gradients(truth, exact)):
        torch.testing.assert_close(ours.double(), theirs, **tolerances.gradient(case.dtype))


def ordinary(case):
    """Scores of ordinary size."""


def wide_range(case):
    """Emissions too far apart for the unchecked path, yet alike from label to label."""
    wave = torch.arange(case.steps) % 2 * 900.0
    case.leaves[0].data += wave.to(case.dtype)[None, :, None]


def wide_range_and_mask(case):
    """The same beside a forbidden transition."""
    wide_range(case)
    case.leaves[1].data[..., 1, 0] = -torch.inf


def constant_label(case):
    """Scores of ±1e4, where the label may not change: what is likely here is unlikely elsewhere."""
    case.leaves[0].data *= 1e4
    off = ~torch.eye(case.labels, dtype=torch.bool)
    case.leaves[1].data[..., off] = -torch.inf


def huge_transitions(case):
    """Transitions of ±1e4."""
    case.leaves[1].data *= 1e4


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("kind", "shared", "status"),
    [
        (ordinary, True, MODERATE),
        (ordinary, False, SCALED),
        (wide_range, True, SCALED),
        (wide_range, False, SCALED),
        (wide_range_and_mask, True, SCALED),
        (wide_range_and_mask, False, SCALED),
        (constant_label, True, LOGARITHMIC),
        (constant_label, False, LOGARITHMIC),
        (huge_transitions, True, LOGARITHMIC),
        (huge_transitions, False, LOGARITHMIC),
    ],
)
def test_every_path_is_taken_and_equals_the_reference(kind, shared, status, dtype):
    case = Case(21, 23, 5, shared, dtype)
    kind(case)
    taken = path_of(case)
    # A short row may be simple enough for a faster path.
    assert (taken == status).all() if status != LOGARITHMIC else (taken == status).sum() > 10
    assert_equals_reference(case)


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("dtype", DTYPES)
def test_paths_mixed_in_one_batch(shared, dtype):
    case = Case(24, 15, 6, shared, dtype)
    case.leaves[0].data[::3] *= 1e4
    case.leaves[0].data[1::3] *= 100
    case.leaves[1].data[..., 2, 3:] = -torch.inf
    case.leaves[1].data[..., 3:, 2] = -torch.inf
    assert len(path_of(case).unique()) >= 2
    assert_equals_reference(case)


def drawn_case(seed, dtype):
    """Sizes, ranges and masks by chance: dead ends, corridors, hard zeros beside scores of any size."""
    g = torch.Generator().manual_seed(seed)

    def pick(*values):
        return values[int(torch.randint(len(values), (1,), generator=g))]

    case = Case(pick(1, 6, 19), pick(2, 5, 30), pick(2, 3, 8, 10), pick(True, True, False), dtype, seed=seed)
    case.leaves[0].data *= pick(1, 5, 10, 20, 60, 200, 1e4)
    for i in (1, 2, 3):
        case.leaves[i].data *= pick(1, 5, 20, 60, 200, 1e4)
    if pick(True, False):
        case.forbid(pick(0.2, 0.6, 0.9), pick((1,), (1, 3), (0, 1), (0, 1, 2, 3)))
    if pick(True, False, False):
        case.leaves[1].data[..., 0, 1:] = -torch.inf
        case.leaves[3].data[:-1] = -torch.inf
    return case


@pytest.mark.parametrize("dtype", DTYPES)
def test_drawn_cases(dtype):
    taken = set()
    for seed in range(60):
        case = drawn_case(seed, dtype)
        taken |= set(path_of(case).tolist())
        assert_equals_reference(case)
    assert taken == {MODERATE, SCALED, LOGARITHMIC}


@pytest.mark.parametrize("dtype", DTYPES)
def test_pair_counts_of_long_sequences_keep_their_digits(dtype):
    """Sums over time pass from float32 to float64 every few hundred positions."""
    case = Case(5, 2600, 3, dtype=dtype)
    case.lengths = torch.tensor([2600, 2600, 513, 512, 511])
    counts = gradients(cpu.log_partition(*case.leaves, case.lengths), case.leaves)[1].double()
    torch.testing.assert_close(counts.sum(), (case.lengths - 1).sum().double(), rtol=1e-6, atol=0)
