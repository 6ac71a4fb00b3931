"""Moments of frames by component, and the means and covariances that fit them best under a prior."""

import warnings
from dataclasses import dataclass

import numpy as np

#: Fewer expected frames than this are none.
EMPTY = 1e-12
#: A sum of squares about a mean that is smaller than this part of the sum about the origin is rounding.
_ROUNDING = 1e-13


@dataclass(frozen=True)
class Moments:
    """Weighted moments of frames for each of C components, about an origin.

    Attributes
    ----------
    count : (C, D) array
        Expected frames, by column: missing numbers do not count.
    first : (C, D) array
        Weighted sums of frames less the origin.
    second : (C, D) or (C, D, D) array
        Weighted sums of their squares or outer products.
    origin : (C, D) array
        The same for all moments that are added.
    """

    count: np.ndarray
    first: np.ndarray
    second: np.ndarray
    origin: np.ndarray

    def __add__(self, other):
        return Moments(self.count + other.count, self.first + other.first, self.second + other.second, self.origin)


@dataclass(frozen=True)
class GaussianPrior:
    r"""Normal prior of means, inverse gamma or Wishart prior of covariances.

    With :math:`\Sigma_c` the covariance of component c, its log-density is, up to a constant,

    .. math::

       -\tfrac12 \sum_g \left[\nu_g \log |\Sigma_g| + \mathrm{tr}(\Psi_g \Sigma_g^{-1})\right]
       -\tfrac12 \sum_c \lambda_c (\mu_c - m_c)^\top \Sigma_c^{-1} (\mu_c - m_c)

    :cite:p:`gauvain1994`, where a covariance g may be shared by several components.

    Attributes
    ----------
    mean, mean_weight
        m, (C, D), and λ, (C, 1).
    scale, weight
        Ψ and ν of each covariance: (G, D) and (G, D) for variances, (G, 1) each for a variance of all columns,
        (G, D, D) and (G,) for matrices.
    """

    mean: np.ndarray
    mean_weight: np.ndarray
    scale: np.ndarray
    weight: np.ndarray

    def best_means(self, moments: Moments, old):
        """Means (C, D); the old ones where neither frames nor prior tell anything."""
        count = moments.count + self.mean_weight
        total = moments.first + moments.count * moments.origin + self.mean_weight * self.mean
        known = count > EMPTY
        return np.where(known, total / np.where(known, count, 1), old)

    def scatter(self, moments: Moments, means):
        """Ψ's rivals, the expected sums of squares about the means, with the prior's for the means."""
        move, away = means - moments.origin, means - self.mean
        if moments.second.ndim == 2:
            own = moments.second - 2 * move * moments.first + moments.count * move**2
            return np.where(own > _ROUNDING * moments.second, own, 0) + self.mean_weight * away**2
        cross = move[:, :, None] * moments.first[:, None, :]
        outer = moments.count[:, :1, None] * move[:, :, None] * move[:, None, :]
        own = moments.second - cross - cross.transpose(0, 2, 1) + outer
        varies = np.einsum("cii->ci", own) > _ROUNDING * np.einsum("cii->ci", moments.second)
        prior = self.mean_weight[:, :, None] * away[:, :, None] * away[:, None, :]
        return own * (varies[:, :, None] & varies[:, None, :]) + prior


def warn_of_empty(moments: Moments, names) -> None:
    """A warning that names the components in which no frame is expected."""
    empty = np.flatnonzero(moments.count.max(1) < EMPTY)
    if len(empty):
        warnings.warn(
            f"{', '.join(names[c] for c in empty)}: no frame is expected there, so its emissions stay as they are, or "
            "go where the prior is highest. Use fewer states, or start elsewhere (random_state, means_)",
            stacklevel=2,
        )
