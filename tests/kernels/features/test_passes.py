"""Compiled learners do what the plain ones do, from any weights."""

import numpy as np
import pytest

from hybridseq.kernels.features import reference
from hybridseq.kernels.features.numba_cpu import sequence
from hybridseq.kernels.features.numba_cpu.perceptron import perceptron_pass
from hybridseq.kernels.features.numba_cpu.subgradient import subgradient_pass
from tests.kernels.features.drawn import Case

CASES = [Case(labels, some, ones, seed=3) for labels in (2, 5, 37) for some in (True, False) for ones in (True, False)]
every_case = pytest.mark.parametrize("case", CASES, ids=lambda c: f"K={c.labels}-some={c.some}-ones={c.ones}")


def penalties(case, forbidden):
    """What a plan adds; the last label stays possible everywhere."""
    shapes = case.labels, (case.labels,) * 2, case.labels
    first, moves, last = (np.zeros(shape) for shape in shapes)
    if forbidden:
        first[0] = moves[1, 0] = moves[0, :-1] = last[0] = -np.inf
    return first, moves, last


def compiled(case, added):
    corpus = sequence.corpus(
        case.features, case.starts, case.lengths, case.gold, case.places, case.sources, case.targets
    )
    return corpus, sequence.search(len(case), case.labels, case.longest, added), sequence.difference(corpus, len(case))


@every_case
@pytest.mark.parametrize("forbidden", [False, True])
def test_the_perceptron(case, forbidden):
    added, order = penalties(case, forbidden), case.random.permutation(case.count)
    corpus, search, difference = compiled(case, added)
    # Drawn weights, so that no two label paths are equally good.
    ours, sums = case.weights(), case.weights()
    theirs, their_sums = ours.copy(), sums.copy()
    wrong = perceptron_pass(order, corpus, ours, sums, 4, search, difference)
    data = case.features, case.starts, case.lengths, case.gold, case.places
    assert wrong == reference.perceptron_pass(order, *data, added, theirs, their_sums, 4) > 0
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)
    np.testing.assert_allclose(sums, their_sums, rtol=0, atol=1e-12)


@every_case
@pytest.mark.parametrize("forbidden", [False, True])
def test_the_subgradient(case, forbidden):
    added, order = penalties(case, forbidden), case.random.permutation(case.count)
    corpus, search, difference = compiled(case, added)
    costs = case.random.uniform(0.5, 2, (case.labels, case.labels)).astype(np.float32)
    np.fill_diagonal(costs, 0)
    ours, sums = case.weights(), case.weights()
    theirs, their_sums = ours.copy(), sums.copy()
    hinge = subgradient_pass(order, corpus, costs, 2.5, 3, ours, sums, search, difference)
    data = case.features, case.starts, case.lengths, case.gold, case.places
    if forbidden:
        # The right labels may be forbidden; the difference's sum tells which paths were found.
        reference.subgradient_pass(order, *data, added, costs, 2.5, 3, theirs, their_sums)
    else:
        wanted = reference.subgradient_pass(order, *data, added, costs, 2.5, 3, theirs, their_sums)
        assert hinge == pytest.approx(wanted, rel=1e-5)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)
    np.testing.assert_allclose(sums, their_sums, rtol=0, atol=1e-12)


def test_the_first_step_of_the_subgradient_is_at_weights_zero():
    case = Case()
    corpus, search, difference = compiled(case, penalties(case, False))
    total, sums = np.zeros(len(case)), np.zeros(len(case))
    costs = (1 - np.eye(case.labels)).astype(np.float32)
    hinge = subgradient_pass(np.array([0]), corpus, costs, 5.0, 0, total, sums, search, difference)
    # With all weights 0 every wrong label is worth its cost.
    assert hinge == case.lengths[0]
    np.testing.assert_array_equal(total, sums)
