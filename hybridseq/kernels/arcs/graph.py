"""The automata that the recursions run on: states that consume a label, arcs between them."""

from dataclasses import dataclass, field, fields

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


def _offsets(sizes, device):
    return torch.tensor([0, *sizes], device=device).cumsum(0)


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
        bounds = torch.arange(len(self.labels) + 1, device=self.labels.device)
        leaving = self.source.argsort(stable=True)
        object.__setattr__(self, "arriving", torch.searchsorted(self.target, bounds))
        object.__setattr__(self, "departing", torch.searchsorted(self.source[leaving], bounds))
        object.__setattr__(self, "leaving", leaving)
        pairs = torch.unique_consecutive(torch.stack([self.source, self.target]), dim=1, return_counts=True)[1]
        object.__setattr__(self, "parallel", int(pairs.max()) if len(pairs) else 0)
        object.__setattr__(self, "tables", self._tables())

    def _tables(self):
        """What kernels read, in the order of ``numba_cpu.topology``: states numbered within their graph."""
        of_state = torch.arange(self.num_graphs, device=self.labels.device).repeat_interleave(self.state_offset.diff())
        first = self.state_offset[of_state]
        source, target = self.source - first[self.source], self.target - first[self.target]
        pairs, place = torch.stack([of_state, self.labels], 1).unique(dim=0, return_inverse=True)
        of_column, columns = pairs.unbind(1)
        offset = torch.searchsorted(of_column.contiguous(), torch.arange(self.num_graphs + 1, device=first.device))
        leaving = self.leaving
        tables = (
            *(self.labels, source, target, self.move, self.arriving, self.departing),
            *(leaving, target[leaving], self.move[leaving], self.state_offset, self.arc_offset),
            *(columns, place - offset[of_state], offset),
        )
        return tuple(x.contiguous() for x in tables)

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
        states = torch.arange(self.num_states, device=self.labels.device)
        own = states - self.state_offset[:-1].repeat_interleave(self.state_offset.diff())
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
        order = (target * len(labels) + source).argsort(stable=True)
        sizes = (_offsets([n], labels.device) for n in (len(labels), len(source)))
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
        states = _offsets([g.num_states for g in graphs], device)
        arcs = _offsets([g.num_arcs for g in graphs], device)
        first = states[:-1].repeat_interleave(arcs.diff())
        return cls(
            torch.cat([g.labels for g in graphs]),
            torch.cat([g.source for g in graphs]) + first,
            torch.cat([g.target for g in graphs]) + first,
            torch.cat([g.move for g in graphs]),
            max(g.num_moves for g in graphs),
            states,
            arcs,
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
        pairs, entered = torch.stack([target, label], 1).unique(dim=0, return_inverse=True)
        state, labels = pairs.unbind(1)
        copies = torch.bincount(state, minlength=num_states)
        first = copies.cumsum(0) - copies
        arc = torch.arange(len(source), device=source.device).repeat_interleave(copies[source])
        begin = copies[source].cumsum(0) - copies[source]
        copy = torch.arange(len(arc), device=source.device) - begin[arc]
        graph = cls.from_arcs(labels, first[source[arc]] + copy, entered[arc], arc, len(source))
        return graph, state, entered

    def to(self, device):
        """The same graph on another device."""
        given = {f.name: getattr(self, f.name) for f in fields(self) if f.init}
        return Graph(**{name: x.to(device) if isinstance(x, Tensor) else x for name, x in given.items()})
