"""Sparse features times label weights, and the gradient by the weights; arrays and meaning as in ``reference``.

Tokens are those of a batch's rows: row b has the tokens ``starts[b] : starts[b] + lengths[b]``. Rows are shared among
threads; each thread adds into a gradient of its own.
"""

import numpy as np

from hybridseq.kernels import threads
from hybridseq.kernels.simd import kernel

#: Nanoseconds that a feature of a token takes, for sharing rows out.
_FEATURE = 10.0


@kernel
def _emissions(part, rows, starts, lengths, indptr, indices, values, offsets, labels, weights, out):
    count = out.shape[2]
    for b in rows:
        for t in range(lengths[b]):
            token, row = starts[b] + t, out[b, t]
            row[:] = 0
            for n in range(indptr[token], indptr[token + 1]):
                first, last = offsets[indices[n]], offsets[indices[n] + 1]
                value = values[n] if values.size else weights.dtype.type(1)
                if last - first == count:
                    for k in range(count):
                        row[k] += value * weights[first + k]
                else:
                    for s in range(first, last):
                        row[labels[s]] += value * weights[s]
        out[b, lengths[b] :] = 0


@kernel
def _gradient(part, rows, starts, lengths, indptr, indices, values, offsets, labels, flow, out):
    count = flow.shape[2]
    for b in rows:
        for t in range(lengths[b]):
            token, row = starts[b] + t, flow[b, t]
            for n in range(indptr[token], indptr[token + 1]):
                first, last = offsets[indices[n]], offsets[indices[n] + 1]
                value = values[n] if values.size else flow.dtype.type(1)
                if last - first == count:
                    for k in range(count):
                        out[part, first + k] += value * row[k]
                else:
                    for s in range(first, last):
                        out[part, s] += value * row[labels[s]]


def emissions(features, starts, lengths, weights, num_labels):
    """Scores (B, T, K) of the labels of a batch's tokens, in the weights' dtype; 0 in the padding."""
    out = np.empty((len(starts), int(lengths.max()), num_labels), weights.dtype)
    parts = threads.share_rows(lengths, features.per_token * _FEATURE, len(lengths))
    threads.run(_emissions, parts, starts, lengths, *features.arrays(weights.dtype), weights, out)
    return out


def add_gradient(features, starts, lengths, flow, out):
    """Add to ``out`` (threads, S) the gradient by the weights, ``flow`` (B, T, K) that by the scores."""
    parts = threads.share_rows(lengths, features.per_token * _FEATURE, len(lengths))
    threads.run(_gradient, parts[: len(out)], starts, lengths, *features.arrays(flow.dtype), flow, out)
