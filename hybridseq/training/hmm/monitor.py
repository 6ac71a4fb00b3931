"""What EM reports while it runs."""

import sys
import warnings

import numpy as np


class ConvergenceMonitor:
    """The course of a fit.

    Parameters
    ----------
    tol : float
        A gain below it is convergence.
    n_iter : int
        The most iterations.
    verbose : bool
        Whether each iteration is told on standard error.

    Attributes
    ----------
    history : list of float
        What EM maximises, before each update: the log-likelihood plus the log-density of the priors, which is left
        out where it is constant. It never falls: an update after which it would is undone, and ends the fit.
    log_likelihood : list of float
        The log-likelihood by itself; with a prior, it may fall.
    iter : int
        Iterations.
    converged : bool
        Whether the last gain was below ``tol``.
    """

    def __init__(self, tol: float, n_iter: int, verbose: bool = False):
        self.tol, self.n_iter, self.verbose = tol, n_iter, verbose
        self.history, self.log_likelihood, self.converged = [], [], False

    def __repr__(self):
        reached = f", history=[…, {self.history[-1]:.6g}]" if self.history else ""
        return f"ConvergenceMonitor(iter={self.iter}, converged={self.converged}{reached})"

    @property
    def iter(self):
        return len(self.history)

    def report(self, objective: float, log_likelihood: float) -> bool:
        """Take an iteration's value; False, and nothing is noted, where it fell."""
        gain = objective - self.history[-1] if self.history else np.nan
        if gain < 0:
            self.converged = True
            if -gain > 1e-6 * max(1.0, abs(objective)):
                warnings.warn(
                    f"training stops after {self.iter} iterations: the next would lose {-gain:.3g}, more than "
                    "rounding explains. Rescale the features, or give a stronger covars_prior",
                    stacklevel=2,
                )
            return False
        self.history.append(float(objective))
        self.log_likelihood.append(float(log_likelihood))
        self.converged = bool(gain < self.tol)
        if self.verbose:
            print(f"{self.iter:>10d} {objective:>16.8f} {gain:>+16.8f}", file=sys.stderr)
        return True
