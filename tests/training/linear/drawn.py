"""Random problems of linear models."""

import numpy as np

from hybridseq.text.attributes import Attributes
from hybridseq.training.linear.problem import Problem
from hybridseq.training.linear.weights import count_pairs


def attributes(seed=0, count=12, longest=6, size=10, ones=True):
    """Sequences of 1 to ``longest`` tokens with 0 to 4 attributes; some attributes twice, some values 0."""
    random = np.random.default_rng(seed)
    lengths = random.integers(1, longest + 1, count)
    lengths[:2] = 1, longest
    numbers = random.integers(0, 5, lengths.sum())
    total = int(numbers.sum())
    values = None if ones else np.where(random.random(total) < 0.2, 0.0, random.normal(size=total))
    indptr = np.concatenate([[0], np.cumsum(numbers)])
    return Attributes(lengths, indptr, random.integers(0, size, total).astype(np.int32), values, size)


def labels(tokens, num_labels, seed=0):
    return np.random.default_rng(seed + 1000).integers(0, num_labels, int(tokens.lengths.sum()))


def problem(seed=0, num_labels=3, ones=True, plan=None, all_states=False, all_transitions=False, **size):
    tokens = attributes(seed, ones=ones, **size)
    ids = labels(tokens, num_labels, seed)
    options = {"all_states": all_states, "all_transitions": all_transitions}
    return Problem(tokens, ids, *count_pairs(tokens, ids, num_labels, **options), plan)


def counted(tokens, ids):
    """How often each (attribute, label) and each (label, next label) stands in sequences, added up one by one."""
    states, moves, token = {}, {}, 0
    for length in tokens.lengths:
        for t in range(length):
            for n in range(tokens.indptr[token], tokens.indptr[token + 1]):
                pair = int(tokens.indices[n]), int(ids[token])
                states[pair] = states.get(pair, 0.0) + (1.0 if tokens.values is None else tokens.values[n])
            if t:
                pair = int(ids[token - 1]), int(ids[token])
                moves[pair] = moves.get(pair, 0.0) + 1.0
            token += 1
    return states, moves


def by_name(pairs, values):
    """Values of weights, as two dictionaries like those of ``counted``."""
    states = dict(zip(zip(pairs.features().tolist(), pairs.labels.tolist()), values.tolist()))
    moves = zip(pairs.sources.tolist(), pairs.targets.tolist())
    return states, dict(zip(moves, values[pairs.states :].tolist()))


def some(whole, rows):
    """The problem of some sequences only, with the same pairs."""
    others = np.setdiff1d(np.arange(len(whole.lengths)), rows)
    tokens = whole.attributes.without(others) if len(others) else whole.attributes
    ids = np.delete(whole.labels, whole.attributes.tokens(others)) if len(others) else whole.labels
    found = counted(tokens, ids)
    keys = by_name(whole.pairs, whole.counts)
    counts = np.array([own.get(key, 0.0) for own, known in zip(found, keys) for key in known])
    return Problem(tokens, ids, whole.pairs, counts, whole.plan)


def dense(tokens):
    """Sequences as arrays (T, A)."""
    rows = np.zeros((len(tokens.indptr) - 1, tokens.size))
    for token in range(len(rows)):
        for n in range(tokens.indptr[token], tokens.indptr[token + 1]):
            rows[token, tokens.indices[n]] += 1.0 if tokens.values is None else tokens.values[n]
    ends = np.cumsum(tokens.lengths)
    return [rows[end - length : end] for end, length in zip(ends, tokens.lengths)]
