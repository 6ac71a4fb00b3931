"""The CPU backend: ``reference``'s functions on top of the compiled operators.

Outside torch.compile a log-partition that will be differentiated computes its gradient at once, a unit of weight each
row: prefixes need no second walk, and the operator dispatch is skipped.
"""

import numpy as np
import torch

from hybridseq.kernels.arcs import ops, reference

# Numbers of a row-by-row gradient of shared parameters that are kept between the two passes.
KEPT = 4 << 20

spelled = reference.spelled


class _LogPartition(torch.autograd.Function):
    @staticmethod
    def forward(ctx, emissions, moves, initial, final, lengths, graph):
        scores = emissions, moves, initial, final
        out, *ctx.gradients = _by_row(scores, lengths, graph)
        ctx.graph = graph
        ctx.save_for_backward(*scores, lengths)
        return torch.from_numpy(out)

    @staticmethod
    def backward(ctx, weight):
        *scores, lengths = ctx.saved_tensors
        if torch.is_grad_enabled():
            return *ops.gradient(*scores, lengths, ctx.graph.tables, weight), None, None
        # A second call computes them anew.
        gradients, ctx.gradients = ctx.gradients or _by_row(scores, lengths, ctx.graph)[1:], None
        return *ops.tensors(scores, _weighted(gradients, ops.array(weight), scores, ctx.graph)), None, None


class _PairLogProb(torch.autograd.Function):
    """Score − log-partition of label sequences whose moves are pairs of labels: their gradients are added in place."""

    @staticmethod
    def forward(ctx, emissions, moves, initial, final, lengths, graph, path):
        scores = emissions, moves, initial, final
        total, *ctx.gradients = _by_row(scores, lengths, graph)
        value = np.empty(len(total))
        ops.kernels().pair_scores(*map(ops.array, (*scores, lengths)), *path, value)
        ctx.impossible = value == -np.inf
        total[ctx.impossible] = 0
        ctx.graph, ctx.path = graph, path
        ctx.save_for_backward(*scores, lengths)
        # Rounding may leave a sure sequence a hair above 0.
        return torch.from_numpy(np.minimum(value - total, 0))

    @staticmethod
    def backward(ctx, weight):
        *scores, lengths = ctx.saved_tensors
        if torch.is_grad_enabled():
            weight = weight.masked_fill(torch.from_numpy(ctx.impossible), 0)
            total = ops.gradient(*scores, lengths, ctx.graph.tables, weight)
            counts = _pair_counts(scores, lengths, ctx.path, weight)
            return *(a - b for a, b in zip(counts, total)), None, None, None
        weight = np.where(ctx.impossible, 0, ops.array(weight))
        gradients, ctx.gradients = ctx.gradients or _by_row(scores, lengths, ctx.graph)[1:], None
        found = [np.ascontiguousarray(g) for g in _weighted(gradients, -weight, scores, ctx.graph)]
        ops.kernels().add_pair_counts(*found, ops.array(lengths), *ctx.path, weight)
        return *ops.tensors(scores, found), None, None, None


def _pair_counts(scores, lengths, path, weight):
    """The weighted counts of the parts that label sequences use, differentiable by the weight."""
    labels, first, last = map(torch.from_numpy, path)
    rows, steps = (torch.arange(labels.shape[1]) < lengths[:, None]).nonzero(as_tuple=True)
    onward = steps > 0
    pairs = labels[rows, steps - 1] * scores[0].shape[2] + labels[rows, steps]
    possible = last >= 0
    places = (
        ((rows, steps, labels[rows, steps]), weight[rows]),
        ((pairs[onward],), weight[rows[onward]]),
        ((first[possible],), weight[possible]),
        ((last[possible],), weight[possible]),
    )
    for x, (place, values) in zip(scores, places):
        yield torch.zeros_like(x).index_put(place, values.to(x.dtype), accumulate=True)


