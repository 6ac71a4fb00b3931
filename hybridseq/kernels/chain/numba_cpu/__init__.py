"""The chain on CPU: each function takes and returns numpy arrays, shapes as in ``reference``.

Arrays are C-contiguous and of one dtype, float32 or float64; transitions (1, 1, K, K), shared by all steps, or
(B, T-1, K, K). ``InvalidScore`` names the place where a score is NaN or +inf.
"""

import numpy as np

from hybridseq.kernels import simd, threads
from hybridseq.kernels.chain.errors import InvalidLabel, InvalidScore
from hybridseq.kernels.chain.numba_cpu import forward_backward, paths, primitives, second_order, viterbi


def is_shared(transitions):
    """Whether one (K, K) matrix serves all steps."""
    return transitions.shape[:2] == (1, 1)


def padded_labels(count, dtype):
    """``count`` rounded up to whole vectors of a numpy or torch dtype."""
    lanes = simd.BYTES // dtype.itemsize
    return -(-count // lanes) * lanes


def _buffer(count, dtype):
    return np.empty((count, padded_labels(count, dtype)), dtype)


def _exp_transitions(transitions, transposed=False):
    """exp of shared transitions, padded for the kernels; for per-position ones a buffer of that shape."""
    out = _buffer(transitions.shape[-1], transitions.dtype)
    if not is_shared(transitions):
        return out, transitions.dtype.type(0), False, False
    scores = transitions[0, 0]
    return out, *primitives.exp_transitions(np.ascontiguousarray(scores.T) if transposed else scores, out)


def _check(emissions, transitions, start, end, lengths, invalid):
    """Raise for the first row marked in ``invalid``, or for the parameters."""
    if not is_shared(transitions) and viterbi.invalid_scores(transitions):
        # The padding may hold anything.
        inside = np.arange(1, emissions.shape[1]) < lengths[:, None]
        transitions = transitions[inside]
    for name, scores in (("transitions", transitions), ("start", start), ("end", end)):
        if viterbi.invalid_scores(scores):
            raise InvalidScore(None, scores[~(scores < np.inf)][0], name)
    if invalid is None or not invalid.any():
        return
    row = int(np.flatnonzero(invalid)[0])
    t, label = np.argwhere(~(emissions[row, : lengths[row]] < np.inf))[0]
    raise InvalidScore((row, int(t), int(label)), emissions[row, t, label])


def _summed(start, end, dtype):
    """Totals of the threads' own accumulators."""
    return start.sum(0).astype(dtype), end.sum(0).astype(dtype)


def _share(emissions, lengths, cost=1.0):
    """Rows for each thread; ``cost`` is relative to a blocked forward pass."""
    count = emissions.shape[2]
    nanoseconds = 10 + 0.012 * count * padded_labels(count, emissions.dtype)
    if emissions.dtype == np.float64:
        nanoseconds *= 2
    return threads.share_rows(lengths, cost * nanoseconds, viterbi.BLOCK)


def log_partition(emissions, transitions, start, end, lengths):
    """Log-partition (B,) float64, with what ``gradient`` needs.

    Scaled prefixes (B, T, padded K), what they were divided by (B, T), and the path that each row took (B,).
    """
    _check(emissions, transitions, start, end, lengths, None)
    matrix, top, lost, dense = _exp_transitions(transitions)
    alpha = np.empty((*emissions.shape[:2], matrix.shape[1]), emissions.dtype)
    scale = np.empty(emissions.shape[:2], emissions.dtype)
    out = np.empty(len(emissions))
    status = np.empty(len(emissions), np.int8)
    threads.run(
        forward_backward.forward,
        _share(emissions, lengths),
        *(emissions, transitions, start, end, lengths, matrix, top, lost, dense, alpha, scale, out, status),
    )
    if (status == forward_backward.INVALID).any():
        _check(emissions, transitions, start, end, lengths, status == forward_backward.INVALID)
    return out, alpha, scale, status


def gradient(emissions, transitions, start, end, lengths, alpha, scale, status, weight):
    """Gradient of the weighted sum of log-partitions, shaped as its arguments.

    ``weight`` (B,) float64; ``alpha``, ``scale`` and ``status`` come from ``log_partition``.
    """
    count, shared = emissions.shape[2], is_shared(transitions)
    matrix, _, lost, _ = _exp_transitions(transitions, transposed=shared)
    status = status.copy()
    parts = _share(emissions, lengths, 2)
    grad_emissions = np.empty_like(emissions)
    grad_start, grad_end = np.zeros((2, len(parts), count))
    pairs = np.zeros((len(parts), -(-count // 4) * 4, matrix.shape[1]))
    grad_transitions = np.zeros((len(parts), 1, count, count)) if shared else np.empty_like(transitions)
    threads.run(
        forward_backward.backward,
        parts,
        *(emissions, transitions, start, end, lengths, matrix, lost, alpha, scale, weight, status),
        *(grad_emissions, grad_transitions, pairs, grad_start, grad_end),
    )
    if shared:
        added = grad_transitions if (status == forward_backward.LOGARITHMIC).any() else grad_transitions[:0]
        grad_transitions = np.empty_like(transitions)
        primitives.pair_gradient(pairs, matrix, added, grad_transitions[0, 0])
    return grad_emissions, grad_transitions, *_summed(grad_start, grad_end, emissions.dtype)


def score(emissions, transitions, start, end, lengths, labels):
    """Score (B,) float64 of the given label sequences (B, T)."""
    out, bad = np.empty(len(emissions)), np.empty(len(emissions), np.int64)
    paths.score(0, np.arange(len(emissions)), emissions, transitions, start, end, lengths, labels, out, bad)
    if (bad >= 0).any():
        row = int(np.flatnonzero(bad >= 0)[0])
        raise InvalidLabel((row, int(bad[row])), int(labels[row, bad[row]]), emissions.shape[2])
    return out


def score_gradient(emissions, transitions, lengths, labels, weight):
    """Gradient of the weighted sum of scores: counts of the parts used. Rows that start with −100 have none."""
    count, shared = emissions.shape[2], is_shared(transitions)
    grad_start, grad_end = np.zeros((2, 1, count))
    grad_emissions = np.empty_like(emissions)
    grad_transitions = np.zeros_like(transitions) if shared else np.empty_like(transitions)
    rows = np.arange(len(emissions))
    paths.score_gradient(
        0, rows, lengths, labels, weight, grad_emissions, grad_transitions, grad_start, grad_end, shared
    )
    return grad_emissions, grad_transitions, *_summed(grad_start, grad_end, emissions.dtype)


def decode(emissions, transitions, start, end, lengths):
    """Best label sequences (B, T) int64, padded with −100; all −100 where none is possible."""
    _check(emissions, transitions, start, end, lengths, None)
    count = emissions.shape[2]
    matrix, arriving = _buffer(count, emissions.dtype), _buffer(count, emissions.dtype)
    if is_shared(transitions):
        matrix[:], arriving[:] = -np.inf, -np.inf
        matrix[:, :count], arriving[:, :count] = transitions[0, 0], transitions[0, 0].T
    labels = np.empty(emissions.shape[:2], np.int64)
    invalid = np.zeros(len(emissions), np.int64)
    prefix = np.empty((*emissions.shape[:2], matrix.shape[1]), emissions.dtype)
    threads.run(
        viterbi.decode,
        _share(emissions, lengths),
        *(emissions, transitions, start, end, lengths, matrix, arriving, prefix, labels, invalid),
    )
    if invalid.any():
        _check(emissions, transitions, start, end, lengths, invalid)
    return labels


def k_best(emissions, transitions, start, end, lengths, k):
    """The k best label sequences: labels (B, k, T) and scores (B, k) float64, best first."""
    labels = np.empty((len(emissions), k, emissions.shape[1]), np.int64)
    scores = np.empty((len(emissions), k))
    invalid = np.zeros(len(emissions), np.int64)
    parts = _share(emissions, lengths, 20 * k)
    threads.run(viterbi.k_best, parts, emissions, transitions, start, end, lengths, k, labels, scores, invalid)
    _check(emissions, transitions, start, end, lengths, invalid)
    return labels, scores


def sample(emissions, transitions, start, end, lengths, uniforms):
    """Exact draws (n, B, T) from ``uniforms`` (n, B, T) float64 in [0, 1)."""
    labels = np.empty(uniforms.shape, np.int64)
    invalid = np.zeros(len(emissions), np.bool_)
    parts = _share(emissions, lengths, 20)
    threads.run(paths.sample, parts, emissions, transitions, start, end, lengths, uniforms, labels, invalid)
    _check(emissions, transitions, start, end, lengths, invalid)
    return labels


def expected_score(emissions, transitions, start, end, direction, lengths):
    """Expected score (B,) float64, under the chain, of a direction: four arrays shaped as the scores."""
    out, invalid = np.empty(len(emissions)), np.zeros(len(emissions), np.bool_)
    parts = _share(emissions, lengths, 60)
    threads.run(
        second_order.expected_score,
        parts,
        emissions,
        transitions,
        start,
        end,
        *direction,
        lengths,
        out,
        invalid,
    )
    _check(emissions, transitions, start, end, lengths, invalid)
    return out


def hessian_product(emissions, transitions, start, end, direction, lengths, weight):
    """Derivative of ``gradient`` along a direction, shaped as the scores; ``weight`` (B,) float64."""
    count, shared = emissions.shape[2], is_shared(transitions)
    parts = _share(emissions, lengths, 60)
    out_start, out_end = np.zeros((2, len(parts), count))
    out_emissions = np.empty_like(emissions)
    out_transitions = np.zeros((len(parts), 1, count, count)) if shared else np.empty_like(transitions)
    threads.run(
        second_order.hessian_product,
        parts,
        emissions,
        transitions,
        start,
        end,
        *direction,
        lengths,
        weight,
        out_emissions,
        out_transitions,
        out_start,
        out_end,
    )
    if shared:
        out_transitions = out_transitions.sum(0, keepdims=True).astype(emissions.dtype)
    return out_emissions, out_transitions, *_summed(out_start, out_end, emissions.dtype)
