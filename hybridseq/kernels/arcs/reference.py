"""Recursions over a sparse automaton in pure torch and log space: the truth that fast kernels are held against.

Every function takes ``emissions (B, T, K)``; ``moves (M,)``, ``(B, M)`` or ``(B, T-1, M)``; ``initial`` and ``final``,
``(S,)`` or ``(B, S)``, of all graphs one after another where each row has its own; ``lengths (B,)`` and a ``Graph``.
A path s_1 … s_L scores initial[s_1] + Σ emissions[t, labels[s_t]] + Σ moves[move of its arcs] + final[s_L]. States are
numbered within the row's graph, S is the largest graph's number of them. All are differentiable by autograd as often
as one likes. Cost: O(B·T·(S + A)) time and, with an autograd graph, memory.
"""

import torch

from hybridseq.kernels.chain.reference import NO_LABEL, logsumexp

NO_STATE = NO_LABEL


def _places(graph):
    """The number throughout of every graph's states, (G, S), and which of them exist."""
    first, after = graph.state_offset[:-1, None], graph.state_offset[1:, None]
    place = first + torch.arange(graph.max_states, device=graph.labels.device)
    return place.clamp(max=graph.num_states - 1), place < after


def state_labels(graph):
    """The labels (G, S) of every graph's states; any where a graph has fewer than S."""
    return graph.labels[_places(graph)[0]]


class _Rows:
    """The graphs as rectangles, (B, S) and (B, A), padded with arcs that ``used_arcs`` leaves out."""

    def __init__(self, graph, batch):
        device = graph.labels.device
        states, arcs = graph.state_offset, graph.arc_offset
        self.states, width = graph.max_states, max(1, int(arcs.diff().max()))
        self.place, self.used_states = (x.expand(batch, -1) for x in _places(graph))
        arc = arcs[:-1, None] + torch.arange(width, device=device)
        used = arc < arcs[1:, None]
        arc = arc.clamp(max=max(0, graph.num_arcs - 1))
        first = states[:-1, None]

        def spread(values, shift):
            values = values if len(values) else states.new_zeros(1)
            return torch.where(used, values[arc] - shift, 0).expand(batch, -1)

        self.used_arcs = used.expand(batch, -1)
        self.source, self.target = spread(graph.source, first), spread(graph.target, first)
        self.move = spread(graph.move, 0)
        self.labels = graph.labels[self.place]

    def ends(self, scores):
        """Initial or final scores, (B, S), −inf for states that a graph lacks."""
        scores = scores[self.place] if scores.dim() == 1 else scores
        return torch.where(self.used_states, scores, -torch.inf)

    def arcs(self, moves, t, fill=-torch.inf):
        """Scores (B, A) of the arcs from position t to t + 1."""
        if moves.shape[-1] == 0:
            return moves.new_full(self.move.shape, fill)
        step = moves[:, t] if moves.dim() == 3 else moves.expand(len(self.move), -1)
        return torch.where(self.used_arcs, step.gather(1, self.move), fill)


def _inside(lengths, steps, first=0):
    return torch.arange(first, steps, device=lengths.device) < lengths[:, None]


def _used(emissions, moves, lengths):
    """The scores with 0 in the padding, where even NaN must not matter, nor in the gradient."""
    steps = emissions.shape[1]
    emissions = torch.where(_inside(lengths, steps)[:, :, None], emissions, 0)
    if moves.dim() == 3:
        moves = torch.where(_inside(lengths, steps, 1)[:, :, None], moves, 0)
    return emissions, moves


def _state_scores(emissions, rows):
    """Emissions by state, (B, T, S)."""
    return emissions.gather(2, rows.labels[:, None].expand(-1, emissions.shape[1], -1))


def _sum_by(group, scores, count):
    """Log-sum-exp (B, count) of the scores (B, A) of each group; over nothing −inf, with gradient 0."""
    shape = len(scores), count
    top = scores.new_full(shape, -torch.inf).scatter_reduce(1, group, scores.detach(), "amax")
    top = torch.where(top == -torch.inf, 0, top)
    total = scores.new_zeros(shape).scatter_add(1, group, (scores - top.gather(1, group)).exp())
    empty = total == 0
    return torch.where(empty, -torch.inf, torch.where(empty, 1, total).log() + top)


