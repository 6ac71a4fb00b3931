"""The chain's recursions in pure torch and log space: the truth that fast kernels are held against.

Every function takes ``emissions (B, T, K)``, ``transitions (K, K)`` or ``(B, T-1, K, K)``, ``start (K,)``,
``end (K,)`` and ``lengths (B,)``, and is differentiable by autograd as often as one likes. Cost: O(B·T·K²) time and,
with an autograd graph, memory.
"""

import torch

NO_LABEL = -100


def logsumexp(x, dim):
    """Log-sum-exp whose value over nothing (all −inf) is −inf and whose gradient there is 0."""
    top = x.detach().amax(dim, keepdim=True)
    top = torch.where(top == -torch.inf, torch.zeros_like(top), top)
    total = (x - top).exp().sum(dim, keepdim=True)
    empty = total == 0
    value = torch.where(empty, torch.ones_like(total), total).log() + top
    return torch.where(empty, -torch.inf, value).squeeze(dim)


def _step(transitions, t):
    """Scores of the step from position t to t + 1, broadcastable to (B, K, K)."""
    return transitions[None] if transitions.dim() == 2 else transitions[:, t]


def _select(condition, new, old):
    return torch.where(condition.view(-1, *[1] * (new.dim() - 1)), new, old)


def _used(emissions, transitions, lengths):
    """The scores with 0 in the padding, where even NaN must not matter, nor in the gradient."""
    inside = torch.arange(emissions.shape[1], device=lengths.device) < lengths[:, None]
    emissions = torch.where(inside[:, :, None], emissions, 0)
    if transitions.dim() == 4:
        transitions = torch.where(inside[:, 1:, None, None], transitions, 0)
    return emissions, transitions


def forward(emissions, transitions, start, lengths):
    """Log-scores of all prefixes that end in a label, a list of T tensors (B, K).

    Past a row's length its last vector is repeated. Rabiner (1989), eq. 19-20, in log space.
    """
    emissions, transitions = _used(emissions, transitions, lengths)
    alphas = [start + emissions[:, 0]]
    for t in range(1, emissions.shape[1]):
        moved = logsumexp(alphas[-1][:, :, None] + _step(transitions, t - 1), 1) + emissions[:, t]
        alphas.append(_select(t < lengths, moved, alphas[-1]))
    return alphas


def backward(emissions, transitions, end, lengths):
    """Log-scores of all suffixes that follow a label, a list of T tensors (B, K). Rabiner (1989), eq. 24-25."""
    emissions, transitions = _used(emissions, transitions, lengths)
    last = end.expand(emissions.shape[0], -1)
    betas = [last]
    for t in range(emissions.shape[1] - 1, 0, -1):
        inner = _step(transitions, t - 1) + (emissions[:, t] + betas[-1])[:, None, :]
        betas.append(_select(t < lengths, logsumexp(inner, 2), last))
    return betas[::-1]


def log_partition(emissions, transitions, start, end, lengths):
    """Log of the sum of exp(score) over all label sequences, (B,)."""
    return logsumexp(forward(emissions, transitions, start, lengths)[-1] + end, 1)


def _normalise(log_weights, dims):
    """Exponentiate and divide by the sum over ``dims``; all zeros where nothing has weight."""
    top = log_weights.detach().amax(dims, keepdim=True)
    weights = (log_weights - torch.where(top == -torch.inf, torch.zeros_like(top), top)).exp()
    total = weights.sum(dims, keepdim=True)
    return weights / torch.where(total == 0, torch.ones_like(total), total)


def marginals(emissions, transitions, start, end, lengths):
    """Probability of each label at each position, (B, T, K); 0 in the padding and in infeasible rows."""
    alphas = forward(emissions, transitions, start, lengths)
    betas = backward(emissions, transitions, end, lengths)
    nodes = [_normalise(a + b, 1) for a, b in zip(alphas, betas)]
    inside = torch.arange(emissions.shape[1], device=lengths.device) < lengths[:, None]
    return torch.stack(nodes, 1) * inside[:, :, None]


def pair_marginals(emissions, transitions, start, end, lengths):
    """Probability of each pair of neighbouring labels, (B, T-1, K, K); 0 where there is no pair."""
    batch, steps, labels = emissions.shape
    if steps == 1:
        return emissions.new_zeros(batch, 0, labels, labels)
    emissions, transitions = _used(emissions, transitions, lengths)
    alphas = forward(emissions, transitions, start, lengths)
    betas = backward(emissions, transitions, end, lengths)
    pairs = []
    for t in range(1, steps):
        joint = alphas[t - 1][:, :, None] + _step(transitions, t - 1) + (emissions[:, t] + betas[t])[:, None]
        pairs.append(_normalise(joint, (1, 2)))
    inside = torch.arange(1, steps, device=lengths.device) < lengths[:, None]
    return torch.stack(pairs, 1) * inside[:, :, None, None]


def score(emissions, transitions, start, end, lengths, labels):
    """Score of one label sequence a row, (B,). Labels beyond a row's length are ignored."""
    batch, steps, _ = emissions.shape
    rows = torch.arange(batch, device=lengths.device)
    inside = torch.arange(steps, device=lengths.device) < lengths[:, None]
    labels = torch.where(inside, labels, 0)
    total = torch.where(inside, emissions.gather(2, labels[:, :, None]).squeeze(2), 0).sum(1)
    for t in range(1, steps):
        step = _step(transitions, t - 1).expand(batch, -1, -1)[rows, labels[:, t - 1], labels[:, t]]
        total = total + torch.where(t < lengths, step, 0)
    return total + start[labels[:, 0]] + end[labels[rows, lengths - 1]]


