"""Minimise a smooth objective by scipy's L-BFGS, and report each iteration."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize


@dataclass(frozen=True)
class Minimum:
    """Where an optimiser came to.

    Attributes
    ----------
    weights : (n,) float64 array
    value : float
        The objective there.
    iterations : int
    reason : str
        Why it stopped.
    converged : bool
        False where the iterations were used up, or it was interrupted.
    """

    weights: np.ndarray
    value: float
    iterations: int
    reason: str
    converged: bool


class _Last:
    """An objective that remembers where it was asked last, and the best it has seen."""

    def __init__(self, objective):
        self.objective, self.best = objective, None

    def __call__(self, weights):
        value, gradient = self.objective(weights)
        self.gradient = gradient
        if np.isfinite(value) and (self.best is None or value < self.best[0]):
            kept = np.empty_like(weights) if self.best is None else self.best[1]
            kept[:] = weights
            self.best = value, kept
        return value, gradient


def lbfgs(objective, start, *, stopping, max_iterations, memories=6, report=None) -> Minimum:
    """Minimise ``objective(weights) -> (value, gradient)`` :cite:p:`liu1989`.

    Parameters
    ----------
    objective : callable
    start : (n,) array
    stopping : callable
        ``(value, weights, gradient) -> reason or None`` after each iteration.
    max_iterations : int
    memories : int
        Pairs of steps and gradient differences that stand for the curvature.
    report : callable, optional
        ``(iteration, value, weights)`` after each iteration.

    Returns
    -------
    Minimum
        Ctrl-C returns the best so far.

    Notes
    -----
    2 · ``memories`` vectors of n numbers.
    """
    last = _Last(objective)
    state = {"iterations": 0, "reason": None}

    def after(intermediate_result):
        state["iterations"] += 1
        weights, value = intermediate_result.x, float(intermediate_result.fun)
        if report is not None:
            report(state["iterations"], value, weights)
        state["reason"] = stopping(value, weights, last.gradient)
        if state["reason"]:
            raise StopIteration

    options = {"maxcor": memories, "maxiter": max_iterations, "maxfun": 20 * max_iterations + 20, "ftol": 0, "gtol": 0}
    try:
        minimize(last, start, jac=True, method="L-BFGS-B", callback=after, options=options)
        message = "no step lowers the objective further"
    except KeyboardInterrupt:
        message = "interrupted"
    # Where a line search fails, scipy's point and value need not belong together.
    value, weights = last.best or (np.inf, np.array(start, np.float64))
    if state["iterations"] >= max_iterations and not state["reason"]:
        message = "the iterations are used up"
    reason = state["reason"] or message
    converged = reason not in ("interrupted", "the iterations are used up")
    return Minimum(weights, float(value), state["iterations"], reason, converged)
