"""Search error: never negative against the exact argmax, and its faults are told apart."""

import numpy
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridseq.inference import ChainScored, PixelSpace, Scored
from hybridseq.inference.compare_searches import compare_searches, search_table
from hybridseq.inference.exhaustive import enumerate_argmax
from hybridseq.inference.icm import icm
from hybridseq.inference.plot_searches import plot_searches
from hybridseq.inference.search_error import FalseReferenceError, hard, search_error
from hybridseq.inference.starts import argmax_per_token
from tests.drawn import Case
from tests.inference.toys import Deaf, Fixed, LinearGenerator, Pairs, chains, everything


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    batch=st.integers(1, 6),
    steps=st.integers(1, 12),
    labels=st.integers(1, 6),
    shared=st.booleans(),
    single=st.booleans(),
    spread=st.sampled_from([0.01, 1.0, 30.0, 1000.0]),
)
def test_a_gap_is_never_negative(seed, batch, steps, labels, shared, single, spread):
    dtype = torch.float32 if single else torch.float64
    F = ChainScored(Case(batch, steps, labels, shared, dtype, spread, seed).chain())
    random = F.space.draw(1, torch.Generator().manual_seed(seed))[0]
    for proposal in (random, F.space.squash(torch.randn(F.space.shape, dtype=dtype)), icm, argmax_per_token):
        report = search_error(F, proposal, exact=True)
        assert report.exact and (report.gaps >= 0).all() and (report.relative_gaps >= 0).all()
        assert (report.solved | (report.gaps > 0)).all()
    itself = search_error(F, lambda F: F.structure.decode())
    assert itself.solved.all() and (itself.gaps == 0).all() and (itself.relative_gaps == 0).all()


