"""Prefixes of one sequence in log space and float64: what a stream carries from one chunk to the next."""

import numpy as np

from hybridseq.kernels.chain.numba_cpu.log_space import arrive, normalise
from hybridseq.kernels.chain.numba_cpu.primitives import kernel


@kernel
def log_prefixes(emissions, transitions, start, alpha, totals):
    """Fill ``alpha`` (T, K) with log-probabilities of labels given the prefix, ``totals`` (T,) with its log-sum.

    Emissions (T, K), transitions (K, K), start (K,). −inf from the first position that allows nothing.
    """
    steps, count = emissions.shape
    top, total = np.empty(count), np.empty(count)
    log_sum = 0.0
    for t in range(steps):
        if t == 0:
            alpha[0] = start
        elif log_sum > -np.inf:
            arrive(alpha[t - 1], transitions, alpha[t], top, total)
        else:
            alpha[t] = -np.inf
        for j in range(count):
            alpha[t, j] += emissions[t, j]
        log_sum += normalise(alpha[t])
        totals[t] = log_sum
