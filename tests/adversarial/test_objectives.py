"""The contrasts and GAN losses: worked by hand, their signs for both players, and their least values."""

import math

import pytest
import torch

from hybridseq.adversarial.gan_losses import GAN_LOSSES
from hybridseq.adversarial.objectives import CONTRASTS, nce_ranking, truncated, value_regression

GOLD, ANSWER, COST = (torch.tensor([x], dtype=torch.float64) for x in (2.0, 1.5, 3.0))


@pytest.mark.parametrize(
    "name, value",
    [("margin_rescaled", 2.5), ("slack_rescaled", 1.5), ("contrastive", 0.5), ("perceptron", -0.5)],
)
def test_contrasts_worked_by_hand(name, value):
    assert CONTRASTS[name](GOLD, ANSWER, COST).item() == pytest.approx(value)


@pytest.mark.parametrize("name", CONTRASTS)
def test_a_critic_that_goes_down_raises_the_gold_and_lowers_the_answer(name):
    gold, answer = GOLD.clone().requires_grad_(), ANSWER.clone().requires_grad_()
    CONTRASTS[name](gold, answer, COST).sum().backward()
    assert gold.grad < 0 < answer.grad
    assert gold.grad == -answer.grad


@pytest.mark.parametrize("name", ["margin_rescaled", "contrastive", "perceptron"])
def test_where_the_margin_holds_the_hinge_stops_the_critic_and_not_the_generator(name):
    gold, answer = torch.tensor([9.0]), torch.tensor([1.0], requires_grad=True)
    value = CONTRASTS[name](gold, answer, torch.tensor([1.0]))
    (slope,) = torch.autograd.grad(truncated(value, True).sum(), answer, retain_graph=True)
    assert slope == 0
    (slope,) = torch.autograd.grad(truncated(value, False).sum(), answer)
    assert slope == 1


@pytest.mark.parametrize("name", GAN_LOSSES)
def test_gan_critics_part_real_from_made_and_generators_go_up(name):
    loss = GAN_LOSSES[name]
    for part, sign in ((loss.real, -1), (loss.made, 1), (loss.generator, -1)):
        score = torch.zeros(3, requires_grad=True)
        (slope,) = torch.autograd.grad(part(score).sum(), score)
        if name == "least_squares" and part is loss.made:
            # Made outputs are to score 0, where they are.
            assert (slope == 0).all()
        else:
            assert (slope * sign > 0).all()


def test_the_non_saturating_loss_is_the_cross_entropy_of_real_and_made():
    score = torch.tensor([-1.2, 0.3])
    loss = GAN_LOSSES["non_saturating"]
    assert torch.allclose(loss.real(score), -score.sigmoid().log())
    assert torch.allclose(loss.made(score), -(1 - score.sigmoid()).log())


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_value_regression_is_least_where_the_logistic_score_is_the_value(value):
    scores = torch.linspace(-6, 6, 4001, dtype=torch.float64)
    losses = value_regression(scores, torch.full_like(scores, value))
    best = scores[losses.argmin()].sigmoid()
    assert abs(best - value) < 5e-3


def test_values_out_of_range_are_refused():
    with pytest.raises(ValueError, match=r"from 0 to 1; got 0\.5 to 1\.5"):
        value_regression(torch.zeros(2), torch.tensor([0.5, 1.5]))


def test_nce_ranking_is_the_posterior_of_the_gold_output_among_draws():
    # Two outputs, q uniform, F = log p with p = (0.8, 0.2), one draw: the second output.
    gold, drawn, q = torch.log(torch.tensor([0.8])), torch.log(torch.tensor([[0.2]])), math.log(0.5)
    found = nce_ranking(gold, drawn, torch.tensor([q]), torch.tensor([[q]]))
    assert found.item() == pytest.approx(-math.log(0.8))


def test_nce_ranking_does_not_see_a_constant_in_f():
    torch.manual_seed(0)
    gold, drawn, gold_q, q = torch.randn(4), torch.randn(4, 5), torch.randn(4), torch.randn(4, 5)
    assert torch.allclose(nce_ranking(gold, drawn, gold_q, q), nce_ranking(gold + 3, drawn + 3, gold_q, q), atol=1e-6)
    assert (nce_ranking(gold, drawn, gold_q, q) >= 0).all()
