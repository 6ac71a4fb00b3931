"""Given paths: their scores with gradients, and exact draws of new ones."""

import numpy as np

from hybridseq.kernels.chain.numba_cpu.log_space import emission, forward_row, step
from hybridseq.kernels.chain.numba_cpu.primitives import exp, kernel

NO_LABEL = -100


@kernel
def score(part, rows, emissions, transitions, start, end, lengths, labels, out, bad_position):
    """Scores of label sequences, summed in float64; the first label out of range stands in ``bad_position``."""
    count = emissions.shape[2]
    for b in rows:
        total = 0.0
        bad_position[b] = -1
        for t in range(lengths[b]):
            label = labels[b, t]
            if label < 0 or label >= count:
                bad_position[b] = t
                break
            total += emission(emissions, start, end, b, t, lengths[b], label)
            if t > 0:
                total += step(transitions, b, t)[labels[b, t - 1], label]
        out[b] = total


@kernel
def score_gradient(part, rows, lengths, labels, weight, grad_emissions, grad_transitions, shared):
    """Weighted counts of the parts that the label sequences use; a row without a path has none."""
    for b in rows:
        length = lengths[b]
        grad_emissions[b, :] = 0
        if not shared:
            grad_transitions[b, :] = 0
        if labels[b, 0] < 0:
            continue
        for t in range(length):
            label = labels[b, t]
            grad_emissions[b, t, label] = weight[b]
            if t > 0:
                if shared:
                    grad_transitions[part, 0, labels[b, t - 1], label] += weight[b]
                else:
                    grad_transitions[b, t - 1, labels[b, t - 1], label] = weight[b]


@kernel
def add_counts(lengths, labels, weight, grad_emissions, grad_transitions):
    """Add the weighted counts of the parts that the label sequences use; rows of weight 0 are left alone."""
    shared = grad_transitions.shape[0] == 1 and grad_transitions.shape[1] == 1
    for b in range(lengths.size):
        if weight[b] != 0:
            for t in range(lengths[b]):
                grad_emissions[b, t, labels[b, t]] += weight[b]
                if t > 0:
                    step = (0, 0) if shared else (b, t - 1)
                    grad_transitions[step[0], step[1], labels[b, t - 1], labels[b, t]] += weight[b]


@kernel
def draw(weights, uniform):
    """The label at which the running sum of ``weights`` passes ``uniform`` of the whole."""
    total = 0.0
    for j in range(weights.size):
        total += weights[j]
    target, running, last = uniform * total, 0.0, -1
    for j in range(weights.size):
        if weights[j] > 0:
            running += weights[j]
            last = j
            if running > target:
                break
    return last


@kernel
def sample(part, rows, emissions, transitions, start, end, lengths, uniforms, labels, invalid):
    """Forward filtering in log space, then backward sampling of every draw."""
    count = emissions.shape[2]
    weights, scores = np.empty(count), np.empty(count)
    for b in rows:
        length = lengths[b]
        alpha = np.empty((length, count))
        labels[:, b, :] = NO_LABEL
        log_partition = forward_row(emissions, transitions, start, end, b, length, alpha)
        invalid[b] = not log_partition <= np.inf
        if not log_partition > -np.inf:
            continue
        for n in range(uniforms.shape[0]):
            label = -1
            for t in range(length - 1, -1, -1):
                top = -np.inf
                for i in range(count):
                    scores[i] = alpha[t, i]
                    if t < length - 1:
                        scores[i] += step(transitions, b, t + 1)[i, label]
                    top = max(top, scores[i])
                for i in range(count):
                    weights[i] = exp(scores[i] - top)
                label = draw(weights, uniforms[n, b, t])
                labels[n, b, t] = label
