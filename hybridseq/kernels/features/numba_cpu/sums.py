"""Sparse features times label weights, and the gradient by the weights; arrays and meaning as in ``reference``.

Tokens are those of a batch's rows: row b has the tokens ``starts[b] : starts[b] + lengths[b]``. Rows are shared among
threads; each thread adds into a gradient of its own. Where every feature has a weight for every label, a token's scores
stay in registers while its features are added up.
"""

import numpy as np

from hybridseq.kernels import simd, threads
from hybridseq.kernels.simd import kernel

#: Nanoseconds that a weight takes, for sharing rows out.
_WEIGHT = 2.0


@kernel
def add_some(token, indptr, indices, values, offsets, labels, weights, out, row, t):
    """out[row, t, k] = Σ over the token's features of value · weight, where some features have few weights."""
    steps, count = out.shape[1], out.shape[2]
    lanes, nothing = simd.lanes(out), simd.number(out, 0)
    place, scores = (row * steps + t) * count, out[row, t]
    scores[:] = 0
    for n in range(indptr[token], indptr[token + 1]):
        first, last = offsets[indices[n]], offsets[indices[n] + 1]
        value = values[n] if values.size else weights.dtype.type(1)
        if last - first == count:
            times = simd.splat(out, simd.number(out, value))
            for j in range(0, count, lanes):
                old = simd.load_some(out, place + j, count - j, nothing)
                new = simd.multiply_add(times, simd.load_some(weights, first + j, count - j, nothing), old)
                simd.store_some(out, place + j, count - j, new)
        else:
            for s in range(first, last):
                scores[labels[s]] += value * weights[s]


@kernel
def add_all(token, indptr, indices, values, weights, count, out, place):
    """out[place : place + count] = the same, where every feature has ``count`` weights."""
    lanes = simd.lanes(out)
    nothing = simd.number(out, 0)
    for j in range(0, count, 2 * lanes):
        a, b = simd.splat(out, nothing), simd.splat(out, nothing)
        for n in range(indptr[token], indptr[token + 1]):
            value = simd.splat(out, simd.number(out, values[n] if values.size else 1.0))
            base = indices[n] * count + j
            a = simd.multiply_add(value, simd.load_some(weights, base, count - j, nothing), a)
            b = simd.multiply_add(value, simd.load_some(weights, base + lanes, count - j - lanes, nothing), b)
        simd.store_some(out, place + j, count - j, a)
        simd.store_some(out, place + j + lanes, count - j - lanes, b)


@kernel
def add_tokens(start, length, indptr, indices, values, offsets, labels, weights, out, row):
    """out[row, t] = the scores of token start + t."""
    steps, count = out.shape[1], out.shape[2]
    if labels.size == (offsets.size - 1) * count:
        for t in range(length):
            add_all(start + t, indptr, indices, values, weights, count, out, (row * steps + t) * count)
    else:
        for t in range(length):
            add_some(start + t, indptr, indices, values, offsets, labels, weights, out, row, t)


@kernel
def _emissions(part, rows, starts, lengths, indptr, indices, values, offsets, labels, weights, out):
    for b in rows:
        add_tokens(starts[b], lengths[b], indptr, indices, values, offsets, labels, weights, out, b)
        out[b, lengths[b] :] = 0


@kernel
def _gradient(part, rows, starts, lengths, indptr, indices, values, offsets, labels, flow, out):
    steps, count, size = flow.shape[1], flow.shape[2], out.shape[1]
    lanes = simd.lanes(out)
    nothing = simd.number(out, 0)
    for b in rows:
        for t in range(lengths[b]):
            token, place, row = starts[b] + t, (b * steps + t) * count, flow[b, t]
            for n in range(indptr[token], indptr[token + 1]):
                value = values[n] if values.size else 1.0
                first, last = offsets[indices[n]], offsets[indices[n] + 1]
                if last - first == count:
                    times = simd.splat(out, value)
                    for j in range(0, count, lanes):
                        at, left = part * size + first + j, count - j
                        old = simd.load_some(out, at, left, nothing)
                        new = simd.multiply_add(times, simd.load_some(flow, place + j, left, nothing), old)
                        simd.store_some(out, at, left, new)
                else:
                    for s in range(first, last):
                        out[part, s] += value * row[labels[s]]


def emissions(features, starts, lengths, weights, num_labels):
    """Scores (B, T, K) of the labels of a batch's tokens, in the weights' dtype; 0 in the padding."""
    out = np.empty((len(starts), int(lengths.max()), num_labels), weights.dtype)
    parts = threads.share_rows(lengths, features.per_token * _WEIGHT, len(lengths))
    threads.run(_emissions, parts, starts, lengths, *features.arrays(weights.dtype), weights, out)
    return out


def add_gradient(features, starts, lengths, flow, out):
    """Add to ``out`` (threads, S) float64 the gradient by the weights, ``flow`` (B, T, K) that by the scores."""
    parts = threads.share_rows(lengths, features.per_token * _WEIGHT, len(lengths))
    if len(parts) > len(out):
        parts = [np.arange(len(lengths))]
    flow = np.ascontiguousarray(flow, np.float64)
    threads.run(_gradient, parts, starts, lengths, *features.arrays(flow.dtype), flow, out)
