"""Log-partition and its gradient: each row by the fastest path that is exact for it.

The slower paths are compiled only when a row needs them.
"""

import numpy as np

from hybridseq.kernels import simd, threads
from hybridseq.kernels.chain.numba_cpu import log_space, moderate, paths, primitives, scaled, small
from hybridseq.kernels.chain.numba_cpu.primitives import LOGARITHMIC, MODERATE, SCALED

NO_LABELS = np.empty((0, 0), np.int64)


def is_shared(transitions):
    """Whether one (K, K) matrix serves all steps."""
    return transitions.shape[:2] == (1, 1)


def padded_labels(count, dtype):
    """``count`` rounded up to whole vectors of a numpy or torch dtype."""
    lanes = simd.BYTES // dtype.itemsize
    return -(-count // lanes) * lanes


def padded_matrix(count, dtype):
    """An empty (K, padded K) array."""
    return np.empty((count, padded_labels(count, dtype)), dtype)


def _nanoseconds(emissions, cost):
    """Estimate of the work at a position; ``cost`` is relative to a forward pass in blocks."""
    count = emissions.shape[2]
    return cost * (10 + 0.012 * count * padded_labels(count, emissions.dtype)) * emissions.itemsize / 4


def is_small(emissions, transitions, cost):
    """Whether one thread serves the batch, all rows as long as the longest, in one call."""
    work = emissions.shape[0] * emissions.shape[1] * _nanoseconds(emissions, cost)
    return is_shared(transitions) and work < 2 * threads.WAKE


def share(emissions, lengths, cost=1.0, rows=None):
    """Rows for each thread; ``cost`` is relative to a forward pass in blocks."""
    nanoseconds = _nanoseconds(emissions, cost)
    if rows is None:
        return threads.share_rows(lengths, nanoseconds, moderate.BLOCK)
    return [rows[part] for part in threads.share_rows(lengths[rows], nanoseconds, moderate.BLOCK)]


def _exp_transitions(transitions, transposed=False):
    """exp of shared transitions, padded for the kernels; for per-position ones a buffer of that shape."""
    out = padded_matrix(transitions.shape[-1], transitions.dtype)
    if not is_shared(transitions):
        return out, transitions.dtype.type(0), False, False
    scores = transitions[0, 0]
    return out, *primitives.exp_transitions(np.ascontiguousarray(scores.T) if transposed else scores, out)


def edges(grad_emissions, lengths):
    """Gradients by start and end, which are those of each row's first and last emission, summed."""
    last = grad_emissions[np.arange(len(lengths)), lengths - 1]
    dtype = grad_emissions.dtype
    return grad_emissions[:, 0].sum(0, np.float64).astype(dtype), last.sum(0, np.float64).astype(dtype)


def forward(emissions, transitions, start, end, lengths):
    """Log-partition (B,) float64, scaled prefixes (B, T, padded K), their divisors (B, T) and each row's path (B,)."""
    matrix, top, lost, dense = _exp_transitions(transitions)
    alpha = np.empty((*emissions.shape[:2], matrix.shape[1]), emissions.dtype)
    scale = np.empty(emissions.shape[:2], emissions.dtype)
    out = np.empty(len(emissions))
    status = np.full(len(emissions), SCALED, np.int8)
    if is_shared(transitions):
        inputs = emissions, start, end, lengths, matrix, top, lost, dense
        threads.run(moderate.forward, share(emissions, lengths), *inputs, alpha, scale, out, status)
    if status.any():
        inputs = emissions, transitions, start, end, lengths
        rows = np.flatnonzero(status == SCALED)
        if rows.size:
            parts = share(emissions, lengths, 4, rows)
            threads.run(scaled.forward, parts, *inputs, matrix, top, lost, alpha, out, status)
        rows = np.flatnonzero(status == LOGARITHMIC)
        if rows.size:
            threads.run(log_space.forward, share(emissions, lengths, 30, rows), *inputs, out)
    return out, alpha, scale, status


def backward(emissions, transitions, start, end, lengths, alpha, scale, status, weight, labels=None):
    """Gradient of the weighted sum of log-partitions, shaped as the scores; with labels, of log-partition − score."""
    if is_small(emissions, transitions, 2) and not status.any():
        given = NO_LABELS if labels is None else labels
        *result, good = small.backward(emissions, transitions, start, end, lengths, alpha, scale, weight, given)
        if good:
            return tuple(result)
    count, shared = emissions.shape[2], is_shared(transitions)
    matrix, _, lost, _ = _exp_transitions(transitions, transposed=shared)
    status = status.copy()
    grad_emissions = np.empty_like(emissions)
    pair_shape = threads.count(len(lengths)), -(-count // 4) * 4, matrix.shape[1]
    pairs = np.zeros(pair_shape)
    grad_transitions = np.zeros((0, 1, count, count)) if shared else np.empty_like(transitions)
    rows = np.flatnonzero(status == MODERATE) if status.any() else None
    if rows is None or rows.size:
        parts = share(emissions, lengths, 2, rows)
        inputs = emissions, start, end, lengths, matrix, alpha, scale, weight, status
        threads.run(moderate.backward, parts, *inputs, grad_emissions, pairs)
    if status.any():
        inputs = emissions, transitions, start, end, lengths
        rows = np.flatnonzero(status == SCALED)
        if rows.size:
            parts = share(emissions, lengths, 8, rows)
            outputs = status, grad_emissions, grad_transitions, pairs
            threads.run(scaled.backward, parts, *inputs, matrix, lost, alpha, weight, *outputs)
        rows = np.flatnonzero(status == LOGARITHMIC)
        if rows.size:
            if shared:
                grad_transitions = np.zeros((len(pairs), 1, count, count))
            parts = share(emissions, lengths, 60, rows)
            threads.run(log_space.backward, parts, *inputs, weight, grad_emissions, grad_transitions)
    if shared:
        added, grad_transitions = grad_transitions, np.empty_like(transitions)
        primitives.pair_gradient(pairs, matrix, added, grad_transitions[0, 0])
    if labels is not None:
        paths.add_counts(lengths, labels, -weight, grad_emissions, grad_transitions)
    return grad_emissions, grad_transitions, *edges(grad_emissions, lengths)
