"""Terms over all labels: vertices, padding, rows, and the language model against the chain rule."""

import itertools

import pytest
import torch

from hybridseq.adversarial.labels import TERMS, GlobalChainScore, GlobalChainScored, LabelTerm
from hybridseq.inference import ChainScored
from hybridseq.nn import CRF
from hybridseq.structures import LinearChain
from tests import tolerances

K, LENGTHS = 3, torch.tensor([5, 3, 1, 4])


def scored(name, dtype=torch.float64, seed=0):
    torch.manual_seed(seed)
    term = TERMS[name](K, hidden_size=8).to(dtype)
    for p in term.parameters():
        torch.nn.init.normal_(p, std=0.7)
    shapes = (len(LENGTHS), 5, K), (K, K), (K,), (K,)
    chain = LinearChain(*(torch.randn(shape, dtype=dtype) for shape in shapes), LENGTHS)
    return GlobalChainScored(ChainScored(chain), term.eval(), 1.5)


@pytest.mark.parametrize("name", TERMS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_hard_and_relaxed_scores_agree_at_the_vertices(name, dtype):
    f = scored(name, dtype)
    y = torch.where(f.space.inside, torch.randint(K, (4, 5)), -100)
    torch.testing.assert_close(f.score(y), f.score(f.space.vertices(y, dtype)), **tolerances.value(dtype))
    alone = f.chain.score(y) + 1.5 * f.term(f.space.vertices(y, dtype), LENGTHS)
    torch.testing.assert_close(f.score(y), alone, **tolerances.value(dtype))


@pytest.mark.parametrize("name", TERMS)
def test_padding_and_other_rows_change_nothing(name):
    f = scored(name)
    y = torch.where(f.space.inside, torch.randint(K, (4, 5)), -100)
    together = f.score(y)
    for row, length in enumerate(LENGTHS.tolist()):
        one = f.space.vertices(y, f.dtype)[row : row + 1, :length]
        torch.testing.assert_close(
            f.term(one, LENGTHS[row : row + 1]), f.term(f.space.vertices(y, f.dtype), LENGTHS)[row : row + 1]
        )
        torch.testing.assert_close(f.rows(torch.tensor([row])).score(y[row : row + 1]), together[row : row + 1])


@pytest.mark.parametrize("name", TERMS)
def test_several_outputs_at_once_score_as_one_by_one(name):
    f = scored(name)
    ys = torch.where(f.space.inside, torch.randint(K, (6, 4, 5)), -100)
    torch.testing.assert_close(f.raw_hard_scores(ys), torch.stack([f.score(y) for y in ys]))


@pytest.mark.parametrize("name", TERMS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_slopes_are_those_of_the_relaxed_score(name, dtype):
    f = scored(name, dtype)
    y = torch.where(f.space.inside, torch.randint(K, (4, 5)), -100)
    places = torch.tensor([0, 3, 2])
    expected = LabelTerm.slopes(f.term, y, LENGTHS, places)
    found = f.term.slopes(y, LENGTHS, places)
    inside = f.space.inside[:, places, None]
    torch.testing.assert_close(found * inside, expected * inside, **tolerances.gradient(dtype))


@pytest.mark.parametrize("name", TERMS)
@pytest.mark.parametrize("places", [[2], [0, 4, 1]])
def test_gains_are_differences_of_scores(name, places):
    f, places = scored(name), torch.tensor(places)
    ys = torch.where(f.space.inside, torch.randint(K, (2, 4, 5)), -100)
    gains = f.raw_gains(ys, places)
    for i, place in enumerate(places.tolist()):
        for choice in range(K):
            changed = ys.clone()
            changed[:, :, place] = torch.where(f.space.inside[:, place], choice, -100)
            expected = f.raw_hard_scores(changed) - f.raw_hard_scores(ys)
            inside = f.space.inside[:, place]
            torch.testing.assert_close(gains[:, inside, i, choice], expected[:, inside])


@pytest.mark.parametrize("name", TERMS)
def test_gains_in_parts_are_those_at_once(name, monkeypatch):
    f, places = scored(name), torch.tensor([0, 2])
    ys = torch.where(f.space.inside, torch.randint(K, (3, 4, 5)), -100)
    whole = f.raw_gains(ys, places)
    monkeypatch.setattr("hybridseq.adversarial.labels.global_chain._POSITIONS", 50)
    torch.testing.assert_close(f.raw_gains(ys, places), whole)


@pytest.mark.parametrize("name", TERMS)
def test_candidates_are_the_choices_that_the_slope_speaks_for(name):
    f, place = scored(name), torch.tensor([2])
    ys = torch.where(f.space.inside, torch.randint(K, (1, 4, 5)), -100)
    every, few = f.raw_gains(ys, place), f.raw_gains(ys, place, candidates=1)
    slopes = f.gradient(f.space.vertices(ys[0], f.dtype))[:, 2]
    for row in (0, 1, 3):
        now = int(ys[0, row, 2])
        best = max((k for k in range(K) if k != now), key=lambda k: slopes[row, k])
        for k in range(K):
            wanted = every[0, row, 0, k].item() if k in (now, best) else -torch.inf
            assert few[0, row, 0, k].item() == pytest.approx(wanted)


@pytest.mark.parametrize("place, meets", [(4, True), (5, False)])
def test_reach_is_how_far_labels_meet_in_a_window(place, meets):
    torch.manual_seed(0)
    term, y = TERMS["cnn"](K, hidden_size=8, width=5).double(), torch.randint(K, (1, 9))
    torch.nn.init.normal_(term.output.weight)
    lengths, at, tried = torch.tensor([9]), torch.tensor([place]), torch.arange(K)[None, None]
    moved = y.clone()
    moved[0, 0] = (y[0, 0] + 1) % K
    same = torch.allclose(term.gains(y, lengths, at, tried), term.gains(moved, lengths, at, tried), atol=1e-12)
    assert term.reach == 4 and same != meets


@pytest.mark.parametrize("name", TERMS)
def test_relaxed_scores_have_gradients_that_are_finite(name):
    f = scored(name)
    y = f.space.squash(torch.randn(f.space.shape, dtype=torch.float64)).detach().requires_grad_()
    (slope,) = torch.autograd.grad(f.score(y).sum(), y)
    assert slope.isfinite().all() and slope[0].abs().sum() > 0


def test_the_language_model_is_a_distribution_over_sequences():
    torch.manual_seed(0)
    model = TERMS["language_model"](2, hidden_size=4).double()
    total = 0.0
    for length in range(1, 12):
        paths = torch.tensor(list(itertools.product(range(2), repeat=length)))
        y = torch.nn.functional.one_hot(paths, 2).double()
        total += model(y, torch.full((len(paths),), length)).exp().sum().item()
    # What is missing is the empty sequence, and sequences longer than 11.
    empty = (
        model.output(model.lstm(model.embedding(torch.tensor([[[0.0, 0, 1]]]).double()))[0]).softmax(2)[0, 0, 2].item()
    )
    assert 0 < total + empty < 1
    assert total + empty > 0.9


def test_a_term_learns_faster_than_the_chain_beside_it():
    critic = GlobalChainScore(CRF(K), TERMS["cnn"](K), speed=10.0)
    network, term = critic.parameter_groups(1e-4)
    assert (network["lr"], term["lr"]) == pytest.approx((1e-4, 1e-3))
    assert {*network["params"], *term["params"]} == {*critic.parameters()}


def test_a_term_must_be_one():
    with pytest.raises(TypeError, match="got Linear"):
        GlobalChainScore(CRF(K), torch.nn.Linear(2, 2))
