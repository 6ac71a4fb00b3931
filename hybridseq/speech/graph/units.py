"""The units of a model, phones or whole words: their topologies, and which states share a column."""

from functools import cached_property

import numpy as np

from hybridseq.speech.graph.topology import ENTRY, EXIT, Topology, three_state


class Units:
    """The inventory of a model's units and of the columns that its frame scores have.

    Not to be changed once made; methods return new inventories.

    Parameters
    ----------
    names : sequence of str
        Phones, or words that are modelled whole. Their order is the order of the columns.
    topology : Topology, or dict of str to Topology, optional
        One for all, or one for each name. By default ``three_state()``.
    silence : str, optional
        The unit of silence; put last where it is not among the names.
    silence_topology : Topology, optional
        By default the one of the other units, where they have one in common, or the dict's.
    tying : dict of (str, int) to int, optional
        The column of each (unit, class). Several may share one. By default every class has its own, unit by unit.
    loops : sequence of float, (P,), optional
        Each column's probability of staying, in place of the topologies'. See ``with_loops``.

    Raises
    ------
    ValueError
        Where names repeat or lack a topology, or tying leaves a class or a column out.
    """

    def __init__(self, names, topology=None, silence=None, silence_topology=None, tying=None, loops=None):
        names = (names,) if isinstance(names, str) else tuple(names)
        if silence is not None and silence not in names:
            names = *names, silence
        repeated = sorted({n for n in names if names.count(n) > 1}) if len(set(names)) < len(names) else []
        if repeated or not names:
            raise ValueError(f"names must be different and at least one; got {repeated or names!r}.")
        topology = three_state() if topology is None else topology
        table = dict(topology) if isinstance(topology, dict) else dict.fromkeys(names, topology)
        if silence_topology is not None:
            if silence is None:
                raise ValueError("silence_topology belongs to a unit of silence; name it: silence='sil'.")
            table[silence] = silence_topology
        if missing := [n for n in names if n not in table]:
            raise ValueError(f"every unit needs a topology; none is given for {missing}.")
        self.names, self.silence = names, silence
        self.topologies = {n: table[n] for n in names}
        self.columns = self._columns(tying)
        self.loops = None if loops is None else self._loops(loops)

    def _loops(self, loops):
        loops = np.array(loops, np.float64)
        if loops.shape != (self.num_labels,) or not ((loops >= 0) & (loops < 1)).all():
            raise ValueError(
                f"loops must be P = {self.num_labels} probabilities, at least 0 and below 1; got {loops.tolist()}."
            )
        loops.flags.writeable = False
        return loops

    def _columns(self, tying):
        pairs = [(n, c) for n, t in self.topologies.items() for c in range(t.num_classes)]
        if tying is None:
            tying = {pair: i for i, pair in enumerate(pairs)}
        if missing := [pair for pair in pairs if pair not in tying]:
            raise ValueError(f"tying must give each (unit, class) a column; none is given for {missing[0]}.")
        used = {tying[pair] for pair in pairs}
        if used != set(range(len(used))):
            raise ValueError(f"tying must use every column from 0 on; got {sorted(used)}.")
        return {n: tuple(int(tying[n, c]) for c in range(t.num_classes)) for n, t in self.topologies.items()}

    def __repr__(self):
        return f"Units({len(self.names)} units, {self.num_labels} columns, silence={self.silence!r})"

    def __eq__(self, other):
        return isinstance(other, Units) and self.to_dict() == other.to_dict()

    __hash__ = None

    @cached_property
    def num_labels(self):
        """P, the number of columns."""
        return 1 + max(max(c) for c in self.columns.values())

    @cached_property
    def label_names(self):
        """The columns' names, (P,): unit and class, as in "AH.1"; joined by "+" where they share a column."""
        found = [[] for _ in range(self.num_labels)]
        for name, columns in self.columns.items():
            for c, column in enumerate(columns):
                found[column].append(f"{name}.{c}")
        return tuple("+".join(names) for names in found)

    @cached_property
    def index(self):
        """The place of each name among ``names``."""
        return {name: i for i, name in enumerate(self.names)}

    @cached_property
    def silence_labels(self):
        """The columns of silence, sorted; none without a unit of silence."""
        return () if self.silence is None else tuple(sorted(set(self.columns[self.silence])))

    def _check(self, unit):
        if unit not in self.columns:
            shown = ", ".join(map(repr, self.names[:20])) + (", …" if len(self.names) > 20 else "")
            raise ValueError(f"{unit!r} is no unit of the model; the {len(self.names)} units are {shown}.")

    def states_of(self, unit):
        """The column of each of the unit's states."""
        self._check(unit)
        return tuple(self.columns[unit][c] for c in self.topologies[unit].classes)

    def topology(self, unit):
        """The unit's topology, with trained self-loops."""
        self._check(unit)
        found = self.topologies[unit]
        return found if self.loops is None else found.with_loops(self.loops[list(self.states_of(unit))])

    @cached_property
    def _pieces(self):
        return {}

    def piece(self, unit):
        """What a compiler needs of a unit, kept: columns, arcs (a, b, w), entries (state, w), exits (state, w)."""
        if unit not in self._pieces:
            arcs = [arc for arc in self.topology(unit).arcs if arc[2] > -np.inf]
            self._pieces[unit] = (
                self.states_of(unit),
                [(a, b, w) for a, b, w in arcs if a != ENTRY and b != EXIT],
                [(b, w) for a, b, w in arcs if a == ENTRY],
                [(a, w) for a, b, w in arcs if b == EXIT],
            )
        return self._pieces[unit]

    def tie(self, groups):
        """The inventory in which the columns of each group are one.

        Parameters
        ----------
        groups : list of sequences of str
            ``label_names``. Columns are numbered anew, in their old order.
        """
        parent = list(range(self.num_labels))
        place = {name: i for i, name in enumerate(self.label_names)}
        for group in groups:
            if unknown := [name for name in group if name not in place]:
                raise ValueError(f"tie takes label_names such as {self.label_names[0]!r}; got {unknown[0]!r}.")
            roots = {parent[place[name]] for name in group}
            parent = [min(roots) if p in roots else p for p in parent]
        number = {root: i for i, root in enumerate(sorted(set(parent)))}
        tying = {(n, c): number[parent[x]] for n, columns in self.columns.items() for c, x in enumerate(columns)}
        return Units(self.names, self.topologies, self.silence, tying=tying)

    def with_loops(self, loops):
        """The inventory with trained transitions: each column's probability of staying, (P,).

        What leaves a state shares the rest in its topology's proportions; states without a self-loop do not change.
        """
        tying = {(n, c): x for n, columns in self.columns.items() for c, x in enumerate(columns)}
        return Units(self.names, self.topologies, self.silence, tying=tying, loops=loops)

    def to_dict(self):
        """What ``from_dict`` takes, ready for JSON. Equal topologies stand once."""
        kinds = list(dict.fromkeys(self.topologies.values()))
        return {
            "names": list(self.names),
            "silence": self.silence,
            "topologies": [t.to_dict() for t in kinds],
            "topology_of": [kinds.index(t) for t in self.topologies.values()],
            "columns": [list(c) for c in self.columns.values()],
            "loops": None if self.loops is None else self.loops.tolist(),
        }

    @classmethod
    def from_dict(cls, given):
        """The inventory that ``to_dict`` described."""
        kinds = [Topology.from_dict(t) for t in given["topologies"]]
        names = given["names"]
        topologies = {n: kinds[i] for n, i in zip(names, given["topology_of"])}
        tying = {(n, c): x for n, columns in zip(names, given["columns"]) for c, x in enumerate(columns)}
        return cls(names, topologies, given["silence"], tying=tying, loops=given["loops"])
