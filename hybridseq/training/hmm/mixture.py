"""Mixtures of Gaussians as emissions."""

from dataclasses import dataclass, replace

import numpy as np

from hybridseq.training.hmm import probabilities
from hybridseq.training.hmm.gaussian_prior import GaussianPrior, Moments


@dataclass(frozen=True)
class MixturePrior:
    """Dirichlet parameters (K, M) of the weights, and the prior of the K·M components."""

    weights: np.ndarray
    components: GaussianPrior


@dataclass(frozen=True)
class MixtureMoments:
    """Expected frames of each state's components (K, M), and the components' moments."""

    count: np.ndarray
    moments: Moments

    def __add__(self, other):
        return MixtureMoments(self.count + other.count, self.moments + other.moments)


@dataclass(frozen=True)
class Mixture:
    """For each of K states a mixture of M Gaussians.

    Attributes
    ----------
    weights : (K, M) array
        Rows sum to 1.
    components : DiagonalGaussian or DenseGaussian
        K·M of them, those of a state in a row.
    """

    weights: np.ndarray
    components: object

    @property
    def width(self):
        return max(self.weights.size, self.components.width)

    def is_closed_form(self, frames) -> bool:
        return self.weights.shape[1] == 1 and self.components.is_closed_form(frames)

    def log_density(self, frames, rows: slice):
        """Log-densities (n, K), and the probabilities (n, K, M) of components given their state."""
        joint = self.components.log_density(frames, rows)[0].reshape(-1, *self.weights.shape)
        joint += probabilities.log(self.weights)
        top = joint.max(2)
        # Far from every component of a state, all are -inf alike.
        joint -= np.where(top > -np.inf, top, 0)[:, :, None]
        np.exp(joint, out=joint)
        total = joint.sum(2)
        joint /= np.where(total > 0, total, 1)[:, :, None]
        return probabilities.log(total) + top, joint

    def statistics(self, frames, rows: slice, parts, posteriors) -> MixtureMoments:
        own = parts * posteriors[:, :, None]
        moments = self.components.statistics(frames, rows, None, own.reshape(len(own), -1))
        return MixtureMoments(own.sum(0), moments)

    def maximise(self, found: MixtureMoments, prior: MixturePrior, update: str, names) -> "Mixture":
        weights = self.weights
        if "w" in update:
            weights = probabilities.most_probable(found.count, prior.weights, weights)
        each = [f"{name}, mixture {m}" for name in names for m in range(weights.shape[1])]
        components = self.components.maximise(found.moments, prior.components, update, each)
        return replace(self, weights=weights, components=components)

    def log_prior(self, prior: MixturePrior) -> float:
        return probabilities.log_prior(self.weights, prior.weights) + self.components.log_prior(prior.components)

    def sample(self, states, random) -> np.ndarray:
        """One frame (D,) for each state."""
        below = np.cumsum(self.weights, 1)[states, :-1] < random.random_sample(len(states))[:, None]
        return self.components.sample(states * self.weights.shape[1] + below.sum(1), random)
