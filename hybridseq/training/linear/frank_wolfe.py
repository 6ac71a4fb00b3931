r"""The structured SVM by block-coordinate Frank-Wolfe :cite:p:`lacostejulien2013`, pairwise and cached.

The dual variables of a sequence are masses α_i(y) ≥ 0 that sum to 1 over its label paths; with ψ_i(y) = φ(y_i) − φ(y)
they give the weights w = C Σ_i Σ_y α_i(y) ψ_i(y) and the dual C Σ_i Σ_y α_i(y) Δ(y_i, y) − ½‖w‖². A visit to a
sequence moves mass between its label paths (pairwise steps :cite:p:`osokin2016`), each time by exact line search; the
gap between primal and dual bounds what is left to gain and says when to stop.

Label paths found once are cached with the inner products of their ψ, so that the masses of a sequence can be balanced
without Viterbi. A round is one pass that searches and some that do not: those go on until the paths at hand have less
to gain than what the search saw, as then most of the gap is in paths not yet found. The dual comes near its optimum
long before the primal, which the last few steps disturb; so the weights are the mean of those after each pass of the
last round.
"""

import numpy as np

from hybridseq.kernels.features.numba_cpu.frank_wolfe import empty_cache, enlarged, frank_wolfe_pass, room
from hybridseq.kernels.features.numba_cpu.sequence import load_weights
from hybridseq.training.linear.margins import Margins
from hybridseq.training.linear.online import Online
from hybridseq.training.linear.problem import Learned, Problem
from hybridseq.training.linear.report import Report

#: Room for cached paths of a sequence at first; doubled while more than a share of the sequences have it full.
_ROOM, _FULL = 16, 0.02
#: Passes without a search in a round at most; they end where the cached paths' gap is below this share of the whole.
_CACHED, _SHARE = 10, 0.7
#: Sequences whose gap is below this share of the mean are left out, except in one pass of so many.
_SMALL, _SEARCH_ALL, _VISIT_ALL = 0.3, 4, 3
#: The exact gap is taken where the estimate, from before the last passes, is this many times the wanted one; and, as
#: float32 cannot tell smaller ones, in one round of so many where it is below a share of the primal.
_NEAR, _TINY, _BETWEEN = 1.7, 1e-4, 5


def frank_wolfe(problem: Problem, random, costs, *, strength, tolerance, passes, cached_paths=64, verbose=0) -> Learned:
    """The weights that minimise ½‖w‖² + strength · Σ hinges, to a relative duality gap.

    Parameters
    ----------
    problem : Problem
    random : RandomState
        Order of the sequences in each pass.
    costs : (K, K) array
        ``[i, j]``: what label j costs where label i is right.
    strength : float
        C.
    tolerance : float
        Stop where (primal − dual) / primal is at most this.
    passes : int
        Rounds at most, each with one pass of Viterbi.
    cached_paths : int
        Paths kept a sequence at most; 16 where it is less. A path for which there is no more room gives its mass to the
        right labels: the dual stays feasible, but falls.
    verbose : int

    Notes
    -----
    A round is O(n + N·K²); memory O(N · C + B · C²) beside the weights for C cached paths, as many as sequences come to
    need. ``history`` has a round's dual, and its gap: the exact one where it was taken, else what the search saw.
    """
    solver = Solver(problem, costs, strength, _ROOM, max(_ROOM, cached_paths))
    history, reason, best, number = [], "the passes are used up", None, 1
    with Report("pass", passes, verbose) as report:
        try:
            for number in range(1, passes + 1):
                searched, gap = solver.search(random)
                cached = solver.rebalance(random, gap)
                dual = solver.dual()
                tiny = gap <= _TINY * (dual + gap) and number % _BETWEEN == 0
                exact = gap <= _NEAR * tolerance * (dual + gap) or tiny or number == passes
                if exact:
                    best = solver.better(best)
                    dual, gap = solver.dual(), best[0] - solver.dual()
                history.append(
                    {"pass": number, "dual": dual, "gap": gap, "exact": exact, "searched": searched, "cached": cached}
                )
                report.line(number, dual=dual, duality_gap=gap, relative_gap=gap / (dual + gap))
                if exact and gap <= tolerance * best[0]:
                    reason = "the duality gap is small enough"
                    break
        except KeyboardInterrupt:
            reason = "interrupted"
            best = solver.better(best)
            gap = best[0] - solver.dual()
            last = {"pass": number, "dual": solver.dual(), "gap": gap, "exact": True}
            if history and history[-1]["pass"] == number:
                history[-1].update(last)
            else:
                history.append({**last, "searched": 0.0, "cached": 0.0})
        primal, weights = best
        report.last(
            f"objective {primal:.6f}, duality gap {gap:.6f} ({gap / primal:.2e} of it) after {len(history)} passes: "
            f"{reason}"
        )
    return Learned(weights, primal, len(history), reason, reason.startswith("the duality"), history)