def log_prob_of(score, log_partition):
    """Score − log-partition; −inf, with no gradient, where the score is; not above 0 by rounding."""
    value = torch.where(score > -torch.inf, score - log_partition, -torch.inf)
    return value - value.detach().clamp(min=0)


def log_prob(emissions, transitions, start, end, lengths, labels):
    """Log-probability of one label sequence a row, (B,), never above 0."""
    scores = emissions, transitions, start, end, lengths
    return log_prob_of(score(*scores, labels), log_partition(*scores))


@torch.no_grad()
def decode(emissions, transitions, start, end, lengths):
    """Best label sequence of each row, (B, T), padded with −100; all −100 where none is possible."""
    batch, steps, _ = emissions.shape
    best, back = start + emissions[:, 0], []
    for t in range(1, steps):
        value, source = (best[:, :, None] + _step(transitions, t - 1)).max(1)
        back.append(source)
        best = _select(t < lengths, value + emissions[:, t], best)
    top, label = (best + end).max(1)
    labels = torch.full((batch, steps), NO_LABEL, dtype=torch.int64, device=lengths.device)
    for t in range(steps - 1, -1, -1):
        here = (t < lengths) & (top > -torch.inf)
        labels[:, t] = torch.where(here, label, NO_LABEL)
        if t > 0:
            previous = back[t - 1].gather(1, label[:, None]).squeeze(1)
            label = torch.where(t < lengths, previous, label)
    return labels


@torch.no_grad()
def k_best(emissions, transitions, start, end, lengths, k):
    """The k best label sequences of each row, best first: labels (B, k, T) and their scores (B, k).

    Keeps the k best prefixes of every label, O(B·T·K²·k log(K·k)). Missing paths: −100 and −inf.
    """
    batch, steps, count = emissions.shape
    value = emissions.new_full((batch, count, k), -torch.inf)
    value[:, :, 0] = start + emissions[:, 0]
    back = []
    for t in range(1, steps):
        moved = value[:, :, :, None] + _step(transitions, t - 1)[:, :, None, :]
        ranked, source = moved.reshape(batch, count * k, count).topk(k, 1)
        back.append(source)
        value = _select(t < lengths, ranked.transpose(1, 2) + emissions[:, t, :, None], value)
    scores, place = (value + end[:, None]).reshape(batch, count * k).topk(k, 1)
    labels = torch.full((batch, k, steps), NO_LABEL, dtype=torch.int64, device=lengths.device)
    for t in range(steps - 1, -1, -1):
        here = (t < lengths)[:, None]
        labels[:, :, t] = torch.where(here & (scores > -torch.inf), place // k, NO_LABEL)
        if t > 0:
            previous = back[t - 1].transpose(1, 2).reshape(batch, count * k).gather(1, place)
            place = torch.where(here, previous, place)
    return labels, scores


@torch.no_grad()
def sample(emissions, transitions, start, end, lengths, uniforms):
    """Exact draws by forward filtering and backward sampling, (n, B, T) from ``uniforms`` (n, B, T) in [0, 1)."""
    draws, batch, steps = uniforms.shape
    alphas = forward(emissions, transitions, start, lengths)
    feasible = logsumexp(alphas[-1] + end, 1) > -torch.inf
    labels = torch.full((draws, batch, steps), NO_LABEL, dtype=torch.int64, device=lengths.device)
    label = torch.zeros(draws, batch, dtype=torch.int64, device=lengths.device)
    for t in range(steps - 1, -1, -1):
        weights = (alphas[t] + end).expand(draws, -1, -1)
        if t + 1 < steps:
            arriving = _step(transitions, t).expand(batch, -1, -1).transpose(1, 2)
            onward = alphas[t] + arriving[torch.arange(batch, device=lengths.device)[None], label]
            weights = torch.where((t + 1 < lengths)[None, :, None], onward, weights)
        heights = _normalise(weights, 2).cumsum(2)
        drawn = (heights <= uniforms[:, :, t, None] * heights[:, :, -1:]).sum(2)
        here = (t < lengths) & feasible
        label = torch.where(here, drawn.clamp(max=emissions.shape[2] - 1), label)
        labels[:, :, t] = torch.where(here, label, NO_LABEL)
    return labels


def expected_score(emissions, transitions, start, end, direction, lengths):
    """Expectation, (B,), of the score that ``direction`` (four tensors shaped as the scores) gives to a sequence."""
    d_emissions, d_transitions, d_start, d_end = direction
    scores = emissions, transitions, start, end, lengths
    nodes, pairs = marginals(*scores), pair_marginals(*scores)
    rows = torch.arange(len(emissions), device=lengths.device)
    d_emissions, d_transitions = _used(d_emissions, d_transitions, lengths)
    steps = d_transitions[None, None] if d_transitions.dim() == 2 else d_transitions
    return (
        (nodes * d_emissions).sum((1, 2))
        + (pairs * steps).sum((1, 2, 3))
        + nodes[:, 0] @ d_start
        + nodes[rows, lengths - 1] @ d_end
    )
