r"""The structured SVM by stochastic subgradient descent with averaged weights.

With one sequence a step and the rate 1/k :cite:p:`shalevshwartz2011` the weights after k steps are w_k = a/k · G_k,
where G_k is the sum of all differences d between right and found features and a = C · (number of sequences). The mean
of the w_k with weights k :cite:p:`lacostejulien2013` needs Σ k·w_k = a Σ G_k, and
Σ_{k ≤ n} G_k = (n + 1) G_n − Σ k·d_k.
"""

import numpy as np

from hybridseq.kernels.features.numba_cpu.subgradient import subgradient_pass
from hybridseq.training.linear.margins import Margins
from hybridseq.training.linear.online import Online
from hybridseq.training.linear.problem import Learned, Problem
from hybridseq.training.linear.report import Report


class Subgradient:
    """The learner's state: sums of differences, and how many steps were taken.

    Parameters
    ----------
    size : int
        Number of weights.
    strength : float
        C.
    count : int
        Sequences that the objective's sum is taken to have.
    start : (size,) array, optional
        Weights to go on from.
    steps : int
        How many steps are taken to have led there.
    """

    def __init__(self, size, strength, count, start=None, steps=0):
        self.strength, self.count, self.steps = strength, count, steps
        self.total, self.sums = np.zeros(size), np.zeros(size)
        if start is not None:
            self.total += start * steps / self.scale
            # The mean of steps that all had these weights.
            self.sums += self.total * (steps + 1) / 2

    @property
    def scale(self) -> float:
        """a: what the sum of differences is divided by k and multiplied with."""
        return float(self.strength * self.count)

    def mean(self) -> np.ndarray:
        """The mean of the weights after each step, with weights k."""
        if not self.steps:
            return np.zeros(len(self.total))
        return 2 * self.scale / (self.steps * (self.steps + 1)) * ((self.steps + 1) * self.total - self.sums)

    def extended(self, places, size) -> "Subgradient":
        """The state among ``size`` weights, those at hand at ``places``."""
        other = Subgradient(size, self.strength, self.count)
        other.total[places], other.sums[places], other.steps = self.total, self.sums, self.steps
        return other

    def learn(self, problem: Problem, random, costs, *, passes, verbose=0) -> Learned:
        """Passes over a problem.

        Parameters
        ----------
        problem : Problem
        random : RandomState
            Order of the sequences in each pass.
        costs : (K, K) array
            ``[i, j]``: what label j costs where label i is right.
        passes : int
        verbose : int

        Notes
        -----
        A pass is O(n + N·K²) for N tokens that touch n weights.
        """
        online, margins = Online.of(problem), Margins(problem, costs)
        costs, count = np.asarray(costs, np.float32), len(problem.lengths)
        history, reason = [], "the passes are used up"
        with Report("pass", passes, verbose) as report:
            try:
                for number in range(1, passes + 1):
                    # Counted first: Ctrl-C comes through only after the compiled pass.
                    steps, self.steps = self.steps, self.steps + count
                    hinge = subgradient_pass(
                        random.permutation(count),
                        online.corpus,
                        costs,
                        self.scale,
                        steps,
                        self.total,
                        self.sums,
                        online.search,
                        online.difference,
                    )
                    history.append({"pass": number, "hinge": hinge / count, "seconds": report.elapsed()})
                    report.line(number, mean_hinge=hinge / count)
            except KeyboardInterrupt:
                reason = "interrupted"
            weights = self.mean()
            primal = margins.primal(weights, self.strength)
            report.last(f"objective {primal:.6f} after {len(history)} passes: {reason}")
        return Learned(weights, primal, len(history), reason, False, history)
