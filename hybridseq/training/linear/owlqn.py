r"""Minimise f(w) + c1·‖w‖₁ by the orthant-wise limited-memory quasi-Newton method.

Within an orthant the penalty is linear, so a quasi-Newton step on f whose result is projected back to the orthant
lowers the sum :cite:p:`andrew2007`. Weights end at exactly 0.
"""

from collections import deque

import numpy as np

from hybridseq.training.linear.lbfgs import Minimum

#: Share of the predicted fall that a step must reach, and how a step that does not is shortened.
_ENOUGH, _SHORTEN, _TRIALS = 1e-4, 0.5, 30


def pseudo_gradient(weights, gradient, c1):
    """The sub-gradient of f + c1·‖·‖₁ of the least norm (equation 4 of the paper), (n,)."""
    right, left = gradient + c1, gradient - c1
    at_zero = np.where(right < 0, right, np.where(left > 0, left, 0.0))
    return np.where(weights > 0, right, np.where(weights < 0, left, at_zero))


def owlqn(objective, start, c1, *, stopping, max_iterations, memories=6, report=None) -> Minimum:
    """Minimise ``objective(weights) -> (value, gradient)`` plus c1·‖weights‖₁; see :func:`lbfgs` for the rest."""
    weights, value = np.array(start, np.float64), np.inf
    history = deque(maxlen=memories)
    reason, iteration = None, 0
    try:
        value, gradient = objective(weights)
        value += c1 * np.abs(weights).sum()
        while iteration < max_iterations:
            slope = pseudo_gradient(weights, gradient, c1)
            direction = -_times_inverse_hessian(slope, history)
            direction[direction * slope >= 0] = 0
            if not direction.any():
                reason = "no direction lowers the objective"
                break
            orthant = np.where(weights != 0, np.sign(weights), -np.sign(slope))
            size = 1.0 if history else 1 / max(1.0, np.linalg.norm(slope))
            found = _search(objective, weights, value, slope, direction, orthant, size, c1)
            if found is None:
                if not history:
                    reason = "no step lowers the objective further"
                    break
                # Rounding, or curvature that no longer holds: begin again with the steepest descent.
                history.clear()
                continue
            new_weights, new_value, new_gradient = found
            step, bend = new_weights - weights, new_gradient - gradient
            if step @ bend > 1e-10 * (bend @ bend):
                history.append((step, bend))
            weights, value, gradient = new_weights, new_value, new_gradient
            iteration += 1
            if report is not None:
                report(iteration, value, weights)
            reason = stopping(value, weights, pseudo_gradient(weights, gradient, c1))
            if reason:
                break
    except KeyboardInterrupt:
        return Minimum(weights, value, iteration, "interrupted", False)
    return Minimum(weights, value, iteration, reason or "the iterations are used up", reason is not None)


def _times_inverse_hessian(vector, history):
    """The two-loop recursion, over the curvature of f alone."""
    found = vector.copy()
    shares = []
    for step, bend in reversed(history):
        share = step @ found / (step @ bend)
        found -= share * bend
        shares.append(share)
    if history:
        step, bend = history[-1]
        found *= step @ bend / (bend @ bend)
    for (step, bend), share in zip(history, reversed(shares)):
        found += (share - bend @ found / (step @ bend)) * step
    return found


def _search(objective, weights, value, slope, direction, orthant, size, c1):
    """Backtracking along the projected path; None where no step lowers the objective enough."""
    for _ in range(_TRIALS):
        trial = weights + size * direction
        trial[trial * orthant <= 0] = 0
        new, gradient = objective(trial)
        new += c1 * np.abs(trial).sum()
        # Where rounding hides the fall, an equal value is none.
        if new < value and new <= value + _ENOUGH * (slope @ (trial - weights)):
            return trial, new, gradient
        size *= _SHORTEN
    return None