def test_gaps_are_those_of_trying_everything():
    for F in everything().values():
        y = F.space.draw(1, torch.Generator().manual_seed(1))[0]
        report = search_error(F, y, exact=True)
        expected = F.score(enumerate_argmax(F)) - F.score(y)
        torch.testing.assert_close(report.gaps, expected, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(report.best_scores - report.scores, report.gaps, rtol=1e-5, atol=1e-5)
        assert report.seconds is None


def by_hand():
    """Two bits: F is 0, 1, 3 and 2 at 00, 01, 10 and 11."""
    weights, couplings = torch.tensor([[3.0, 1.0]] * 4), torch.zeros(4, 2, 2)
    couplings[:, 0, 1] = -2
    return Pairs(weights, couplings)


def test_a_case_by_hand():
    """Gold 01 and answers: gold itself, 00 that gold beats, 11 and 10 that beat gold."""
    gold = torch.tensor([[0, 1]] * 4)
    answers = torch.tensor([[0, 1], [0, 0], [1, 1], [1, 0]])
    report = search_error(by_hand(), answers, y=gold)
    assert report.exact
    assert report.scores.tolist() == [1, 0, 2, 3]
    assert report.best_scores.tolist() == [3, 3, 3, 3]
    assert report.gaps.tolist() == [2, 3, 1, 0]
    # All four outputs score 1.5 on average.
    torch.testing.assert_close(report.relative_gaps, torch.tensor([2, 3, 1, 0]) / 1.5)
    assert report.solved.tolist() == [False, False, False, True]
    assert report.right.tolist() == [True, False, False, False]
    assert report.search_faults.tolist() == [False, True, False, False]
    assert report.model_faults.tolist() == [False, False, True, True]
    assert report.mean_gap == 1.5 and report.solved_share == 0.25
    assert report.gap_error == pytest.approx((5 / 3) ** 0.5 / 2)
    shown = str(report)
    assert "gap to the exact argmax: 1.5 ± 0.65 (relative 100.00%)" in shown
    assert "right 25.0%, search faults 25.0%, model faults 50.0%" in shown


def test_every_example_is_right_or_one_fault():
    for F in everything().values():
        gold, answers = F.space.draw(2, torch.Generator().manual_seed(0))
        answers[0] = gold[0]
        report = search_error(F, answers, y=gold)
        kinds = torch.stack([report.right, report.search_faults, report.model_faults]).int()
        assert (kinds.sum(0) == 1).all() and report.right[0]


def test_a_guess_has_relative_gap_one_on_average():
    F = chains(batch=2, steps=4)
    ys = F.space.draw(4000, torch.Generator().manual_seed(0))
    relative = torch.stack([search_error(F, y).relative_gaps for y in ys[:500]])
    torch.testing.assert_close(relative.mean(0), torch.ones(2).double(), rtol=0, atol=0.05)


@pytest.mark.parametrize("double", [True, False])
def test_a_false_reference_is_found_out(double):
    kind = Pairs if double else Deaf
    F = kind.draw()
    best = enumerate_argmax(F)
    worse = best.clone()
    worse[2] = 1 - worse[2]
    how = "in float64" if double else "in torch.float64, as it defines no double"
    true, false = (float(F.score(y)[2]) for y in (best, worse))
    told = rf"example 2: the answer scores {true:.6f} and the exact reference {false:.6f} \({how}"
    with pytest.raises(FalseReferenceError, match=told):
        search_error(F, best, exact=worse)
    with pytest.raises(FalseReferenceError):
        search_error(F, worse, exact=lambda F: worse, rivals=[best])
    assert search_error(F, worse, exact=best).gaps[2] > 0


def test_a_structure_that_is_not_the_score_is_found_out():
    F = chains()

    class Turned(ChainScored):
        def raw_hard_score(self, y):
            return -super().raw_hard_score(y)

        def rows(self, index):
            return Turned(super().rows(index).structure)

        def double(self):
            return Turned(self.structure.double())

    with pytest.raises(FalseReferenceError, match="F scores the same output differently"):
        search_error(Turned(F.structure), F.space.draw(1)[0])


def test_rounding_is_no_bug_and_no_gap():
    """In float32 the two bits' shares of a large score are lost, and either answer may seem the better one."""

    class Coarse(Pairs):
        def raw_score(self, y):
            return super().raw_score(y) + 4e-7 * self.weights.sum(1) * (y[:, 0] - y[:, 1]) * (
                self.dtype == torch.float32
            )

    F = Coarse(torch.full((1, 2), 1e3), torch.zeros(1, 2, 2))
    F.couplings[:, 0, 1] = -1e3
    one, other = torch.tensor([[1, 0]]), torch.tensor([[0, 1]])
    assert F.score(one) > F.score(other) and F.double().score(one) == F.double().score(other)
    report = search_error(F, one, exact=other)
    assert report.gaps.tolist() == [0] and report.solved.all()
    # Without float64, rounding is judged beside the size of the scores.
    F.double = lambda: Scored.double(F)
    F.rows = lambda index: F
    report = search_error(F, one, exact=other)
    assert report.gaps.tolist() == [0] and report.solved.all()


def test_without_an_exact_argmax_rivals_are_the_reference():
    F = Pairs.draw(bits=30)
    answer, rival = F.space.draw(2, torch.Generator().manual_seed(0))
    report = search_error(F, answer, rivals=[rival, icm])
    best = torch.stack([F.score(answer), F.score(rival), F.score(icm(F))]).amax(0)
    assert not report.exact and "the best output known" in str(report)
    torch.testing.assert_close(report.best_scores, best)
    torch.testing.assert_close(report.gaps, best - F.score(answer))
    assert (search_error(F, answer).gaps == 0).all(), "nothing else is known"
    held = chains()
    assert not search_error(held, icm, exact=None).exact and search_error(held, icm).exact
    with pytest.raises(ValueError, match=r"Pairs has no exact argmax: no structure.*rivals"):
        search_error(F, answer, exact=True)


def test_a_score_function_is_evaluated_at_its_inputs_and_a_generator_asked():
    F = chains(batch=6)
    model, x = Fixed(F), torch.tensor([4, 0, 1])
    generator = LinearGenerator(F.space).train()
    report = search_error(model, generator, x)
    assert generator.training and generator.dropout.training and model.training, "left as they were"
    table = generator.table.detach()[x]
    expected = F.rows(x).space.harden(table)
    assert torch.equal(report.answers, expected), "in evaluation mode"
    torch.testing.assert_close(
        report.gaps,
        (
            F.structure.max_score()[x]
            - F.score(F.space.harden(table.new_zeros(F.space.shape).index_copy(0, x, table)))[x]
        ).detach(),
    )
    assert report.seconds > 0
    noisy = LinearGenerator(F.space, noise_size=3)
    one, again, other = (search_error(model, noisy, x, seed=seed).answers for seed in (0, 0, 1))
    assert torch.equal(one, again) and not torch.equal(one, other)


def test_searches_side_by_side():
    F = Pairs.draw(bits=30)
    gold = F.space.draw(1)[0]
    rows = compare_searches(F, {"token": argmax_per_token, "icm": icm, "gold": gold}, y=gold, repeats=2)
    assert [row.name for row in rows] == ["token", "icm", "gold"]
    token, climbed, given = rows
    assert climbed.gap == 0 and climbed.solved == 1 and token.gap > 0 and given.gap > 0
    assert token.seconds > 0 and given.seconds is None
    assert given.search_faults == given.model_faults == 0
    for row in rows:
        torch.testing.assert_close(row.report.best_scores, F.score(icm(F)))
    table = search_table(rows).splitlines()
    assert table[0].split()[:2] == ["search", "gap"] and "search faults" in table[0]
    assert len({len(line) for line in table}) == 1 and len(table) == 4
    exact = compare_searches(chains(), {"icm": icm})
    assert exact[0].report.exact and "faults" not in search_table(exact)


def test_the_picture_shows_what_has_a_time():
    plt = pytest.importorskip("matplotlib.pyplot")
    F = chains()
    rows = compare_searches(
        F, {"token": argmax_per_token, "viterbi": lambda F: F.structure.decode(), "given": F.space.draw(1)[0]}
    )
    figure, ax = plt.subplots()
    assert plot_searches(rows, ax) is ax
    assert [text.get_text().split(" (")[0] for text in ax.texts] and len(ax.texts) == 2
    assert ax.get_xscale() == "log"
    plt.close(figure)
    with pytest.raises(ValueError, match="no row has a time"):
        plot_searches(rows[2:])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda F: search_error(Fixed(F), icm), ValueError, "x is missing: give the inputs beside a ScoreFunction"),
        (lambda F: search_error(F, LinearGenerator(F.space)), ValueError, "x is missing: proposal is a generator"),
        (lambda F: search_error(F.structure, icm), TypeError, "F must be a ScoreFunction.*got LinearChain"),
        (
            lambda F: search_error(F, "icm"),
            TypeError,
            r"proposal must be a tensor.*a callable search\(scored\).*got str",
        ),
        (lambda F: search_error(F, icm, rivals=[3]), TypeError, r"rivals\[0\] must be a tensor.*got int"),
        (lambda F: search_error(F, icm, exact="yes"), ValueError, "exact must be 'auto', True, False.*got 'yes'"),
        (lambda F: search_error(F, icm, exact=numpy.zeros(3)), ValueError, "exact must be 'auto'.*got array"),
        (lambda F: search_error(F, torch.full(F.space.shape, 5.0)), ValueError, "must be from 0 to 1; got 5 to 5"),
        (lambda F: search_error(F, torch.full(F.space.shape, torch.nan)), ValueError, "must be from 0 to 1; got nan"),
        (lambda F: search_error(F, torch.full((5, 7), 5)), ValueError, "expected a label from 0 to 2"),
        (lambda F: search_error(F, torch.zeros(5, 6).long()), ValueError, r"got \(5, 6\)"),
        (lambda F: search_error(F, icm, y=torch.full((5, 7), -100)), ValueError, "is -100; expected a label"),
        (lambda F: compare_searches(F, {}), ValueError, "methods is empty"),
        (lambda F: compare_searches(F, {"icm": icm}, repeats=0), ValueError, "repeats"),
    ],
)
def test_what_does_not_fit_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call(chains())


