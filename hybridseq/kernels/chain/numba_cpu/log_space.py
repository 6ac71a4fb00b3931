"""Any scores, one row at a time, in log space and float64: exact where scaled probabilities would vanish.

Transitions are (1, 1, K, K) or (B, T-1, K, K); ``end`` is folded into a row's last emission.
"""

import numpy as np

from hybridseq.kernels.chain.numba_cpu.primitives import exp, kernel


@kernel
def emission(emissions, start, end, b, t, length, j):
    """The score of label j at position t, with start and end folded in."""
    value = np.float64(emissions[b, t, j])
    if t == 0:
        value += start[j]
    if t == length - 1:
        value += end[j]
    return value


@kernel
def step(transitions, b, t):
    """The (K, K) scores of the step that arrives at position t."""
    return transitions[b if transitions.shape[0] > 1 else 0, t - 1 if transitions.shape[1] > 1 else 0]


@kernel
def normalise(values):
    """Subtract the log-sum-exp from ``values`` in place and return it; −inf leaves them alone."""
    top = -np.inf
    for j in range(values.size):
        if not values[j] < np.inf:
            return np.nan
        top = max(top, values[j])
    if top == -np.inf:
        return top
    total = 0.0
    for j in range(values.size):
        total += exp(values[j] - top)
    total = np.log(total) + top
    for j in range(values.size):
        values[j] -= total
    return total


@kernel
def arrive(previous, scores, out, top, total):
    """out[j] = log-sum-exp over i of previous[i] + scores[i, j]."""
    count = previous.size
    top[:] = -np.inf
    for i in range(count):
        base = previous[i]
        if base > -np.inf:
            for j in range(count):
                value = base + scores[i, j]
                top[j] = value if value > top[j] else top[j]
    for j in range(count):
        if top[j] == -np.inf:
            top[j] = 0.0
    total[:] = 0.0
    for i in range(count):
        base = previous[i]
        if base > -np.inf:
            for j in range(count):
                total[j] += exp(base + scores[i, j] - top[j])
    for j in range(count):
        out[j] = np.log(total[j]) + top[j]


@kernel
def leave(onward, scores, out):
    """out[i] = log-sum-exp over j of scores[i, j] + onward[j]."""
    count = onward.size
    for i in range(count):
        top = -np.inf
        for j in range(count):
            top = max(top, scores[i, j] + onward[j])
        if top == -np.inf:
            out[i] = top
            continue
        total = 0.0
        for j in range(count):
            total += exp(scores[i, j] + onward[j] - top)
        out[i] = np.log(total) + top


@kernel
def forward_row(emissions, transitions, start, end, b, length, alpha):
    """Fill ``alpha`` (T, K) with log-probabilities given the prefix; return the row's log-partition.

    −inf: no label sequence is possible. NaN: a score is NaN or +inf.
    """
    count = emissions.shape[2]
    top, total = np.empty(count), np.empty(count)
    for j in range(count):
        alpha[0, j] = emission(emissions, start, end, b, 0, length, j)
    log_partition = normalise(alpha[0])
    for t in range(1, length):
        if not log_partition > -np.inf:
            return log_partition
        arrive(alpha[t - 1], step(transitions, b, t), alpha[t], top, total)
        for j in range(count):
            alpha[t, j] += emission(emissions, start, end, b, t, length, j)
        log_partition += normalise(alpha[t])
    return log_partition


