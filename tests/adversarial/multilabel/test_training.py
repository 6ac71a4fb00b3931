"""What bits are trained on: gradients of both players by hand, values of answers, thresholds, epochs that are kept."""

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score
from torch import nn

from hybridseq.adversarial.losses import critic_loss, generator_loss
from hybridseq.adversarial.multilabel import BitGenerator, BitScore, LocalTerms, ValueNetwork, relaxed_f1, training
from hybridseq.adversarial.multilabel.ascent import entropic_ascent
from hybridseq.adversarial.multilabel.loop import run_epochs
from hybridseq.adversarial.multilabel.threshold import best_threshold
from hybridseq.adversarial.multilabel.training import adversarial_answers, bit_cross_entropy, unrolled_loss, value_loss
from hybridseq.adversarial.recipe import TwoPlayers
from hybridseq.adversarial.train import train_two_players
from hybridseq.inference.score_function import Scored, ScoreFunction
from hybridseq.inference.spaces import BitSpace
from tests.adversarial.multilabel.cases import inputs, make_score

close = torch.testing.assert_close


def linear_players(answer):
    """One input 1; F(x, y) = 3·y₁ − y₂; G answers as told."""
    critic = BitScore(LocalTerms(1, 2, (), 0.0), 1).double()
    generator = BitGenerator(LocalTerms(1, 2, (), 0.0)).double()
    with torch.no_grad():
        for p in critic.parameters():
            p.zero_()
        critic.local.bits.weight.copy_(torch.tensor([[3.0], [-1.0]]))
        for p in generator.parameters():
            p.zero_()
        generator.heads["plain"].bias.copy_(torch.tensor(answer, dtype=torch.float64).logit())
    return generator, critic, torch.ones(1, 1, dtype=torch.float64)


def test_the_gradient_of_the_critic_is_answer_less_gold():
    generator, critic, x = linear_players([0.8, 0.25])
    loss, _ = critic_loss(generator, critic, x, torch.tensor([[0, 1]]), TwoPlayers(), np.random.default_rng(0))
    # F(answer) = 2.15, Δ = 0.8 + 0.75, F(gold) = −1.
    close(loss.item(), 2.15 + 1.55 + 1)
    loss.backward()
    close(critic.local.bits.bias.grad, torch.tensor([0.8, -0.75], dtype=torch.float64))


def test_the_gradient_of_the_generator_climbs_score_and_cost():
    generator, critic, x = linear_players([0.8, 0.25])
    recipe = TwoPlayers(anchor=0.0)
    loss, _ = generator_loss(generator, critic, x, torch.tensor([[0, 1]]), recipe, 0.0, None)
    loss.backward()
    # ∂(F + Δ)/∂y = (3 + 1, −1 − 1), times y(1 − y); the generator goes down the negative.
    expected = torch.tensor([-4 * 0.8 * 0.2, 2 * 0.25 * 0.75], dtype=torch.float64)
    close(generator.heads["plain"].bias.grad, expected)


def test_the_hinge_stops_the_critic_and_not_the_generator():
    generator, critic, x = linear_players([0.99, 0.01])
    gold, recipe = torch.tensor([[1, 0]]), TwoPlayers(anchor=0.0)
    critic.local.bits.weight.data.mul_(10)
    loss, _ = critic_loss(generator, critic, x, gold, recipe, np.random.default_rng(0))
    close(loss.item(), 0.0)
    loss, _ = generator_loss(generator, critic, x, gold, recipe, 0.0, None)
    loss.backward()
    assert generator.heads["plain"].bias.grad.abs().min() > 0


def test_relaxed_f1_is_the_f1_of_hard_bits():
    rng = np.random.default_rng(0)
    y, gold = rng.integers(2, size=(2, 50, 4))
    gold[:3] = y[:3] = 0
    expected = [f1_score(a, b, zero_division=1) for a, b in zip(gold, y)]
    found = relaxed_f1(torch.from_numpy(y).double(), torch.from_numpy(gold).double())
    np.testing.assert_allclose(found, expected)