def _select(condition, new, old):
    return torch.where(condition[:, None], new, old)


def _forward(emissions, moves, initial, lengths, rows):
    """Log-scores of all prefixes that end in a state, a list of T tensors (B, S), the last repeated in the padding."""
    alphas = [rows.ends(initial) + emissions[:, 0]]
    for t in range(1, emissions.shape[1]):
        arcs = alphas[-1].gather(1, rows.source) + rows.arcs(moves, t - 1)
        moved = _sum_by(rows.target, arcs, rows.states) + emissions[:, t]
        alphas.append(_select(t < lengths, moved, alphas[-1]))
    return alphas


def _backward(emissions, moves, final, lengths, rows):
    """Log-scores of all suffixes that follow a state, a list of T tensors (B, S)."""
    last = rows.ends(final)
    betas = [last]
    for t in range(emissions.shape[1] - 1, 0, -1):
        arcs = (emissions[:, t] + betas[-1]).gather(1, rows.target) + rows.arcs(moves, t - 1)
        betas.append(_select(t < lengths, _sum_by(rows.source, arcs, rows.states), last))
    return betas[::-1]


def log_partition(emissions, moves, initial, final, lengths, graph):
    """Log of the sum of exp(score) over all paths, (B,)."""
    rows = _Rows(graph, len(emissions))
    emissions, moves = _used(emissions, moves, lengths)
    alphas = _forward(_state_scores(emissions, rows), moves, initial, lengths, rows)
    return logsumexp(alphas[-1] + rows.ends(final), 1)


def _normalise(log_weights):
    """Exponentiate and divide by the sum over the last axis; all zeros where nothing has weight."""
    top = log_weights.detach().amax(-1, keepdim=True)
    weights = (log_weights - torch.where(top == -torch.inf, 0, top)).exp()
    total = weights.sum(-1, keepdim=True)
    return weights / torch.where(total == 0, 1, total)


def state_marginals(emissions, moves, initial, final, lengths, graph):
    """Probability of each state at each position, (B, T, S); 0 in the padding and in infeasible rows."""
    rows = _Rows(graph, len(emissions))
    emissions, moves = _used(emissions, moves, lengths)
    scores = _state_scores(emissions, rows)
    alphas = _forward(scores, moves, initial, lengths, rows)
    betas = _backward(scores, moves, final, lengths, rows)
    nodes = [_normalise(a + b) for a, b in zip(alphas, betas)]
    return torch.stack(nodes, 1) * _inside(lengths, emissions.shape[1])[:, :, None]


def marginals(emissions, moves, initial, final, lengths, graph):
    """Probability of each label at each position, (B, T, K)."""
    nodes = state_marginals(emissions, moves, initial, final, lengths, graph)
    labels = _Rows(graph, len(emissions)).labels[:, None].expand_as(nodes)
    return nodes.new_zeros(emissions.shape).scatter_add(2, labels, nodes)


def move_marginals(emissions, moves, initial, final, lengths, graph):
    """Expected use of each move at each step, (B, T-1, M); 0 where there is no step."""
    batch, steps, _ = emissions.shape
    if steps == 1 or graph.num_moves == 0:
        return emissions.new_zeros(batch, steps - 1, graph.num_moves)
    rows = _Rows(graph, batch)
    emissions, moves = _used(emissions, moves, lengths)
    scores = _state_scores(emissions, rows)
    alphas = _forward(scores, moves, initial, lengths, rows)
    betas = _backward(scores, moves, final, lengths, rows)
    found = []
    for t in range(1, steps):
        arrived = (scores[:, t] + betas[t]).gather(1, rows.target)
        joint = alphas[t - 1].gather(1, rows.source) + rows.arcs(moves, t - 1) + arrived
        found.append(emissions.new_zeros(batch, graph.num_moves).scatter_add(1, rows.move, _normalise(joint)))
    return torch.stack(found, 1) * _inside(lengths, steps, 1)[:, :, None]


