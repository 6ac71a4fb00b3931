"""Scores of bits: hard equals relaxed at the vertices, gradients as worked by hand, rows and double precision."""

import math

import pytest
import torch

from hybridseq.adversarial.multilabel import BitEnergy, BitScore, LocalTerms, ValueNetwork
from hybridseq.adversarial.multilabel.spaces import F1Space
from hybridseq.inference.score_function import Scored
from hybridseq.inference.spaces import BitSpace
from hybridseq.structures.checks import ShapeError
from tests import tolerances
from tests.adversarial.multilabel.cases import KINDS, all_bits, inputs, make_score

close = torch.testing.assert_close


def by_hand(bounded=False):
    """b = (½, −1), one unit that looks for (1, 2), with weight 2."""
    parts = ([[0.5, -1.0]], [[1.0, 2.0]], [0.0], [2.0])
    return BitEnergy(*(torch.tensor(p, dtype=torch.float64) for p in parts), bounded=bounded)


def test_a_score_worked_by_hand():
    found = by_hand().score(torch.tensor([[1, 0]]))
    close(found, torch.tensor([0.5 + 2 * math.log1p(math.e)], dtype=torch.float64))


def test_a_gradient_worked_by_hand():
    sigma = 1 / (1 + math.exp(-1))
    found = by_hand().gradient(torch.tensor([[1.0, 0.0]], dtype=torch.float64))
    close(found, torch.tensor([[0.5 + 2 * sigma, -1 + 4 * sigma]], dtype=torch.float64))


@pytest.mark.parametrize("kind, conditional", KINDS)
def test_relaxed_equals_hard_at_every_vertex(kind, conditional):
    score = make_score(kind, conditional=conditional)
    scored = score.at(inputs(1))
    for y in all_bits(4):
        close(scored.score(y[None]), scored.score(y[None].float()), rtol=0, atol=0)


@pytest.mark.parametrize("kind, conditional", KINDS)
def test_the_closed_gradient_is_the_derivative(kind, conditional):
    scored = make_score(kind, conditional=conditional).at(inputs()).double()
    y = torch.rand(3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    (expected,) = torch.autograd.grad(scored.raw_score(y).sum(), y)
    close(scored.gradient(y), expected, **tolerances.gradient(torch.float64))


@pytest.mark.parametrize("kind, conditional", KINDS)
def test_rows_and_double_are_the_same_function(kind, conditional):
    scored = make_score(kind, conditional=conditional).at(inputs())
    y = all_bits(4)[:3]
    whole = scored.score(y)
    index = torch.tensor([2, 0, 2])
    close(scored.rows(index).score(y[index]), whole[index])
    assert type(scored.rows(index).space) is type(scored.space)
    close(scored.double().score(y).float(), whole, **tolerances.value(torch.float32))


def test_rows_keep_the_cost():
    scored = make_score(cost="f1").at(inputs())
    assert isinstance(scored.space, F1Space)
    assert isinstance(scored.rows(torch.tensor([1])).space, F1Space) and isinstance(scored.double().space, F1Space)


def test_a_value_lies_between_0_and_1():
    scored = make_score(ValueNetwork, scale=3.0).at(inputs(1))
    values = torch.cat([scored.score(y[None]) for y in all_bits(4)])
    assert ((values >= 0) & (values <= 1)).all() and values.std() > 0


def test_independent_bits_have_no_global_term():
    local = torch.tensor([[1.0, -2.0, 0.5]])
    close(BitEnergy.independent(local).score(torch.tensor([[1, 1, 0]])), torch.tensor([-1.0]))


def test_the_f1_cost_is_0_at_gold_and_the_size_where_nothing_is_right():
    gold = torch.tensor([[1, 1, 0], [0, 0, 0], [1, 0, 0]])
    space = F1Space(3, 3)
    close(space.cost(gold, gold), torch.zeros(3))
    close(space.cost(1 - gold, gold), torch.tensor([2.0, 1.0, 1.0]))
    half = space.cost(torch.tensor([[1, 0, 0], [0, 0, 0], [1, 1, 0]]), gold)
    close(half, torch.tensor([2 / 3, 0.0, 1 / 3]))
    assert isinstance(space.rows(torch.tensor([1])), F1Space) and type(BitSpace(3, 3)) is not F1Space


def test_the_local_terms_of_no_layer_are_linear():
    local = LocalTerms(3, 2, ())
    x = torch.randn(4, 3)
    close(local(x)[1], x @ local.bits.weight.T + local.bits.bias)


@pytest.mark.filterwarnings("ignore:Sparse CSR")
@pytest.mark.parametrize("sizes", [(), (6,)])
def test_sparse_inputs_are_scored_as_dense_ones(sizes):
    torch.manual_seed(0)
    score = BitScore(LocalTerms(5, 4, sizes, 0.0), 3, conditional=True)
    x, y = inputs() * (inputs(seed=1) > 0), all_bits(4)[5:8]
    close(score.score(x.to_sparse_csr(), y), score.score(x, y))


@pytest.mark.parametrize("x", [torch.zeros(3), torch.zeros(3, 4), [[0.0] * 5]])
def test_inputs_of_another_shape_are_refused(x):
    with pytest.raises(ShapeError, match=r"inputs must have shape \(B, D\) with D = 5"):
        make_score().at(x)


def test_outputs_of_another_shape_are_refused():
    with pytest.raises(ShapeError, match="outputs must have shape"):
        make_score().score(inputs(), torch.zeros(3, 5))


def test_units_that_see_x_keep_their_own_thresholds():
    score, x, y = make_score(conditional=True), inputs(), torch.zeros(3, 4)
    inner = score.patterns.bias + score.context(score.local(x)[0])
    expected = torch.nn.functional.softplus(inner) @ score.weights
    torch.testing.assert_close(score.at(x).margin(y), expected)
    with torch.no_grad():
        score.patterns.bias += 1
    assert not torch.allclose(score.at(x).margin(y), expected)


@pytest.mark.parametrize("kind, conditional", KINDS)
def test_what_a_turned_bit_gains_is_a_difference_of_scores(kind, conditional):
    scored = make_score(kind, conditional=conditional, scale=2.0).double().at(inputs(5).double()).detached()
    ys = torch.randint(2, (3, 5, 4), generator=torch.Generator().manual_seed(0))
    places = torch.tensor([2, 0, 3])
    close(scored.raw_gains(ys, places), Scored.raw_gains(scored, ys, places))
