r"""The structured SVM's objective, exactly.

.. math:: P(w) = \tfrac12 \lVert w \rVert^2 + C \sum_i \max_y \bigl[ \Delta(y_i, y) + F(x_i, y) - F(x_i, y_i) \bigr]

margin rescaling :cite:p:`tsochantaridis2005`. The dual of weights Σ_i C Σ_y α_i(y) (φ(y_i) − φ(y)) is
C Σ_i Σ_y α_i(y) Δ(y_i, y) − ½‖w‖², never above P.
"""

import numpy as np
import torch

from hybridseq.structures.restriction import apply
from hybridseq.training.linear.batches import FeatureBatches
from hybridseq.training.linear.problem import Problem


class Margins:
    """The hinge losses of a problem's sequences under any weights.

    Parameters
    ----------
    problem : Problem
    costs : (K, K) array
        Δ of one position: ``[i, j]`` is what label j costs where label i is right.
    """

    def __init__(self, problem: Problem, costs):
        self.problem, self.costs = problem, np.asarray(costs, np.float64)
        self.batches = FeatureBatches(problem.attributes, problem.pairs)

    def hinges(self, weights) -> np.ndarray:
        """max over y of Δ(y_i, y) + F(y) − F(y_i), (B,) float64, not below 0."""
        pairs = self.problem.pairs
        states = self.batches.lay_out(weights[: pairs.states])
        transitions = pairs.transitions(weights)
        out = np.empty(len(self.problem.lengths))
        with torch.no_grad():
            for rows in self.batches.batches:
                labels = self.problem.padded_labels(rows)
                chain = self.batches.chain(rows, states, transitions)
                margins = chain.augment(torch.from_numpy(self.costs[np.maximum(labels, 0)]))
                if self.problem.plan is not None:
                    margins = apply(margins, self.problem.plan)
                right = chain.score(torch.from_numpy(labels))
                out[rows] = (margins.max_score() - right).numpy()
        return np.maximum(out, 0)

    def primal(self, weights, strength) -> float:
        """½‖w‖² + C · the sum of hinges."""
        return 0.5 * float(weights @ weights) + strength * float(self.hinges(weights).sum())
