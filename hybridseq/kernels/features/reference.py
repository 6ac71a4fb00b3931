"""The sums in plain torch: scores[n, k] = Σ over features a of value[n, a] · weight[a, k]."""

import numpy as np
import torch


def dense_weights(features, weights, num_labels):
    """Weights (A, K) with 0 where a feature–label pair has none."""
    count = len(features.offsets) - 1
    rows = torch.from_numpy(np.repeat(np.arange(count), np.diff(features.offsets)))
    places = rows, torch.from_numpy(features.labels).long()
    return weights.new_zeros(count, num_labels).index_put(places, weights)


def emissions(features, starts, lengths, weights, num_labels):
    """Scores (B, T, K) of the labels of a batch's tokens; 0 in the padding. Differentiable in ``weights`` (S,)."""
    dense = dense_weights(features, weights, num_labels)
    steps = int(lengths.max())
    rows = []
    for start, length in zip(starts, lengths):
        scores = []
        for token in range(start, start + length):
            place = slice(features.indptr[token], features.indptr[token + 1])
            used = dense[torch.from_numpy(features.indices[place]).long()]
            if features.values is not None:
                used = used * torch.from_numpy(features.values[place]).to(used)[:, None]
            scores.append(used.sum(0))
        scores += [weights.new_zeros(num_labels)] * (steps - length)
        rows.append(torch.stack(scores))
    return torch.stack(rows)
