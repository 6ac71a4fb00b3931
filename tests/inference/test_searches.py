"""Every search gives hard outputs of the space, repeats, and none beats trying everything."""

from functools import partial

import pytest
import torch

import hybridseq as hs
from hybridseq.inference import ChainScored, LabelSpace, PixelSpace, Scored
from hybridseq.inference.beam import beam
from hybridseq.inference.exhaustive import enumerate_argmax, exact_argmax
from hybridseq.inference.gradient_ascent import gradient_ascent
from hybridseq.inference.icm import icm
from hybridseq.inference.mean_field import mean_field
from hybridseq.inference.refine import refine
from hybridseq.inference.starts import argmax_per_token
from tests.inference.toys import Curved, Deaf, Pairs, Triples, chains, everything

SEARCHES = {
    "argmax per token": argmax_per_token,
    "icm": icm,
    "beam": beam,
    "beam from behind": partial(beam, backward=True),
    "mean field": partial(mean_field, sweeps=8),
    "mean field at once": partial(mean_field, schedule="parallel", sweeps=8),
    "gradient ascent": partial(gradient_ascent, steps=12),
    "refine": partial(refine, steps=4, rounds=2),
}


class Unbent(Triples):
    """Multilinear, and does not say so."""

    multilinear = False

    def rows(self, index):
        return Unbent(self.unary[index], self.table, self.lengths[index])


#: Those that never give less than their start.
CLIMBERS = {
    "icm": icm,
    "beam": partial(beam, width=2),
    "beam from behind": partial(beam, width=2, backward=True),
    "gradient ascent": partial(gradient_ascent, steps=10),
    "refine": partial(refine, steps=5, width=2),
}
TINY = {"rtol": 1e-5, "atol": 1e-5}


def solved(F, y):
    """Which answers score as high as the best output."""
    return torch.isclose(F.score(y), F.score(exact_argmax(F)), **TINY)


@pytest.mark.parametrize("name", SEARCHES)
def test_answers_are_hard_valid_repeatable_and_never_above_the_best(name):
    for kind, F in everything().items():
        y = SEARCHES[name](F)
        assert F.space.is_hard(y)
        F.space.vertices(y)
        if isinstance(F.space, LabelSpace):
            assert (y[~F.space.inside] == -100).all(), kind
        assert torch.equal(y, SEARCHES[name](F)), kind
        assert (F.score(y) <= F.score(enumerate_argmax(F)) + 1e-4).all(), kind


@pytest.mark.parametrize("name", CLIMBERS)
def test_a_climber_never_falls_below_its_start(name):
    for seed in range(2):
        for kind, F in everything(seed).items():
            start = F.space.draw(1, torch.Generator().manual_seed(seed))[0]
            kept = start.clone()
            y = CLIMBERS[name](F, start)
            assert (F.score(y) >= F.score(start)).all(), kind
            assert torch.equal(start, kept)
            relaxed = F.space.squash(torch.randn(F.space.shape, dtype=F.dtype))
            assert (F.score(CLIMBERS[name](F, relaxed)) >= F.score(F.space.harden(relaxed))).all(), kind


@pytest.mark.parametrize("name", SEARCHES)
def test_an_example_is_searched_by_itself(name):
    """Whatever else is in the batch."""
    for kind, F in everything().items():
        if kind == "chain, float32":
            continue
        whole = SEARCHES[name](F)
        for row in range(F.space.batch):
            assert torch.equal(SEARCHES[name](F.rows(torch.tensor([row])))[0], whole[row]), kind


def test_trying_everything_finds_what_viterbi_finds():
    for seed in range(10):
        F = chains(seed, steps=5)
        assert torch.equal(enumerate_argmax(F), F.structure.decode())
        assert torch.equal(exact_argmax(F), F.structure.decode())


def test_icm_ends_where_no_single_change_gains():
    for seed in range(5):
        for F in everything(seed).values():
            y = icm(F, F.space.draw(1, torch.Generator().manual_seed(seed))[0])
            gains = F.raw_gains(y[None], torch.arange(y.shape[1]))[0]
            assert gains[F.space.inside].max() <= 1e-6


def test_icm_rises_with_every_sweep():
    F = Pairs.draw(batch=20, bits=12)
    start = F.space.draw(1, torch.Generator().manual_seed(0))[0]
    scores = torch.stack([F.score(start)] + [F.score(icm(F, start, sweeps=n)) for n in (1, 2, 3, 4)])
    assert (scores.diff(dim=0) >= -1e-12).all()
    assert (scores[1] > scores[0]).any() and (scores[2] > scores[1]).any()


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("shared", [True, False])
def test_a_beam_as_wide_as_the_labels_is_viterbi(shared, backward):
    for seed in range(20):
        F = chains(seed, shared=shared, steps=8, labels=4, spread=3.0)
        y = beam(F, F.space.draw(1, torch.Generator().manual_seed(seed))[0], width=4, backward=backward)
        torch.testing.assert_close(F.score(y), F.structure.max_score())


