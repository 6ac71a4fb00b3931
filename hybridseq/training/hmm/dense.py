"""Gaussian components with full covariance matrices, which components may share."""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

from hybridseq.training.hmm.blocks import pieces
from hybridseq.training.hmm.errors import DegenerateError
from hybridseq.training.hmm.frames import Frames
from hybridseq.training.hmm.gaussian_prior import EMPTY, GaussianPrior, Moments, warn_of_empty


@dataclass(frozen=True)
class DenseGaussian:
    """C Gaussians over D columns with G covariance matrices.

    Attributes
    ----------
    means : (C, D) array
        The means.
    covariances : (G, D, D) array
        The covariance matrices.
    shared : (C,) int array
        The matrix of each component.

    Notes
    -----
    O(N·C·D²), and O(D³) for each matrix and each pattern of missing numbers. Missing numbers are integrated out; the
    moments take their conditional expectations :cite:p:`ghahramani1994`.
    """

    means: np.ndarray
    covariances: np.ndarray
    shared: np.ndarray

    @property
    def width(self):
        return max(self.means.shape)

    def is_closed_form(self, frames: Frames) -> bool:
        return frames.seen is None

    def _factor(self, g, seen):
        """The Cholesky factor of what a matrix says of the columns seen, and its half log-determinant."""
        factor = np.linalg.cholesky(self.covariances[g][np.ix_(seen, seen)])
        return factor, np.log(np.diagonal(factor)).sum()

    def log_density(self, frames: Frames, rows: slice):
        out = np.empty((rows.stop - rows.start, len(self.means)))
        for seen, places in frames.patterns(rows):
            factors = [self._factor(g, seen) for g in range(len(self.covariances))]
            whiteners = [solve_triangular(factor, np.eye(len(factor)), lower=True).T for factor, _ in factors]
            constant = -0.5 * seen.sum() * np.log(2 * np.pi)
            means = (self.means - frames.shift)[:, seen]
            for own, x in _parts(frames, rows, places, seen):
                found = np.empty((len(x), len(means)))
                for c, g in enumerate(self.shared):
                    white = (x - means[c]) @ whiteners[g]
                    found[:, c] = constant - factors[g][1] - 0.5 * np.einsum("nd,nd->n", white, white)
                out[own] = found
        return out, None

    def statistics(self, frames: Frames, rows: slice, parts, posteriors) -> Moments:
        """Moments about the components' means."""
        first, second = np.zeros(self.means.shape), np.zeros((*self.means.shape, self.means.shape[1]))
        means = self.means - frames.shift
        for seen, places in frames.patterns(rows):
            fills = None if seen.all() else [self._fill(g, seen) for g in range(len(self.covariances))]
            for own, x in _parts(frames, rows, places, seen):
                weights = posteriors[own]
                for c, g in enumerate(self.shared):
                    apart = x - means[c, seen]
                    if fills is not None:
                        gain, rest = fills[g]
                        apart = apart @ gain.T
                        second[c] += weights[:, c].sum() * rest
                    weighted = apart * weights[:, c, None]
                    first[c] += weighted.sum(0)
                    second[c] += weighted.T @ apart
        count = np.repeat(posteriors.sum(0)[:, None], self.means.shape[1], 1)
        return Moments(count, first, second, self.means)

    def _fill(self, g, seen):
        """What the columns seen say of all (D, seen), and the covariance (D, D) that is left."""
        covariance = self.covariances[g]
        gain = np.zeros((len(seen), seen.sum()))
        rest = np.zeros_like(covariance)
        gain[seen] = np.eye(seen.sum())
        hidden = ~seen
        if seen.any():
            gain[hidden] = np.linalg.solve(covariance[np.ix_(seen, seen)], covariance[np.ix_(seen, hidden)]).T
        left = covariance[np.ix_(hidden, hidden)] - gain[hidden] @ covariance[np.ix_(seen, hidden)]
        rest[np.ix_(hidden, hidden)] = (left + left.T) / 2
        return gain, rest

    def maximise(self, moments: Moments, prior: GaussianPrior, update: str, names) -> "DenseGaussian":
        warn_of_empty(moments, names)
        means = prior.best_means(moments, self.means) if "m" in update else self.means
        covariances = self.covariances
        if "c" in update:
            scatter = prior.scatter(moments, means)
            total, count = np.zeros_like(covariances), np.zeros(len(covariances))
            np.add.at(total, self.shared, scatter)
            np.add.at(count, self.shared, moments.count[:, 0])
            covariances = covariances.copy()
            for g in range(len(covariances)):
                if count[g] < EMPTY and prior.weight[g] <= 0:
                    continue
                members = np.flatnonzero(self.shared == g)
                covariances[g] = (prior.scale[g] + total[g]) / (prior.weight[g] + count[g])
                check_positive(covariances[g], ", ".join(names[c] for c in members), count[g])
        return DenseGaussian(means, covariances, self.shared)

    def log_prior(self, prior: GaussianPrior) -> float:
        value = 0.0
        for g, covariance in enumerate(self.covariances):
            precision = np.linalg.inv(covariance)
            value += prior.weight[g] * np.linalg.slogdet(covariance)[1] + (prior.scale[g] * precision).sum()
            members = self.shared == g
            away = (self.means - prior.mean)[members]
            value += (prior.mean_weight[members, 0] * np.einsum("ci,ij,cj->c", away, precision, away)).sum()
        return -0.5 * float(value)

    def sample(self, components, random) -> np.ndarray:
        """One frame (D,) for each component index."""
        factors = np.linalg.cholesky(self.covariances)[self.shared]
        noise = random.standard_normal((len(components), self.means.shape[1]))
        return self.means[components] + np.einsum("nij,nj->ni", factors[components], noise)


def _parts(frames, rows, places, seen):
    """A pattern's rows, piece by piece: their places in the block and their numbers."""
    if isinstance(places, slice):
        for piece in pieces(rows, frames.x.shape[1]):
            yield slice(piece.start - rows.start, piece.stop - rows.start), frames.x[piece]
    else:
        for piece in pieces(slice(0, len(places)), frames.x.shape[1]):
            own = places[piece]
            yield own, frames.x[rows.start + own][:, seen]


def check_positive(covariance, name, count=None):
    """Raise unless a matrix is positive definite, beyond rounding."""
    try:
        factor = np.linalg.cholesky(covariance)
        sound = (np.diagonal(factor) ** 2 > 1e-12 * np.diagonal(covariance)).all()
    except np.linalg.LinAlgError:
        sound = False
    if not sound:
        frames = "" if count is None else f" over {count:.3g} expected frames"
        raise DegenerateError(
            f"{name}: the covariance matrix is not positive definite{frames}, which is no Gaussian. Use fewer states, "
            'covariance_type="diag", or a covars_prior such as 0.01 · np.eye(D)'
        )
