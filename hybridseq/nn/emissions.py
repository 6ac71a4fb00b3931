"""Log-likelihoods of observations under each state: emissions for :class:`~hybridseq.nn.HMM`."""

import math

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from hybridseq.structures import checks


def _start(given, shape, name):
    """A float copy of given numbers, checked."""
    # Arrays may be read-only.
    given = torch.as_tensor(given.copy() if isinstance(given, np.ndarray) else given)
    given = given.detach().clone() if given.is_floating_point() else given.to(torch.get_default_dtype())
    if tuple(given.shape) != shape:
        raise checks.ShapeError(f"{name} must have shape {shape}; got {tuple(given.shape)}.")
    if not given.isfinite().all():
        raise ValueError(f"{name} must be finite.")
    return given


class GaussianEmissions(nn.Module):
    """log N(x; mean, diagonal variance) of each state.

    Parameters
    ----------
    num_states : int
        K.
    size : int
        D, numbers in an observation.
    means : (K, D) tensor, optional
        To start from; drawn from N(0, 1) if not given, as states that begin alike stay alike.
    variances : (K, D) tensor, optional
        Likewise; 1 if not given.
    min_variance : float
        Added to each variance: the likelihood grows without bound as a state closes in on one observation.

    Attributes
    ----------
    means, log_variances : (K, D) parameters
        ``log_variances`` without ``min_variance``.

    Raises
    ------
    ShapeError, ValueError
        Where shapes disagree, or a variance is not above ``min_variance``.
    """

    def __init__(self, num_states: int, size: int, means=None, variances=None, min_variance=0.0):
        super().__init__()
        checks.check_count("num_states", num_states)
        checks.check_count("size", size)
        shape = num_states, size
        means = torch.randn(shape) if means is None else _start(means, shape, "means")
        variances = torch.ones_like(means) if variances is None else _start(variances, shape, "variances").to(means)
        if not (variances > min_variance).all():
            raise ValueError(
                f"variances must be above min_variance = {min_variance:g}; the least is {variances.min():g}."
            )
        self.min_variance = min_variance
        self.means = nn.Parameter(means)
        self.log_variances = nn.Parameter((variances - min_variance).log())

    def extra_repr(self):
        return f"num_states={self.means.shape[0]}, size={self.means.shape[1]}"

    @property
    def variances(self) -> Float[Tensor, "K D"]:
        """Variances of the states."""
        return self.log_variances.exp() + self.min_variance

    def forward(self, observations: Float[Tensor, "B T D"]) -> Float[Tensor, "B T K"]:
        """Log-densities (B, T, K) of observations (B, T, D), in nats; NaN counts as not observed. O(B·T·K·D)."""
        variances, known = self.variances, ~observations.isnan()
        squares = (torch.where(known, observations, 0)[:, :, None] - self.means).square() / variances
        terms = squares + variances.log() + math.log(2 * math.pi)
        return -0.5 * torch.where(known[:, :, None], terms, 0).sum(-1)


class CategoricalEmissions(nn.Module):
    """log p(symbol | state) of each state: a softmax a state over V symbols.

    Parameters
    ----------
    num_states, num_symbols : int
        K and V.
    probabilities : (K, V) tensor, optional
        To start from, each row summing to 1 and without zeros; random if not given.

    Attributes
    ----------
    scores : (K, V) parameter
        Whose log-softmax the log-probabilities are.

    Raises
    ------
    ShapeError, ValueError
        Where the probabilities have another shape, or one is not above 0.
    """

    def __init__(self, num_states: int, num_symbols: int, probabilities=None):
        super().__init__()
        checks.check_count("num_states", num_states)
        checks.check_count("num_symbols", num_symbols)
        shape = num_states, num_symbols
        if probabilities is None:
            scores = 0.1 * torch.randn(shape)
        else:
            probabilities = _start(probabilities, shape, "probabilities")
            if not (probabilities > 0).all():
                raise ValueError(
                    "probabilities must be above 0: no gradient leads away from 0. Give the least probability that "
                    "you think of, such as 1e-6."
                )
            scores = probabilities.log()
        self.scores = nn.Parameter(scores)

    def extra_repr(self):
        return f"num_states={self.scores.shape[0]}, num_symbols={self.scores.shape[1]}"

    def forward(self, symbols: Int[Tensor, "B T"]) -> Float[Tensor, "B T K"]:
        """Log-probabilities (B, T, K) of symbols (B, T) in 0 … V-1; what is below 0 counts as not observed."""
        checks.check_integers("symbols", symbols, "(B, T)")
        count = self.scores.shape[1]
        if not torch.compiler.is_compiling() and (symbols >= count).any():
            row, position = (symbols >= count).nonzero()[0].tolist()
            raise ValueError(
                f"symbols[{row}, {position}] is {int(symbols[row, position])}; expected 0 to {count - 1}, or below 0 "
                "where nothing was observed."
            )
        known = symbols >= 0
        found = self.scores.log_softmax(1).T[torch.where(known, symbols, 0).long()]
        return torch.where(known[:, :, None], found, 0)
