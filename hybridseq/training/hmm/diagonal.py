"""Gaussian components with diagonal covariances."""

from dataclasses import dataclass

import numpy as np

from hybridseq.training.hmm.blocks import pieces
from hybridseq.training.hmm.errors import DegenerateError
from hybridseq.training.hmm.frames import Frames
from hybridseq.training.hmm.gaussian_prior import EMPTY, GaussianPrior, Moments, warn_of_empty

#: Beyond this ratio of a frame's square to a variance, products of matrices lose too many digits.
_RATIO = 2.0**30


@dataclass(frozen=True)
class DiagonalGaussian:
    """C Gaussians over D columns that are independent given the component.

    Attributes
    ----------
    means, variances : (C, D) arrays
        Their parameters.
    spherical : bool
        Whether a component has one variance for all columns.

    Notes
    -----
    Log-densities of all frames are two products of matrices, and so are the moments; O(N·C·D). A missing number takes
    no part in either: given the component, the columns are independent.
    """

    means: np.ndarray
    variances: np.ndarray
    spherical: bool = False

    @property
    def width(self):
        return max(self.means.shape)

    def is_closed_form(self, frames: Frames) -> bool:
        return True

    def _close(self, frames: Frames) -> bool:
        """Whether the expanded square is precise."""
        return bool((frames.spread < _RATIO * self.variances.min(0)).all())

    def log_density(self, frames: Frames, rows: slice):
        precision, means = 1 / self.variances, self.means - frames.shift
        constant = -0.5 * (np.log(2 * np.pi * self.variances) + means**2 * precision)
        out = np.empty((rows.stop - rows.start, len(means)))
        close = self._close(frames)
        # Contiguous factors halve the time of a product this narrow.
        linear, square = (np.ascontiguousarray(part.T) for part in (means * precision, -0.5 * precision))
        for piece in pieces(rows, frames.x.shape[1]):
            x, own = frames.x[piece], out[piece.start - rows.start : piece.stop - rows.start]
            seen = None if frames.seen is None else frames.seen[piece].astype(np.float64)
            if close:
                np.matmul(x, linear, out=own)
                own += (x * x) @ square
                own += constant.sum(1) if seen is None else seen @ constant.T
                continue
            for c in range(len(means)):
                terms = (x - means[c]) ** 2 * precision[c] + np.log(2 * np.pi * self.variances[c])
                own[:, c] = -0.5 * (terms if seen is None else terms * seen).sum(1)
        return out, None

    def statistics(self, frames: Frames, rows: slice, parts, posteriors) -> Moments:
        """Moments about the frames' mean; about the components' means where that would cost digits."""
        count, first, second = np.zeros((3, *self.means.shape))
        close = self._close(frames)
        for piece in pieces(rows, frames.x.shape[1]):
            x = frames.x[piece]
            weights = posteriors[piece.start - rows.start : piece.stop - rows.start].T
            seen = None if frames.seen is None else frames.seen[piece].astype(np.float64)
            count += (weights @ np.ones((len(x), 1))) if seen is None else weights @ seen
            if close:
                first += weights @ x
                second += weights @ (x * x)
                continue
            for c, mean in enumerate(self.means - frames.shift):
                apart = x - mean if seen is None else (x - mean) * seen
                first[c] += weights[c] @ apart
                second[c] += weights[c] @ apart**2
        origin = np.broadcast_to(frames.shift, self.means.shape) if close else self.means
        return Moments(count, first, second, origin)

    def maximise(self, moments: Moments, prior: GaussianPrior, update: str, names) -> "DiagonalGaussian":
        warn_of_empty(moments, names)
        means = prior.best_means(moments, self.means) if "m" in update else self.means
        variances = self.variances
        if "c" in update:
            scatter, count = prior.scatter(moments, means), moments.count
            if self.spherical:
                scatter, count = scatter.sum(1, keepdims=True), count.sum(1, keepdims=True)
            weight = prior.weight + count
            unseen = (count < EMPTY) & (prior.weight <= 0)
            best = (prior.scale + scatter) / np.where(weight > 0, weight, np.nan)
            self._check(best, count, unseen, names)
            variances = np.where(unseen, variances, best)
        return DiagonalGaussian(means, np.broadcast_to(variances, means.shape), self.spherical)

    def _check(self, best, count, unseen, names):
        wrong = ~(best > np.finfo(float).tiny) & ~unseen
        if not wrong.any():
            return
        c, column = np.argwhere(wrong)[0]
        which = "" if self.spherical else f", column {column}"
        raise DegenerateError(
            f"{names[c]}{which}: the variance is {best[c, column]:.3g} over {count[c, column]:.3g} expected frames, "
            "which is no Gaussian. Use fewer states, give a larger covars_prior, or leave a constant column out"
        )

    def log_prior(self, prior: GaussianPrior) -> float:
        variances = self.variances[:, :1] if self.spherical else self.variances
        spread = prior.weight * np.log(variances) + prior.scale / variances
        away = prior.mean_weight * (self.means - prior.mean) ** 2 / self.variances
        return -0.5 * float(spread.sum() + away.sum())

    def sample(self, components, random) -> np.ndarray:
        """One frame (D,) for each component index."""
        noise = random.standard_normal((len(components), self.means.shape[1]))
        return self.means[components] + np.sqrt(self.variances[components]) * noise
