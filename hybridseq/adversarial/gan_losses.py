"""The losses of generative adversarial networks, from the critic's scores of real and of made outputs.

All but Wasserstein's are no function of the difference F(x, ŷ) − F(x, y): both scores count by themselves. Every
function returns one value an example.
"""

from typing import NamedTuple

from torch import Tensor
from torch.nn.functional import relu, softplus


class GANLoss(NamedTuple):
    """What each player goes down.

    Attributes
    ----------
    real, made : callable
        The critic's loss (B,) of its scores (B,) of real and of made outputs.
    generator : callable
        The generator's loss (B,) of the critic's scores (B,) of what it made.
    """

    real: object
    made: object
    generator: object


def _identity(score: Tensor) -> Tensor:
    return score


def _negative(score: Tensor) -> Tensor:
    return -score


#: Logistic; the generator goes down −log σ(F) :cite:p:`goodfellow2014`, section 3.
NON_SATURATING = GANLoss(lambda s: softplus(-s), softplus, lambda s: softplus(-s))
#: Hinge on either side of 0 :cite:p:`lim2017`.
HINGE = GANLoss(lambda s: relu(1 - s), lambda s: relu(1 + s), _negative)
#: Squares about 1 for real and 0 for made outputs :cite:p:`mao2017`.
LEAST_SQUARES = GANLoss(lambda s: (s - 1).square() / 2, lambda s: s.square() / 2, lambda s: (s - 1).square() / 2)
#: Differences of means; F must be kept Lipschitz by a penalty or by spectral norm :cite:p:`arjovsky2017`.
WASSERSTEIN = GANLoss(_negative, _identity, _negative)

#: By name.
GAN_LOSSES = {
    "non_saturating": NON_SATURATING,
    "hinge": HINGE,
    "least_squares": LEAST_SQUARES,
    "wasserstein": WASSERSTEIN,
}