@pytest.mark.parametrize("backward", [False, True])
def test_a_beam_as_wide_as_all_pasts_is_exact_beyond_chains(backward):
    for seed in range(10):
        F = Triples.draw(seed, steps=6)
        start = F.space.draw(1, torch.Generator().manual_seed(seed))[0]
        assert solved(F, beam(F, start, width=9, backward=backward)).all()
        for kind in (Pairs, Curved):
            F = kind.draw(seed)
            assert solved(F, beam(F, F.space.draw(1)[0], width=64, backward=backward)).all()


def test_without_recombination_a_narrow_beam_misses():
    """That the width of 4 above is exact is recombination's doing."""
    missed = 0
    for seed in range(20):
        F = chains(seed, steps=8, labels=4, spread=3.0)
        F.reach = None
        missed += int((F.score(beam(F, width=4)) < F.structure.max_score() - 1e-6).sum())
    assert missed > 0


def test_the_ladder_reaches_viterbi_on_small_chains():
    """Answers free for each instance. Some 34% per token, 72% icm, 83% ascent with icm, all refined."""
    rungs = {
        "token": argmax_per_token,
        "icm": icm,
        "ascent": lambda F: icm(F, gradient_ascent(F)),
        "refine": refine,
    }
    shares = dict.fromkeys(rungs, 0.0)
    for seed in range(4):
        F = chains(seed, batch=75, steps=7, labels=4)
        for name, rung in rungs.items():
            shares[name] += solved(F, rung(F)).double().mean().item() / 4
    assert shares["token"] < shares["icm"] < shares["ascent"] <= shares["refine"]
    assert shares["ascent"] >= 0.75
    assert shares["refine"] >= 0.99


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("reach", [1, 2])
def test_of_equal_hypotheses_a_beam_keeps_one(reach, backward):
    """The first labels are all one, label 1 before the last is worse by 1, and the last wants it: by hand."""
    emissions = torch.tensor([[[0.0, 0.0]] * reach + [[1.0, 0.0], [0.0, 10.0]]])
    transitions = torch.zeros(1, reach + 1, 2, 2)
    transitions[0, -1, 0, 1] = -20
    if backward:
        emissions, transitions = emissions.flip(1), transitions.flip(1).transpose(2, 3)
    F = ChainScored(hs.LinearChain(emissions, transitions))
    F.reach = reach
    y = beam(F, torch.zeros(1, reach + 2, dtype=torch.int64), width=2**reach, backward=backward)
    assert F.score(y).tolist() == [10]


@pytest.mark.parametrize("search", [icm, partial(beam, width=2), partial(beam, width=2, backward=True)])
def test_gains_that_the_score_does_not_keep_leave_the_start(search):
    """As by rounding, where scores are large beside what a change gains."""

    class Promising(Pairs):
        def gradient(self, y):
            return -super().gradient(y)

    F = Promising.draw(batch=50)
    start = enumerate_argmax(F)
    assert torch.equal(search(F, start), start)


def test_what_gains_nothing_stays():
    F = Pairs(torch.tensor([[1.0, 0.0, 0.0]]), torch.zeros(1, 3, 3))
    start = torch.tensor([[0, 1, 0]])
    assert torch.equal(icm(F, start), torch.tensor([[1, 1, 0]]))


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.int32])
def test_bits_may_be_of_any_whole_type(dtype):
    F = Pairs.draw()
    start = F.space.draw(1, torch.Generator().manual_seed(0))[0]
    for search in CLIMBERS.values():
        found = search(F, start.to(dtype))
        assert found.dtype == torch.int64 and torch.equal(found, search(F, start))


def test_gradient_ascent_finds_the_best_image():
    """The nearest point within bounds to a target that lies partly outside them."""

    class Near(Scored):
        def __init__(self, target):
            self.target, self.space = target, PixelSpace(len(target), target.shape[1:])

        def raw_score(self, y):
            return -(y - self.target).square().sum(1)

        def rows(self, index):
            return Near(self.target[index])

    F = Near(torch.tensor([[0.3, -0.2], [2.0, -0.9]]))
    found = gradient_ascent(F, steps=300, learning_rate=0.1)
    torch.testing.assert_close(found, torch.tensor([[0.3, -0.2], [1.0, -0.9]]), rtol=0, atol=0.02)
    start = F.target.clamp(-1, 1)
    assert torch.equal(gradient_ascent(F, start, steps=3), start), "the start is the best already"


def test_refinement_begins_with_ascent_from_the_relaxed_answer():
    """And not from its hard one: by how much it wavers counts."""
    differ = 0
    for F in (chains(batch=30), Pairs.draw(batch=30), Curved.draw(batch=30)):
        relaxed = F.space.squash(0.3 * torch.randn(F.space.shape, generator=torch.Generator().manual_seed(0)))
        expected = icm(F, gradient_ascent(F, relaxed, steps=4), candidates=4)
        assert torch.equal(refine(F, relaxed, steps=4, rounds=0), expected)
        differ += int((refine(F, F.space.harden(relaxed), steps=4, rounds=0) != expected).sum())
    assert differ > 0


