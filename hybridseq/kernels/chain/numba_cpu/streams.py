"""Prefixes of one growing sequence in float64: what a stream carries from chunk to chunk, and what it tells.

Emissions (T, K), transitions (K, K). What comes ``before`` the first position, (K,), are the start's scores, or, where
the stream has ``begun``, the last position's row of what the same function filled for the frames until then.
"""

import numpy as np

from hybridseq.kernels.chain.numba_cpu import log_space
from hybridseq.kernels.chain.numba_cpu.primitives import kernel, padded
from hybridseq.kernels.chain.numba_cpu.viterbi import NO_LABEL, best_source_at, row_times_matrix


@kernel
def log_prefixes(emissions, transitions, before, begun, alpha, totals):
    """Fill ``alpha`` (T, K) with log-probabilities of labels given the prefix, ``totals`` (T,) with its log-sum.

    −inf from the first position that allows nothing.
    """
    steps, count = emissions.shape
    top, total = np.empty(count), np.empty(count)
    log_sum = 0.0
    for t in range(steps):
        if log_sum == -np.inf:
            alpha[t] = -np.inf
        elif t > 0:
            log_space.arrive(alpha[t - 1], transitions, alpha[t], top, total)
        elif begun:
            log_space.arrive(before, transitions, alpha[t], top, total)
        else:
            alpha[t] = before
        for j in range(count):
            alpha[t, j] += emissions[t, j]
        log_sum += log_space.normalise(alpha[t])
        totals[t] = log_sum


@kernel
def best_prefixes(emissions, transitions, before, begun, prefixes):
    """Fill ``prefixes`` (T, K) with the best scores of prefixes that end in a label, relative to the best of all."""
    steps, count = emissions.shape
    moved = np.empty(padded(emissions, count), emissions.dtype)
    for t in range(steps):
        if t > 0:
            row_times_matrix(prefixes[t - 1], transitions, moved)
        elif begun:
            row_times_matrix(before, transitions, moved)
        else:
            moved[:count] = before
        top = -np.inf
        for j in range(count):
            prefixes[t, j] = moved[j] + emissions[t, j]
            top = max(top, prefixes[t, j])
        if top > -np.inf:
            for j in range(count):
                prefixes[t, j] -= top


@kernel
def survivors(prefixes, transitions, paths):
    """Fill ``paths`` (T, K) with the best paths to each label of the last position, −100 where there is none.

    Paths to different labels that have met stay together, so that few sources are sought at most positions.
    """
    steps, count = prefixes.shape
    source = np.empty(count, np.int64)
    for j in range(count):
        paths[steps - 1, j] = j if prefixes[steps - 1, j] > -np.inf else NO_LABEL
    for t in range(steps - 2, -1, -1):
        source[:] = NO_LABEL
        for j in range(count):
            label = paths[t + 1, j]
            if label >= 0 and source[label] < 0:
                source[label] = best_source_at(prefixes[t], transitions, label)
            paths[t, j] = source[label] if label >= 0 else NO_LABEL


@kernel
def lagged(prefixes, transitions, lag, labels):
    """Fill ``labels`` (T − lag,): the label of each position on the best path to the position ``lag`` later."""
    for first in range(labels.size):
        label = prefixes[first + lag].argmax()
        if prefixes[first + lag, label] == -np.inf:
            labels[first] = NO_LABEL
            continue
        for t in range(first + lag - 1, first - 1, -1):
            label = best_source_at(prefixes[t], transitions, label)
        labels[first] = label
