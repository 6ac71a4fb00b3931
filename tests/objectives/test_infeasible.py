"""Rows whose labels the structure forbids: +inf, an error, left out, or judged without what forbids them."""

import warnings

import pytest
import torch

import hybridseq as hs
from hybridseq import constraints as C
from hybridseq.constraints.errors import InfeasibleError
from hybridseq.objectives import OBJECTIVES, feasible_rows, log_loss, semantic_loss
from hybridseq.structures import MaskedChain
from tests import tolerances
from tests.drawn import Case, gradients

CLOSE = tolerances.value(torch.float64)
LABELS = ["a", "b", "c"]
NEVER_AB = C.transitions(forbidden=[("a", "b")])
PAIRS = C.run("b", min=2)
every_loss = pytest.mark.parametrize("name", OBJECTIVES)


def references():
    """Row 0 keeps both parts, row 1 breaks the pair, row 2 the run, row 3 both."""
    return torch.tensor([[0, 2, 1, 1, 0], [0, 1, 1, 2, 0], [2, 1, 0, 2, 0], [0, 1, 0, 2, 2]])


@pytest.fixture
def case():
    case = Case(4, 5, 3)
    case.lengths = torch.tensor([5, 5, 4, 5])
    return case


def both(case):
    return case.chain().restrict(NEVER_AB, LABELS).restrict(PAIRS, LABELS)


def joined(case):
    return case.chain().restrict((NEVER_AB & PAIRS).compile(LABELS))


@pytest.mark.parametrize("make", [both, joined])
def test_feasible_rows(case, make):
    assert feasible_rows(make(case), references()).tolist() == [True, False, False, False]
    allowed = torch.nn.functional.one_hot(references(), 3).bool()
    allowed[1] = True
    assert feasible_rows(make(case), allowed).tolist() == [True, True, False, False]
    assert feasible_rows(case.chain(), references()).all()


@every_loss
@pytest.mark.parametrize("make", [both, joined])
def test_skipped_rows_move_nothing_and_are_counted(case, make, name):
    loss = OBJECTIVES[name]
    with pytest.warns(UserWarning, match=r"3 of 4 rows \(1, 2, 3\) have an impossible reference"):
        value = loss(make(case), references(), on_infeasible="skip")
    assert torch.isfinite(value.mean())
    assert (value[1:] == 0).all()
    torch.testing.assert_close(value[0], loss(make(case), references())[0], **CLOSE)
    for x, y in zip(gradients(value, case.leaves), gradients(loss(make(case), references())[0], case.leaves)):
        torch.testing.assert_close(x, y, **CLOSE)


@every_loss
@pytest.mark.parametrize("choice", ["raise", "skip", "unconstrained", "relax"])
def test_possible_rows_are_left_alone(case, name, choice):
    loss, gold = OBJECTIVES[name], both(case).decode()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        value = loss(both(case), gold.clamp(min=0), on_infeasible=choice)
    torch.testing.assert_close(value, loss(both(case), gold.clamp(min=0)))


@every_loss
def test_raised(case, name):
    with pytest.raises(InfeasibleError, match=r"3 of 4 rows \(1, 2, 3\) is impossible.*on_infeasible") as error:
        OBJECTIVES[name](both(case), references(), on_infeasible="raise")
    assert error.value.example == 1


@every_loss
@pytest.mark.parametrize("make", [both, joined])
def test_unconstrained(case, make, name):
    loss = OBJECTIVES[name]
    value = loss(make(case), references(), on_infeasible="unconstrained")
    free = loss(case.chain(), references())
    torch.testing.assert_close(value[1:], free[1:], **CLOSE)
    torch.testing.assert_close(value[0], loss(make(case), references())[0], **CLOSE)
    slope = gradients(value, case.leaves)
    assert all(torch.isfinite(x).all() for x in slope)
    torch.testing.assert_close(slope[0][1:], gradients(free, case.leaves)[0][1:], **CLOSE)


@every_loss
@pytest.mark.parametrize("make", [both, joined])
def test_relaxed(case, make, name):
    loss = OBJECTIVES[name]
    value = loss(make(case), references(), on_infeasible="relax")
    kept = [make(case), case.chain().restrict(PAIRS, LABELS), case.chain().restrict(NEVER_AB, LABELS), case.chain()]
    expected = torch.stack([loss(chain, references())[b] for b, chain in enumerate(kept)])
    assert torch.isfinite(expected).all()
    torch.testing.assert_close(value, expected, **CLOSE)
    for x, y in zip(gradients(value, case.leaves), gradients(expected, case.leaves)):
        torch.testing.assert_close(x, y, **CLOSE)