def expected_score(emissions, moves, initial, final, lengths, graph, direction):
    """Expectation, (B,), of the score that ``direction`` (four tensors shaped as the scores) gives to a path."""
    d_emissions, d_moves, d_initial, d_final = direction
    scores = emissions, moves, initial, final, lengths, graph
    rows = _Rows(graph, len(emissions))
    d_emissions, d_moves = _used(d_emissions, d_moves, lengths)
    nodes, used = state_marginals(*scores), move_marginals(*scores)
    last = nodes[torch.arange(len(nodes), device=lengths.device), lengths - 1]
    d_steps = d_moves[:, None] if d_moves.dim() == 2 else d_moves
    return (
        (nodes * _state_scores(d_emissions, rows)).sum((1, 2))
        + (used * d_steps).sum((1, 2))
        + (nodes[:, 0] * torch.where(rows.used_states, rows.ends(d_initial), 0)).sum(1)
        + (last * torch.where(rows.used_states, rows.ends(d_final), 0)).sum(1)
    )


def score(emissions, moves, initial, final, lengths, graph, states):
    """Log-sum of the scores of the paths through the given states (B, T), several where arcs are parallel, (B,).

    −inf where there is none. States beyond a row's length are ignored.
    """
    batch, steps, _ = emissions.shape
    rows = _Rows(graph, batch)
    emissions, moves = _used(emissions, moves, lengths)
    known = (states >= 0) & (states < rows.used_states.sum(1, keepdim=True))
    states = torch.where(known, states, 0)
    inside = _inside(lengths, steps)
    total = _state_scores(emissions, rows).gather(2, states[:, :, None]).squeeze(2)
    total = torch.where(inside, torch.where(known, total, -torch.inf), 0).sum(1)
    for t in range(1, steps):
        used = (rows.source == states[:, t - 1, None]) & (rows.target == states[:, t, None])
        step = logsumexp(torch.where(used, rows.arcs(moves, t - 1), -torch.inf), 1)
        total = total + torch.where(t < lengths, step, 0)
    last = states.gather(1, lengths[:, None] - 1)
    return total + (rows.ends(initial).gather(1, states[:, :1]) + rows.ends(final).gather(1, last)).squeeze(1)


def labels_of(states, graph):
    """The labels that states of a shared graph consume; −100 stays."""
    return torch.where(states >= 0, graph.labels[states.clamp(min=0)], NO_STATE)


def spelled(emissions, labels):
    """The emissions with −inf for every other label than the given ones (B, T)."""
    others = labels[:, :, None] != torch.arange(emissions.shape[2], device=labels.device)
    return emissions.masked_fill(others, -torch.inf)


def score_labels(emissions, moves, initial, final, lengths, graph, labels):
    """Log-sum of the scores of the paths that spell the given labels (B, T), (B,); −inf where there is none."""
    return log_partition(spelled(emissions, labels), moves, initial, final, lengths, graph)


def _best_by(group, scores, count):
    """The largest score of each group (B, count), and the first place that holds it; the last place if it is −inf."""
    shape, last = (len(scores), count), scores.shape[1] - 1
    best = scores.new_full(shape, -torch.inf).scatter_reduce(1, group, scores, "amax")
    place = torch.arange(scores.shape[1], device=scores.device)
    place = torch.where((scores == best.gather(1, group)) & (scores > -torch.inf), place, last)
    return best, place.new_full(shape, last).scatter_reduce(1, group, place, "amin")


@torch.no_grad()
def decode(emissions, moves, initial, final, lengths, graph):
    """States (B, T) of the best path of each row, padded with −100; all −100 where none is possible."""
    return k_best(emissions, moves, initial, final, lengths, graph, 1)[0][:, 0]


