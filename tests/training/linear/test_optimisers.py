import numpy as np
import pytest
from scipy.optimize import minimize

from hybridseq.training.linear import crf
from hybridseq.training.linear.batches import FeatureBatches
from hybridseq.training.linear.crf import maximise_likelihood
from hybridseq.training.linear.lbfgs import lbfgs
from hybridseq.training.linear.likelihood import PenalisedLikelihood
from hybridseq.training.linear.owlqn import owlqn, pseudo_gradient
from hybridseq.training.linear.stopping import Stopping
from tests.training.linear import drawn

#: Down to rounding.
TIGHT = {"delta": 0.0, "epsilon": 1e-8, "memories": 10}


def objective_of(problem, c2):
    return PenalisedLikelihood(FeatureBatches(problem.attributes, problem.pairs), problem, c2)


@pytest.mark.parametrize("c1", [0.0, 0.2, 1.0])
@pytest.mark.parametrize("ones", [True, False])
def test_the_end_is_optimal(c1, ones):
    problem = drawn.problem(ones=ones, all_states=True)
    learned = maximise_likelihood(problem, c1=c1, c2=0.1, **TIGHT)
    value, gradient = objective_of(problem, 0.1)(learned.weights)
    assert np.abs(pseudo_gradient(learned.weights, gradient, c1)).max() < 1e-5
    assert learned.objective == pytest.approx(value + c1 * np.abs(learned.weights).sum(), rel=1e-12)
    assert learned.converged and learned.iterations == len(learned.history)
    assert ((learned.weights == 0).sum() > 10) == (c1 > 0)


@pytest.mark.parametrize("c2", [0.0, 0.1])
def test_l1_is_the_problem_of_positive_and_negative_parts(c2):
    problem, c1 = drawn.problem(ones=False, count=8, size=5), 0.5
    objective = objective_of(problem, c2)

    def split(parts):
        value, gradient = objective(parts[: len(parts) // 2] - parts[len(parts) // 2 :])
        return value + c1 * parts.sum(), np.concatenate([gradient, -gradient]) + c1

    count = 2 * len(problem.pairs)
    options = {"ftol": 0, "gtol": 1e-9, "maxiter": 5000, "maxfun": 50_000}
    wanted = minimize(split, np.zeros(count), jac=True, method="L-BFGS-B", bounds=[(0, None)] * count, options=options)
    learned = maximise_likelihood(problem, c1=c1, c2=c2, **TIGHT)
    assert learned.objective == pytest.approx(wanted.fun, rel=1e-9)
    if c2:
        np.testing.assert_allclose(learned.weights, np.subtract(*np.split(wanted.x, 2)), atol=1e-4)


def test_without_a_penalty_the_orthant_wise_method_is_lbfgs():
    problem = drawn.problem()
    objective, start = objective_of(problem, 0.2), np.zeros(len(problem.pairs))
    options = {"max_iterations": 500}
    ours = owlqn(objective, start, 0.0, stopping=Stopping(0.0, 10, 1e-7), **options)
    plain = lbfgs(objective, start, stopping=Stopping(0.0, 10, 1e-7), **options)
    np.testing.assert_allclose(ours.weights, plain.weights, atol=1e-6)


def test_the_pseudo_gradient_is_the_least_subgradient():
    weights, gradient = np.array([1.0, -1.0, 0, 0, 0, 0]), np.array([0.5, 0.5, 0.5, -0.5, 2.0, -2.0])
    assert pseudo_gradient(weights, gradient, 1.0).tolist() == [1.5, -0.5, 0, 0, 1.0, -1.0]


@pytest.mark.parametrize("method", [lbfgs, lambda f, start, **options: owlqn(f, start, 0.1, **options)])
def test_the_objective_never_rises_and_the_best_is_kept(method):
    objective, values = objective_of(drawn.problem(), 0.1), []
    start = np.random.default_rng(0).normal(size=len(objective.problem.pairs))
    found = method(
        objective,
        start,
        stopping=Stopping(),
        max_iterations=40,
        report=lambda iteration, value, weights: values.append(value),
    )
    assert len(values) == found.iterations > 5
    assert (np.diff(values) <= 0).all() and found.value == values[-1]


@pytest.mark.parametrize("c1", [0.0, 0.3])
@pytest.mark.parametrize("most", [1, 2, 5])
def test_iterations_are_not_more_than_asked_for(c1, most):
    learned = maximise_likelihood(drawn.problem(), c1=c1, max_iterations=most)
    assert learned.iterations == len(learned.history) == most
    assert not learned.converged and learned.reason == "the iterations are used up"


@pytest.mark.parametrize("c1", [0.0, 0.3])
@pytest.mark.parametrize("calls", [1, 2, 6, 20])
def test_interrupted_it_keeps_the_best(c1, calls, monkeypatch):
    seen = []

    class Interrupted(PenalisedLikelihood):
        def __call__(self, weights):
            if len(seen) == calls - 1:
                monkeypatch.setattr(crf, "PenalisedLikelihood", PenalisedLikelihood)
                raise KeyboardInterrupt
            found = super().__call__(weights)
            seen.append(found[0] + c1 * np.abs(weights).sum())
            return found

    problem = drawn.problem()
    monkeypatch.setattr(crf, "PenalisedLikelihood", Interrupted)
    learned = maximise_likelihood(problem, c1=c1, c2=0.1)
    assert learned.reason == "interrupted" and not learned.converged
    value, _ = objective_of(problem, 0.1)(learned.weights)
    assert learned.objective == pytest.approx(value + c1 * np.abs(learned.weights).sum(), rel=1e-9)
    if seen:
        assert learned.objective == pytest.approx(min(seen), rel=1e-6)
    else:
        assert not learned.weights.any()


def test_numbers_that_float32_does_not_hold():
    problem = drawn.problem(ones=False)
    problem.attributes.values[:] *= 1e30
    problem.counts[: problem.pairs.states] *= 1e30
    learned = maximise_likelihood(problem, c2=1.0, max_iterations=20)
    assert learned.objective == pytest.approx(objective_of(problem, 1.0)(learned.weights)[0], rel=1e-12)


@pytest.mark.parametrize(
    "values, gradient, reason",
    [
        ([10.0] * 11, 1.0, "the objective has hardly fallen over 10 iterations"),
        ([10.0] * 10, 1.0, None),
        (list(np.linspace(20, 10, 11)), 1.0, None),
        ([10.0], 1e-7, "the gradient is near zero"),
    ],
)
def test_stopping(values, gradient, reason):
    stopping = Stopping()
    assert [stopping(value, np.ones(1), np.full(1, gradient)) for value in values][-1] == reason
