"""F agrees with itself: hard and relaxed, one by one and many at once, changed places and gains."""

import pytest
import torch

from hybridseq.inference import Scored, ScoreFunction
from tests import tolerances
from tests.inference.toys import Deaf, Fixed, Pairs, everything

KINDS = list(everything())
every = pytest.mark.parametrize("kind", KINDS)


def case(kind, seed=0, count=5):
    F = everything(seed)[kind]
    return F, F.space.draw(count, torch.Generator().manual_seed(seed))


@every
def test_hard_and_relaxed_scores_agree_at_the_vertices(kind):
    F, ys = case(kind)
    for y in ys:
        relaxed = F.score(F.space.vertices(y, F.dtype))
        torch.testing.assert_close(F.score(y), relaxed, **tolerances.value(F.dtype))


@every
def test_many_at_once_are_scored_like_one(kind):
    F, ys = case(kind)
    expected = torch.stack([F.score(y) for y in ys])
    torch.testing.assert_close(F.raw_hard_scores(ys), expected, **tolerances.value(F.dtype))
    torch.testing.assert_close(Scored.raw_hard_scores(F, ys), expected, **tolerances.value(F.dtype))


@every
def test_rows_may_repeat(kind):
    F, ys = case(kind)
    index = torch.tensor([1, 0, 1])
    torch.testing.assert_close(F.rows(index).score(ys[0][index]), F.score(ys[0])[index])


@every
def test_gains_are_differences_of_scores(kind):
    F, ys = case(kind, count=2)
    places = torch.arange(ys.shape[2])
    gains = F.raw_gains(ys, places)
    for place in places.tolist():
        used = F.space.inside[:, place]
        for choice in range(F.space.choices):
            changed = ys.clone()
            changed[..., place] = torch.where(used, choice, ys[..., place])
            expected = F.raw_hard_scores(changed) - F.raw_hard_scores(ys)
            found = gains[:, :, place, choice]
            torch.testing.assert_close(found[:, used], expected[:, used], **tolerances.value(F.dtype))
    some = torch.tensor([places[-1]])
    torch.testing.assert_close(F.raw_gains(ys, some), gains[:, :, some])


@pytest.mark.parametrize("kind", [kind for kind, F in everything().items() if F.multilinear])
def test_one_gradient_tells_all_gains_of_a_multilinear_score(kind):
    F, ys = case(kind)
    places = torch.arange(ys.shape[2])
    used = F.space.inside[None, :, :, None]
    by_gradient = Scored.raw_gains(F, ys, places) * used
    F.multilinear = False
    by_scores = Scored.raw_gains(F, ys, places) * used
    torch.testing.assert_close(by_gradient, by_scores, **tolerances.value(F.dtype))


def far_apart(F):
    """Whether some places are beyond the reach of the first."""
    return F.reach is not None and F.space.shape[1] > F.reach + 1


@pytest.mark.parametrize("kind", [kind for kind, F in everything().items() if far_apart(F)])
def test_places_beyond_reach_do_not_meet(kind):
    """A change here does not alter what a change far away gains."""
    F, ys = case(kind)
    steps = ys.shape[2]
    changed = ys.clone()
    changed[:, :, 0] = (ys[:, :, 0] + 1) % F.space.choices
    far = torch.arange(F.reach + 1, steps)
    used = F.space.inside[None, :, far, None]
    torch.testing.assert_close(F.raw_gains(changed, far) * used, F.raw_gains(ys, far) * used)


@every
def test_float64_is_the_same_function(kind):
    F, ys = case(kind)
    fine = F.double()
    assert fine.dtype == torch.float64
    torch.testing.assert_close(fine.score(ys[0]).to(F.dtype), F.score(ys[0]), **tolerances.value(F.dtype))


@every
def test_the_gradient_is_that_of_the_score(kind):
    F, _ = case(kind)
    y = F.space.squash(torch.randn(F.space.shape, dtype=F.dtype, generator=torch.Generator().manual_seed(3)))
    leaf = y.clone().requires_grad_()
    (expected,) = torch.autograd.grad(F.score(leaf).sum(), leaf)
    with torch.no_grad():
        torch.testing.assert_close(F.gradient(y), expected)


def test_a_score_function_scores_at_its_inputs():
    F = Pairs.draw()
    model, x = Fixed(F), torch.tensor([2, 0])
    ys = F.space.draw(1)[0]
    assert torch.equal(model(x, ys[x]), model.score(x, ys[x]))
    torch.testing.assert_close(model(x, ys[x]), F.score(ys)[x])


def test_what_is_missing_is_named():
    with pytest.raises(TypeError, match=r"ScoreFunction must define at\(x\)"):
        ScoreFunction().at(None)
    with pytest.raises(TypeError, match="Deaf cannot be computed in float64"):
        Deaf.draw().double()
    with pytest.raises(ValueError, match=r"Deaf gives no gradient.*icm or beam"):
        Deaf.draw().gradient(torch.rand(4, 6).double())