def pair_log_prob(emissions, moves, initial, final, lengths, graph, labels, first, last):
    """Log-probability (B,) float64 of label sequences, each one path, where move i·K + j is the pair of labels (i, j).

    Eager only. ``first`` and ``last`` are the path's ends among the states, (B,) arrays; −1 where there is no path.
    None where parameters differ between rows or steps, or are too many to keep a gradient for each row.
    """
    if moves.dim() + initial.dim() + final.dim() > 3 or not _is_small(emissions, moves, initial, graph):
        return None
    path = ops.array(labels), first, last
    return _PairLogProb.apply(emissions, moves, initial, final, lengths, graph, path)


def _by_row(scores, lengths, graph):
    """Log-partition, and its gradient of weight 1 for every row by itself."""
    form, *_ = ops.forms(*scores[1:])
    # Packed graphs share no state, so that their ends' gradients are a row's own already.
    forms = "steps" if form == "steps" else "rows", graph.shared, graph.shared
    rest = ops.array(lengths), ops.tables(graph.tables), np.ones(len(lengths)), forms
    return ops.kernels().gradient(ops.values(*scores), *rest)


def _weighted(gradients, weight, scores, graph):
    """The weighted sum of gradients that were computed with weight 1. The buffers are used up.

    In numpy: threads that torch wakes for so little cost more than they save, and hang in forked children.
    """
    by_emissions, *others = gradients
    if (weight != 1).any():
        by_emissions *= weight.reshape(-1, 1, 1).astype(by_emissions.dtype)
    found = [by_emissions]
    for n, (g, x) in enumerate(zip(others, scores[1:])):
        if n > 0 and not graph.shared:
            found.append(g[0] * np.repeat(weight, np.diff(graph.state_offset.numpy())))
        elif x.dim() > 1:
            found.append(g * weight.reshape(-1, *[1] * (g.ndim - 1)))
        else:
            found.append((g.reshape(len(g), -1) * weight[:, None]).sum(0))
    return found


def labels_of(states, graph):
    """The labels that states of a shared graph consume; −100 stays. Eagerly, ``states`` are used up."""
    if torch.compiler.is_compiling():
        return reference.labels_of(states, graph)
    # Not by torch: the threads that it wakes for so little cost more than they save.
    ops.kernels().labels_of(ops.array(graph.labels), states.view(-1).numpy())
    return states


def _is_small(emissions, moves, initial, graph):
    """Whether a gradient for each row is worth its memory."""
    rows = emissions.shape[0]
    shared = graph.num_moves if moves.dim() < 3 else 0
    return rows * (shared + (2 * graph.num_states if graph.shared else 0)) <= KEPT


def log_partition(emissions, moves, initial, final, lengths, graph):
    """Log of the sum of exp(score) over all paths, (B,) float64."""
    scores = emissions, moves, initial, final
    if not torch.compiler.is_compiling():
        if not (torch.is_grad_enabled() and any(x.requires_grad for x in scores)):
            return ops.log_partition_cpu(*scores, lengths, graph.tables)
        if _is_small(emissions, moves, initial, graph):
            return _LogPartition.apply(*scores, lengths, graph)
    return ops.log_partition(*scores, lengths, graph.tables)


def score_labels(emissions, moves, initial, final, lengths, graph, labels):
    """Log-sum of the scores of the paths that spell the given labels (B, T), (B,) float64; −inf where there is none."""
    return log_partition(spelled(emissions, labels), moves, initial, final, lengths, graph)


def score(emissions, moves, initial, final, lengths, graph, states):
    """Log-sum of the scores of the paths through the given states (B, T), (B,) float64; −inf where there is none."""
    steps = emissions.shape[1]
    first = graph.state_offset[:-1, None]
    known = (states >= 0) & (states < graph.state_offset.diff()[:, None])
    place = torch.where(known, states + first, first)
    inside = torch.arange(steps, device=lengths.device) < lengths[:, None]
    nodes = emissions.gather(2, graph.labels[place][:, :, None]).squeeze(2).double()
    total = torch.where(inside, torch.where(known, nodes, -torch.inf), 0).sum(1)
    if steps > 1:
        total = total + torch.where(inside[:, 1:], _arc_scores(moves, graph, place, inside[:, 1:]), 0).sum(1)
    last = place.gather(1, lengths[:, None] - 1).squeeze(1)
    return total + _end_scores(initial, graph, place[:, 0]) + _end_scores(final, graph, last)