@kernel
def gradient_row(
    emissions,
    transitions,
    start,
    end,
    b,
    length,
    weight,
    grad_emissions,
    grad_transitions,
    shared_out,
):
    """One row's marginals and pair marginals, times ``weight``.

    Pair marginals are added to ``grad_transitions[shared_out]`` where transitions are shared, else stored at the
    row's own place.
    """
    count = emissions.shape[2]
    alpha = np.empty((length, count))
    shared = transitions.shape[1] == 1 and transitions.shape[0] == 1
    grad_emissions[b, :] = 0
    if not forward_row(emissions, transitions, start, end, b, length, alpha) > -np.inf:
        return
    beta, onward, posterior = np.zeros(count), np.empty(count), np.empty(count)
    for t in range(length - 1, -1, -1):
        for j in range(count):
            posterior[j] = alpha[t, j] + beta[j]
        mass = normalise(posterior)
        for j in range(count):
            posterior[j] = exp(posterior[j]) * weight
            grad_emissions[b, t, j] = posterior[j]
        if t < length - 1:
            scores = step(transitions, b, t + 1)
            for i in range(count):
                base = alpha[t, i] - mass
                for j in range(count):
                    value = base + (scores[i, j] + onward[j])
                    pair = exp(min(value, 0.0)) * weight
                    if shared:
                        grad_transitions[shared_out, 0, i, j] += pair
                    else:
                        grad_transitions[b, t, i, j] = pair
        if t > 0:
            for j in range(count):
                onward[j] = emission(emissions, start, end, b, t, length, j) + beta[j]
            top = -np.inf
            for j in range(count):
                top = max(top, onward[j])
            for j in range(count):
                onward[j] -= top
            leave(onward, step(transitions, b, t), beta)


@kernel
def tangent_forward_row(
    emissions, transitions, start, end, d_emissions, d_transitions, d_start, d_end, b, length, alpha, rate
):
    """Forward pass with its derivative along a direction.

    ``rate`` (T, K) receives the derivative of the log-probabilities in ``alpha``, centred so that its mean over them
    is 0. Returns the log-partition and its derivative: the direction's expected score.
    """
    count = emissions.shape[2]
    top, total = np.empty(count), np.empty(count)
    log_partition, expected = 0.0, 0.0
    for t in range(length):
        if t == 0:
            for j in range(count):
                alpha[0, j] = 0.0
                rate[0, j] = 0.0
        else:
            scores, d_scores = step(transitions, b, t), step(d_transitions, b, t)
            arrive(alpha[t - 1], scores, alpha[t], top, total)
            rate[t, :] = 0.0
            for i in range(count):
                base, inner = alpha[t - 1, i], rate[t - 1, i]
                if base > -np.inf:
                    for j in range(count):
                        rate[t, j] += exp(base + scores[i, j] - top[j]) * (inner + d_scores[i, j])
            for j in range(count):
                rate[t, j] = rate[t, j] / total[j] if total[j] > 0 else 0.0
        for j in range(count):
            alpha[t, j] += emission(emissions, start, end, b, t, length, j)
            rate[t, j] += emission(d_emissions, d_start, d_end, b, t, length, j)
        gain = normalise(alpha[t])
        log_partition += gain
        if not log_partition > -np.inf:
            return log_partition, 0.0
        mean = 0.0
        for j in range(count):
            mean += exp(alpha[t, j]) * rate[t, j]
        for j in range(count):
            rate[t, j] -= mean
        expected += mean
    return log_partition, expected


