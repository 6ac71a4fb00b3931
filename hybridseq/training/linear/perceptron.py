r"""The averaged structured perceptron :cite:p:`collins2002`.

After each sequence w ← w + φ(x, y) − φ(x, argmax F); the weights that are kept are the mean of those after every
sequence. With u the sum of updates, each times the number of sequences before it, that mean is w − u / count.
"""

import numpy as np

from hybridseq.kernels.features.numba_cpu.perceptron import perceptron_pass
from hybridseq.training.linear.online import Online
from hybridseq.training.linear.problem import Learned, Problem
from hybridseq.training.linear.report import Report


class AveragedPerceptron:
    """The learner's state: weights, sums for their mean, and how many sequences were seen."""

    def __init__(self, size, start=None):
        self.weights, self.sums, self.seen = np.zeros(size), np.zeros(size), 1
        if start is not None:
            self.weights += start

    def mean(self) -> np.ndarray:
        """The mean of the weights after every sequence."""
        return self.weights - self.sums / self.seen

    def extended(self, places, size) -> "AveragedPerceptron":
        """The state among ``size`` weights, those at hand at ``places``."""
        other = AveragedPerceptron(size)
        other.weights[places], other.sums[places], other.seen = self.weights, self.sums, self.seen
        return other

    def learn(self, problem: Problem, random, *, passes, tolerance=0.0, shuffle=True, verbose=0) -> Learned:
        """Passes over a problem.

        Parameters
        ----------
        problem : Problem
        random : RandomState
            Shuffles the sequences before each pass.
        passes : int
        tolerance : float
            Stop after a pass in which a smaller share of labels was wrong; 0: after one without a mistake.
        shuffle : bool
        verbose : int

        Notes
        -----
        A pass is O(n + N·K²) for N tokens that touch n weights.
        """
        online, history, reason = Online.of(problem), [], "the passes are used up"
        total, order = len(problem.labels), np.arange(len(problem.lengths))
        with Report("pass", passes, verbose) as report:
            try:
                for number in range(1, passes + 1):
                    order = random.permutation(len(order)) if shuffle else order
                    # Counted first: Ctrl-C comes through only after the compiled pass.
                    seen, self.seen = self.seen, self.seen + len(order)
                    wrong = perceptron_pass(
                        order, online.corpus, self.weights, self.sums, seen, online.search, online.difference
                    )
                    history.append({"pass": number, "wrong": wrong / total, "seconds": report.elapsed()})
                    report.line(number, wrong_labels=wrong / total)
                    if wrong == 0 or wrong / total < tolerance:
                        reason = "no label was wrong" if wrong == 0 else "few enough labels were wrong"
                        break
            except KeyboardInterrupt:
                reason = "interrupted"
            report.last(f"{len(history)} passes: {reason}")
        converged = reason not in ("interrupted", "the passes are used up")
        return Learned(self.mean(), np.nan, len(history), reason, converged, history)
