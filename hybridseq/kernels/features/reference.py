"""The sums in plain torch, scores[n, k] = Σ over features a of value[n, a] · weight[a, k], and passes that use them."""

import numpy as np
import torch

from hybridseq.kernels.chain import reference as chain


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


def differences(features, start, plus, minus, places):
    """How often the label path ``plus`` shows each pair that has a weight, less how often ``minus`` does, (S + P,).

    ``start`` is the path's first token; ``places`` (K, K) has where label pairs' weights stand, −1 where there is none.
    """
    owners = np.repeat(np.arange(len(features.offsets) - 1), np.diff(features.offsets))
    at = {pair: place for place, pair in enumerate(zip(owners.tolist(), features.labels.tolist()))}
    found = np.zeros(len(at) + int((places >= 0).sum()))
    for sign, path in ((1.0, plus.tolist()), (-1.0, minus.tolist())):
        for t, label in enumerate(path):
            for n in range(features.indptr[start + t], features.indptr[start + t + 1]):
                place = at.get((int(features.indices[n]), label))
                if place is not None:
                    found[place] += sign * (1.0 if features.values is None else features.values[n])
            if t and places[path[t - 1], label] >= 0:
                found[places[path[t - 1], label]] += sign
    return found


def scores(features, start, length, weights, places, penalties):
    """The chain of one sequence, as :mod:`hybridseq.kernels.chain.reference` takes it.

    ``penalties`` are what a plan adds to first labels (K,), label pairs (K, K) and last labels (K,).
    """
    weights = torch.as_tensor(weights)
    first, moves, last = map(torch.as_tensor, penalties)
    states, one = len(features.labels), np.array([length])
    transitions = torch.where(torch.from_numpy(places >= 0), weights[torch.from_numpy(places)], 0.0) + moves
    own = emissions(features, np.array([start]), one, weights[:states], len(places))
    return own, transitions, first, last, torch.from_numpy(one)


def perceptron_pass(order, features, starts, lengths, gold, places, penalties, weights, sums, seen):
    """One pass of the averaged perceptron; see the compiled one. Returns how many labels were wrong."""
    wrong = 0
    for b in order:
        right = gold[starts[b] : starts[b] + lengths[b]]
        found = chain.decode(*scores(features, starts[b], lengths[b], weights, places, penalties))[0].numpy()
        change = differences(features, starts[b], right, found, places)
        weights += change
        sums += seen * change
        wrong += int((right != found).sum())
        seen += 1
    return wrong


def subgradient_pass(order, features, starts, lengths, gold, places, penalties, costs, strength, step, total, sums):
    """One pass of subgradient steps; see the compiled one. Returns the sum of hinge losses."""
    hinge = 0.0
    for b in order:
        right = gold[starts[b] : starts[b] + lengths[b]]
        weights = total * (strength / step if step else 0.0)
        own, *rest = scores(features, starts[b], lengths[b], weights, places, penalties)
        own = own + torch.from_numpy(costs[right])
        found = chain.decode(own, *rest)
        hinge += float(chain.score(own, *rest, found) - chain.score(own, *rest, torch.from_numpy(right)[None]))
        step += 1
        change = differences(features, starts[b], right, found[0].numpy(), places)
        total += change
        sums += step * change
    return hinge