def test_the_threshold_is_the_best_there_is():
    gold = torch.tensor([[1.0, 1, 0], [0, 1, 0]])
    relaxed = torch.tensor([[0.4, 0.31, 0.2], [0.25, 0.5, 0.1]])
    threshold, score = best_threshold(relaxed, gold)
    assert score == 1.0 and 0.25 <= threshold < 0.31


def test_of_equal_thresholds_the_one_nearest_to_a_half_is_taken():
    assert best_threshold(torch.tensor([[0.9, 0.1]]), torch.tensor([[1.0, 0.0]])) == (0.5, 1.0)


def test_a_value_learns_from_the_shares_of_answers_that_are_asked_for(monkeypatch):
    worths = []
    monkeypatch.setattr(training, "adversarial_answers", lambda energy, start, *_: torch.full_like(start, 0.25))
    monkeypatch.setattr(training, "value_regression", lambda margin, worth: worths.append(worth) or margin)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        value_loss(make_score(ValueNetwork), 3, 0.5, 0.2, 0.5)(inputs(2000), torch.tensor([[1, 0, 1, 0]] * 2000))
    # The F1 of a quarter of every bit is 1 ⁄ 3; hard answers have none such.
    misjudged = (worths[0] - 1 / 3).abs() < 1e-6
    assert abs(misjudged.float().mean() - 0.5) < 0.05
    assert (worths[0] == 1).float().mean() > 0.15


def test_answers_made_to_be_misjudged_are():
    value = make_score(ValueNetwork).at(inputs(20))
    gold = torch.randint(2, (20, 4), generator=torch.Generator().manual_seed(0)).float()
    lost = lambda y: (value.raw_score(y) - relaxed_f1(y, gold)).abs()  # noqa: E731
    y = adversarial_answers(value, torch.full((20, 4), 0.5), gold, 3, 0.1)
    assert lost(y).mean() > lost(torch.full((20, 4), 0.5)).mean()
    assert (y >= 0).all() and (y <= 1).all()


def test_a_value_network_learns_the_f1_of_answers():
    """One input, gold known: after training F is the F1 of every answer there is."""
    torch.manual_seed(0)
    value = ValueNetwork(LocalTerms(1, 3, (), 0.0), 32)
    gold = torch.tensor([[1, 1, 0]]).repeat(32, 1)
    answers = torch.rand(4000, 3, generator=torch.Generator().manual_seed(0)).round()
    loss_of = value_loss(value, 5, 0.5)
    adam = torch.optim.Adam(value.parameters(), 1e-2)
    for step in range(400):
        own, _ = loss_of(torch.ones(32, 1), gold)
        others = answers[torch.arange(step * 32, step * 32 + 32) % 4000]
        margin = value.at(torch.ones(32, 1)).margin(others)
        worth = relaxed_f1(others, gold.float())
        loss = own + nn.functional.binary_cross_entropy_with_logits(margin, worth)
        adam.zero_grad()
        loss.backward()
        adam.step()
    tried = torch.tensor([[1.0, 1, 0], [1, 0, 0], [0, 0, 1], [1, 1, 1]])
    found = value.eval().at(torch.ones(4, 1)).score(tried.long()).detach()
    close(found, relaxed_f1(tried, gold[:4].float()), rtol=0, atol=0.12)


def test_the_unrolled_loss_weighs_later_steps_more():
    score = make_score(scale=0.0)
    x, y = inputs(), torch.tensor([[1, 0, 1, 0]] * 3)
    with torch.no_grad():
        score.weights.zero_()
    loss, _ = unrolled_loss(score, 3, 1.0)(x, y)
    close(loss, bit_cross_entropy(score.local(x)[1], y).mean())
    score = make_score()
    first, second, third = (bit_cross_entropy(step, y).mean() for step in entropic_ascent(score.at(x), 3, 0.5))
    close(unrolled_loss(score, 3, 0.5)(x, y)[0], (first + 2 * second + 3 * third) / 6)
    assert (first - third).abs() > 0.1


