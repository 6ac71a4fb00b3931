"""The automata that the recursions run on: states that consume a label, arcs between them."""

from dataclasses import dataclass, field, fields

import numpy as np
import torch
from torch import Tensor


def _numbers(name, values):
    """A vector of int64."""
    values = torch.as_tensor(values)
    if values.dim() != 1:
        raise ValueError(f"{name} must be one-dimensional; got shape {tuple(values.shape)}.")
    if values.numel() == 0:
        return values.long()
    if values.is_floating_point() or values.is_complex() or values.dtype == torch.bool:
        raise TypeError(f"{name} must hold integers; got {values.dtype}.")
    return values.long()


def _in_range(name, values, count, what):
    bad = values[(values < 0) | (values >= count)]
    if len(bad):
        raise ValueError(f"{name} must lie from 0 to {count - 1} ({count} {what}); got {int(bad[0])}.")


def _alike(**vectors):
    sizes = {name: len(x) for name, x in vectors.items()}
    if len(set(sizes.values())) > 1:
        raise ValueError(f"the arcs' vectors must be equally long; got {sizes}.")


def _offsets(sizes):
    return torch.from_numpy(np.cumsum([0, *sizes]))


@dataclass(frozen=True, eq=False)
class Graph:
    """An automaton without empty moves, or one for every row of a batch.

    A path s_1 … s_L consumes one position a state. State s consumes ``labels[s]``, whichever arc it is entered by;
    ``from_labelled_arcs`` brings automata whose arcs carry the labels into this form. Two arcs may join the same
    states: they are different paths.

    Attributes
    ----------
    labels : Tensor, (S,)
        The column of the emissions that each state consumes.
    source, target, move : Tensor, (A,)
        Arcs, sorted by target, then source. ``move`` is the column of the moves' scores; arcs may share one.
    num_moves : int
        M, the number of columns.
    state_offset, arc_offset : Tensor, (G + 1,)
        Graph g owns the states from ``state_offset[g]`` to ``state_offset[g + 1]``, and its arcs likewise. G = 1: all
        rows share the graph. Else G = B, and states are numbered throughout.
    arriving, departing : Tensor, (S + 1,)
        Where each state's arcs begin, among all arcs and among ``leaving``.
    leaving : Tensor, (A,)
        The arcs' numbers sorted by source, then target.
    parallel : int
        The most arcs that join the same two states.
    tables : tuple of Tensor
        The same for compiled kernels, with the columns of the emissions that each graph uses.
    """

    labels: Tensor
    source: Tensor
    target: Tensor
    move: Tensor
    num_moves: int
    state_offset: Tensor
    arc_offset: Tensor
    arriving: Tensor = field(init=False)
    departing: Tensor = field(init=False)
    leaving: Tensor = field(init=False)
    parallel: int = field(init=False)
    tables: tuple = field(init=False)

    def __post_init__(self):
        for name, value in self._derived().items():
            object.__setattr__(self, name, value)

    def _derived(self):
        # In numpy: torch's own threads would hang in a forked data-loader worker.
        labels, source, target, move, first_state, first_arc = (
            x.cpu().numpy()
            for x in (self.labels, self.source, self.target, self.move, self.state_offset, self.arc_offset)
        )
        bounds = np.arange(len(labels) + 1)
        leaving = source.argsort(kind="stable")
        arriving, departing = np.searchsorted(target, bounds), np.searchsorted(source[leaving], bounds)
        apart = np.flatnonzero((np.diff(source) != 0) | (np.diff(target) != 0))
        runs = np.diff(np.concatenate([[-1], apart, [len(source) - 1]])) if len(source) else np.zeros(1, np.int64)
        # States numbered within their graph, and the columns that each graph uses.
        graph = np.repeat(np.arange(self.num_graphs), np.diff(first_state))
        first = first_state[graph]
        source, target = source - first[source], target - first[target]
        width = int(labels.max(initial=0)) + 1
        columns, column = np.unique(graph * width + labels, return_inverse=True)
        first_column = np.searchsorted(columns // width, np.arange(self.num_graphs + 1))
        tables = (
            *(labels, source, target, move, arriving, departing, leaving, target[leaving], move[leaving]),
            *(first_state, first_arc, columns % width, column.reshape(-1) - first_column[graph], first_column),
        )
        device = self.labels.device
        tables = tuple(torch.from_numpy(np.ascontiguousarray(x, np.int64)).to(device) for x in tables)
        return {
            "arriving": tables[4],
            "departing": tables[5],
            "leaving": tables[6],
            "parallel": int(runs.max()),
            "tables": tables,
        }

    @property
    def num_states(self):
        """States of all graphs together."""
        return len(self.labels)

    @property
    def num_arcs(self):
        """Arcs of all graphs together."""
        return len(self.source)

    @property
    def num_graphs(self):
        """G."""
        return len(self.state_offset) - 1

    @property
    def shared(self):
        """Whether one graph serves all rows."""
        return len(self.state_offset) == 2

    @property
    def max_states(self):
        """States of the largest graph."""
        if self.shared:
            return len(self.labels)
        return int(self.state_offset.diff().max())

    @property
    def state_tables(self):
        """``tables`` of the same graph where every state consumes the column of its own number."""
        offset = self.state_offset.cpu().numpy()
        own = torch.from_numpy(np.arange(self.num_states) - np.repeat(offset[:-1], np.diff(offset)))
        own = own.to(self.labels.device)
        return own, *self.tables[1:11], own, own, self.state_offset

    @classmethod
    def from_arcs(cls, labels, source, target, move=None, num_moves=None):
        """One graph from its arcs in any order.

        Parameters
        ----------
        labels : sequence of int, (S,)
        source, target : sequence of int, (A,)
        move : sequence of int, (A,), optional
            By default arc a, as given here, has column a to itself.
        num_moves : int, optional
            By default the least that holds ``move``.
        """
        labels, source, target = (
            _numbers(name, x) for name, x in (("labels", labels), ("source", source), ("target", target))
        )
        move = torch.arange(len(source), device=source.device) if move is None else _numbers("move", move)
        if not len(labels):
            raise ValueError("a graph needs at least one state; labels is empty.")
        _alike(source=source, target=target, move=move)
        for name, states in (("source", source), ("target", target)):
            _in_range(name, states, len(labels), "states")
        if int(labels.min()) < 0:
            raise ValueError(f"labels are columns of the emissions and not below 0; got {int(labels.min())}.")
        if num_moves is None:
            num_moves = int(move.max()) + 1 if len(move) else 0
        _in_range("move", move, num_moves, "moves")
        order = torch.from_numpy(np.lexsort((source.cpu().numpy(), target.cpu().numpy()))).to(source.device)
        sizes = (_offsets([n]).to(labels.device) for n in (len(labels), len(source)))
        return cls(labels, source[order], target[order], move[order], num_moves, *sizes)

    @classmethod
    def pack(cls, graphs):
        """One graph a row. Moves are numbered from 0 in each; ``num_moves`` becomes the largest."""
        graphs = list(graphs)
        if not graphs:
            raise ValueError("pack needs at least one graph.")
        for i, graph in enumerate(graphs):
            if not graph.shared:
                raise ValueError(f"graphs[{i}] is itself a pack of {graph.num_graphs}; give single graphs.")
        device = graphs[0].labels.device
        states, arcs = _offsets([g.num_states for g in graphs]), _offsets([g.num_arcs for g in graphs])
        return cls(
            torch.cat([g.labels for g in graphs]),
            torch.cat([g.source + n for g, n in zip(graphs, states.tolist())]),
            torch.cat([g.target + n for g, n in zip(graphs, states.tolist())]),
            torch.cat([g.move for g in graphs]),
            max(g.num_moves for g in graphs),
            states.to(device),
            arcs.to(device),
        )

    @classmethod
    def from_labelled_arcs(cls, num_states, source, target, label):
        """A graph from an automaton whose arcs carry the labels; a state entered by several labels is split.

        Parameters
        ----------
        num_states : int
        source, target, label : sequence of int, (A,)

        Returns
        -------
        graph : Graph
            Its states are the pairs (state, label) that some arc enters. ``move`` is the number of the given arc, so
            that scores stay per given arc; ``num_moves`` = A.
        state : Tensor, (S,)
            The given state that each of the graph's states came from.
        entered : Tensor, (A,)
            The graph's state that each given arc leads to. The first position is consumed by an arc too: a path that
            starts at the given state p with arc a has ``initial[entered[a]]`` = p's own initial score + a's.
        """
        source, target, label = (
            _numbers(name, x) for name, x in (("source", source), ("target", target), ("label", label))
        )
        _alike(source=source, target=target, label=label)
        for name, states in (("source", source), ("target", target)):
            _in_range(name, states, num_states, "states")
        if not len(source):
            raise ValueError("an automaton without arcs accepts nothing; got no arcs.")
        device = source.device
        source, target, label = (x.cpu().numpy() for x in (source, target, label))
        pairs, entered = np.unique(np.stack([target, label], 1), axis=0, return_inverse=True)
        entered = entered.reshape(-1)
        state, labels = pairs.T
        copies = np.bincount(state, minlength=num_states)
        first = np.cumsum(copies) - copies
        arc = np.repeat(np.arange(len(source)), copies[source])
        begin = np.cumsum(copies[source]) - copies[source]
        copy = np.arange(len(arc)) - begin[arc]
        found = labels, first[source[arc]] + copy, entered[arc], arc, state, entered
        *arcs, state, entered = (torch.from_numpy(np.ascontiguousarray(x)).to(device) for x in found)
        graph = cls.from_arcs(*arcs, source.size)
        return graph, state, entered

    def to(self, device):
        """The same graph on another device."""
        given = {f.name: getattr(self, f.name) for f in fields(self) if f.init}
        return Graph(**{name: x.to(device) if isinstance(x, Tensor) else x for name, x in given.items()})