def test_hard_scores_are_enough_with_a_start():
    F = Deaf.draw()
    start = F.space.draw(1, torch.Generator().manual_seed(0))[0]
    best = F.score(exact_argmax(F))
    for y in (icm(F, start), beam(F, start, width=64), refine(F, start, steps=0, candidates=None)):
        assert (F.score(y) >= F.score(start)).all()
    torch.testing.assert_close(F.score(beam(F, start, width=64)), best)
    for search in (argmax_per_token, gradient_ascent, mean_field, icm, beam, refine):
        with pytest.raises(ValueError, match="Deaf gives no gradient with respect to relaxed outputs"):
            search(F)


def test_parameters_get_no_gradients():
    F = Pairs.draw()
    F.weights.requires_grad_()
    for search in SEARCHES.values():
        y = search(F)
        assert not y.requires_grad and F.weights.grad is None


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda F: icm(F, sweeps=0), ValueError, "sweeps"),
        (lambda F: beam(F, width=0), ValueError, "width"),
        (lambda F: refine(F, rounds=-1), ValueError, "rounds must be a whole number, at least 0; got -1"),
        (lambda F: refine(F, steps=1.5), ValueError, "steps must be a whole number, at least 0; got 1.5"),
        (lambda F: gradient_ascent(F, softness=1.0), ValueError, "softness must be from 0 to below 1; got 1.0"),
        (lambda F: gradient_ascent(F, logits=torch.zeros(2)), ValueError, r"shape of relaxed outputs.*got \(2,\)"),
        (lambda F: gradient_ascent(F, logits=[[0.0]]), TypeError, r"must be a tensor; got list. Convert them"),
        (lambda F: gradient_ascent(F.structure), TypeError, r"a Scored; got LinearChain. Give score_function.at\(x\)"),
        (lambda F: icm(F, torch.full(F.space.shape, 3.0)), ValueError, "must be from 0 to 1; got 3 to 3.*squash"),
        (
            lambda F: gradient_ascent(F, torch.full(F.space.shape, -1.0)),
            ValueError,
            "must be from 0 to 1; got -1 to -1",
        ),
        (lambda F: mean_field(F, torch.full(F.space.shape, torch.nan)), ValueError, "must be from 0 to 1; got nan"),
        (lambda F: gradient_ascent(F, F.space.draw(1)[0], logits=torch.zeros(2)), ValueError, "not both"),
        (lambda F: argmax_per_token(F, torch.zeros(2)), ValueError, r"shape of relaxed outputs.*got \(2,\)"),
        (lambda F: icm(F, torch.full((5, 7), 9)), ValueError, "expected a label from 0 to 2"),
        (lambda F: icm(F.structure), TypeError, r"a Scored; got LinearChain. Give score_function.at\(x\)"),
        (lambda F: mean_field(F, temperature=0), ValueError, "temperature must be above 0; got 0"),
        (lambda F: mean_field(F, schedule="random"), ValueError, "'coordinate' or 'parallel'; got 'random'"),
        (lambda F: mean_field(F, damping=1), ValueError, "damping must be from 0 to below 1; got 1"),
    ],
)
def test_what_does_not_fit_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call(chains())


def test_pixels_have_no_choices_to_try():
    F = Pairs.draw()
    F.space = PixelSpace(4, (6,))
    for search in (argmax_per_token, icm, beam, mean_field, refine):
        with pytest.raises(TypeError, match=r"a PixelSpace has none. Search it by gradient_ascent"):
            search(F)
    with pytest.raises(ValueError, match="Pairs has no exact argmax"):
        exact_argmax(F)


def test_few_candidates_are_scored_and_the_best_are_among_them():
    """The others count as −inf; what is given is what scoring all gives."""
    F = Unbent.draw()
    y = F.space.draw(2, torch.Generator().manual_seed(0))
    places = torch.arange(5)
    every, few = F.raw_gains(y, places), F.raw_gains(y, places, 1)
    scored = few.isfinite()
    assert (scored.sum(3) == 2).all(), "the choice that stands, and one candidate"
    torch.testing.assert_close(few[scored], every[scored])
    # Labels' scores are linear in every place here, and slopes tell the best.
    used = F.space.inside.expand(2, -1, -1)
    others = every.scatter(3, torch.where(used, y, 0)[..., None], -torch.inf)
    found = few.scatter(3, torch.where(used, y, 0)[..., None], -torch.inf)
    torch.testing.assert_close(found.amax(3)[used], others.amax(3)[used])
    for search in (icm, beam, refine):
        assert (F.score(search(F, y[0], candidates=1)) >= F.score(y[0])).all()
        with pytest.raises(ValueError, match="candidates"):
            search(F, candidates=0)
