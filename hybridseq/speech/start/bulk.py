"""Many utterances beside the graphs of their transcripts: best paths and posteriors in batches."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from hybridseq.kernels.arcs.graph import Graph
from hybridseq.speech.graph.arcs import to_arcs
from hybridseq.speech.graph.search_graph import NONE
from hybridseq.structures import PathGraph

#: Numbers of a batch's emissions, and rows of one graph from which it gets batches of its own.
_NUMBERS, _ALONE = 1 << 21, 4


@dataclass
class _Arcs:
    """A compiled graph as arrays, its self-loops, and its present scores."""

    graph: Graph
    moves: np.ndarray
    initial: np.ndarray
    final: np.ndarray

    def __post_init__(self):
        self.labels, self.source, self.target, self.move = (
            x.numpy() for x in (self.graph.labels, self.graph.source, self.graph.target, self.graph.move)
        )
        self.loop = self.source == self.target
        #: The log-probability of staying in each state; −inf: it has no self-loop.
        self.stay = np.full(len(self.labels), -np.inf)
        self.stay[self.source[self.loop]] = self.moves[self.move[self.loop]]
        self.now = self.moves, self.final

    def with_loops(self, loops):
        """Set the scores to those under other probabilities (P,) of staying."""
        has = self.stay > -np.inf
        change = np.zeros(len(self.labels))
        change[has] = np.log1p(-loops[self.labels[has]]) - np.log1p(-np.exp(self.stay[has]))
        moves = self.moves.copy()
        moves[self.move] += np.where(self.loop, 0, change[self.source])
        with np.errstate(divide="ignore"):
            moves[self.move[self.loop]] = np.log(loops[self.labels[self.source[self.loop]]])
        self.now = moves, self.final + change


def key(graph):
    """What equal graphs have in common."""
    arrays = graph.labels, graph.source, graph.target, graph.weights, graph.grammar
    return graph.start, graph.end, *(x.tobytes() for x in arrays)


def distinct(graphs):
    """The different graphs among those given, and the place of each among them, −1 for None."""
    places, found, by_object = {}, [], {}
    where = np.full(len(graphs), NONE)
    for i, graph in enumerate(graphs):
        if graph is None:
            continue
        if id(graph) not in by_object:
            place = places.setdefault(key(graph), len(places))
            if place == len(found):
                found.append(graph)
            by_object[id(graph)] = place
        where[i] = by_object[id(graph)]
    return found, where


def check_loops(graph, compiled):
    """Raise unless self-loops can be set anew: each state's is its own, and below 1."""
    apart = graph.source != graph.target
    links = csr_array(
        (np.ones(apart.sum(), np.int8), (graph.source[apart], graph.target[apart])),
        shape=(graph.num_states, graph.num_states),
    )
    count, part = connected_components(links, connection="strong")
    silent = part[graph.labels == NONE]
    if (np.bincount(part, minlength=count)[silent] > 1).any() or (compiled.stay >= 0).any():
        raise ValueError(
            "probabilities of staying can be trained on graphs of transcripts whose self-loops are probabilities below "
            f"1; {graph!r} has words that repeat, or a self-loop of probability 1. Ask for none: loops=False."
        )


