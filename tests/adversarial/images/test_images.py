"""Generators and critics of pictures: shapes, conditions that count, signs of gradients, mismatched pairs."""

import math

import numpy as np
import pytest
import torch
from torch.nn.functional import softplus

from hybridseq.adversarial.images.conditions import ArrayEncoder, CaptionEncoder, ClassEncoder, PictureEncoder
from hybridseq.adversarial.images.critics import ConcatenatedCritic, ProjectionCritic
from hybridseq.adversarial.images.generator import ImageGenerator
from hybridseq.adversarial.images.layered import LayeredGenerator
from hybridseq.adversarial.images.regression import train_regression
from hybridseq.adversarial.losses import critic_loss, generator_loss, gradient_penalty
from hybridseq.adversarial.recipe import TwoPlayers
from tests import tolerances

GENERATORS, CRITICS = [ImageGenerator, LayeredGenerator], [ProjectionCritic, ConcatenatedCritic]
LAZY = TwoPlayers(objective="non_saturating", anchor=0.0)


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def classes(n=4):
    return ClassEncoder(n, output_size=16)


@pytest.mark.parametrize("make", GENERATORS)
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 16, 16), (1, 4, 8), (2, 9, 13), (3, 32, 24)])
def test_pictures_have_the_shape_and_lie_within_bounds(make, shape):
    generator = make(classes(), shape, noise_size=3)
    x, z = torch.tensor([0, 3]), torch.randn(2, 3)
    found = generator(x, z)
    assert found.shape == (2, *shape) == generator.space(x).shape
    assert found.min() >= -1 and found.max() <= 1


@pytest.mark.parametrize("make", GENERATORS)
def test_condition_and_noise_count(make):
    generator = make(classes(), (1, 8, 8), noise_size=3)
    x, z = torch.tensor([0, 0, 1]), torch.randn(3, 3)
    z[2] = z[0]
    first, other_noise, other_condition = generator(x, z)
    assert (first - other_noise).abs().max() > 1e-4
    assert (first - other_condition).abs().max() > 1e-4


@pytest.mark.parametrize("make", GENERATORS)
def test_noise_of_another_size(make):
    generator = make(classes(), (1, 8, 8), noise_size=3)
    with pytest.raises(ValueError, match=r"noise_size\) = \(2, 3\); got \(2, 4\)"):
        generator(torch.tensor([0, 1]), torch.randn(2, 4))


def test_a_layer_stands_where_it_is_told_to():
    generator = LayeredGenerator(classes(), (1, 32, 32), noise_size=0, layers=1, background=[-1.0])
    with torch.no_grad():
        generator.colour.weight.zero_()
        generator.colour.bias.fill_(5.0)
        generator.place[-1].weight.zero_()
        generator.place[-1].bias.copy_(torch.tensor([math.atanh(0.5) / 2, math.atanh(-0.25) / 2, 0.0]))
        bright = generator(torch.tensor([0]))[0, 0]
        bright -= bright.min()
    middles = (torch.arange(32) + 0.5) / 16 - 1
    across, down = (bright.sum(0) @ middles / bright.sum(), bright.sum(1) @ middles / bright.sum())
    assert across == pytest.approx(0.5, abs=0.05) and down == pytest.approx(-0.25, abs=0.05)


def test_a_layer_covers_what_is_below_it():
    generator = LayeredGenerator(classes(), (1, 4, 4), noise_size=0, layers=2, background=[-1.0])
    generator._opacity = lambda given, z: torch.tensor([1.0, 0.5])[None, :, None].expand(1, 2, 16)
    with torch.no_grad():
        generator.colour.weight.zero_()
        generator.colour.bias.fill_(0.2)
        found = generator.logits(torch.tensor([0]))
    # Half of a colour over all of the same.
    torch.testing.assert_close(found, torch.full((1, 1, 4, 4), 0.4))


def test_attention_weighs_a_word_by_those_before_and_those_after_it():
    encoder = CaptionEncoder(9, reader="attention", slots=1, word_size=2)
    words, seen = torch.tensor([[3, 5, 2]]), []
    encoder.queries.register_forward_hook(lambda module, given, result: seen.append(given[0]))
    encoder(words)
    own = encoder.words(words)[0]
    expected = torch.cat([own[1], own[0], own[2]])
    torch.testing.assert_close(seen[0][0, 1], expected, **tolerances.value(torch.float32))


def test_regression_ends_in_the_mode_of_use():
    generator = ImageGenerator(classes(), (1, 8, 8), noise_size=0, width=4)
    pairs = [(torch.tensor([0, 1]), torch.zeros(2, 1, 8, 8))]
    train_regression(generator, lambda rng: pairs, TwoPlayers(epochs=1))
    assert not generator.training


def test_the_background_starts_with_the_colour_it_is_told():
    generator = LayeredGenerator(classes(), (3, 16, 16), noise_size=0, layers=1, background=[-1.0, 0.5, 0.0])
    with torch.no_grad():
        # No layer is there.
        generator.there.bias.fill_(-50.0)
        found = generator(torch.tensor([0, 1]))
    expected = torch.tensor([-0.98, 0.5, 0.0])[None, :, None, None].expand(2, 3, 16, 16)
    torch.testing.assert_close(found, expected, **tolerances.value(torch.float32))


