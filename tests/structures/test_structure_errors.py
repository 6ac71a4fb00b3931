"""Errors at the boundary: what was got, what was expected, the remedy."""

import pytest
import torch

import hybridseq as hs
from hybridseq.constraints import PairPlan
from hybridseq.structures.checks import ShapeError
from tests.drawn import Case

pytestmark = pytest.mark.usefixtures("shapes_unchecked")
E, T, V = torch.zeros(2, 3, 4), torch.zeros(4, 4), torch.zeros(4)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((E[0], T), ShapeError, r"\(B, T, K\).*got \(3, 4\).*emissions\[None\]"),
        ((E[:0], T), ShapeError, r"at least one row.*got \(0, 3, 4\)"),
        ((E[:, :0], T), ShapeError, "at least one row"),
        ((E.long(), T), TypeError, "floating-point tensor.*got torch.int64"),
        ((E.tolist(), T), TypeError, "floating-point tensor.*got list"),
        ((E, T[:3]), ShapeError, r"\(4, 4\).*\(2, 2, 4, 4\).*got \(3, 4\)"),
        ((E, torch.zeros(2, 3, 4, 4)), ShapeError, r"got \(2, 3, 4, 4\)"),
        ((E, T, V[:3]), ShapeError, r"start must have shape \(K,\) = \(4,\); got \(3,\)"),
        ((E, T, V, V[:, None]), ShapeError, r"end must have shape"),
        ((E, T, V, V, torch.tensor([3])), ShapeError, r"lengths must have shape \(B,\) = \(2,\); got \(1,\)"),
        ((E, None), TypeError, r"transitions must be a tensor, \(K, K\).*got NoneType"),
        ((E, T, V, V, [3, 3]), TypeError, r"lengths must be a tensor, \(B,\); got list"),
        ((E, T, V, V, torch.tensor([3.0, 2.5])), TypeError, "lengths must hold integers.*float32"),
        ((E, T, V, V, torch.tensor([3, 0])), ValueError, r"lengths\[1\] is 0"),
        ((E, T, V, V, torch.tensor([4, 1])), ValueError, r"lengths\[0\] is 4; every row needs 1 to T = 3"),
    ],
)
def test_construction(arguments, error, message):
    with pytest.raises(error, match=message):
        hs.LinearChain(*arguments)


def test_an_unknown_backend_lists_the_known():
    with pytest.raises(ValueError, match=r"'cpuu' is unknown.*'cpu', 'reference'"):
        hs.LinearChain(E, T, backend="cpuu")


ALLOWED = torch.ones(2, 3, 4, dtype=torch.bool)
LABELS = torch.zeros(2, 3, dtype=torch.int64)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda c: c.score(torch.zeros(2, 4).long()), ShapeError, r"labels must have shape.*\(2, 3\); got \(2, 4\)"),
        (lambda c: c.log_prob(torch.zeros(2).long()), ShapeError, "labels must have shape"),
        (lambda c: c.score(torch.zeros(2, 3)), TypeError, "integers.*float32"),
        (lambda c: c.score(torch.full((2, 3), 4)), ValueError, r"labels\[0, 0\] is 4; expected 0 to 3"),
        (lambda c: c.score(torch.tensor([[0, 0, 0], [0, -100, 0]])), ValueError, r"labels\[1, 1\] is -100"),
        (lambda c: c.score([[0, 0, 0]] * 2), TypeError, "labels must be a tensor.*got list"),
        (lambda c: c.restrict(ALLOWED[:, :2]), ShapeError, "allowed must have shape"),
        (lambda c: c.restrict(ALLOWED.float()), TypeError, "allowed must be of bool.*float32"),
        (lambda c: c.restrict("BIO"), TypeError, r"constraint.compile\(label_names\).*got 'BIO'"),
        (lambda c: c.restrict(hs.constraints.scheme("BIO")), TypeError, r"constraint.compile\(label_names\)"),
        (lambda c: hs.objectives.log_loss(c, [[0, 0, 0]] * 2), TypeError, "labels must be a tensor.*got list"),
        (lambda c: hs.objectives.structured_hinge(c, LABELS, cost=2.0), TypeError, "cost must be a tensor.*got float"),
        (lambda c: c.k_best(2.0), TypeError, "k must be a whole number; got 2.0"),
        (lambda c: c.augment(E[:1]), ShapeError, "cost must have shape"),
        (lambda c: c.expected_cost(E[:1]), ShapeError, "cost must have shape"),
        (lambda c: c.k_best(0), ValueError, "k must be at least 1; got 0"),
        (lambda c: c.sample(0), ValueError, "n must be at least 1; got 0"),
        (lambda c: c.kl(hs.LinearChain(E[:, :2], T)), ShapeError, "other structure's emissions"),
        (
            lambda c: c.cross_entropy(hs.LinearChain(E, T, lengths=torch.tensor([3, 2]))),
            ValueError,
            "lengths differ",
        ),
    ],
)
def test_methods(call, error, message):
    with pytest.raises(error, match=message):
        call(hs.LinearChain(E, T))


def test_a_plan_for_other_labels():
    plan = PairPlan(("a", "b"), [True] * 2, [[True] * 2] * 2, [True] * 2)
    with pytest.raises(ShapeError, match="compiled for 2 labels, but the chain has K = 4"):
        hs.LinearChain(E, T).restrict(plan)


def test_too_much_to_enumerate():
    with pytest.raises(ValueError, match="use LinearChain"):
        Case(1, 40, 5).chain(hs.BruteForce)