class Bulk:
    """Utterances and their graphs, compiled once, in batches.

    Graphs that several utterances have in common run with all lanes of the kernel; the others are packed.

    Parameters
    ----------
    graphs : list of SearchGraph
        One an utterance.
    lengths : (N,) int array
        Frames of each, at least 1.
    semiring : "max" or "sum"
    """

    def __init__(self, graphs, lengths, semiring="max"):
        self.lengths = np.asarray(lengths, np.int64)
        self.offset = np.concatenate([[0], np.cumsum(self.lengths)])
        self.graphs, self.which = distinct(graphs)
        #: Each different graph's scores, and which of its states the compiled ones are.
        self.arcs, self.states = [], []
        for graph in self.graphs:
            c = to_arcs(graph, semiring=semiring)
            self.arcs.append(_Arcs(c.graph, c.moves.numpy(), c.initial.numpy(), c.final.numpy()))
            self.states.append(c.states)
        self.num_labels = max((int(a.labels.max()) + 1 for a in self.arcs), default=0)

    def check_loops(self):
        """Raise a ValueError where ``with_loops`` would not be exact."""
        for graph, arcs in zip(self.graphs, self.arcs):
            check_loops(graph, arcs)

    def with_loops(self, loops):
        """Set every graph's probabilities of staying to those of its columns, (P,)."""
        for arcs in self.arcs:
            arcs.with_loops(loops)

    def batches(self, width):
        """Lists of utterances of similar length, all of one graph or all to be packed."""
        shared, rest = [], []
        for g, count in enumerate(np.bincount(self.which, minlength=len(self.graphs))):
            rows = np.flatnonzero(self.which == g)
            (shared if count >= _ALONE else rest).append(rows)
        groups = [*shared, np.concatenate([np.zeros(0, np.int64), *rest])]
        for rows in groups:
            rows = rows[np.argsort(self.lengths[rows], kind="stable")]
            begin = 0
            for end in range(1, len(rows) + 1):
                if end == len(rows) or (end + 1 - begin) * self.lengths[rows[end]] * width > _NUMBERS:
                    yield rows[begin:end]
                    begin = end

    def graph(self, rows, moves=None):
        """(graph, moves, initial, final) of a batch's rows as tensors; ``moves`` in place of the graphs' own."""
        which = self.which[rows]
        if (which == which[0]).all():
            arcs = self.arcs[which[0]]
            return arcs.graph, *map(torch.from_numpy, (arcs.now[0], arcs.initial, arcs.now[1]))
        chosen = [self.arcs[g] for g in which]
        graph = Graph.pack([a.graph for a in chosen])
        moves = np.zeros((len(rows), graph.num_moves))
        for row, arcs in zip(moves, chosen):
            row[: len(arcs.now[0])] = arcs.now[0]
        ends = ([a.initial for a in chosen], [a.now[1] for a in chosen])
        return graph, *map(torch.from_numpy, (moves, *map(np.concatenate, ends)))

    def places(self, rows):
        """Where each row's frames stand among all, (B, T), and which are frames and no padding."""
        lengths = self.lengths[rows]
        steps = np.arange(lengths.max())
        inside = steps < lengths[:, None]
        return np.minimum(self.offset[rows][:, None] + steps, self.offset[rows + 1][:, None] - 1), inside

    def emissions(self, scores_of, width):
        """For each batch its rows, places and emissions (B, T, P).

        ``scores_of`` maps numbers of frames (n,), of all utterances one after another, to their scores (n, P).
        """
        for rows in self.batches(width):
            place, inside = self.places(rows)
            own = scores_of(place[inside])
            emissions = np.zeros((*place.shape, own.shape[1]), own.dtype)
            emissions[inside] = own
            yield rows, place, inside, torch.from_numpy(emissions)

    def best_paths(self, scores_of, width):
        """States (frames,) of the best paths; −1 where there is none. Takes what ``emissions`` takes."""
        states = np.full(self.offset[-1], NONE)
        for rows, place, inside, emissions in self.emissions(scores_of, width):
            graph = PathGraph(emissions, *self.graph(rows), torch.from_numpy(self.lengths[rows]))
            states[place[inside]] = graph.paths().numpy()[inside]
        return np.maximum(states, NONE)

    def spelled(self, states):
        """Labels and stays (frames,) of paths, and each path's score (N,) without the frame scores."""
        labels, stays = np.full(len(states), NONE), np.zeros(len(states), bool)
        scores = np.full(len(self.lengths), -np.inf)
        for n, g in enumerate(self.which):
            begin, end = self.offset[n : n + 2]
            own, arcs = states[begin:end], self.arcs[g]
            if own[0] < 0:
                continue
            moves, final = arcs.now
            labels[begin:end] = arcs.labels[own]
            stays[begin + 1 : end] = own[1:] == own[:-1]
            size = len(arcs.labels)
            arc = np.searchsorted(arcs.target * size + arcs.source, own[1:] * size + own[:-1])
            scores[n] = arcs.initial[own[0]] + moves[arcs.move[arc]].sum() + final[own[-1]]
        return labels, stays, scores

    def expectations(self, scores_of, width):
        """Posteriors of the columns, as by Baum and Welch :cite:p:`baum1970`. Takes what ``emissions`` takes.

        Returns
        -------
        log_partition : (N,) float64 array
        frames, columns, weights : (n,) arrays
            Which frame belongs to which column, and how much; posteriors of 0 are left out.
        stays : (P,) float64 array
            Expected number of times that each column's states stayed.
        """
        total, found = np.full(len(self.lengths), -np.inf), []
        stays = np.zeros(width)
        for rows, place, inside, emissions in self.emissions(scores_of, width):
            emissions.requires_grad_()
            graph, moves, initial, final = self.graph(rows)
            moves.requires_grad_()
            paths = PathGraph(emissions, graph, moves, initial, final, torch.from_numpy(self.lengths[rows]))
            value = paths.log_partition()
            value[value > -torch.inf].sum().backward()
            total[rows] = value.detach().numpy()
            posterior = emissions.grad.numpy() * inside[:, :, None]
            row, step, column = np.nonzero(posterior)
            found.append((place[row, step], column, posterior[row, step, column]))
            uses = moves.grad.numpy().reshape(-1, moves.shape[-1])
            which = self.which[rows][: len(uses)]
            for used, g in zip(uses, which):
                arcs = self.arcs[g]
                np.add.at(stays, arcs.labels[arcs.source[arcs.loop]], used[arcs.move[arcs.loop]])
        frames, columns, weights = map(np.concatenate, zip(*found))
        return total, frames, columns, weights.astype(np.float64), stays


def on_states(graph):
    """The same graph where every state consumes the column of its own number."""
    offset = graph.state_offset.numpy()
    own = np.arange(graph.num_states) - np.repeat(offset[:-1], np.diff(offset))
    return replace(graph, labels=torch.from_numpy(own))
