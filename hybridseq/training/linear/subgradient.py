r"""The structured SVM by stochastic subgradient descent with averaged weights.

Rates 1/k and means of the weights with weights k :cite:p:`shalevshwartz2011,lacostejulien2013`.
"""

import numpy as np

from hybridseq.kernels.features.numba_cpu.subgradient import subgradient_pass
from hybridseq.training.linear.margins import Margins
from hybridseq.training.linear.online import Online
from hybridseq.training.linear.problem import Learned, Problem
from hybridseq.training.linear.report import Report


def subgradient(problem: Problem, random, costs, *, strength, passes, verbose=0) -> Learned:
    """Weights near the minimum of ½‖w‖² + strength · Σ hinges; parameters as :func:`frank_wolfe`.

    With one sequence a step and rate 1/k, the weights after k steps are w_k = a/k · G_k, where G_k is the sum of all
    differences d between right and found features and a = strength · (number of sequences); so Σ k·w_k = a Σ G_k, and
    Σ_{k ≤ n} G_k = (n + 1) G_n − Σ k·d_k.
    """
    online, margins = Online.of(problem), Margins(problem, costs)
    costs = np.asarray(costs, np.float32)
    count, size = len(problem.lengths), len(problem.pairs)
    scale = float(strength * count)
    total, sums, steps = np.zeros(size), np.zeros(size), 0
    history, reason = [], "the passes are used up"
    with Report("pass", passes, verbose) as report:
        try:
            for number in range(1, passes + 1):
                hinge = subgradient_pass(
                    random.permutation(count),
                    online.corpus,
                    costs,
                    scale,
                    steps,
                    total,
                    sums,
                    online.search,
                    online.difference,
                )
                steps += count
                history.append({"pass": number, "hinge": hinge / count})
                report.line(number, mean_hinge=hinge / count)
        except KeyboardInterrupt:
            reason = "interrupted"
        weights = 2 * scale / (steps * (steps + 1)) * ((steps + 1) * total - sums) if steps else total
        primal = margins.primal(weights, strength)
        report.last(f"objective {primal:.6f} after {len(history)} passes: {reason}")
    return Learned(weights, primal, len(history), reason, False, history)
