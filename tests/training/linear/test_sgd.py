import numpy as np
import pytest

from hybridseq import constraints
from hybridseq.training.linear.batches import FeatureBatches
from hybridseq.training.linear.crf import maximise_likelihood
from hybridseq.training.linear.likelihood import PenalisedLikelihood
from hybridseq.training.linear.sgd import descend, step_on
from tests.training.linear import drawn


def plain(problem, orders, rates, decay, size):
    """Steps one by one; the weights at the end and their mean over all steps."""
    weights, total, steps = np.zeros(len(problem.pairs)), 0.0, 0
    for order, rate in zip(orders, rates):
        for first in range(0, len(order), size):
            rows = order[first : first + size]
            part = drawn.some(problem, rows)
            _, gradient = PenalisedLikelihood(FeatureBatches(part.attributes, part.pairs), part)(weights)
            weights = weights / (1 + rate * decay) - rate / len(rows) * gradient
            total, steps = total + weights, steps + 1
    return weights, total / steps


@pytest.mark.parametrize("ones", [True, False])
@pytest.mark.parametrize("c2", [0.0, 0.5, 60.0])
def test_the_mean_is_that_of_the_weights_after_each_step(ones, c2):
    # 60: the common factor of the weights falls so far that it must be taken over.
    plan = None if ones else constraints.transitions(forbidden=[("a", "b"), ("b", "c")]).compile(("a", "b", "c"))
    problem = drawn.problem(ones=ones)
    if plan is not None:
        ends = np.cumsum(problem.lengths)
        kept = [b for b, n in enumerate(problem.lengths) if plan.accepts(problem.labels[ends[b] - n : ends[b]])]
        part = drawn.some(problem, kept)
        problem = type(part)(part.attributes, part.labels, part.pairs, part.counts, plan)
    count = len(problem.lengths)
    learned = descend(problem, np.random.RandomState(3), c2=c2, passes=1, size=2, rate=0.7)
    order = np.random.RandomState(3).permutation(count)
    _, mean = plain(problem, [order], [0.7], 2 * c2 / count, 2)
    np.testing.assert_allclose(learned.weights, mean, atol=1e-10)


def test_the_mean_is_over_the_later_half_at_least():
    problem, c2, size = drawn.problem(), 0.2, 3
    count = len(problem.lengths)
    random, decay = np.random.RandomState(1), 2 * c2 / count
    orders = [random.permutation(count) for _ in range(3)]
    rates = [0.5 * (1 + 0.5 * decay * n * count / size) ** -0.75 for n in range(3)]
    learned = descend(problem, np.random.RandomState(1), c2=c2, passes=3, size=size, rate=0.5)
    _, all_three = plain(problem, orders, rates, decay, size)
    _, first = plain(problem, orders[:1], rates[:1], decay, size)
    np.testing.assert_allclose(learned.weights, (3 * all_three - first) / 2, atol=1e-10)


def test_it_comes_near_the_optimum():
    problem = drawn.problem(count=60, ones=False)
    best = maximise_likelihood(problem, c2=1.0)
    learned = descend(problem, np.random.RandomState(0), c2=1.0, passes=60)
    assert best.objective <= learned.objective < 1.005 * best.objective


def test_whatever_the_rate_the_weights_stay_finite():
    problem = drawn.problem(count=2, longest=3)
    for rate in (0.5, 1.0, 2.0, 1e3):
        assert np.isfinite(descend(problem, np.random.RandomState(0), c2=5.0, passes=3, rate=rate).objective)


def test_a_step_on_is_a_pass_at_a_constant_rate():
    problem = drawn.problem()
    start, seen = np.zeros(len(problem.pairs)), 40
    learned = step_on(problem, np.random.RandomState(2), start, c2=0.5, size=4, rate=0.8, seen=seen)
    order = np.random.RandomState(2).permutation(len(problem.lengths))
    wanted, _ = plain(problem, [order], [0.8], 2 * 0.5 / seen, 4)
    np.testing.assert_allclose(learned.weights, wanted, atol=1e-10)
    assert not start.any()
