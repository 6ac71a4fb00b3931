"""Observed sequences as structures, for prediction under constraints."""

import numpy as np
import torch

from hybridseq.estimators.predicting import Sentences
from hybridseq.structures import hmm
from hybridseq.training.hmm.blocks import Block


class ObservedSequences(Sentences):
    """Sequences that a model is to explain.

    Parameters
    ----------
    model : Model
        The parameters.
    read : callable
        Makes of stacked rows what the model's emissions take.
    stacked : (N, D) array
        The rows.
    lengths : (B,) int64 array
        How long each sequence is.
    """

    def __init__(self, model, read, stacked, lengths):
        self.model, self.read, self.stacked, self.lengths = model, read, stacked, lengths
        self.starts = np.cumsum(lengths) - lengths

    def structure(self, indices, constrained=False):
        lengths = self.lengths[indices]
        rows = np.concatenate([np.arange(self.starts[i], self.starts[i] + self.lengths[i]) for i in indices])
        block = Block(indices, slice(0, len(rows)), lengths)
        density = self.model.emissions.log_density(self.read(self.stacked[rows]), block.rows)[0]
        transitions, start, end = self.model.scores()
        padded = torch.from_numpy(block.pad(density))
        return hmm(start, transitions, padded, torch.from_numpy(lengths), None if self.model.final is None else end)
