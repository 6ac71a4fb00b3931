"""Rows of probabilities under a Dirichlet prior."""

import numpy as np


def log(probabilities):
    """Logarithms; −inf of 0."""
    with np.errstate(divide="ignore"):
        return np.log(probabilities)


def most_probable(counts, prior, old):
    """The mode of the posterior: expected counts (…, V) beside Dirichlet parameters of at least 1.

    What is 0 in ``old`` stays 0; a row without any count stays as it is.
    """
    weights = np.where(old > 0, counts + (np.asarray(prior) - 1), 0)
    total = weights.sum(-1, keepdims=True)
    return np.where(total > 0, weights / np.where(total > 0, total, 1), old)


def log_prior(probabilities, prior):
    """Log-density of the prior at the probabilities, up to a constant."""
    weight = np.broadcast_to(np.asarray(prior, float) - 1, probabilities.shape)
    counted = (weight > 0) & (probabilities > 0)
    return float((weight[counted] * np.log(probabilities[counted])).sum())
