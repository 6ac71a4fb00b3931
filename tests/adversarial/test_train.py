"""Two players: what each step does, that a fixed F is searched, and that a fit can be repeated and kept."""

import pytest
import torch

from hybridseq.adversarial.distribution import anchor_loss
from hybridseq.adversarial.generator import Generator
from hybridseq.adversarial.losses import critic_loss, generator_loss, gradient_penalty
from hybridseq.adversarial.recipe import OBJECTIVES, TwoPlayers
from hybridseq.adversarial.train import CollapseWarning, train_two_players
from hybridseq.inference import ScoreFunction
from tests.adversarial.players import FreeChain, FreeGenerator


def chain_data(rows=6, steps=5, labels=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, steps, labels, generator=generator)
    return x, torch.randint(labels, (rows, steps), generator=generator)


@pytest.mark.parametrize("objective", ["margin_rescaled", "contrastive", "perceptron"])
def test_gradients_of_both_players_on_a_chain_of_two_labels(objective):
    # One token, labels 0 and 1, F(x, y) = x_y w_y, gold label 0, G's answer (1 - p, p) with p = 1/2.
    critic, generator = FreeChain(), FreeGenerator(1, 1, 2)
    x, y = torch.tensor([[[1.0, 1.0]]]), torch.tensor([[0]])
    recipe = TwoPlayers(objective, anchor=0.0)
    loss, _ = critic_loss(generator, critic, x, y, recipe, None)
    # F(gold) = 1, F(answer) = 1, the answer's cost is 1/2.
    assert loss.item() == pytest.approx({"margin_rescaled": 0.5, "contrastive": 1.0, "perceptron": 0.0}[objective])
    slope = torch.autograd.grad(
        critic_loss(generator, critic, x, y, TwoPlayers(objective, truncate_critic=False), None)[0], critic.weight
    )[0]
    # answer - gold = (1/2, 1/2) - (1, 0): down the loss the gold label's weight rises.
    assert torch.allclose(slope, torch.tensor([-0.5, 0.5]))
    down, _ = generator_loss(generator, critic, x, y, recipe, 0.0, anchor_loss)
    slope = torch.autograd.grad(down, generator.table["plain"])[0].flatten()
    # F likes both labels alike, so that only the cost, p, moves the generator: dp/dlogits = (-1/4, 1/4), downhill.
    expected = torch.tensor([0.25, -0.25]) if objective == "margin_rescaled" else torch.zeros(2)
    assert torch.allclose(slope, expected, atol=1e-6)


@pytest.mark.parametrize("objective", ["margin_rescaled", "perceptron", "hinge"])
def test_with_f_fixed_the_generator_finds_the_answer_of_viterbi(objective):
    torch.manual_seed(0)
    critic = FreeChain(3, torch.randn(3, 3))
    x, y = chain_data()
    generator = FreeGenerator(*x.shape)
    # Without cost the upper value is F itself.
    recipe = TwoPlayers(objective, cost_weight=0.0, critic_rate=None, generator_rate=0.1, anchor=0.0, epochs=200)
    trained = train_two_players(generator, critic, lambda rng: [(x, y)], recipe)
    scored = critic.at(x)
    found = scored.score(scored.space.harden(trained.generator(x)))
    best = scored.structure.max_score()
    assert (found <= best + 1e-5).all()
    assert torch.isclose(found, best, atol=1e-5).float().mean() >= 0.8
    assert torch.equal(critic.weight, torch.ones(3))


