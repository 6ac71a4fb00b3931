"""How the losses stand to one another and to the cost of the decoded output."""

import pytest
import torch

import hybridseq as hs
from hybridseq.objectives import hamming_cost, log_loss, minimum_risk, perceptron, softmax_margin, structured_hinge
from tests import tolerances
from tests.drawn import Case, gradients, inside

CLOSE = tolerances.value(torch.float64)


def costs(case, labels):
    """Hamming, a table of label-weighted errors, and any non-negative cost of a position."""
    table = torch.rand(case.labels, case.labels, dtype=torch.float64, generator=case.generator) * 3
    free = case.uniform(case.batch, case.steps, case.labels) * 2
    free.scatter_(2, labels[:, :, None], 0)
    return None, table.fill_diagonal_(0), free


def paid(cost, case, gold, given):
    """Cost of a whole output, position by position."""
    used = inside(case.lengths, case.steps)
    if cost is None:
        each = (gold != given).double()
    elif cost.dim() == 2:
        each = cost[gold, given.clamp(min=0)]
    else:
        each = cost.gather(2, given.clamp(min=0)[:, :, None]).squeeze(2)
    return (each * used).sum(1)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kind", [0, 1, 2], ids=["hamming", "table", "positions"])
def test_hinge_bounds_the_cost_of_the_decoded_output(seed, kind):
    case = Case(12, 9, 4, seed=seed)
    labels = case.paths()
    cost = costs(case, labels)[kind]
    price = paid(cost, case, labels, case.chain().decode())
    hinge = structured_hinge(case.chain(), labels, cost)
    assert (price > 0).any()
    assert (hinge >= price - 1e-9).all()
    assert (hinge >= perceptron(case.chain(), labels) - 1e-9).all()
    margin = softmax_margin(case.chain(), labels, cost)
    assert (margin >= hinge - 1e-9).all()
    assert (margin >= log_loss(case.chain(), labels) - 1e-9).all()


@pytest.mark.parametrize("kind", [0, 1, 2], ids=["hamming", "table", "positions"])
def test_minimum_risk_is_the_derivative_of_softmax_margin_in_the_weight_of_the_cost(kind):
    case = Case()
    labels = case.paths()
    cost = costs(case, labels)[kind]
    if cost is None:
        cost = hamming_cost(labels, case.labels, torch.float64)
    weight = torch.zeros((), dtype=torch.float64, requires_grad=True)
    full = cost if cost.dim() == 3 else hs.objectives.label_cost(labels, cost)
    margin = softmax_margin(case.chain(), labels, weight * full)
    for b in range(case.batch):
        (slope,) = torch.autograd.grad(margin[b], weight, retain_graph=True)
        torch.testing.assert_close(slope, minimum_risk(case.chain(), labels, cost)[b], **CLOSE)


def test_risk_of_a_sure_model_is_the_cost_of_its_output():
    case = Case(spread=1e3)
    labels = case.paths()
    price = paid(None, case, labels, case.chain().decode())
    torch.testing.assert_close(minimum_risk(case.chain(), labels), price, rtol=0, atol=1e-6)


def test_partial_labels():
    case = Case(5, 5, 3)
    labels = case.paths()
    everything = torch.ones(5, 5, 3, dtype=torch.bool)
    one = torch.nn.functional.one_hot(labels, 3).bool()
    assert (log_loss(case.chain(), everything) == 0).all()
    torch.testing.assert_close(log_loss(case.chain(), one), log_loss(case.chain(), labels), **CLOSE)
    nothing = one.clone()
    nothing[2, 0] = False
    loss = log_loss(case.chain(), nothing)
    assert loss[2] == torch.inf
    slope = gradients(loss[[0, 1, 3, 4]], case.leaves)
    assert all(torch.isfinite(g).all() for g in slope)
    assert (slope[0][2] == 0).all()


def test_an_impossible_reference_costs_everything_and_moves_nothing():
    case = Case(4, 5, 3)
    labels = torch.zeros(4, 5, dtype=torch.int64)
    case.leaves[0].data[1, 0, 0] = -torch.inf
    loss = log_loss(case.chain(), labels)
    assert (loss == torch.inf).tolist() == [False, True, False, False]
    slope = gradients(loss, case.leaves)
    assert all(torch.isfinite(g).all() for g in slope)
    assert (slope[0][1] == 0).all()


@pytest.mark.usefixtures("shapes_unchecked")
@pytest.mark.parametrize(
    ("cost", "message"),
    [
        (torch.ones(3, 3), r"weights\[y, y\] must be 0"),
        (torch.zeros(3, 2), r"table must have shape \(K, K\) = \(3, 3\).*got \(3, 2\)"),
        (torch.zeros(5, 4, 3), r"cost must have shape \(B, T, K\) = \(5, 7, 3\); got \(5, 4, 3\)"),
        (torch.zeros(4, 4), r"table must have shape \(K, K\) = \(3, 3\).*got \(4, 4\)"),
    ],
)
def test_costs_of_a_wrong_form(cost, message):
    case = Case()
    for objective in (structured_hinge, softmax_margin, minimum_risk):
        with pytest.raises(ValueError, match=message):
            objective(case.chain(), case.paths(), cost)


@pytest.mark.usefixtures("shapes_unchecked")
@pytest.mark.parametrize("name", hs.objectives.OBJECTIVES)
def test_labels_of_a_wrong_form(name):
    case, objective = Case(), hs.objectives.OBJECTIVES[name]
    with pytest.raises(ValueError, match=r"labels must have shape \(B, T\) = \(5, 7\); got \(5, 6\)"):
        objective(case.chain(), case.paths()[:, :6])
    wrong = case.paths()
    wrong[0, 6] = 3
    with pytest.raises(ValueError, match=r"labels\[0, 6\] is 3; expected 0 to 2"):
        objective(case.chain(), wrong)
    wrong[0, 6] = -100
    with pytest.raises(ValueError, match=r"labels\[0, 6\] is -100"):
        objective(case.chain(), wrong)