def test_layers_cannot_be_split_unevenly():
    with pytest.raises(ValueError, match="multiple of layers=3"):
        LayeredGenerator(classes(), (3, 16, 16), layers=3)


def test_layers_share_what_words_look_like():
    """A colour is a sum over words: what a layer shows is the same function for each layer's part of the vector."""
    generator = LayeredGenerator(classes(), (3, 8, 8), layers=2)
    part = torch.randn(5, 8)
    swapped = torch.randn(5, 8)
    one, two = (generator.colour(torch.cat(pair, 1).view(5, 2, 8)) for pair in ((part, swapped), (swapped, part)))
    torch.testing.assert_close(one[:, 0], two[:, 1])


@pytest.mark.parametrize("reader", ["attention", "gru", "bag"])
def test_captions_are_read_to_their_end_only(reader):
    encoder = CaptionEncoder(9, reader=reader)
    short = torch.tensor([[3, 5, 2]])
    padded = torch.tensor([[3, 5, 2, 0, 0], [1, 2, 3, 4, 5]])
    torch.testing.assert_close(encoder(short)[0], encoder(padded)[0], **tolerances.value(torch.float32))
    assert encoder(short).shape == (1, encoder.output_size)


@pytest.mark.parametrize("reader, knows", [("attention", True), ("gru", True), ("bag", False)])
def test_who_knows_the_order_of_words(reader, knows):
    encoder = CaptionEncoder(9, reader=reader)
    there, back = encoder(torch.tensor([[3, 5, 2], [2, 5, 3]]))
    assert bool((there - back).abs().max() > 1e-5) == knows


def test_attention_means_words_and_nothing_else():
    encoder = CaptionEncoder(9, reader="attention", slots=3, word_size=4)
    words = torch.tensor([[7, 7, 7, 7]])
    torch.testing.assert_close(encoder(words).view(3, 4), encoder.words.weight[7].expand(3, 4))


def test_vectors_and_pictures_have_encoders():
    assert ArrayEncoder(5)(torch.randn(2, 5)).shape == (2, 128)
    assert PictureEncoder((1, 4, 8))(torch.randn(2, 1, 4, 8)).shape == (2, 128)


def players(critic=ProjectionCritic, **options):
    return ImageGenerator(classes(), (1, 8, 8), noise_size=3, width=4), critic(classes(), (1, 8, 8), width=4, **options)


@pytest.mark.parametrize("make", CRITICS)
def test_scores_of_rows_are_those_of_the_batch(make):
    _, critic = players(make)
    x, y = torch.tensor([0, 1, 2]), torch.rand(3, 1, 8, 8)
    scored = critic.at(x)
    whole = scored.score(y)
    alone = torch.cat([critic.score(x[i : i + 1], y[i : i + 1]) for i in range(3)])
    torch.testing.assert_close(whole, alone, **tolerances.value(torch.float32))
    turn = torch.tensor([1, 2, 0])
    torch.testing.assert_close(scored.rows(turn).score(y), critic.score(x[turn], y), **tolerances.value(torch.float32))
    part = torch.tensor([2])
    torch.testing.assert_close(scored.rows(part).score(y[:1]), critic.score(x[part], y[:1]))


def test_real_pictures_are_looked_at_once_a_step():
    generator, critic = players()
    looks = []
    critic.look.register_forward_hook(lambda *_: looks.append(1))
    x, y = torch.tensor([0, 1]), torch.rand(2, 1, 8, 8)
    critic_loss(generator, critic, x, y, TwoPlayers(objective="hinge", mismatch=0.5), np.random.default_rng(0))
    # Real and made ones; the former beside two conditions.
    assert len(looks) == 2


@pytest.mark.parametrize("make", CRITICS)
def test_scores_follow_pictures_that_change_in_place(make):
    _, critic = players(make)
    scored, y = critic.at(torch.tensor([0, 1])), torch.rand(2, 1, 8, 8)
    before = scored.score(y)
    y.zero_()
    torch.testing.assert_close(scored.score(y), critic.score(torch.tensor([0, 1]), torch.zeros(2, 1, 8, 8)))
    assert (scored.score(y) - before).abs().max() > 1e-5


@pytest.mark.parametrize("make", CRITICS)
def test_pictures_without_gradients_are_scored_alike(make):
    _, critic = players(make)
    x, y = torch.tensor([0, 1]), torch.rand(2, 1, 8, 8)
    scored = critic.at(x)
    with torch.no_grad():
        without = scored.score(y)
    assert scored.score(y).requires_grad and not without.requires_grad
    torch.testing.assert_close(scored.score(y), without)
    with torch.inference_mode():
        torch.testing.assert_close(critic.score(x, y.clone()), without)


