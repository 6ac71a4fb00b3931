"""Perceptron and subgradient: what is kept is the mean over the steps, in one pass or in pieces."""

import numpy as np
import pytest
import torch

import hybridseq as hs
from hybridseq.kernels.features import reference
from hybridseq.training.linear import perceptron, subgradient
from hybridseq.training.linear.costs import cost_matrix
from hybridseq.training.linear.margins import Margins
from hybridseq.training.linear.perceptron import AveragedPerceptron
from hybridseq.training.linear.subgradient import Subgradient
from tests.training.linear import drawn

COSTS = cost_matrix({0: 2.0, (1, 2): 0.5}, range(3))
STRENGTH = 0.3


def plainly(problem):
    """Arguments of the plain passes."""
    pairs = problem.pairs
    places = np.full((pairs.num_labels,) * 2, -1)
    places[pairs.sources, pairs.targets] = pairs.states + np.arange(len(pairs.sources))
    nothing = [np.zeros(shape) for shape in (pairs.num_labels, places.shape, pairs.num_labels)]
    table = pairs.table(problem.attributes)
    return table, problem.starts, problem.lengths, problem.labels, places, nothing


def start(problem, seed=9):
    # Drawn, so that no two label paths are equally good.
    return np.random.default_rng(seed).normal(size=len(problem.pairs))


def test_the_perceptron_keeps_the_mean_of_all_weights():
    problem = drawn.problem(ones=False)
    problem.attributes.values[:] = problem.attributes.values.astype(np.float32)
    learner = AveragedPerceptron(len(problem.pairs), start(problem))
    learned = learner.learn(problem, np.random.RandomState(0), passes=2, tolerance=0.0)
    assert len(learned.history) == 2
    random, weights, all_weights = np.random.RandomState(0), start(problem), [start(problem)]
    for _ in range(2):
        for b in random.permutation(len(problem.lengths)):
            reference.perceptron_pass([b], *plainly(problem), weights, np.zeros_like(weights), 0)
            all_weights.append(weights.copy())
    np.testing.assert_allclose(learned.weights, np.mean(all_weights, 0), atol=1e-10)


def test_subgradient_descent_keeps_the_mean_with_rising_weights():
    problem = drawn.problem(ones=True)
    count = len(problem.lengths)
    learner = Subgradient(len(problem.pairs), STRENGTH, count, start(problem), count)
    learned = learner.learn(problem, np.random.RandomState(0), COSTS, passes=2)
    random, total = np.random.RandomState(0), start(problem) / STRENGTH
    steps, mean, norm = count, start(problem) * count * (count + 1) / 2, count * (count + 1) / 2
    for _ in range(2):
        for b in random.permutation(count):
            reference.subgradient_pass(
                [b], *plainly(problem), COSTS, STRENGTH * count, steps, total, np.zeros_like(total)
            )
            steps += 1
            mean, norm = mean + steps * STRENGTH * count / steps * total, norm + steps
    np.testing.assert_allclose(learned.weights, mean / norm, atol=1e-10)
    assert learned.objective == Margins(problem, COSTS).primal(learned.weights, STRENGTH)


def learners(problem):
    perceptron_ = AveragedPerceptron(len(problem.pairs), start(problem))
    subgradient_ = Subgradient(len(problem.pairs), STRENGTH, len(problem.lengths))
    return {
        "perceptron": (perceptron_, lambda learner, random, passes: learner.learn(problem, random, passes=passes)),
        "subgradient": (
            subgradient_,
            lambda learner, random, passes: learner.learn(problem, random, COSTS, passes=passes),
        ),
    }


@pytest.mark.parametrize("name", ["perceptron", "subgradient"])
def test_passes_in_pieces_are_passes_in_one(name):
    problem = drawn.problem()
    one, learn = learners(problem)[name]
    pieces, _ = learners(problem)[name]
    whole = learn(one, np.random.RandomState(0), 3)
    random = np.random.RandomState(0)
    for _ in range(3):
        found = learn(pieces, random, 1)
    np.testing.assert_array_equal(found.weights, whole.weights)


@pytest.mark.parametrize("name, module", [("perceptron", perceptron), ("subgradient", subgradient)])
@pytest.mark.parametrize("passes", [1, 2])
def test_ctrl_c_keeps_the_passes_so_far(name, module, passes, monkeypatch):
    problem = drawn.problem()
    learner, learn = learners(problem)[name]
    wanted = learn(learner, np.random.RandomState(0), passes)
    run, calls = getattr(module, f"{name}_pass"), []

    def interrupted(*arguments):
        found = run(*arguments)
        calls.append(found)
        # A signal that comes during a compiled pass is raised when it returns.
        if len(calls) == passes:
            raise KeyboardInterrupt
        return found

    monkeypatch.setattr(module, f"{name}_pass", interrupted)
    learner, learn = learners(problem)[name]
    found = learn(learner, np.random.RandomState(0), 10)
    assert found.reason == "interrupted" and not found.converged
    np.testing.assert_array_equal(found.weights, wanted.weights)


@pytest.mark.parametrize("ones", [True, False])
@pytest.mark.parametrize("forbidden", [False, True])
def test_margins_are_the_structured_hinge(ones, forbidden):
    names = ("a", "b", "c")
    problem = drawn.problem(ones=ones, all_transitions=True)
    plan = hs.constraints.transitions(forbidden=[("c", "a")]).compile(names) if forbidden else None
    ends = np.cumsum(problem.lengths)
    rows = [
        b for b, n in enumerate(problem.lengths) if plan is None or plan.accepts(problem.labels[ends[b] - n : ends[b]])
    ]
    part = drawn.some(problem, rows)
    problem = type(part)(part.attributes, part.labels, part.pairs, part.counts, plan)
    weights = start(problem)
    pairs = problem.pairs
    dense = np.zeros((problem.attributes.size, 3))
    dense[pairs.features(), pairs.labels] = weights[: pairs.states]
    emissions = [torch.from_numpy(x @ dense) for x in drawn.dense(problem.attributes)]
    labels = problem.padded_labels(np.arange(len(rows)))
    found = Margins(problem, COSTS).hinges(weights)
    for b, own in enumerate(emissions):
        chain = hs.BruteForce(own[None], torch.from_numpy(pairs.transitions(weights)))
        right = torch.from_numpy(labels[b : b + 1, : len(own)])
        chain = chain if plan is None else chain.restrict(plan)
        augmented = chain.augment(torch.from_numpy(COSTS[right.numpy()]))
        assert found[b] == pytest.approx(float(augmented.max_score() - chain.score(right)), abs=1e-10)
    primal = Margins(problem, COSTS).primal(weights, STRENGTH)
    assert primal == pytest.approx(0.5 * weights @ weights + STRENGTH * found.sum())