def test_the_cost_augmented_head_finds_the_augmented_argmax():
    torch.manual_seed(0)
    critic = FreeChain(3, torch.randn(3, 3))
    x, y = chain_data()
    generator = FreeGenerator(*x.shape, two_heads=True)
    recipe = TwoPlayers(critic_rate=None, generator_rate=0.1, anchor=0.0, epochs=200)
    train_two_players(generator, critic, lambda rng: [(x, y)], recipe)
    scored = critic.at(x)
    cost = 1 - torch.nn.functional.one_hot(y, 3).float()
    for head, structure in (("plain", scored.structure), ("augmented", scored.structure.augment(cost))):
        answer = scored.space.harden(generator(x, head=head))
        assert torch.isclose(structure.score(answer), structure.max_score(), atol=1e-5).float().mean() >= 0.8


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_objective_teaches_the_critic_to_like_gold_outputs(objective):
    x, y = chain_data(rows=12, labels=3)
    x = x + 2 * torch.nn.functional.one_hot(y, 3)
    torch.manual_seed(0)
    critic, generator = FreeChain(3), FreeGenerator(*x.shape)
    with torch.no_grad():
        critic.weight.zero_()
    recipe = TwoPlayers(objective, critic_rate=0.05, generator_rate=0.05, anchor=0.0, epochs=30, gradient_penalty=1e-3)
    trained = train_two_players(generator, critic, lambda rng: [(x, y)], recipe)
    right = (trained.critic.at(x).structure.decode() == y).float().mean()
    assert right > 0.6
    assert all(
        map(torch.isfinite, torch.tensor([[r["critic_loss"], r["generator_loss"]] for r in trained.history]).flatten())
    )


def test_a_seed_repeats_the_fit_and_the_best_epoch_is_kept():
    x, y = chain_data()

    def fit(seed):
        torch.manual_seed(7)
        generator = FreeGenerator(*x.shape, noise_size=2)
        seen = []

        def score(generator, critic):
            seen.append(-abs(len(seen) - 3))
            return seen[-1]

        recipe = TwoPlayers("hinge", epochs=6, averaging=0.5, mismatch=0.5, generator_rate=0.01)
        return train_two_players(generator, FreeChain(3), lambda rng: [(x, y)], recipe, score=score, seed=seed)

    one, same, other = fit(0), fit(0), fit(1)
    for a, b in ((one.generator, same.generator), (one.critic, same.critic)):
        assert all(torch.equal(p, q) for p, q in zip(a.state_dict().values(), b.state_dict().values()))
    assert not torch.equal(one.critic.weight, other.critic.weight)
    assert one.best_epoch == 4 and one.best_score == 0 and len(one.history) == 6


def test_ctrl_c_keeps_the_best_so_far():
    x, y = chain_data()

    def batches(rng):
        if len(rows) == 2:
            raise KeyboardInterrupt
        return [(x, y)]

    rows = []
    trained = train_two_players(
        FreeGenerator(*x.shape), FreeChain(3), batches, TwoPlayers(), score=lambda g, c: 1.0, told=rows.append
    )
    assert trained.interrupted and trained.best_epoch == 1 and len(trained.history) == 2


class Dropping(FreeGenerator):
    """Answers that dropout makes one-hot of label 1 instead of label 0."""

    def logits(self, x, z=None, head="plain"):
        return torch.tensor([-50.0, 50.0] if self.training else [50.0, -50.0]).expand(1, 1, 2)


@pytest.mark.parametrize("objective", ["margin_rescaled", "hinge", "nce_ranking"])
@pytest.mark.parametrize("dropout, accuracy", [(True, 1.0), (False, 0.0)])
def test_the_critic_meets_answers_with_or_without_dropout(objective, dropout, accuracy):
    x, y = torch.tensor([[[2.0, 1.0]]]), torch.tensor([[0]])
    generator = Dropping(1, 1, 2)
    recipe = TwoPlayers(objective, dropout_in_answers=dropout)
    _, told = critic_loss(generator, FreeChain(), x, y, recipe, None)
    # Gold label 0 scores 2, label 1 scores 1; beside itself gold is not above.
    assert told["critic_accuracy"] == accuracy and generator.training


@pytest.mark.parametrize("sweeps, expected", [(0, 0.0), (1, 2.0)])
def test_the_critic_lowers_what_single_changes_find_above_the_answer(sweeps, expected):
    # Gold label 0 scores 1, label 1 scores 3; the generator answers with gold.
    x, y = torch.tensor([[[1.0, 3.0]]]), torch.tensor([[0]])
    generator = FreeGenerator(1, 1, 2)
    with torch.no_grad():
        generator.table["plain"].copy_(torch.tensor([[[50.0, -50.0]]]))
    loss, _ = critic_loss(generator, FreeChain(), x, y, TwoPlayers("perceptron", search_sweeps=sweeps), None)
    assert loss.item() == pytest.approx(expected)