@pytest.mark.parametrize("make", CRITICS)
def test_both_players_pull_the_score_of_an_answer_in_opposite_directions(make):
    generator, critic = players(make)
    x, y, rng = torch.tensor([0, 1]), torch.rand(2, 1, 8, 8) * 2 - 1, np.random.default_rng(0)
    z = torch.randn(2, 3)
    generator.draw_noise = lambda *_, **__: z
    answer = generator(x, z).detach()

    def after(player, loss):
        start = {k: v.clone() for k, v in player.state_dict().items()}
        gradients = torch.autograd.grad(loss, list(player.parameters()), allow_unused=True)
        with torch.no_grad():
            for p, g in zip(player.parameters(), gradients):
                p -= 1e-3 * (0 if g is None else g)
            scores = critic.score(x, y).mean(), critic.score(x, generator(x, z)).mean()
        player.load_state_dict(start)
        return scores

    with torch.no_grad():
        real, made = critic.score(x, y).mean(), critic.score(x, answer).mean()
    real_then, made_then = after(critic, critic_loss(generator, critic, x, y, LAZY, rng)[0])
    assert real_then - made_then > real - made
    assert after(generator, generator_loss(generator, critic, x, y, LAZY, 0.0, None)[0])[1] > made


@pytest.mark.parametrize("make", CRITICS)
def test_mismatched_pairs_are_among_what_the_critic_rejects(make):
    generator, critic = players(make)
    x, y = torch.tensor([0, 1]), torch.rand(2, 1, 8, 8)
    z = torch.randn(2, 3)
    generator.draw_noise = lambda *_, **__: z
    recipe = TwoPlayers(objective="non_saturating", mismatch=0.25)
    loss, _ = critic_loss(generator, critic, x, y, recipe, np.random.default_rng(0))
    with torch.no_grad():
        real, made, strange = critic.score(x, y), critic.score(x, generator(x, z)), critic.score(1 - x, y)
    parts = softplus(-real) + 0.75 * softplus(made) + 0.25 * softplus(strange)
    torch.testing.assert_close(loss.detach(), parts.mean(), **tolerances.value(torch.float32))


@pytest.mark.parametrize("make", CRITICS)
def test_a_critic_learns_to_look_at_the_condition(make):
    generator, critic = players(make)
    x = torch.arange(8) % 2
    y = (2.0 * x - 1)[:, None, None, None].expand(8, 1, 8, 8)
    recipe, rng = TwoPlayers(objective="non_saturating", mismatch=0.5), np.random.default_rng(0)
    optimiser = torch.optim.Adam(critic.parameters(), 3e-3)
    for _ in range(60):
        optimiser.zero_grad()
        critic_loss(generator, critic, x, y, recipe, rng)[0].backward()
        optimiser.step()
    with torch.no_grad():
        assert (critic.score(x, y) > critic.score(1 - x, y) + 1).all()


@pytest.mark.parametrize("make", CRITICS)
def test_spectral_norm_bounds_the_slope(make):
    _, free = players(make)
    _, bound = players(make, spectral=True)
    with torch.no_grad():
        for critic in (free, bound):
            for p in critic.parameters():
                p.mul_(5)
    # Power iteration converges while training.
    x, y = torch.tensor([0, 1]), torch.rand(2, 1, 8, 8)
    for _ in range(30):
        bound.score(x, y)
    slopes = [gradient_penalty(critic.at(x), y, y).sqrt().max().item() for critic in (free, bound)]
    assert slopes[1] < slopes[0] / 10


def test_the_penalty_is_the_squared_slope_at_real_pictures():
    _, critic = players()
    x, y = torch.tensor([0, 1]), torch.rand(2, 1, 8, 8)
    direction = torch.randn_like(y)
    (slope,) = torch.autograd.grad(critic.score(x, leaf := y.clone().requires_grad_()).sum(), leaf)
    found = gradient_penalty(critic.at(x), y, y)
    torch.testing.assert_close(found, slope.square().flatten(1).sum(1))
    with torch.no_grad():
        step = (critic.score(x, y + 1e-3 * direction) - critic.score(x, y - 1e-3 * direction)) / 2e-3
    torch.testing.assert_close(step, (slope * direction).flatten(1).sum(1), rtol=2e-2, atol=1e-3)


def test_regression_goes_to_the_mean_picture():
    generator = ImageGenerator(classes(2), (1, 4, 4), noise_size=0, width=8)
    x = torch.arange(8) % 2
    y = torch.where(torch.arange(8) < 4, -0.5, 0.5)[:, None, None, None].expand(8, 1, 4, 4).clone()
    y[x == 1] = 0.7
    recipe = TwoPlayers(objective="non_saturating", generator_rate=3e-3, epochs=200)
    told = []
    trained = train_regression(generator, lambda rng: [(x, y)], recipe, told=told.append)
    with torch.no_grad():
        means = trained.generator(torch.tensor([0, 1])).flatten(1)
    torch.testing.assert_close(means, torch.tensor([[0.0], [0.7]]).expand(2, 16), rtol=0, atol=0.03)
    assert len(told) == 200 and told[-1]["generator_loss"] == pytest.approx(0.125, abs=0.01)