class Solver:
    """The dual variables, and the weights that they give.

    Parameters
    ----------
    problem, costs, strength
        See :func:`frank_wolfe`.
    size, most : int
        Room for cached paths of a sequence, at first and at most.
    """

    def __init__(self, problem, costs, strength, size, most):
        self.problem, self.strength, self.most = problem, float(strength), most
        self.online, self.margins = Online.of(problem), Margins(problem, costs)
        self.costs = np.asarray(costs, np.float32)
        self.count = len(problem.lengths)
        self.cache = empty_cache(self.count, len(problem.labels), size)
        self.room = room(size, self.online.search)
        self.gaps, self.seen = np.full(self.count, np.inf), np.full(self.count, np.inf)
        self.rounds = 0
        self.load(np.zeros(len(problem.pairs)))

    def load(self, weights):
        """Go on from these weights."""
        load_weights(self.online.corpus, weights, self.online.search)
        self.sum, self.summed = np.zeros(len(weights)), 0

    def search(self, random):
        """A pass with Viterbi; how many sequences were searched, as a share, and the gap that it saw."""
        size = self.cache.paths.shape[1]
        if size < self.most and np.mean(self.cache.held == size) > _FULL:
            size = min(2 * size, self.most)
            self.cache, self.room = enlarged(self.cache, size), room(size, self.online.search)
        # Viterbi's bounds, which a pass leaves loose, are made tight.
        self.load(self.online.search.weights.copy())
        order = self._order(random, self.gaps, self.rounds % _SEARCH_ALL == 0)
        self._pass(order, True, self.gaps)
        self.rounds += 1
        return len(order) / self.count, float(self.gaps.sum())

    def rebalance(self, random, gap):
        """Passes over the cached paths; how many visits a sequence had on average."""
        self.seen[:], visits = np.inf, 0
        for number in range(_CACHED):
            order = self._order(random, self.seen, number % _VISIT_ALL == 0)
            self._pass(order, False, self.seen)
            visits += len(order)
            self.sum += self.online.search.weights
            self.summed += 1
            if self.seen.sum() < _SHARE * gap:
                break
        return visits / self.count

    def dual(self) -> float:
        """The dual's value, by float32 weights until :meth:`better` has made them exact."""
        weights = self.online.search.weights.astype(np.float64) if self.weights is None else self.weights
        linear = self.strength * float((self.cache.masses * self.cache.losses).sum())
        return linear - 0.5 * float(weights @ weights)

    def better(self, best):
        """The primal at the mean weights of the round and those weights, or ``best`` where that is lower."""
        mean = self.sum / self.summed if self.summed else self.online.search.weights.astype(np.float64)
        exact = self.exact_weights()
        self.load(exact)
        self.weights = exact
        primal = self.margins.primal(mean, self.strength)
        return (primal, mean) if best is None or primal < best[0] else best

    def exact_weights(self) -> np.ndarray:
        """C Σ α ψ in float64, from the masses alone."""
        problem, pairs, batches = self.problem, self.problem.pairs, self.margins.batches
        gradient, moves = batches.new_gradient(), np.zeros(pairs.num_labels**2)
        for rows in batches.batches:
            right = problem.padded_labels(rows)
            inside = right >= 0
            tokens = np.where(inside, problem.starts[rows][:, None] + np.arange(right.shape[1]), 0)
            masses = self.strength * self.cache.masses[rows]
            b, t, c = np.nonzero(inside[:, :, None] & (masses[:, None, :] > 0))
            labels, before, mass = self.cache.paths[tokens[b, t], c], t > 0, masses[b, c]
            cells, count = b * right.shape[1] + t, pairs.num_labels
            flow = np.bincount(cells * count + right[b, t], mass, right.size * count)
            flow -= np.bincount(cells * count + labels, mass, right.size * count)
            batches.add_gradient(rows, flow.reshape(*right.shape, count), gradient)
            b, t, c, labels, mass = (values[before] for values in (b, t, c, labels, mass))
            sources = self.cache.paths[tokens[b, t - 1], c].astype(np.int64)
            moves += np.bincount(right[b, t - 1] * count + right[b, t], mass, count**2)
            moves -= np.bincount(sources * count + labels, mass, count**2)
        return np.concatenate([batches.collect(gradient), moves[pairs.sources * pairs.num_labels + pairs.targets]])

    def _order(self, random, gaps, everything):
        order = random.permutation(self.count)
        return order if everything else order[gaps[order] >= _SMALL * gaps.mean()]

    def _pass(self, order, searching, gaps):
        self.weights = None
        frank_wolfe_pass(
            order,
            searching,
            self.online.corpus,
            self.costs,
            self.strength,
            self.cache,
            gaps,
            self.online.search,
            self.room,
        )
