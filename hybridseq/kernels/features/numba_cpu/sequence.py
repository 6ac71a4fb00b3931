"""What compiled learners do with one sequence: score it, find its best labels, move weights along two label paths."""

from typing import NamedTuple

import numpy as np

from hybridseq.kernels.chain.numba_cpu.forward_backward import padded_matrix
from hybridseq.kernels.chain.numba_cpu.viterbi import decode_block, pad_transitions
from hybridseq.kernels.features.numba_cpu.sums import add_tokens
from hybridseq.kernels.simd import kernel


class Corpus(NamedTuple):
    """Sequences with their features and right labels, and which pairs have weights; see ``FeatureTable``."""

    starts: np.ndarray
    lengths: np.ndarray
    gold: np.ndarray
    indptr: np.ndarray
    indices: np.ndarray
    values: np.ndarray
    offsets: np.ndarray
    labels: np.ndarray
    #: (K, K) places of label pairs' weights, −1 where there is none, and the pair of each place.
    pairs: np.ndarray
    sources: np.ndarray
    targets: np.ndarray


class Search(NamedTuple):
    """What scoring and Viterbi work on, in float32: weights, scores of label pairs, room for a sequence."""

    weights: np.ndarray
    first: np.ndarray
    last: np.ndarray
    moves: np.ndarray
    matrix: np.ndarray
    arriving: np.ndarray
    bounds: np.ndarray
    emissions: np.ndarray
    prefix: np.ndarray
    found: np.ndarray


class Difference(NamedTuple):
    """Room for the features in which two label paths differ: ``scratch`` (n,) is all 0 between uses."""

    scratch: np.ndarray
    places: np.ndarray
    amounts: np.ndarray


def corpus(features, starts, lengths, gold, pairs, sources, targets) -> Corpus:
    """The sequences of a feature table."""
    return Corpus(starts, lengths, gold, *features.arrays(np.dtype(np.float32)), pairs, sources, targets)


def search(num_weights, num_labels, longest, penalties) -> Search:
    """Room to search in; ``penalties`` are what a plan adds to first labels, pairs and last labels, or None each."""
    first, moves, last = (
        np.zeros(shape, np.float32) if penalty is None else np.array(penalty, np.float32)
        for penalty, shape in zip(penalties, (num_labels, (num_labels, num_labels), num_labels))
    )
    matrix, arriving = (padded_matrix(num_labels, np.dtype(np.float32)) for _ in range(2))
    width = matrix.shape[1]
    return Search(
        np.empty(num_weights, np.float32),
        first,
        last,
        moves,
        matrix,
        arriving,
        np.empty((2, width), np.float32),
        np.empty((1, longest, num_labels), np.float32),
        np.empty((1, longest, width), np.float32),
        np.empty((1, longest), np.int64),
    )


def difference(corpus, num_weights) -> Difference:
    """Room for the differences of a corpus's sequences."""
    ends = corpus.starts + corpus.lengths
    most = int((corpus.indptr[ends] - corpus.indptr[corpus.starts]).max()) * 2 + 2 * int(corpus.lengths.max())
    return Difference(np.zeros(num_weights), np.empty(most, np.int64), np.empty(most))


@kernel
def load_pairs(corpus, weights, scale, search):
    """Take over the weights of label pairs, times ``scale``; what a plan forbids stays −inf."""
    states = corpus.labels.size
    for n in range(corpus.sources.size):
        i, j = corpus.sources[n], corpus.targets[n]
        if search.moves[i, j] > -np.inf:
            search.moves[i, j] = scale * weights[states + n]
    pad_transitions(search.moves, search.matrix, search.arriving, search.bounds)


@kernel
def load_weights(corpus, weights, search):
    """Take over all weights."""
    for n in range(weights.size):
        search.weights[n] = weights[n]
    load_pairs(corpus, weights, 1.0, search)


