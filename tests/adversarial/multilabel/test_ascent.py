"""Ascent over bits: never below where it began, exact where bits are independent, near the best of all elsewhere."""

from itertools import pairwise

import pytest
import torch

from hybridseq.adversarial.multilabel import BitEnergy, ValueNetwork
from hybridseq.adversarial.multilabel.ascent import best_nested, entropic_ascent, projected_ascent
from tests.adversarial.multilabel.cases import KINDS, all_bits, inputs, make_score

close = torch.testing.assert_close


@pytest.mark.parametrize("kind, conditional", KINDS)
def test_projected_ascent_never_falls_below_its_start_nor_below_fewer_steps(kind, conditional):
    scored = make_score(kind, conditional=conditional, scale=2.0).at(inputs(8))
    start = torch.rand(8, 4, generator=torch.Generator().manual_seed(1))
    reached = [scored.raw_score(projected_ascent(scored, start, steps, 3.0)) for steps in (0, 1, 2, 5, 20)]
    close(reached[0], scored.raw_score(start))
    assert all((after >= before).all() for before, after in pairwise(reached))


def test_projected_ascent_stays_in_the_cube():
    scored = make_score(scale=3.0).at(inputs(8))
    y = projected_ascent(scored, torch.full((8, 4), 0.5), 10, 5.0)
    assert (y >= 0).all() and (y <= 1).all()


def test_independent_bits_are_solved_exactly():
    scored = BitEnergy.independent(torch.randn(20, 5, generator=torch.Generator().manual_seed(0)))
    y = projected_ascent(scored, torch.zeros(20, 5), 2, 1e6)
    close(y, (scored.local > 0).float())


def test_a_weak_global_term_is_climbed_to_the_best_of_all_answers():
    """With curvature far below the local scores, F has no maxima but one in nearly all cases."""
    solved = 0
    for seed in range(40):
        scored = make_score(ValueNetwork, seed=seed, scale=0.5).at(inputs(1, seed=seed)).detached()
        found = scored.space.harden(projected_ascent(scored, torch.zeros(1, 4), 200, 5.0))
        best = max(float(scored.score(y[None])) for y in all_bits(4))
        reached = float(scored.score(found))
        assert reached <= best + 1e-6
        solved += reached > best - 1e-6
    assert solved >= 36


def test_entropic_ascent_of_independent_bits_is_logistic_regression():
    scored = BitEnergy.independent(torch.randn(4, 3))
    for logits in entropic_ascent(scored, 3, 1.0):
        close(logits, scored.local)


def test_entropic_ascent_ends_where_the_derivative_of_score_and_entropy_is_0():
    scored = make_score(scale=0.3).at(inputs()).double()
    y = entropic_ascent(scored, 200, 0.5)[-1].sigmoid()
    close(scored.gradient(y), y.logit(), rtol=1e-8, atol=1e-8)


def test_entropic_ascent_can_be_differentiated():
    score = make_score()
    entropic_ascent(score.at(inputs()), 3, 0.5)[-1].sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in (score.weights, score.patterns.weight))


@pytest.mark.parametrize("kind, conditional", KINDS)
def test_the_best_of_nested_sets_is_the_best_by_enumeration(kind, conditional):
    scored = make_score(kind, conditional=conditional, scale=2.0).at(inputs(6)).detached()
    relaxed = torch.rand(6, 4, generator=torch.Generator().manual_seed(0))
    relaxed[:, :2] = 0
    for most in (1, 3, 4):
        found = best_nested(scored, relaxed, most)
        order = [sorted(range(4), key=lambda i: (-r[i], -b[i])) for r, b in zip(relaxed, scored.local)]
        sets = torch.stack(
            [torch.tensor([[int(i in o[:k]) for i in range(4)] for o in order]) for k in range(most + 1)]
        )
        scores = torch.stack([scored.margin(one.float()) for one in sets])
        expected = sets.gather(0, scores.argmax(0)[None, :, None].expand(1, 6, 4))[0]
        assert torch.equal(found, expected)


@pytest.mark.parametrize("shift, taken", [(0.0, 1), (-10.0, 0)])
def test_a_set_counts_only_where_a_unit_opens(shift, taken):
    # Taking the bit costs 0.1; an open unit pays softplus(1) - softplus(0) = 0.62, one far below its threshold nothing.
    ones = torch.ones(1)
    scored = BitEnergy(torch.tensor([[-0.1]]), ones[:, None], torch.tensor([shift]), ones)
    assert best_nested(scored, torch.tensor([[0.5]]), 1).item() == taken