def _end_scores(scores, graph, place):
    found = scores[place] if scores.dim() == 1 else scores.gather(1, place[:, None]).squeeze(1)
    return found.double()


def _arc_scores(moves, graph, place, inside):
    """Log-sum (B, T-1) of the scores of the arcs between neighbouring states; −inf in the padding."""
    arcs = graph.target * graph.num_states + graph.source
    wanted = place[:, 1:] * graph.num_states + place[:, :-1]
    begin, end = _places(arcs, wanted, "left"), _places(arcs, wanted, "right")
    found = []
    for n in range(graph.parallel):
        column = graph.move[(begin + n).clamp(max=max(0, graph.num_arcs - 1))]
        if moves.dim() == 1:
            value = moves[column]
        else:
            steps = moves[:, None].expand(-1, wanted.shape[1], -1) if moves.dim() == 2 else moves
            value = steps.gather(2, column[:, :, None]).squeeze(2)
        found.append(torch.where(inside & (begin + n < end), value.double(), -torch.inf))
    if not found:
        return moves.new_full(wanted.shape, -torch.inf, dtype=torch.float64)
    return found[0] if len(found) == 1 else reference.logsumexp(torch.stack(found), 0)


def _places(arcs, wanted, side):
    """Where ``wanted`` belongs in the sorted ``arcs``."""
    # Eagerly in numpy: torch's own threads hang in forked children.
    if torch.compiler.is_compiling():
        return torch.searchsorted(arcs, wanted, side=side)
    return torch.from_numpy(np.searchsorted(arcs.numpy(), wanted.numpy(), side=side))


def _gradient(emissions, moves, initial, final, lengths, tables):
    weight = emissions.new_ones(emissions.shape[0], dtype=torch.float64)
    return ops.gradient(emissions, moves, initial, final, lengths, tables, weight)


def marginals(emissions, moves, initial, final, lengths, graph):
    """Probability of each label at each position, (B, T, K)."""
    return _gradient(emissions, moves, initial, final, lengths, graph.tables)[0]


def state_marginals(emissions, moves, initial, final, lengths, graph):
    """Probability of each state at each position, (B, T, S): marginals where every state has a label to itself."""
    labels = reference.state_labels(graph)
    if len(labels) == 1:
        by_state = emissions[:, :, labels[0]]
    else:
        by_state = emissions.gather(2, labels[:, None].expand(-1, emissions.shape[1], -1))
    return _gradient(by_state, moves, initial, final, lengths, graph.state_tables)[0]


def move_marginals(emissions, moves, initial, final, lengths, graph):
    """Expected use of each move at each step, (B, T-1, M): the gradient by moves that differ from step to step."""
    batch, steps, _ = emissions.shape
    if moves.dim() < 3:
        moves = (moves if moves.dim() == 1 else moves[:, None]).expand(batch, steps - 1, -1)
    return _gradient(emissions, moves, initial, final, lengths, graph.tables)[1]


def expected_score(emissions, moves, initial, final, lengths, graph, direction):
    """Expectation, (B,) float64, of the score that ``direction`` gives to a path."""
    return ops.expected_score(emissions, moves, initial, final, *direction, lengths, graph.tables)


def _constants(*scores):
    """The scores without their graph, for what has no gradient."""
    return (x.detach() for x in scores)


def decode(emissions, moves, initial, final, lengths, graph):
    """States (B, T) of the best path of each row."""
    if torch.compiler.is_compiling():
        return ops.decode(*_constants(emissions, moves, initial, final), lengths, graph.tables)
    return ops.decode_cpu(emissions, moves, initial, final, lengths, graph.tables)


def k_best(emissions, moves, initial, final, lengths, graph, k):
    """States (B, k, T) of the k best paths and their scores (B, k) float64."""
    return ops.k_best(*_constants(emissions, moves, initial, final), lengths, graph.tables, k)


def sample(emissions, moves, initial, final, lengths, graph, uniforms):
    """States of exact draws (n, B, T)."""
    return ops.sample(*_constants(emissions, moves, initial, final), lengths, graph.tables, uniforms)
