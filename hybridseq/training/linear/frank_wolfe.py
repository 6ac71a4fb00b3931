r"""The structured SVM by block-coordinate Frank-Wolfe :cite:p:`lacostejulien2013`, pairwise and cached.

A step takes one sequence, finds the label path that violates its margin most, and moves mass to it from the path of
that sequence whose margin is least violated (pairwise steps and the rule for cached paths: :cite:p:`osokin2016`); how
much is an exact line search. The gap between primal and dual bounds what is left to gain and says when to stop.
"""

import numpy as np

from hybridseq.kernels.features.numba_cpu.frank_wolfe import frank_wolfe_pass
from hybridseq.training.linear.margins import Margins
from hybridseq.training.linear.online import Online
from hybridseq.training.linear.problem import Learned, Problem
from hybridseq.training.linear.report import Report

#: A cached path serves while its gap is this share of the sequence's last one (Osokin et al. take the same).
_ENOUGH = 0.25
#: Steps among a sequence's cached paths after the first.
_INNER = 0
#: Passes between two exact gaps once the passes' own estimate is this many times the wanted one.
_BETWEEN, _NEAR = 10, 3.0


def frank_wolfe(problem: Problem, random, costs, *, strength, tolerance, passes, cached_paths=20, verbose=0) -> Learned:
    """The weights that minimise ½‖w‖² + strength · Σ hinges, to a relative duality gap.

    Parameters
    ----------
    problem : Problem
    random : RandomState
        Order of the sequences in each pass.
    costs : (K, K) array
    strength : float
        C.
    tolerance : float
        Stop where (primal − dual) / primal is at most this.
    passes : int
    cached_paths : int
        Paths kept a sequence. A path for which there is no more room gives its mass to the right labels, which keeps
        the dual feasible.
    verbose : int

    Notes
    -----
    A pass is O(n + N·K²); memory O(N · cached_paths) beside the weights. ``history`` has primal, dual and gap
    wherever they were computed exactly, and else the estimate that the pass itself gives.
    """
    online, margins = Online.of(problem), Margins(problem, costs)
    costs = np.asarray(costs, np.float32)
    count = len(problem.lengths)
    weights = np.zeros(len(problem.pairs))
    paths = np.zeros((cached_paths, len(problem.labels)), np.int64)
    masses, losses, gaps = np.zeros((count, cached_paths)), np.zeros((count, cached_paths)), np.full(count, np.inf)
    history, reason = [], "the passes are used up"
    exact = 0
    with Report("pass", passes, verbose) as report:
        try:
            for number in range(1, passes + 1):
                searched = frank_wolfe_pass(
                    random.permutation(count),
                    online.corpus,
                    costs,
                    strength,
                    weights,
                    paths,
                    masses,
                    losses,
                    gaps,
                    _ENOUGH,
                    _INNER,
                    online.search,
                    online.difference,
                )
                dual = strength * float((masses * losses).sum()) - 0.5 * float(weights @ weights)
                gap = float(gaps.sum())
                near = gap <= _NEAR * tolerance * (dual + gap) and number >= exact + _BETWEEN
                if near or gap <= tolerance * (dual + gap):
                    gap, exact = margins.primal(weights, strength) - dual, number
                history.append(
                    {"pass": number, "dual": dual, "gap": gap, "exact": exact == number, "searched": searched / count}
                )
                report.line(number, dual=dual, duality_gap=gap, relative_gap=gap / (dual + gap))
                if exact == number and gap <= tolerance * (dual + gap):
                    reason = "the duality gap is small enough"
                    break
        except KeyboardInterrupt:
            reason = "interrupted"
        dual = strength * float((masses * losses).sum()) - 0.5 * float(weights @ weights)
        primal = margins.primal(weights, strength)
        gap = max(primal - dual, 0.0)
        report.last(
            f"objective {primal:.6f}, duality gap {gap:.6f} ({gap / primal:.2e} of it) after {len(history)} passes: "
            f"{reason}"
        )
    history.append({"pass": len(history), "dual": dual, "gap": gap, "exact": True, "searched": 0.0})
    return Learned(weights, primal, len(history) - 1, reason, reason.startswith("the duality"), history)
