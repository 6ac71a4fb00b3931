"""Maximum likelihood on sparse features by L-BFGS, with an L2 penalty, an L1 penalty or both."""

from dataclasses import replace

import numpy as np

from hybridseq.training.linear.batches import FeatureBatches
from hybridseq.training.linear.lbfgs import lbfgs
from hybridseq.training.linear.likelihood import PenalisedLikelihood
from hybridseq.training.linear.owlqn import owlqn
from hybridseq.training.linear.problem import Learned, Problem
from hybridseq.training.linear.report import Report
from hybridseq.training.linear.stopping import Stopping

#: The first iterations are in float32, down to a fall of this share; float64 ends where the caller says.
_COARSE = 1e-4


def maximise_likelihood(
    problem: Problem,
    *,
    c1=0.0,
    c2=1.0,
    max_iterations=1000,
    memories=6,
    delta=1e-5,
    period=10,
    epsilon=1e-5,
    start=None,
    verbose=0,
) -> Learned:
    """The weights that minimise −log-likelihood + c1·‖w‖₁ + c2·‖w‖².

    Parameters
    ----------
    problem : Problem
    c1, c2 : float
        Weights of the penalties.
    max_iterations : int
    memories : int
        See :func:`~hybridseq.training.linear.lbfgs.lbfgs`.
    delta, period, epsilon
        See :class:`~hybridseq.training.linear.stopping.Stopping`.
    start : (S + P,) array, optional
    verbose : int

    Notes
    -----
    While the objective still falls fast, the chain computes in float32, which halves an iteration's time where there
    are many labels; the rest, and the objective that is returned, are float64.
    """
    batches = FeatureBatches(problem.attributes, problem.pairs)
    weights = np.zeros(len(problem.pairs)) if start is None else np.array(start, np.float64)
    history, done = [], 0

    with Report("iteration", max_iterations, verbose) as report:

        def told(iteration, value, weights):
            active = int(np.count_nonzero(weights))
            entry = {"iteration": done + iteration, "objective": value, "active": active}
            history.append({**entry, "seconds": report.elapsed()})
            report.line(done + iteration, objective=value, active_weights=active)

        coarse = Stopping(max(delta, _COARSE), period, max(epsilon, _COARSE))
        for dtype, stopping in ((np.float32, coarse), (np.float64, Stopping(delta, period, epsilon))):
            objective = PenalisedLikelihood(batches, problem, c2, dtype)
            options = {"stopping": stopping, "memories": memories, "report": told}
            options["max_iterations"] = max_iterations - done
            if c1:
                found = owlqn(objective, weights, c1, **options)
            else:
                found = lbfgs(objective, weights, **options)
            weights, done = found.weights, done + found.iterations
            if done == max_iterations:
                found = replace(found, reason="the iterations are used up", converged=False)
            if found.reason == "interrupted" or done == max_iterations:
                break
        value = _exact(problem, batches, found, c1, c2, dtype)
        report.last(f"objective {value:.6f} after {done} iterations: {found.reason}")
    return Learned(weights, value, done, found.reason, found.converged, history)


def _exact(problem, batches, found, c1, c2, dtype):
    """The objective in float64."""
    if dtype is np.float64 and np.isfinite(found.value):
        return found.value
    value, _ = PenalisedLikelihood(batches, problem, c2)(found.weights)
    return value + c1 * np.abs(found.weights).sum()