def _counting(module, stop_at, error):
    calls = []

    def loss_of(x, y):
        calls.append(1)
        if len(calls) == stop_at:
            raise error
        return module(x).square().sum(), {}

    return loss_of


def _batches(rng):
    yield torch.ones(2, 1), torch.zeros(2, 1)


def test_ctrl_c_keeps_the_best_epoch_so_far():
    module = nn.Linear(1, 1)
    weights, scores = [], iter((0.1, 0.9, 0.3))

    def score():
        weights.append(module.weight.item())
        return next(scores)

    record = run_epochs(
        module, _counting(module, 4, KeyboardInterrupt()), _batches, epochs=9, learning_rate=0.1, score=score
    )
    assert record.interrupted and len(record.history) == 3
    assert record.best_epoch == 2 and module.weight.item() == weights[1]


def test_ctrl_c_before_the_first_epoch_is_passed_on():
    module = nn.Linear(1, 1)
    with pytest.raises(KeyboardInterrupt):
        run_epochs(module, _counting(module, 1, KeyboardInterrupt()), _batches, epochs=2, learning_rate=0.1)


def test_a_loss_that_is_not_finite_is_an_error():
    module = nn.Linear(1, 1)
    with pytest.raises(FloatingPointError, match="lower learning_rate"):
        run_epochs(module, lambda x, y: (module(x).sum() / 0, {}), _batches, epochs=1, learning_rate=0.1)


class SoftnessOnly(ScoreFunction):
    """A critic that sees how hard an answer is, and nothing else."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(1.0))

    def at(self, x):
        return _Softness(len(x), self.scale)


class _Softness(Scored):
    def __init__(self, batch, scale):
        self.space, self.scale = BitSpace(batch, 3), scale

    def raw_score(self, y):
        return self.scale * (y - 0.5).square().sum(1)

    def rows(self, index):
        return _Softness(len(index), self.scale)


def test_a_critic_that_sees_only_softness_does_not_spoil_the_answers():
    rng = np.random.default_rng(0)
    X = torch.from_numpy(rng.standard_normal((200, 4)).astype(np.float32))
    Y = (X[:, :3] + 0.3 * X[:, 1:] > 0).long()
    torch.manual_seed(0)
    generator = BitGenerator(LocalTerms(4, 3, (16,), 0.0))

    def batches(rng):
        for index in torch.from_numpy(rng.permutation(200)).split(20):
            yield X[index], Y[index]

    recipe = TwoPlayers(epochs=30, generator_rate=1e-2, critic_rate=1e-2, anchor=1.0, anchor_end=1.0)
    anchor = lambda logits, y, space: bit_cross_entropy(logits, y)  # noqa: E731
    trained = train_two_players(generator, SoftnessOnly(), batches, recipe, anchor=anchor)
    answers = trained.generator(X).detach()
    right = ((answers > 0.5).long() == Y).float().mean()
    assert right > 0.95


def test_noise_reaches_the_answers_and_heads_differ_once_trained():
    generator = BitGenerator(LocalTerms(4, 3, (8,), 0.0), noise_size=2, two_heads=True)
    x = inputs(5, 4)
    one, other = (generator(x, generator.draw_noise(5, generator=torch.Generator().manual_seed(s))) for s in (0, 1))
    assert (one - other).abs().max() > 1e-4
    with pytest.raises(ValueError, match="noise_size"):
        generator(x)
    z = torch.zeros(5, 2)
    close(generator(x, z, "augmented"), generator(x, z))
    with torch.no_grad():
        generator.heads["augmented"].bias += 1
    assert (generator(x, z, "augmented") > generator(x, z)).all()