@torch.no_grad()
def k_best(emissions, moves, initial, final, lengths, graph, k):
    """The k best paths of each row, best first: states (B, k, T) and their scores (B, k).

    Missing paths: −100 and −inf. Parallel arcs are different paths, also where the states are the same. Keeps the k
    best prefixes of every state: the best arrival by each arc is taken off its list k times, O(B·T·A·k²).
    """
    batch, steps, _ = emissions.shape
    rows = _Rows(graph, batch)
    emissions, moves = _used(emissions, moves, lengths)
    emissions = _state_scores(emissions, rows)
    value = emissions.new_full((batch, rows.states, k), -torch.inf)
    value[:, :, 0] = rows.ends(initial) + emissions[:, 0]
    # One place more than there are arrivals, for states that nothing reaches.
    target, back = torch.nn.functional.pad(rows.target.repeat_interleave(k, 1), (0, 1)), []
    source = rows.source[:, :, None].expand(-1, -1, k)
    for t in range(1, steps):
        arriving = (value.gather(1, source) + rows.arcs(moves, t - 1)[:, :, None]).flatten(1)
        arriving = torch.nn.functional.pad(arriving, (0, 1), value=-torch.inf)
        ranked, places = [], []
        for _ in range(k):
            best, place = _best_by(target, arriving, rows.states)
            ranked.append(best)
            places.append(place)
            arriving = arriving.scatter(1, places[-1], -torch.inf)
        moved = torch.stack(ranked, 2) + emissions[:, t, :, None]
        back.append(torch.stack(places, 2).flatten(1))
        value = torch.where((t < lengths)[:, None, None], moved, value)
    scores, place = (value + rows.ends(final)[:, :, None]).flatten(1).sort(dim=1, descending=True, stable=True)
    scores, place = scores[:, :k], place[:, :k]
    states = torch.full((batch, k, steps), NO_STATE, dtype=torch.int64, device=lengths.device)
    for t in range(steps - 1, -1, -1):
        here = (t < lengths)[:, None]
        states[:, :, t] = torch.where(here & (scores > -torch.inf), place // k, NO_STATE)
        if t > 0:
            arrival = back[t - 1].gather(1, place).clamp(max=k * rows.source.shape[1] - 1)
            previous = rows.source.gather(1, arrival // k) * k + arrival % k
            place = torch.where(here, previous, place)
    return states, scores


def _draw(weights, uniforms):
    """The place drawn from weights (…, N) by a number (…,) in [0, 1); never one of weight 0 where any has more."""
    heights = weights.cumsum(-1)
    top = heights[..., -1:]
    return torch.minimum((heights <= uniforms[..., None] * top).sum(-1), (heights < top).sum(-1))


@torch.no_grad()
def sample(emissions, moves, initial, final, lengths, graph, uniforms):
    """States (n, B, T) of exact draws: forward filtering, backward sampling from ``uniforms`` (n, B, T) in [0, 1)."""
    draws, batch, steps = uniforms.shape
    rows = _Rows(graph, batch)
    emissions, moves = _used(emissions, moves, lengths)
    alphas = _forward(_state_scores(emissions, rows), moves, initial, lengths, rows)
    final = rows.ends(final)
    feasible = logsumexp(alphas[-1] + final, 1) > -torch.inf
    states = torch.full((draws, batch, steps), NO_STATE, dtype=torch.int64, device=lengths.device)
    source = rows.source.expand(draws, -1, -1)
    state = torch.zeros(draws, batch, dtype=torch.int64, device=lengths.device)
    for t in range(steps - 1, -1, -1):
        drawn = _draw(_normalise(alphas[t] + final).expand(draws, -1, -1), uniforms[:, :, t])
        if t + 1 < steps:
            arcs = alphas[t].gather(1, rows.source) + rows.arcs(moves, t)
            arcs = torch.where(rows.target == state[:, :, None], arcs, -torch.inf)
            arc = _draw(_normalise(arcs), uniforms[:, :, t])
            drawn = torch.where(t + 1 < lengths, source.gather(2, arc[:, :, None]).squeeze(2), drawn)
        state = drawn
        states[:, :, t] = torch.where((t < lengths) & feasible, state, NO_STATE)
    return states
