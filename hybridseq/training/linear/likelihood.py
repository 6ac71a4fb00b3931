r"""The CRF's objective on sparse features and its gradient.

.. math::  \sum_i \log Z_i(w) - w^\top c + c_2 \lVert w \rVert^2

where c counts how often training shows each weight's pair :cite:p:`lafferty2001`. The sum over sequences of expected
counts is the gradient of Σ log Z.
"""

import numpy as np

from hybridseq.structures.restriction import apply


class PenalisedLikelihood:
    """Value and gradient of the L2-regularised negative log-likelihood, summed over sequences.

    Parameters
    ----------
    batches : FeatureBatches
        Training sequences.
    counts : (S + P,) float64 array
        How often training shows each pair.
    c2 : float
        Weight of the squared norm, without a factor ½.
    plan : Plan, optional
        What label sequences are to keep; those of training do.
    dtype : {float32, float64}
        What the chain computes in. Sums are float64.

    Notes
    -----
    O(n + N·K²) for N tokens that touch n weights; memory beside the weights is that of one batch.
    """

    def __init__(self, batches, counts, c2=0.0, plan=None, dtype=np.float64):
        self.batches, self.counts, self.c2, self.plan, self.dtype = batches, counts, c2, plan, dtype

    def __call__(self, weights):
        """The value, and the gradient (S + P,)."""
        pairs = self.batches.pairs
        states = weights[: pairs.states].astype(self.dtype)
        transitions = pairs.transitions(weights, self.dtype)
        by_states = self.batches.new_gradient()
        by_transitions = np.zeros(transitions.shape)
        value = 0.0
        for rows in self.batches.batches:
            chain = self.batches.chain(rows, states, transitions, gradient=True)
            structure = chain if self.plan is None else apply(chain, self.plan)
            total = structure.raw_log_partition().sum()
            total.backward()
            value += float(total.detach())
            by_transitions += chain.transitions.grad.numpy()
            self.batches.add_gradient(rows, chain.emissions.grad.numpy(), by_states)
        gradient = np.concatenate([by_states.sum(0), by_transitions[pairs.sources, pairs.targets]]) - self.counts
        value -= weights @ self.counts
        if self.c2:
            value += self.c2 * (weights @ weights)
            gradient += 2 * self.c2 * weights
        return value, gradient