def test_relaxing_keeps_soft_parts_and_their_weights(case):
    weights = torch.tensor([-0.7], dtype=torch.float64, requires_grad=True)
    soft = C.contains("c").soft(-2)
    chain = case.chain().restrict(PAIRS & soft, LABELS, weights=weights)
    value = log_loss(chain, references(), on_infeasible="relax")
    alone = log_loss(case.chain().restrict(soft, LABELS, weights=weights), references())
    torch.testing.assert_close(value[2:], alone[2:], **CLOSE)
    assert gradients(value, [weights])[0] != 0


def test_costs_and_masks_stay_where_plans_go(case):
    allowed = torch.ones(4, 5, 3, dtype=torch.bool)
    allowed[3, 0, 0] = False
    cost = case.uniform(4, 5, 3)
    chain = case.chain().restrict(NEVER_AB, LABELS).restrict(allowed).restrict(PAIRS, LABELS).augment(cost)
    expected = case.chain().restrict(allowed).augment(cost)
    torch.testing.assert_close(chain.unrestricted().log_partition(), expected.log_partition())
    value = log_loss(chain, references(), on_infeasible="relax")
    assert (value == torch.inf).tolist() == [False, False, False, True]
    assert len(chain.restrictions) == 2
    assert case.chain().unrestricted().restrictions == ()


def test_chains_with_gaps(case):
    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 0, 1, 1, 1], [1, 0, 1, 1, 1], [1, 1, 1, 0, 0]]).bool()
    full = MaskedChain(case.leaves[0], mask, lambda e, n: hs.LinearChain(e, *case.leaves[1:], lengths=n))
    gold = torch.where(mask, references(), -100)
    chain = full.restrict(NEVER_AB, LABELS).restrict(PAIRS, LABELS)
    # Without what stands in the gap, row 1 still has a after b, and row 2 no b at all.
    assert feasible_rows(chain, gold).tolist() == [True, False, True, False]
    value = log_loss(chain, gold, on_infeasible="relax")
    assert torch.isfinite(value).all()
    torch.testing.assert_close(value[3], log_loss(full, gold)[3], **CLOSE)


def test_semantic_loss_of_rows_that_cannot_satisfy():
    case = Case(3, 4, 3)
    case.lengths = torch.tensor([4, 1, 3])
    twos = C.run(C.each, min=2)
    assert (semantic_loss(case.chain(), twos, LABELS) == torch.inf).tolist() == [False, True, False]
    with pytest.warns(UserWarning, match=r"1 of 3 rows \(1\)"):
        value = semantic_loss(case.chain(), twos, LABELS, on_infeasible="skip")
    assert value[1] == 0
    assert torch.isfinite(value).all()
    with pytest.raises(InfeasibleError):
        semantic_loss(case.chain(), twos, LABELS, on_infeasible="raise")


def test_errors(case):
    with pytest.raises(ValueError, match=r"on_infeasible must be one of .*'relax'.*got 'ignore'"):
        log_loss(both(case), references(), on_infeasible="ignore")
    allowed = torch.zeros(4, 5, 3, dtype=torch.bool)
    with pytest.raises(ValueError, match="'relax' needs one label sequence a row"):
        log_loss(both(case), allowed, on_infeasible="relax")
    assert (log_loss(both(case), allowed) == torch.inf).all()


def test_the_error_tells_what_the_labels_break():
    rule = C.run("A", min=2) & C.last("A")
    chain = hs.LinearChain(torch.zeros(2, 3, 2), torch.zeros(2, 2)).restrict(rule, labels=["A", "B"])
    with pytest.raises(hs.InfeasibleError, match=r"Row 1, position 0: 'A' stands 1 times") as caught:
        hs.objectives.log_loss(chain, torch.tensor([[0, 0, 0], [0, 1, 1]]), on_infeasible="raise")
    assert (caught.value.example, caught.value.position) == (1, 0)
    assert caught.value.parts == ("run('A', min=2)", "last(['A'])")