def test_the_penalty_is_the_squared_slope_of_f():
    critic = FreeChain(2)
    x, y = torch.tensor([[[3.0, 4.0]]]), torch.tensor([[0]])
    scored = critic.at(x)
    # One token: F is linear in y with slope x.
    assert gradient_penalty(scored, y, scored.space.vertices(y)).item() == pytest.approx(25.0)
    between = gradient_penalty(scored, y, torch.tensor([[[0.5, 0.5]]]), "between")
    assert between.item() == pytest.approx(16.0, rel=1e-4)


def test_a_generator_that_ignores_its_noise_is_told_of():
    x, y = chain_data()
    generator = FreeGenerator(*x.shape, noise_size=2)
    recipe = TwoPlayers(critic_rate=None, generator_rate=1e-9, epochs=6, anchor=0.0)
    with pytest.warns(CollapseWarning, match="ignores the noise.*noise_size=0"):
        train_two_players(generator, FreeChain(3), lambda rng: [(x, y)], recipe)


def test_a_generator_without_gradient_is_told_of():
    x, y = chain_data()
    generator = FreeGenerator(*x.shape)
    with torch.no_grad():
        generator.table["plain"].scatter_(2, y[:, :, None], 40.0)
    recipe = TwoPlayers("perceptron", truncate_generator=True, critic_rate=None, epochs=6, anchor=0.0)
    with pytest.warns(CollapseWarning, match="truncate_generator=False"):
        train_two_players(generator, FreeChain(3), lambda rng: [(x, y)], recipe)


class Rounded(FreeChain):
    """F of the nearest label sequence."""

    def at(self, x):
        scored = super().at(x)
        scored.raw_score = lambda y: scored.raw_hard_score(scored.space.harden(y)).detach()
        return scored


def test_an_f_without_gradients_is_an_error():
    x, y = chain_data()
    with pytest.raises(ValueError, match="F gives no gradient"):
        train_two_players(FreeGenerator(*x.shape), Rounded(3), lambda rng: [(x, y)], TwoPlayers(critic_rate=None))


def test_counts_of_inputs_and_outputs_must_agree():
    x, y = chain_data()
    with pytest.raises(ValueError, match=r"\(6, 5\)"):
        train_two_players(FreeGenerator(*x.shape), FreeChain(3), lambda rng: [(x, y[:4])], TwoPlayers())


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"objective": "hing"}, "did you mean 'hinge'"),
        ({"critic_steps": 0}, "critic_steps must be a whole number, at least 1; got 0"),
        ({"search_sweeps": -1}, "search_sweeps must be a whole number, at least 0; got -1"),
        ({"anchor": -1}, "anchor must be a number, at least 0"),
        ({"averaging": 1.5}, "at most 1; got 1.5"),
    ],
)
def test_recipes_that_cannot_be(wrong, message):
    with pytest.raises(ValueError, match=message):
        TwoPlayers(**wrong)


def test_noise_of_the_wrong_size_is_an_error():
    x, _ = chain_data()
    with pytest.raises(ValueError, match=r"\(B, noise_size\) = \(6, 2\); got \(6, 3\)"):
        FreeGenerator(*x.shape, noise_size=2)(x, torch.zeros(6, 3))
    with pytest.raises(ValueError, match="has no noise"):
        FreeGenerator(*x.shape)(x, torch.zeros(6, 3))


def test_no_batches_is_an_error():
    with pytest.raises(ValueError, match="gave no batch"):
        train_two_players(FreeGenerator(1, 1, 2), FreeChain(), lambda rng: [], TwoPlayers())


@pytest.mark.parametrize("cls, call", [(Generator, lambda g: g(None)), (ScoreFunction, lambda f: f.score(None, None))])
def test_what_a_player_lacks_is_named(cls, call):
    with pytest.raises(TypeError, match="must define"):
        call(cls())
