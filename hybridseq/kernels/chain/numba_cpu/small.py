"""A batch that one thread serves, with shared transitions: everything in one compiled call.

Between the layers of a network a kernel's Python runs from cold caches, where each call of the general code costs
several times what it does in a loop of its own.
"""

import numpy as np

from hybridseq.kernels.chain.numba_cpu import moderate, paths
from hybridseq.kernels.chain.numba_cpu.primitives import (
    MODERATE,
    exp_transitions,
    invalid_scores,
    kernel,
    padded,
    pair_gradient,
)

_forward, _backward, _add_counts = moderate.forward, moderate.backward, paths.add_counts


@kernel
def forward(emissions, transitions, start, end, lengths):
    """As ``forward_backward.forward``, and whether all rows took the fastest path; if not, nothing else counts."""
    batch, steps, count = emissions.shape
    matrix = np.empty((count, padded(emissions, count)), emissions.dtype)
    alpha = np.empty((batch, steps, matrix.shape[1]), emissions.dtype)
    scale, out = np.empty((batch, steps), emissions.dtype), np.empty(batch)
    status = np.empty(batch, np.int8)
    if invalid_scores(transitions) + invalid_scores(start) + invalid_scores(end) > 0:
        return out, alpha, scale, status, False
    top, lost, dense = exp_transitions(transitions[0, 0], matrix)
    rows = np.argsort(-lengths)
    _forward(0, rows, emissions, start, end, lengths, matrix, top, lost, dense, alpha, scale, out, status)
    good = True
    for b in range(batch):
        good &= status[b] == MODERATE
    return out, alpha, scale, status, good


@kernel
def backward(emissions, transitions, start, end, lengths, alpha, scale, weight, labels):
    """As ``forward_backward.backward`` for rows that took the fastest path, and whether they kept to it.

    ``labels`` may be empty: then no counts are taken off.
    """
    batch, _, count = emissions.shape
    width = alpha.shape[2]
    arriving = np.empty((count, count), emissions.dtype)
    for i in range(count):
        for j in range(count):
            arriving[j, i] = transitions[0, 0, i, j]
    matrix = np.empty((count, width), emissions.dtype)
    exp_transitions(arriving, matrix)
    pairs = np.zeros((1, (count + 3) // 4 * 4, width))
    grad_emissions, grad_transitions = np.empty_like(emissions), np.empty_like(transitions)
    status = np.zeros(batch, np.int8)
    rows = np.argsort(-lengths)
    _backward(0, rows, emissions, start, end, lengths, matrix, alpha, scale, weight, status, grad_emissions, pairs)
    pair_gradient(pairs, matrix, np.empty((0, 1, count, count)), grad_transitions[0, 0])
    good = True
    for b in range(batch):
        good &= status[b] == MODERATE
    if labels.size > 0:
        _add_counts(lengths, labels, -weight, grad_emissions, grad_transitions)
    first, last = np.zeros(count), np.zeros(count)
    for b in range(batch):
        for j in range(count):
            first[j] += grad_emissions[b, 0, j]
            last[j] += grad_emissions[b, lengths[b] - 1, j]
    return grad_emissions, grad_transitions, first.astype(emissions.dtype), last.astype(emissions.dtype), good
