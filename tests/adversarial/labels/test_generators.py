"""Generators of label sequences: relaxations, padding, heads, noise, and the unrolled mean field."""

import pytest
import torch

from hybridseq.adversarial import distribution
from hybridseq.adversarial.labels import RELAXATIONS, LabelGenerator, MeanFieldPasses, UnrolledMeanField
from hybridseq.adversarial.recipe import TwoPlayers
from hybridseq.adversarial.train import train_two_players
from hybridseq.inference import ChainScore, LabelSpace, Scored, ScoreFunction
from hybridseq.nn import CRF, TaggerNetwork, VectorInput, make_encoder

LENGTHS = torch.tensor([6, 4, 1])


def batch(size=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return {"vectors": torch.randn(3, 6, size, generator=generator), "lengths": LENGTHS}


def network(labels=4, size=5):
    torch.manual_seed(0)
    return TaggerNetwork(VectorInput(size), make_encoder("bilstm", size, hidden_size=6), labels, structure=CRF(labels))


@pytest.mark.parametrize("relaxation", RELAXATIONS)
def test_answers_are_distributions_within_the_lengths(relaxation):
    generator = LabelGenerator(network(), relaxation)
    y = generator(batch())
    inside = generator.space(batch()).inside
    assert torch.allclose(y.sum(2), inside.float(), atol=1e-5)
    assert (y >= -1e-6).all()


@pytest.mark.parametrize("relaxation", ["straight_through", "gumbel_straight_through"])
def test_straight_through_answers_are_one_hot_and_pass_the_gradient_of_the_softmax(relaxation):
    logits = torch.tensor([[0.3, -0.2, 1.0]], requires_grad=True)
    hard = RELAXATIONS[relaxation](logits)
    assert hard.detach().sum().item() == pytest.approx(1) and hard.detach().max().item() == pytest.approx(1)
    (slope,) = torch.autograd.grad((hard * torch.tensor([1.0, 2.0, 3.0])).sum(), logits)
    assert slope.abs().sum() > 0 and abs(slope.sum()) < 1e-6


def test_gumbel_answers_are_draws_of_the_softmax():
    torch.manual_seed(0)
    logits = torch.tensor([0.1, 0.5, 0.4]).log().expand(20000, 3)
    found = RELAXATIONS["gumbel_straight_through"](logits).mean(0)
    assert torch.allclose(found, torch.tensor([0.1, 0.5, 0.4]), atol=4.5 * 0.5 / 20000**0.5)


def test_a_low_temperature_is_the_argmax():
    logits = torch.tensor([[0.3, -0.2, 1.0]])
    assert torch.allclose(RELAXATIONS["softmax"](logits, 1e-3), torch.tensor([[0.0, 0, 1]]))


def test_padding_and_other_rows_change_nothing():
    generator = LabelGenerator(network()).eval()
    for p in generator.passes.parameters():
        torch.nn.init.normal_(p)
    x = batch()
    together = generator(x)
    for row, length in enumerate(LENGTHS.tolist()):
        alone = generator({"vectors": x["vectors"][row : row + 1, :length], "lengths": LENGTHS[row : row + 1]})
        torch.testing.assert_close(alone[0], together[row, :length], atol=1e-5, rtol=1e-4)


def test_heads_are_apart_and_begin_alike():
    generator = LabelGenerator(network(), two_heads=True).eval()
    x = batch()
    assert torch.equal(generator.logits(x), generator.logits(x, head="augmented"))
    with torch.no_grad():
        generator.heads["augmented"].bias += torch.arange(4.0)
    assert not torch.equal(generator.logits(x), generator.logits(x, head="augmented"))
    with pytest.raises(ValueError, match="head must be one of 'plain'"):
        LabelGenerator(network()).logits(x, head="augmented")


def test_noise_moves_the_answer():
    generator = LabelGenerator(network(), noise_size=2).eval()
    one, other = (generator(batch(), generator.draw_noise(3)) for _ in range(2))
    assert not torch.allclose(one, other)


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"relaxation": "soft"}, "did you mean 'softmax'"),
        ({"temperature": 0}, "above 0"),
        ({"passes": -1}, "passes must be at least 1"),
        ({"reach": 0}, "reach must be at least 1"),
    ],
)
def test_generators_that_cannot_be(wrong, message):
    with pytest.raises(ValueError, match=message):
        LabelGenerator(network(), **wrong)


def chains(count=40, steps=7, labels=4, seed=0, scale=1.0):
    torch.manual_seed(seed)
    layer = CRF(labels)
    for p in layer.parameters():
        torch.nn.init.normal_(p)
    lengths = torch.randint(1, steps + 1, (count,))
    return layer, {"emissions": scale * torch.randn(count, steps, labels), "lengths": lengths}


