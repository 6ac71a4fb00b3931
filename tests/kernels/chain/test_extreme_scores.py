"""Huge scores, hard constraints, rows without a path."""

import pytest
import torch

import hybridseq as hs
from tests import tolerances
from tests.drawn import Case, gradients, inside

DTYPES = [torch.float32, torch.float64]
BACKENDS = ["cpu", "reference"]


def bio_masks(kinds=4):
    """IOB2 over ``kinds`` span types: labels O, B-0, I-0, B-1, …; which may start and which may follow."""
    count = 1 + 2 * kinds
    follows = torch.ones(count, count, dtype=torch.bool)
    begins = torch.ones(count, dtype=torch.bool)
    for within in range(2, count, 2):
        begins[within] = False
        follows[:, within] = False
        follows[[within - 1, within], within] = True
    return begins, follows


@pytest.mark.parametrize("spread", [1.0, 30.0, 1e4])
@pytest.mark.parametrize("dtype", DTYPES)
def test_bio_masks_beside_scores_of_any_size(dtype, spread):
    begins, follows = bio_masks()
    case = Case(11, 13, 9, dtype=dtype, spread=spread)
    case.leaves[1].data.masked_fill_(~follows, -torch.inf)
    case.leaves[2].data.masked_fill_(~begins, -torch.inf)
    exact = tuple(x.detach().double().requires_grad_() for x in case.leaves)
    ours = case.chain()
    truth = hs.LinearChain(*exact, lengths=case.lengths, backend="reference")
    torch.testing.assert_close(ours.log_partition().double(), truth.log_partition(), **tolerances.value(dtype))
    torch.testing.assert_close(ours.marginals().double(), truth.marginals(), **tolerances.gradient(dtype))
    torch.testing.assert_close(ours.pair_marginals().double(), truth.pair_marginals(), **tolerances.gradient(dtype))
    assert torch.equal(ours.decode(), truth.decode())
    for labels in (ours.decode()[None], ours.sample(3, torch.Generator().manual_seed(0))):
        for path, length in zip(labels.flatten(0, 1), case.lengths.repeat(len(labels)).tolist()):
            assert begins[path[0]]
            assert follows[path[: length - 1], path[1:length]].all()
    pairs = ours.pair_marginals()
    assert (pairs[:, :, ~follows] == 0).all()


@pytest.mark.parametrize("spread", [1e4, 1e6])
@pytest.mark.parametrize("shared", [True, False])
def test_float32_marginals_sum_to_one_at_huge_scores(shared, spread):
    case = Case(9, 40, 7, shared, torch.float32, spread)
    used = inside(case.lengths, case.steps)
    totals = case.chain().marginals().sum(2)
    torch.testing.assert_close(totals, used.float(), rtol=0, atol=tolerances.MARGINAL_SUM)
    pairs = case.chain().pair_marginals().sum((2, 3))
    torch.testing.assert_close(pairs, used[:, 1:].float(), rtol=0, atol=tolerances.MARGINAL_SUM)


def without_path(case, rows):
    """Rows whose second position allows nothing (the first, where there is no second)."""
    for b in rows:
        case.leaves[0].data[b, min(1, int(case.lengths[b]) - 1)] = -torch.inf


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("dtype", DTYPES)
def test_infeasible_rows(dtype, shared, backend):
    whole, holed = (Case(21, 6, 4, shared, dtype) for _ in range(2))
    bad = torch.zeros(21, dtype=torch.bool)
    bad[[0, 3, 20]] = True
    without_path(holed, bad.nonzero().flatten().tolist())
    chain, neighbours = holed.chain(backend=backend), whole.chain(backend=backend)
    assert torch.equal(chain.feasible(), ~bad)
    value = chain.log_partition()
    assert (value[bad] == -torch.inf).all()
    torch.testing.assert_close(value[~bad], neighbours.log_partition()[~bad])
    assert (chain.max_score()[bad] == -torch.inf).all()
    for name in ("marginals", "pair_marginals", "entropy"):
        found = getattr(chain, name)()
        assert (found[bad] == 0).all()
        torch.testing.assert_close(found[~bad], getattr(neighbours, name)()[~bad])
    draws = torch.Generator().manual_seed(0)
    assert (chain.decode()[bad] == -100).all()
    assert (chain.sample(2, draws)[:, bad] == -100).all()
    assert (chain.sample(2, draws)[:, ~bad, 0] >= 0).all()
    labels, scores = chain.k_best(2)
    assert (labels[bad] == -100).all()
    assert (scores[bad] == -torch.inf).all()
    labels = holed.paths()
    assert (chain.log_prob(labels)[bad] == -torch.inf).all()
    for value in (chain.log_partition(), chain.entropy(), chain.max_score(), chain.marginals().square()):
        slope = gradients(value, holed.leaves)
        assert all(torch.isfinite(g).all() for g in slope)
        assert (slope[0][bad] == 0).all()


def test_infeasible_rows_leave_second_derivatives_alone():
    case = Case(4, 5, 3)
    without_path(case, [1])
    slope = gradients(case.chain().log_partition(), case.leaves, create_graph=True)
    second = gradients(sum(g.square().sum() for g in slope), case.leaves)
    assert all(torch.isfinite(g).all() for g in second)
    assert (second[0][1] == 0).all()
    assert (second[0][0] != 0).any()


def test_every_row_infeasible_by_the_parameters():
    case = Case(4, 5, 3)
    case.leaves[3].data[:] = -torch.inf
    chain = case.chain()
    assert (chain.log_partition() == -torch.inf).all()
    assert (chain.decode() == -100).all()
    assert (chain.marginals() == 0).all()
