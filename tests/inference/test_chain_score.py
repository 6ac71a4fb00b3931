"""A chain as F: the same numbers as the chain, and the expectation between its label sequences."""

import pytest
import torch

import hybridseq as hs
from hybridseq.inference import ChainScore, ChainScored
from tests import tolerances
from tests.drawn import Case
from tests.inference.toys import chains


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_vertices_score_as_the_chain_scores(shared, dtype):
    for seed in range(20):
        F = chains(seed, shared=shared, dtype=dtype, steps=1 + seed % 7)
        y = F.space.draw(1, torch.Generator().manual_seed(seed))[0]
        expected = F.structure.score(y)
        torch.testing.assert_close(F.score(y), expected, **tolerances.value(dtype))
        torch.testing.assert_close(F.score(F.space.vertices(y, dtype)), expected, **tolerances.value(dtype))


def test_between_them_it_is_the_expected_score():
    """Under independent positions, summed over all label sequences."""
    F = chains(steps=3, batch=2)
    q = F.space.squash(torch.randn(F.space.shape, dtype=F.dtype, generator=torch.Generator().manual_seed(0)))
    for row, length in enumerate(F.space.lengths.tolist()):
        total = 0
        for path in torch.cartesian_prod(*[torch.arange(3)] * length).view(-1, length):
            y = torch.full((2, 3), -100)
            y[:, :length] = path
            # Only this row is looked at: the other's path may be too short.
            y[1 - row] = torch.where(F.space.inside[1 - row], 0, -100)
            total += q[row, torch.arange(length), path].prod() * F.score(y)[row]
        torch.testing.assert_close(F.score(q)[row], total)


def test_a_network_of_chains_is_a_score_function():
    layer = hs.nn.CRF(3)
    torch.nn.init.normal_(layer.transitions)
    model, emissions = ChainScore(layer), torch.randn(2, 4, 3)
    y = torch.tensor([[0, 1, 2, 0], [2, 2, 1, 0]])
    torch.testing.assert_close(model(emissions, y), layer(emissions).score(y))
    lengths = torch.tensor([4, 2])
    F = model.at({"emissions": emissions, "lengths": lengths})
    assert F.space.lengths.tolist() == [4, 2]
    gold = F.score(y)
    gold.sum().backward()
    assert layer.transitions.grad.abs().sum() > 0


def test_a_constraint_is_left_to_the_answers():
    rule = hs.constraints.transitions(forbidden=[("a", "b")])
    held = hs.LinearChain(torch.randn(1, 3, 2), torch.zeros(2, 2)).restrict(rule, labels=["a", "b"])
    with pytest.raises(ValueError, match=r"the chain's transitions are not all finite.*chain.unrestricted\(\)"):
        ChainScored(held)
    assert ChainScored(held.unrestricted()).score(torch.ones(1, 3).long()).isfinite()


def test_only_chains_are_chains():
    with pytest.raises(TypeError, match="made of a LinearChain; got CRF"):
        ChainScored(hs.nn.CRF(2))


def test_inputs_are_not_changed():
    case = Case()
    before = [leaf.detach().clone() for leaf in case.leaves]
    F = ChainScored(case.chain())
    ys = F.space.draw(3)
    kept = ys.clone()
    F.raw_hard_scores(ys), F.raw_gains(ys, torch.arange(7)), F.rows(torch.tensor([0, 0])), F.double()
    assert torch.equal(ys, kept)
    assert all(torch.equal(old, new) for old, new in zip(before, case.leaves))
