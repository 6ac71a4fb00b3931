"""The chain on CPU: each function takes and returns numpy arrays, shapes as in ``reference``.

Arrays are C-contiguous and of one dtype, float32 or float64; transitions (1, 1, K, K), shared by all steps, or
(B, T-1, K, K). ``InvalidScore`` names the place where a score is NaN or +inf.
"""

import numpy as np

from hybridseq.kernels import threads
from hybridseq.kernels.chain.numba_cpu import forward_backward, paths, primitives, second_order, small, viterbi
from hybridseq.kernels.chain.numba_cpu.forward_backward import edges, is_shared, padded_labels, padded_matrix, share
from hybridseq.kernels.errors import InvalidLabel, InvalidScore

__all__ = [
    "decode",
    "expected_score",
    "gradient",
    "hessian_product",
    "k_best",
    "log_partition",
    "padded_labels",
    "sample",
    "score",
    "score_gradient",
]


def _check(emissions, transitions, start, end, lengths, invalid):
    """Raise for the first row marked in ``invalid``, or for the parameters."""
    if not is_shared(transitions) and primitives.invalid_scores(transitions):
        # The padding may hold anything.
        inside = np.arange(1, emissions.shape[1]) < lengths[:, None]
        transitions = transitions[inside]
    for name, scores in (("transitions", transitions), ("start", start), ("end", end)):
        if primitives.invalid_scores(scores):
            raise InvalidScore(None, scores[~(scores < np.inf)][0], name)
    if invalid is None or not invalid.any():
        return
    row = int(np.flatnonzero(invalid)[0])
    t, label = np.argwhere(~(emissions[row, : lengths[row]] < np.inf))[0]
    raise InvalidScore((row, int(t), int(label)), emissions[row, t, label])


def log_partition(emissions, transitions, start, end, lengths):
    """Log-partition (B,) float64, with what ``gradient`` needs.

    Scaled prefixes (B, T, padded K), what they were divided by (B, T), and the path that each row took (B,).
    """
    if forward_backward.is_small(emissions, transitions, 1):
        *result, good = small.forward(emissions, transitions, start, end, lengths)
        if good:
            return result
    _check(emissions, transitions, start, end, lengths, None)
    result = forward_backward.forward(emissions, transitions, start, end, lengths)
    invalid = result[3] == primitives.INVALID
    if invalid.any():
        _check(emissions, transitions, start, end, lengths, invalid)
    return result


gradient = forward_backward.backward


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
    shared = is_shared(transitions)
    grad_emissions = np.empty_like(emissions)
    grad_transitions = np.zeros_like(transitions) if shared else np.empty_like(transitions)
    rows = np.arange(len(emissions))
    paths.score_gradient(0, rows, lengths, labels, weight, grad_emissions, grad_transitions, shared)
    return grad_emissions, grad_transitions, *edges(grad_emissions, lengths)


def decode(emissions, transitions, start, end, lengths):
    """Best label sequences (B, T) int64, padded with −100; all −100 where none is possible."""
    _check(emissions, transitions, start, end, lengths, None)
    count = emissions.shape[2]
    matrix, arriving = padded_matrix(count, emissions.dtype), padded_matrix(count, emissions.dtype)
    bounds = np.empty((2, matrix.shape[1]), emissions.dtype)
    if is_shared(transitions):
        viterbi.pad_transitions(transitions[0, 0], matrix, arriving, bounds)
    labels = np.empty(emissions.shape[:2], np.int64)
    invalid = np.zeros(len(emissions), np.int64)
    prefix = np.empty((*emissions.shape[:2], matrix.shape[1]), emissions.dtype)
    threads.run(
        viterbi.decode,
        share(emissions, lengths),
        *(emissions, transitions, start, end, lengths, matrix, arriving, bounds, prefix, labels, invalid),
    )
    if invalid.any():
        _check(emissions, transitions, start, end, lengths, invalid)
    return labels


def k_best(emissions, transitions, start, end, lengths, k):
    """The k best label sequences: labels (B, k, T) and scores (B, k) float64, best first."""
    labels = np.empty((len(emissions), k, emissions.shape[1]), np.int64)
    scores = np.empty((len(emissions), k))
    invalid = np.zeros(len(emissions), np.int64)
    parts = share(emissions, lengths, 20 * k)
    threads.run(viterbi.k_best, parts, emissions, transitions, start, end, lengths, k, labels, scores, invalid)
    _check(emissions, transitions, start, end, lengths, invalid)
    return labels, scores


def sample(emissions, transitions, start, end, lengths, uniforms):
    """Exact draws (n, B, T) from ``uniforms`` (n, B, T) float64 in [0, 1)."""
    labels = np.empty(uniforms.shape, np.int64)
    invalid = np.zeros(len(emissions), np.bool_)
    parts = share(emissions, lengths, 20)
    threads.run(paths.sample, parts, emissions, transitions, start, end, lengths, uniforms, labels, invalid)
    _check(emissions, transitions, start, end, lengths, invalid)
    return labels


def expected_score(emissions, transitions, start, end, direction, lengths):
    """Expected score (B,) float64, under the chain, of a direction: four arrays shaped as the scores."""
    _check(emissions, transitions, start, end, lengths, None)
    out, invalid = second_order.expected_score(emissions, transitions, start, end, direction, lengths)
    if invalid.any():
        _check(emissions, transitions, start, end, lengths, invalid)
    return out


hessian_product = second_order.hessian_product