def test_a_score_that_is_no_number_has_no_gap():
    F = Pairs.draw()
    F.weights[2] = torch.nan
    with pytest.raises(ValueError, match="an output of example 2 NaN"):
        search_error(F, F.space.draw(1)[0])


def test_no_example_is_no_report():
    with pytest.raises(ValueError, match="there is no example to search"):
        search_error(Pairs(torch.zeros(0, 3), torch.zeros(0, 3, 3)), icm)


def test_pixels_out_of_range_are_no_answer():
    space = PixelSpace(1, (2, 2), 0.0, 1.0)
    for y in (torch.full((1, 2, 2), 255.0), torch.full((1, 2, 2), -1.0)):
        with pytest.raises(ValueError, match="outputs must be from 0 to 1; got"):
            hard(space, y)
    assert torch.equal(hard(space, torch.full((1, 2, 2), 1 + 1e-6)), torch.ones(1, 2, 2))


def test_a_table_of_no_search_has_its_heading():
    assert search_table([]).split() == ["search", "gap", "relative", "solved", "seconds"]


def test_what_f_cannot_tell_from_gold_is_the_models_fault():
    F = Pairs(torch.zeros(1, 2), torch.zeros(1, 2, 2))
    report = search_error(F, torch.tensor([[1, 0]]), y=torch.tensor([[0, 1]]))
    assert report.model_faults.all() and not report.search_faults.any() and report.solved.all()
    assert report.relative_gaps.tolist() == [0]
