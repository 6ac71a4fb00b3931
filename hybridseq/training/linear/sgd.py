r"""Maximum likelihood by stochastic gradient descent with averaged weights :cite:p:`bottou2012`.

The weights are s·v: the pull of the L2 penalty is a factor on s alone, 1 / (1 + rate·decay), the implicit step, which
no rate makes negative; so a step touches only what its sequences touch. With A_t = Σ_{i ≤ t} s_i and the steps d_j that
moved v, the sum of the weights after each step is A_T v_T − Σ_j A_{j−1} d_j, so the second sum is all that averaging
has to keep.
"""

import numpy as np
import torch

from hybridseq.objectives import log_loss
from hybridseq.structures.restriction import apply
from hybridseq.training.linear.batches import FeatureBatches
from hybridseq.training.linear.likelihood import PenalisedLikelihood
from hybridseq.training.linear.problem import Learned, Problem
from hybridseq.training.linear.report import Report
from hybridseq.training.linear.stopping import Stopping

#: Sequences on which the learning rate is chosen, and the first rate that is tried.
_SAMPLE, _FIRST_RATE = 500, 0.1


class _Averaged:
    """Weights s·v and what their mean needs."""

    def __init__(self, start):
        self.inner, self.scale = np.array(start, np.float64), 1.0
        self.restart()

    def restart(self):
        """Begin the mean anew."""
        self.behind, self.area, self.steps = np.zeros(len(self.inner)), 0.0, 0

    def weights(self):
        return self.scale * self.inner

    def mean(self):
        if not self.steps:
            return self.weights()
        return (self.area * self.inner - self.behind) / self.steps

    def shrink(self, factor):
        self.scale *= factor
        if self.scale < 1e-6:
            self.inner *= self.scale
            # Σ over the past of s·v keeps its value when v takes s over.
            self.area /= self.scale
            self.scale = 1.0

    def count(self):
        self.area += self.scale
        self.steps += 1


def _pass(averaged, batches, problem, order, rate, decay, size):
    """One pass in batches of ``size``; returns the sum of losses before each step."""
    pairs, total = batches.pairs, 0.0
    for first in range(0, len(order), size):
        rows = order[first : first + size]
        rows = rows[np.argsort(-problem.lengths[rows], kind="stable")]
        weights = averaged.scale * averaged.inner[pairs.states :]
        transitions = np.zeros((pairs.num_labels,) * 2)
        transitions[pairs.sources, pairs.targets] = weights
        chain = batches.chain(rows, averaged.inner[: pairs.states], transitions, factor=averaged.scale, gradient=True)
        structure = chain if problem.plan is None else apply(chain, problem.plan)
        labels = torch.from_numpy(problem.padded_labels(rows))
        loss = log_loss(structure, labels, on_infeasible=problem.on_infeasible).sum()
        loss.backward()
        total += float(loss.detach())
        averaged.shrink(1 / (1 + rate * decay))
        step = -rate / len(rows) / averaged.scale
        flow, moves = chain.emissions.grad.numpy(), chain.transitions.grad.numpy()[pairs.sources, pairs.targets]
        for target, factor in ((averaged.inner, step), (averaged.behind, step * averaged.area)):
            batches.add_gradient(rows, factor * flow, target[None, : pairs.states])
            target[pairs.states :] += factor * moves
        averaged.count()
    return total


def _best_rate(problem, batches, random, c2, size):
    """The rate that lowers a sample's objective most in a pass, tried by doubling and halving."""
    count = len(problem.lengths)
    sample = random.permutation(count)[:_SAMPLE]

    def loss_at(rate):
        averaged = _Averaged(np.zeros(len(problem.pairs)))
        with np.errstate(all="ignore"):
            _pass(averaged, batches, problem, sample, rate, 2 * c2 / count, size)
            # What a second pass meets, before its steps, tells how good the first one's result is.
            total = _pass(averaged, batches, problem, sample, 0.0, 0.0, size)
        return total if np.isfinite(total) else np.inf

    rate, best = _FIRST_RATE, loss_at(_FIRST_RATE)
    for factor in (2.0, 0.5):
        while True:
            loss = loss_at(rate * factor)
            if not loss < best:
                break
            rate, best = rate * factor, loss
    return rate


def step_on(problem: Problem, random, start, *, c2, size, rate, seen, verbose=0) -> Learned:
    """One pass at a constant rate from the weights at hand, without a mean; parameters as :func:`descend`.

    ``seen`` is the number of sequences among which the penalty is shared out: all so far.
    """
    batches, count = FeatureBatches(problem.attributes, problem.pairs, widen=False), len(problem.lengths)
    averaged = _Averaged(start)
    total = _pass(averaged, batches, problem, random.permutation(count), rate, 2 * c2 / seen, size)
    weights = averaged.weights()
    value, _ = PenalisedLikelihood(batches, problem, c2)(weights)
    Report("pass", 1, verbose).last(f"mean loss {total / count:.6f} in a pass")
    return Learned(weights, value, 1, "one pass", True, [{"pass": 1, "loss": total / count}])


def descend(
    problem: Problem,
    random,
    *,
    c2=1.0,
    passes=30,
    size=8,
    rate=None,
    delta=1e-5,
    period=10,
    start=None,
    verbose=0,
) -> Learned:
    """Weights near the minimum of −log-likelihood + c2·‖w‖²: the mean over the steps of at least the later half.

    Parameters
    ----------
    problem : Problem
    random : RandomState
        Order of the sequences in each pass.
    c2 : float
    passes, size : int
        Passes over the data; sequences in a step.
    rate : float, optional
        The first learning rate; None: chosen on a part of the data. It falls as (1 + rate·2·c2/N·t)^(−3/4) over the
        steps t.
    delta, period
        Stop where the losses of a pass fell by less than the share ``delta`` over ``period`` passes.
    start : (S + P,) array, optional
    verbose : int

    Notes
    -----
    A pass is O(n + N·K²) for N tokens that touch n weights, on several cores where batches are large.
    """
    batches = FeatureBatches(problem.attributes, problem.pairs, widen=False)
    count = len(problem.lengths)
    decay = 2 * c2 / count
    averaged = _Averaged(np.zeros(len(problem.pairs)) if start is None else start)
    rate = rate or _best_rate(problem, batches, random, c2, size)
    stopping, history, reason = Stopping(delta, period, 0.0), [], None
    with Report("pass", passes, verbose) as report:
        try:
            for number in range(1, passes + 1):
                now = rate * (1 + rate * decay * (number - 1) * count / size) ** -0.75
                if number & (number - 1) == 0:
                    averaged.restart()
                total = _pass(averaged, batches, problem, random.permutation(count), now, decay, size)
                history.append({"pass": number, "loss": total / count, "seconds": report.elapsed()})
                report.line(number, mean_loss=total / count)
                reason = stopping(total, averaged.inner, averaged.inner)
                if reason:
                    break
        except KeyboardInterrupt:
            reason = "interrupted"
        weights = averaged.mean()
        value, _ = PenalisedLikelihood(batches, problem, c2)(weights)
        converged = reason not in (None, "interrupted")
        reason = reason or "the passes are used up"
        report.last(f"objective {value:.6f} after {len(history)} passes: {reason}")
    return Learned(weights, value, len(history), reason, converged, history)
