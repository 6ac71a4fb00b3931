"""The frames that a model is trained on."""

from dataclasses import replace

import numpy as np

from hybridseq.speech.start.gmm import as_frames
from hybridseq.structures.checks import ShapeError

#: Columns whose deviation is below this share of their mean are constant but for rounding.
_ROUNDING = 1e-5


class Frames:
    """All utterances' frames one after another, every feature with mean 0 and variance 1."""

    def __init__(self, features, kept):
        parts = [as_frames(features[i], name=f"features[{i}]") for i in kept]
        widths = sorted({x.shape[1] for x in parts})
        if len(widths) > 1:
            raise ShapeError(f"features must all have the same width D; got {widths}.")
        x = np.concatenate(parts)
        self.mean, deviation = x.mean(0, dtype=np.float64), x.std(0, dtype=np.float64)
        constant = deviation <= _ROUNDING * np.abs(self.mean) + np.finfo(np.float32).tiny
        self.deviation = np.where(constant, 1.0, deviation)
        self.x = ((x - self.mean) / self.deviation).astype(np.float32)
        self.x[:, constant] = 0
        #: What the log-density of a frame is more in these units than in the features' own.
        self.gain = float(np.log(self.deviation).sum())

    def scores(self, gmm):
        """What ``Bulk.emissions`` takes."""
        return lambda frames: gmm.frame_scores(self.x[frames])

    def own_units(self, gmm):
        """The same model for features as they were given."""
        means, variances = gmm.means * self.deviation + self.mean, gmm.variances * self.deviation**2
        return replace(gmm, means=means, variances=variances)