@kernel
def score_tokens(b, corpus, scale, search):
    """search.emissions[0, t] = scale · the scores of the sequence's tokens."""
    add_tokens(
        corpus.starts[b],
        corpus.lengths[b],
        corpus.indptr,
        corpus.indices,
        corpus.values,
        corpus.offsets,
        corpus.labels,
        search.weights,
        search.emissions,
        0,
    )
    if scale != 1.0:
        for t in range(corpus.lengths[b]):
            for k in range(search.emissions.shape[2]):
                search.emissions[0, t, k] *= scale


@kernel
def add_costs(right, costs, search):
    """search.emissions[0, t] += what each label costs where the right one is right[t]."""
    for t in range(right.size):
        for k in range(costs.shape[0]):
            search.emissions[0, t, k] += costs[right[t], k]


@kernel
def best_labels(length, search):
    """The best label sequence, by the chain's Viterbi: a view that the next call writes over."""
    decode_block(
        search.emissions,
        search.moves.reshape((1, 1, search.moves.shape[0], search.moves.shape[1])),
        search.first,
        search.last,
        np.full(1, length),
        np.zeros(1, np.int64),
        search.matrix,
        search.arriving,
        search.bounds,
        search.prefix,
        search.found,
    )
    return search.found[0, :length]


@kernel
def path_score(path, search):
    """Score of a label path, float64."""
    score = 0.0
    for t in range(path.size):
        score += search.emissions[0, t, path[t]]
        if t > 0:
            score += search.matrix[path[t - 1], path[t]]
    return score


@kernel
def weight_of(first, last, label, count, labels):
    """The place among ``first : last`` of a feature's weight for a label; −1 where the pair has none."""
    if last - first == count:
        return first + label
    end = last
    while first < last:
        middle = (first + last) // 2
        if labels[middle] < label:
            first = middle + 1
        else:
            last = middle
    return first if first < end and labels[first] == label else np.int64(-1)


@kernel
def subtract_paths(b, plus, minus, corpus, difference):
    """Features of the label path ``plus`` less those of ``minus``: places and amounts, each place once.

    Returns how many there are.
    """
    used, start, pairs, count = 0, corpus.starts[b], corpus.pairs, corpus.pairs.shape[0]
    indptr, indices, values = corpus.indptr, corpus.indices, corpus.values
    offsets, labels = corpus.offsets, corpus.labels
    scratch, places = difference.scratch, difference.places
    for t in range(plus.size):
        p, m = plus[t], minus[t]
        if p != m:
            for n in range(indptr[start + t], indptr[start + t + 1]):
                value = values[n] if values.size else 1.0
                first, last = offsets[indices[n]], offsets[indices[n] + 1]
                place = weight_of(first, last, p, count, labels)
                if place >= 0:
                    scratch[place] += value
                    places[used] = place
                    used += 1
                place = weight_of(first, last, m, count, labels)
                if place >= 0:
                    scratch[place] -= value
                    places[used] = place
                    used += 1
        if t > 0 and (p != m or plus[t - 1] != minus[t - 1]):
            place = pairs[plus[t - 1], p]
            if place >= 0:
                scratch[place] += 1.0
                places[used] = place
                used += 1
            place = pairs[minus[t - 1], m]
            if place >= 0:
                scratch[place] -= 1.0
                places[used] = place
                used += 1
    kept = 0
    for n in range(used):
        place = places[n]
        if scratch[place] != 0:
            places[kept], difference.amounts[kept] = place, scratch[place]
            scratch[place] = 0
            kept += 1
    return kept


@kernel
def add_difference(size, used, difference, weights):
    """weights += size · difference."""
    for n in range(used):
        weights[difference.places[n]] += size * difference.amounts[n]


@kernel
def renew(used, difference, corpus, weights, search):
    """Take over the weights that stand in the difference."""
    states = corpus.labels.size
    for n in range(used):
        place = difference.places[n]
        search.weights[place] = weights[place]
        if place >= states:
            i, j = corpus.sources[place - states], corpus.targets[place - states]
            if search.moves[i, j] > -np.inf:
                score = search.weights[place]
                search.moves[i, j] = score
                search.matrix[i, j] = score
                search.arriving[j, i] = score
                row = search.moves[i]
                search.bounds[0, i], search.bounds[1, i] = row.max(), row.min()
