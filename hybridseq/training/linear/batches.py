"""Sequences of features in batches of like length, and their chains."""

import numpy as np
import torch

from hybridseq.kernels import threads
from hybridseq.kernels.features import numba_cpu
from hybridseq.structures import LinearChain
from hybridseq.training.linear.weights import Pairs

#: Scores in the batches that all threads work on at a time: what lies between two steps stays in the cache.
_SCORES = 2**17


class FeatureBatches:
    """Encoded sequences beside the pairs that have weights.

    Parameters
    ----------
    attributes : Attributes
        The sequences.
    pairs : Pairs
        Which pairs have weights.
    size : int, optional
        Sequences in a batch; None: as many as make 2¹⁷ scores, shared among the threads.
    widen : bool
        Whether weights are laid out for sums over all labels, see ``Pairs.widened``; gradients then have entries that
        are of no weight, which :meth:`collect` leaves out.
    """

    def __init__(self, attributes, pairs: Pairs, size: int | None = None, widen: bool = True):
        self.pairs, self.lengths = pairs, attributes.lengths
        laid_out, self.places = pairs.widened() if widen else (pairs, None)
        self.features = laid_out.table(attributes)
        self.starts = np.concatenate([[0], np.cumsum(self.lengths)[:-1]])
        self.batches = list(_batches(self.lengths, pairs.num_labels, size))

    def lay_out(self, weights, dtype=np.float64) -> np.ndarray:
        """Feature–label weights (S,) as :meth:`chain` takes them."""
        if self.places is None:
            return weights.astype(dtype)
        out = np.zeros(len(self.features.labels), dtype)
        out[self.places] = weights
        return out

    def collect(self, gradient) -> np.ndarray:
        """The gradient (S,) by the weights, of what :meth:`add_gradient` added up and what this uses up."""
        total = gradient[0]
        for other in gradient[1:]:
            total += other
        return total if self.places is None else total[self.places]

    def emissions(self, rows, weights) -> np.ndarray:
        """The scores (B, T, K) of some sequences' labels, in the dtype of the laid out weights."""
        return numba_cpu.emissions(self.features, self.starts[rows], self.lengths[rows], weights, self.pairs.num_labels)

    def chain(self, rows, weights, transitions, *, factor=1.0, gradient=False) -> LinearChain:
        """The chain of some sequences, ``factor`` times their features' scores; ``weights`` are laid out.

        ``gradient``: emissions and transitions ask for theirs.
        """
        emissions = self.emissions(rows, weights)
        if factor != 1:
            emissions *= factor
        emissions = torch.from_numpy(emissions).requires_grad_(gradient)
        transitions = torch.from_numpy(transitions).requires_grad_(gradient)
        return LinearChain(emissions, transitions, lengths=torch.from_numpy(self.lengths[rows]))

    def new_gradient(self) -> np.ndarray:
        """Zeros for :meth:`add_gradient`, one row a thread."""
        return np.zeros((threads.count(len(self.batches)), len(self.features.labels)))

    def add_gradient(self, rows, flow, out) -> None:
        """Add the gradient by the laid out weights; ``flow`` (B, T, K) is that by the scores."""
        numba_cpu.add_gradient(self.features, self.starts[rows], self.lengths[rows], flow, out)


def _batches(lengths, num_labels, size):
    order = np.argsort(-lengths, kind="stable")
    first, scores = 0, _SCORES // threads.count(len(order))
    while first < len(order):
        count = size or max(1, scores // (int(lengths[order[first]]) * num_labels))
        yield order[first : first + count]
        first += count