def test_one_pass_of_the_unrolled_search_is_one_update_of_mean_field():
    layer, x = chains()
    found = UnrolledMeanField(layer, passes=1).logits(x)
    for row, length in enumerate(x["lengths"].tolist()):
        own = x["emissions"][row, :length].clone()
        own[0] += layer.start
        own[-1] += layer.end
        logits = own.clone()
        for place in [*range(0, length, 2), *range(1, length, 2)]:
            logits[place] = own[place]
            if place > 0:
                logits[place] += logits[place - 1].softmax(0) @ layer.transitions
            if place < length - 1:
                logits[place] += layer.transitions @ logits[place + 1].softmax(0)
        torch.testing.assert_close(found[row, :length], logits, atol=1e-5, rtol=1e-4)


def test_passes_that_reach_further_look_at_each_distance_with_weights_of_its_own():
    layer, x = chains(count=1)
    x["lengths"] = torch.tensor([7])
    passes = MeanFieldPasses(layer, passes=1, reach=2).requires_grad_(False)
    for p in (passes.before, passes.after):
        torch.nn.init.normal_(p)
    logits = passes(x["emissions"], x["lengths"])[0]
    own = x["emissions"][0].clone()
    own[0] += layer.start
    own[6] += layer.end
    # Position 0 moves first, beside the guesses that the emissions make.
    q = own.softmax(1)
    wanted = own[0] + q[1] @ passes.after[0, 0] + q[2] @ passes.after[0, 1]
    torch.testing.assert_close(logits[0], wanted, atol=1e-5, rtol=1e-4)


def test_trained_on_a_fixed_chain_the_unrolled_search_solves_more_of_it():
    layer, x = chains(count=400, scale=2.0)
    _, fresh = chains(count=500, seed=1, scale=2.0)
    critic, generator = ChainScore(layer), UnrolledMeanField(layer)

    def gap():
        f = critic.at(fresh)
        answer = f.space.harden(generator(fresh))
        return (f.structure.max_score() - f.score(answer)).mean()

    before = gap()
    recipe = TwoPlayers("perceptron", critic_rate=None, generator_rate=0.01, anchor=0.0, epochs=100, schedule="cosine")
    y = critic.at(x).structure.decode()
    train_two_players(generator, critic, lambda rng: [(x, y)], recipe)
    assert 0 <= gap() < 0.85 * before


class OneHotness(ScoreFunction):
    """F that sees only how hard y is, and nothing of its labels or of x."""

    def __init__(self):
        super().__init__()
        self.slope = torch.nn.Parameter(torch.zeros(1))
        self.shift = torch.nn.Parameter(torch.zeros(1))

    def at(self, x):
        outer = self

        class Hardness(Scored):
            space = LabelSpace(x["lengths"], 4, 6)

            def raw_score(self, y):
                return outer.slope * (y.square().sum((1, 2)) / self.space.lengths - 1) + outer.shift

            def rows(self, index):
                raise AssertionError("not needed")

        return Hardness()


@pytest.mark.parametrize("relaxation, wins", [("softmax", True), ("straight_through", False)])
def test_a_critic_that_sees_only_hardness_does_not_win_against_hard_answers(relaxation, wins):
    generator, critic = LabelGenerator(network(), relaxation), OneHotness()
    x, y = batch(), torch.randint(4, (3, 6))
    recipe = TwoPlayers("non_saturating", critic_rate=0.3, generator_rate=1e-6, anchor=0.0, epochs=40)
    last = train_two_players(generator, critic, lambda rng: [(x, y)], recipe).history[-1]
    # Two coins: the critic that cannot tell loses 2 log 2.
    assert (last["critic_loss"] < 1.0) == wins
    if not wins:
        assert last["critic_loss"] == pytest.approx(2 * 0.6931, abs=1e-2)


def test_draws_and_log_probabilities_of_logits_agree():
    torch.manual_seed(0)
    space, logits = LabelSpace(torch.tensor([2, 1]), 2), torch.randn(2, 2, 2)
    drawn = distribution.draw(logits, space, 20000)
    for labels in ([0, 0], [0, 1], [1, 0], [1, 1]):
        y = torch.tensor([labels, [labels[0], -100]])
        p = distribution.log_prob(logits, y, space).exp()
        share = (drawn == y).all(2).float().mean(0)
        assert torch.allclose(share, p, atol=4.5 * 0.5 / 20000**0.5)


def test_entropy_is_that_of_the_places():
    space, logits = LabelSpace(torch.tensor([2, 1]), 4), torch.zeros(2, 2, 4)
    assert torch.allclose(distribution.entropy(logits, space), torch.full((2,), 4.0).log())
