"""Terms over all labels: vertices, padding, rows, and the language model against the chain rule."""

import itertools

import pytest
import torch

from hybridseq.adversarial.labels import TERMS, GlobalChainScored
from hybridseq.inference import ChainScored
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