@kernel
def tangent_gradient_row(
    emissions,
    transitions,
    start,
    end,
    d_emissions,
    d_transitions,
    d_start,
    d_end,
    b,
    length,
    weight,
    out_emissions,
    out_transitions,
    shared_out,
):
    """Derivative, along a direction, of what ``gradient_row`` computes: a Hessian-vector product."""
    count = emissions.shape[2]
    alpha, rate = np.empty((length, count)), np.empty((length, count))
    shared = transitions.shape[1] == 1 and transitions.shape[0] == 1
    out_emissions[b, :] = 0
    log_partition, _ = tangent_forward_row(
        emissions, transitions, start, end, d_emissions, d_transitions, d_start, d_end, b, length, alpha, rate
    )
    if not log_partition > -np.inf:
        return
    beta, beta_rate = np.zeros(count), np.zeros(count)
    onward, onward_rate, posterior = np.empty(count), np.empty(count), np.empty(count)
    for t in range(length - 1, -1, -1):
        for j in range(count):
            posterior[j] = alpha[t, j] + beta[j]
        mass = normalise(posterior)
        mean = 0.0
        for j in range(count):
            posterior[j] = exp(posterior[j])
            mean += posterior[j] * (rate[t, j] + beta_rate[j])
        for j in range(count):
            out_emissions[b, t, j] = weight * posterior[j] * (rate[t, j] + beta_rate[j] - mean)
        if t < length - 1:
            scores, d_scores = step(transitions, b, t + 1), step(d_transitions, b, t + 1)
            for i in range(count):
                base, inner = alpha[t, i] - mass, rate[t, i] - mean
                for j in range(count):
                    pair = exp(min(base + (scores[i, j] + onward[j]), 0.0)) * weight
                    value = pair * (inner + d_scores[i, j] + onward_rate[j])
                    if shared:
                        out_transitions[shared_out, 0, i, j] += value
                    else:
                        out_transitions[b, t, i, j] = value
        if t > 0:
            top = -np.inf
            for j in range(count):
                onward[j] = emission(emissions, start, end, b, t, length, j) + beta[j]
                onward_rate[j] = emission(d_emissions, d_start, d_end, b, t, length, j) + beta_rate[j]
                top = max(top, onward[j])
            for j in range(count):
                onward[j] -= top
            scores, d_scores = step(transitions, b, t), step(d_transitions, b, t)
            leave(onward, scores, beta)
            for i in range(count):
                total = 0.0
                if beta[i] > -np.inf:
                    for j in range(count):
                        share = exp(min(scores[i, j] + onward[j] - beta[i], 0.0))
                        total += share * (d_scores[i, j] + onward_rate[j])
                beta_rate[i] = total


@kernel
def forward(part, rows, emissions, transitions, start, end, lengths, log_partition):
    """Log-partition of ``rows``."""
    for b in rows:
        alpha = np.empty((lengths[b], emissions.shape[2]))
        log_partition[b] = forward_row(emissions, transitions, start, end, b, lengths[b], alpha)


@kernel
def backward(part, rows, emissions, transitions, start, end, lengths, weight, grad_emissions, grad_transitions):
    """Weighted gradient of the log-partition for ``rows``."""
    for b in rows:
        if transitions.shape[0] > 1 or transitions.shape[1] != 1:
            grad_transitions[b, :] = 0
        gradient_row(
            emissions,
            transitions,
            start,
            end,
            b,
            lengths[b],
            weight[b],
            grad_emissions,
            grad_transitions,
            part,
        )


@kernel
def tangent_forward(
    part,
    rows,
    emissions,
    transitions,
    start,
    end,
    d_emissions,
    d_transitions,
    d_start,
    d_end,
    lengths,
    out,
    invalid,
):
    """Derivative of each row's log-partition along a direction; 0 in infeasible rows."""
    count = emissions.shape[2]
    for b in rows:
        alpha, rate = np.empty((lengths[b], count)), np.empty((lengths[b], count))
        log_partition, out[b] = tangent_forward_row(
            emissions,
            transitions,
            start,
            end,
            d_emissions,
            d_transitions,
            d_start,
            d_end,
            b,
            lengths[b],
            alpha,
            rate,
        )
        invalid[b] = not log_partition <= np.inf


@kernel
def tangent_backward(
    part,
    rows,
    emissions,
    transitions,
    start,
    end,
    d_emissions,
    d_transitions,
    d_start,
    d_end,
    lengths,
    weight,
    out_emissions,
    out_transitions,
):
    """Weighted derivative of the marginals along a direction."""
    shared = transitions.shape[0] == 1 and transitions.shape[1] == 1
    for b in rows:
        if not shared:
            out_transitions[b, :] = 0
        tangent_gradient_row(
            emissions,
            transitions,
            start,
            end,
            d_emissions,
            d_transitions,
            d_start,
            d_end,
            b,
            lengths[b],
            weight[b],
            out_emissions,
            out_transitions,
            part,
        )
