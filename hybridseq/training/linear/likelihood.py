r"""The CRF's objective on sparse features and its gradient.

.. math::  \sum_i \log Z_i(w) - w^\top c + c_2 \lVert w \rVert^2

where c counts how often training shows each weight's pair :cite:p:`lafferty2001`. The sum over sequences of expected
counts is the gradient of Σ log Z.
"""

import numpy as np
import torch

from hybridseq.kernels import threads
from hybridseq.objectives.infeasible import handled
from hybridseq.structures.restriction import apply


class PenalisedLikelihood:
    """Value and gradient of the L2-regularised negative log-likelihood, summed over sequences.

    Parameters
    ----------
    batches : FeatureBatches
        Training sequences.
    problem : Problem
        Whose counts, plan and labels they are.
    c2 : float
        Weight of the squared norm, without a factor ½.
    dtype : {float32, float64}
        What the chain computes in. Sums are float64.

    Notes
    -----
    O(n + N·K²) for N tokens that touch n weights; memory beside the weights is that of one batch a thread.
    """

    def __init__(self, batches, problem, c2=0.0, dtype=np.float64):
        self.batches, self.problem, self.c2, self.dtype = batches, problem, c2, dtype

    def __call__(self, weights):
        """The value, and the gradient (S + P,)."""
        pairs = self.batches.pairs
        states = self.batches.lay_out(weights[: pairs.states], self.dtype)
        transitions = pairs.transitions(weights, self.dtype)
        by_states = self.batches.new_gradient()
        by_transitions = np.zeros((len(by_states), *transitions.shape))
        values = np.zeros(len(by_states))

        def work(thread, batches):
            # Whole batches a thread: to share out each step of a batch would wake threads four times as often.
            with threads.alone():
                for rows in batches:
                    chain = self.batches.chain(rows, states, transitions, gradient=True)
                    total = self._log_partition(chain, rows).sum()
                    total.backward()
                    values[thread] += float(total.detach())
                    by_transitions[thread] += chain.transitions.grad.numpy()
                    self.batches.add_gradient(rows, chain.emissions.grad.numpy(), by_states[thread : thread + 1])

        count = len(by_states)
        threads.run(work, [self.batches.batches[thread::count] for thread in range(count)])
        value = float(values.sum())
        moves = by_transitions.sum(0)[pairs.sources, pairs.targets]
        gradient = np.concatenate([self.batches.collect(by_states), moves])
        gradient -= self.problem.counts
        value -= weights @ self.problem.counts
        if self.c2:
            value += self.c2 * (weights @ weights)
            gradient += 2 * self.c2 * weights
        return value, gradient

    def _log_partition(self, chain, rows):
        plan, on_infeasible = self.problem.plan, self.problem.on_infeasible
        structure = chain if plan is None else apply(chain, plan)
        if on_infeasible is None:
            return structure.raw_log_partition()
        labels = torch.from_numpy(self.problem.padded_labels(rows))
        return handled(lambda own: own.raw_log_partition(), structure, labels, on_infeasible)
