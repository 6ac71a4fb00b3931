"""Prefixes of one growing sequence for online inference, on the CPU: float64 arrays in, arrays out.

Emissions (T, K), transitions (K, K), C-contiguous and without NaN or +inf. ``before`` (K,) are the start's scores, or,
where the stream has ``begun``, the row of the last position of what the same function gave for the frames until then.
"""

import functools

import numpy as np

from hybridseq.kernels.chain import ops


@functools.cache
def _compiled():
    """Imported when first used, as numba is slow to import."""
    from hybridseq.kernels.chain.numba_cpu import streams

    return streams


def log_prefixes(emissions, transitions, before, begun):
    """Log-probabilities (T, K) of labels given the prefix that ends there, and log-sums (T,) of prefixes since before.

    Rabiner (1989), eq. 19-20, in log space; −inf where a prefix allows nothing. O(T·K²).
    """
    alpha, totals = np.empty_like(emissions), np.empty(len(emissions))
    _compiled().log_prefixes(emissions, transitions, before, begun, alpha, totals)
    return alpha, totals


def best_prefixes(emissions, transitions, before, begun):
    """The best scores (T, K) of prefixes that end in a label, relative to the best, which is 0.

    Rabiner (1989), eq. 33; −inf where a prefix allows nothing. O(T·K²).
    """
    prefixes = np.empty_like(emissions)
    _compiled().best_prefixes(emissions, transitions, before, begun, prefixes)
    return prefixes


def survivors(prefixes, transitions):
    """The best paths (T, K) to each label of the last position; −100 where there is none. At most O(T·K²)."""
    paths = np.empty(prefixes.shape, np.int64)
    _compiled().survivors(prefixes, transitions, paths)
    return paths


def lagged(prefixes, transitions, lag):
    """The label of each position but the last ``lag``, on the best path to the position ``lag`` later. O(T·K·lag)."""
    labels = np.empty(max(0, len(prefixes) - lag), np.int64)
    _compiled().lagged(prefixes, transitions, lag, labels)
    return labels


def marginals(emissions, transitions, start, end):
    """Marginals (B, T, K) of chains of one length, by the chain's own forward-backward."""
    lengths = np.full(len(emissions), emissions.shape[1])
    scores = emissions, transitions[None, None], start, end, lengths
    _, *prefixes = ops.kernels().log_partition(*scores)
    return ops.kernels().gradient(*scores, *prefixes, np.ones(len(emissions)))[0]
