"""The hybrid: a network's posteriors of HMM states, divided by the states' priors, in place of densities."""

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence

from hybridseq.nn.prior import Prior


class HybridModel(nn.Module):
    r"""log p(x | s) ≈ log p(s | x) − scale · log p(s), up to a number a frame :cite:p:`bourlard1994`.

    Parameters
    ----------
    network : nn.Module
        ``forward(features (B, T, D), lengths (B,)) -> (B, T, P)`` scores of states.
    prior : Prior, optional
        Of the P states; None divides by nothing.

    Notes
    -----
    ``forward(features, lengths) -> (B, T, P)``: the scaled likelihoods that a search graph takes as frame scores.
    """

    def __init__(self, network: nn.Module, prior: Prior | None = None):
        super().__init__()
        self.network, self.prior = network, prior

    def log_posteriors(self, features: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """log p(s | x), (B, T, P)."""
        return self.network(features, lengths).log_softmax(-1)

    def forward(self, features: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        posteriors = self.log_posteriors(features, lengths)
        return posteriors if self.prior is None else self.prior(posteriors)

    def frame_scores(self, features, posteriors=False, batch_frames=20000) -> list[np.ndarray]:
        """Scores of whole utterances, without gradients and in evaluation mode.

        Parameters
        ----------
        features : list of (T, D) float32 tensors
        posteriors : bool
            log p(s | x) instead, not divided.
        batch_frames : int
            About so many frames, padding included, are worked on together.

        Returns
        -------
        list of (T, P) float32 arrays
        """
        training = self.training
        self.eval()
        found = [None] * len(features)
        score = self.log_posteriors if posteriors else self
        try:
            with torch.no_grad():
                for rows in batches_by_length([len(x) for x in features], batch_frames):
                    lengths = torch.tensor([len(features[i]) for i in rows])
                    batch = pad_sequence([features[i] for i in rows], batch_first=True)
                    scores = score(batch, lengths).numpy()
                    for row, i in enumerate(rows):
                        found[i] = scores[row, : len(features[i])].copy()
        finally:
            self.train(training)
        return found


def batches_by_length(lengths, batch_frames, rng=None):
    """Lists of indices whose padded batch has at most about ``batch_frames`` frames, of like lengths together.

    With a generator the lengths are jittered by a tenth and the batches come in random order.
    """
    lengths = np.asarray(lengths)
    key = lengths if rng is None else lengths * np.exp(rng.uniform(-0.1, 0.1, len(lengths)))
    batches, current, longest = [], [], 0
    for i in np.argsort(key, kind="stable").tolist():
        longest = max(longest, int(lengths[i]))
        if current and longest * (len(current) + 1) > batch_frames:
            batches.append(current)
            current, longest = [], int(lengths[i])
        current.append(i)
    if current:
        batches.append(current)
    if rng is not None:
        batches = [batches[i] for i in rng.permutation(len(batches))]
    return batches
