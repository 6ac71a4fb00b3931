"""The compiled forms of a constraint: what a structure can be restricted by."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from hybridseq.constraints.automata import Automaton, StateBudgetError
from hybridseq.constraints.errors import ConstraintError
from hybridseq.constraints.joint import joint
from hybridseq.constraints.masks import PositionMask

#: The most arcs that a graph may have for each state of a budget.
ARCS = 250


def _read_only(array, dtype):
    array = np.array(array, dtype=dtype)
    array.setflags(write=False)
    return array


class Plan(ABC):
    """A constraint over K labels in a fixed order. Immutable; made by ``constraint.compile(label_names)``.

    Attributes
    ----------
    labels : tuple of str
        The K label names, in the order of the label indices.
    constraint : Constraint or None
        What it was compiled from.
    positions : PositionMask or None
        Labels that single positions allow, beside the rest.
    """

    labels: tuple[str, ...]
    constraint = None
    positions: PositionMask | None = None

    def _hold(self, **fields):
        vars(self).update(fields)

    def __setattr__(self, name, value):
        raise AttributeError(f"a plan cannot be changed; compile another one ({name} was to be set)")

    @property
    @abstractmethod
    def automaton(self) -> Automaton:
        """The automaton of the accepted label sequences, but for ``positions``."""

    def accepts(self, ids) -> bool:
        """Whether the plan lets a sequence of label indices through; O(T)."""
        ids = np.asarray(ids, dtype=np.int64)
        if self.positions is not None and ids.size:
            allowed = self.positions.resolve([len(ids)], len(ids))[0]
            if not allowed[np.arange(len(ids)), ids].all():
                return False
        return self.automaton.accepts(ids)

    def feasible(self, length: int) -> bool:
        """Whether any sequence of this length passes, positions left out."""
        return bool(self.automaton.lengths(length)[length])

    def feasible_lengths(self, limit: int) -> list[int]:
        """The lengths from 1 to ``limit`` at which any sequence passes, positions left out."""
        return (np.flatnonzero(self.automaton.lengths(limit)[1:]) + 1).tolist()

    def count(self, length: int) -> int:
        """How many sequences of this length pass, positions left out; exact."""
        return self.automaton.count(length)

    def both(self, other: "Plan") -> "Plan":
        """The plan of the sequences that this one and ``other``, over the same labels, accept."""
        return both(self, other)

    def at(self, positions: PositionMask | None) -> "Plan":
        """The same plan with another mask of single positions."""
        plan = object.__new__(type(self))
        vars(plan).update(vars(self))
        plan._hold(positions=positions)
        if "base" in vars(plan):
            plan._hold(base=self.base.at(positions))
        return plan

    def relaxed_for(self, ids) -> "Plan | None":
        """The plan without the parts of its constraint that these label indices break; None where none is left.

        Raises
        ------
        ValueError
            Where the plan was not compiled from a constraint, so that its parts are not known.
        """
        if self.constraint is None:
            raise ValueError("this plan has no parts to relax: compile it from a constraint")
        from hybridseq.constraints.positions import Allowed

        names = [self.labels[i] for i in ids]
        # A mask is a row's own and no rule that its labels could be excused from.
        parts = [part for part in self.constraint.parts if not isinstance(part, Allowed)]
        return self.without([part for part in parts if not part.accepts(names)])

    def without(self, parts) -> "Plan | None":
        """The plan without some parts of its constraint; itself without any, None where none is left."""
        if not parts:
            return self
        from hybridseq.constraints.combine import And

        kept = [part for part in self.constraint.parts if part not in parts]
        return And.of_parts(*kept).compile(self.labels) if kept else None

    def explain(self):
        """Which class the constraint fell into, how many states and arcs it has, and what it costs."""
        from hybridseq.constraints.explain import explain

        return explain(self)


class PairPlan(Plan):
    """Which labels may begin, follow one another and end: all that a first-order chain needs.

    Parameters
    ----------
    labels : sequence of str
        The K label names, in the order of the arrays.
    first : (K,) bool array
        Whether the label may begin a sequence.
    pairs : (K, K) bool array
        ``[i, j]``: whether label j may follow label i.
    last : (K,) bool array
        Whether the label may end a sequence.
    positions : PositionMask, optional
        Labels that single positions allow.
    constraint : Constraint, optional
        What it was compiled from.

    Raises
    ------
    ValueError
        Where a shape does not agree with the number of labels.

    Notes
    -----
    The arrays are copied and read-only. Equality compares labels and arrays.
    """

    def __init__(self, labels: Sequence[str], first, pairs, last, positions=None, constraint=None):
        self._hold(labels=tuple(labels), positions=positions, constraint=constraint)
        self._hold(_tensors={})
        self._hold(first=_read_only(first, bool), pairs=_read_only(pairs, bool), last=_read_only(last, bool))
        count = len(self.labels)
        for name, shape in (("first", (count,)), ("pairs", (count,) * 2), ("last", (count,))):
            array = getattr(self, name)
            if array.shape != shape:
                raise ValueError(f"{name} must have shape {shape}, as there are K = {count} labels; got {array.shape}")

    def __repr__(self):
        return f"PairPlan(labels={self.labels!r})"

    @property
    def kind(self):
        """The class of the plan."""
        if self.first.all() and self.pairs.all() and self.last.all():
            return "free" if self.positions is None else "position mask"
        return "label pairs"

    @cached_property
    def penalties(self):
        """``first``, ``pairs`` and ``last`` as float32 arrays to add, 0 or −inf; None where all is allowed."""
        arrays = (self.first, self.pairs, self.last)
        return tuple(None if a.all() else np.where(a, np.float32(0), np.float32(-np.inf)) for a in arrays)

    def added(self, like):
        """``pairs``, ``first`` and ``last`` to add to scores like ``like``: tensors, or None where all is allowed."""
        import torch

        key = like.dtype, like.device
        if key not in self._tensors:
            first, pairs, last = self.penalties
            arrays = (pairs, first, last)
            self._tensors[key] = tuple(None if x is None else torch.from_numpy(x).to(like) for x in arrays)
        return self._tensors[key]

    @cached_property
    def automaton(self):
        """A state for the start and one for each label; the empty sequence passes."""
        count = len(self.labels)
        into = np.arange(1, count + 1)
        table = np.vstack([np.where(self.first, into, -1), np.where(self.pairs, into, -1)])
        return Automaton(table, np.concatenate([[True], self.last])).minimise()

    def __eq__(self, other):
        if not isinstance(other, PairPlan):
            return NotImplemented
        return (self.labels, self.positions) == (other.labels, other.positions) and all(
            np.array_equal(getattr(self, name), getattr(other, name)) for name in ("first", "pairs", "last")
        )

    def __hash__(self):
        return hash((self.labels, self.first.tobytes(), self.pairs.tobytes(), self.last.tobytes()))


class AutomatonPlan(Plan):
    """A constraint that needs more memory than the last label: an automaton beside the chain.

    Parameters
    ----------
    labels : sequence of str
        The K label names, in the order of the automaton's symbols.
    automaton : Automaton
        Accepts the label sequences.
    soft : sequence of Automaton
        Constraints that may be broken; a sequence that one of them does not accept scores its weight more.
    weights : sequence of float
        A weight, in nats, for each of them; below 0 where breaking it should cost.
    learned : sequence of bool, optional
        Which of these estimators train; none, if not given.
    kind : str
        The class of the plan, for ``explain``.
    positions, constraint
        As in :class:`PairPlan`.

    Notes
    -----
    The chain and the automaton run side by side in a graph whose states are pairs of an automaton's state and the
    label that led there: its arcs are the automaton's arcs, one for each label before. Soft constraints run along
    and show at the end of a sequence only.
    """

    def __init__(
        self, labels, automaton, soft=(), weights=(), learned=None, *, kind="automaton", positions=None, constraint=None
    ):
        soft = tuple(soft)
        learned = _read_only(np.zeros(len(soft)) if learned is None else learned, bool)
        self._hold(labels=tuple(labels), positions=positions, constraint=constraint, kind=kind)
        self._hold(_automaton=automaton, soft=soft, weights=_read_only(weights, np.float64), learned=learned)
        for name in ("weights", "learned"):
            if getattr(self, name).shape != (len(self.soft),):
                raise ValueError(f"{name} must have one entry for each of {len(self.soft)} soft automata")
        if any(x.num_symbols != len(self.labels) for x in (automaton, *self.soft)):
            raise ValueError(f"the automata must have K = {len(self.labels)} symbols, one a label")

    def __repr__(self):
        soft = f", {len(self.soft)} soft" if self.soft else ""
        return f"AutomatonPlan({self.kind}, {self.automaton.num_states} states{soft}, labels={self.labels!r})"

    @property
    def automaton(self):
        return self._automaton

    def __eq__(self, other):
        if not isinstance(other, AutomatonPlan):
            return NotImplemented
        fields = ("labels", "positions", "_automaton", "soft")
        return all(getattr(self, name) == getattr(other, name) for name in fields) and all(
            np.array_equal(getattr(self, name), getattr(other, name)) for name in ("weights", "learned")
        )

    def __hash__(self):
        return hash((self.labels, self._automaton, self.soft, self.weights.tobytes()))

    @cached_property
    def _joint(self):
        """The automaton with the soft ones run along: table, accepting, and (soft, states) which ones are broken."""
        return joint(self.automaton, self.soft)

    @cached_property
    def _states(self):
        """Automaton state and label of each of the graph's states, (2, S)."""
        table = self._joint[0]
        found = np.unique((table.astype(np.int64) * len(self.labels) + np.arange(len(self.labels)))[table >= 0])
        return np.stack(np.divmod(found, len(self.labels)))

    def _number(self, states, labels):
        """The graph's states that automaton states (−1: none) and labels make; −1 for none."""
        own, label = self._states
        codes = own * len(self.labels) + label
        return np.where(states >= 0, np.searchsorted(codes, states.astype(np.int64) * len(self.labels) + labels), -1)

    @cached_property
    def graph(self):
        """The arcs (``kernels.arcs.Graph``) that the restricted chain runs on; ``move`` is label before · K + label."""
        import torch

        from hybridseq.kernels.arcs.graph import Graph

        count = len(self.labels)
        own, label = self._states
        onward = self._number(self._joint[0][own], np.arange(count))
        source, after = np.nonzero(onward >= 0)
        move = label[source] * count + after
        arrays = (label, source, onward[source, after], move)
        return Graph.from_arcs(*(torch.from_numpy(np.asarray(x, np.int64)) for x in arrays), num_moves=count * count)

    @cached_property
    def initial(self):
        """(S,) bool: the graph's states that may begin a sequence."""
        reached = self._number(self._joint[0][0], np.arange(len(self.labels)))
        initial = np.zeros(self._states.shape[1], bool)
        initial[reached[reached >= 0]] = True
        return initial

    @cached_property
    def final(self):
        """(S,) bool: the graph's states that may end a sequence."""
        return self._joint[1][self._states[0]]

    @cached_property
    def broken(self):
        """(soft, S) bool: which soft constraints a sequence that ends in a state breaks."""
        return self._joint[2][:, self._states[0]]

    def check_size(self, budget: int, what: str) -> "AutomatonPlan":
        """Raise a StateBudgetError where the graph would be too large for a budget of states.

        Arcs are counted before any is made; at most ``ARCS`` times the budget are allowed.
        """
        table = joint(self.automaton, self.soft, budget, what)[0]
        live = table >= 0
        entered = np.unique((table.astype(np.int64) * table.shape[1] + np.arange(table.shape[1]))[live])
        arcs = int(live.sum(1)[entered // table.shape[1]].sum())
        if arcs > ARCS * budget:
            raise StateBudgetError(arcs, ARCS * budget, f"{what} beside {len(self.labels)} labels", "arcs")
        return self

    def prepare(self) -> "AutomatonPlan":
        """The plan with all that a chain asks of it built, so that torch.compile finds it there."""
        for name in ("graph", "initial", "final", "broken"):
            getattr(self, name)
        return self

    def ends(self, labels, lengths):
        """The graph's first and last state of label sequences (B, T), (B,) each; −1 where one is not accepted."""
        state = self._final_states(labels, lengths)
        rows = np.arange(len(state))
        accepted = (state >= 0) & self._joint[1][state]
        first = self._number(self._joint[0][0][labels[:, 0]], labels[:, 0])
        last = self._number(np.where(accepted, state, -1), labels[rows, np.asarray(lengths) - 1])
        return np.where(accepted, first, -1), last

    def _final_states(self, labels, lengths):
        from hybridseq.kernels.arcs.numba_cpu.follow import final_states

        state = np.empty(len(labels), np.int64)
        lengths = np.ascontiguousarray(lengths, np.int64)
        final_states(self._joint[0], np.ascontiguousarray(labels, np.int64), lengths, state)
        return state

    def walk(self, labels, lengths):
        """Follow label sequences (B, T) of some lengths through the automata.

        Returns
        -------
        accepted : (B,) bool array
            Whether the hard part lets each through.
        broken : (soft, B) bool array
            Which soft ones each breaks.
        """
        _, accepting, broken = self._joint
        state = self._final_states(labels, lengths)
        alive = state >= 0
        return alive & accepting[state], alive & broken[:, state]


class LinearPlan(Plan):
    """A plan with budgets: bounds on sums of coefficients over a sequence, which only decoding can keep.

    Parameters
    ----------
    base : PairPlan or AutomatonPlan
        The rest of the constraint.
    coefficients : (R, K) array
        What a position with each label adds to each of R sums.
    low, high : (R,) arrays
        The bounds of the sums, −inf or inf where there is none.
    constraint : Constraint, optional
        What it was compiled from.
    """

    kind = "budget"

    def __init__(self, base, coefficients, low, high, constraint=None):
        self._hold(base=base, labels=base.labels, positions=base.positions, constraint=constraint)
        arrays = (_read_only(x, np.float64) for x in (coefficients, low, high))
        self._hold(**dict(zip(("coefficients", "low", "high"), arrays)))
        rows = len(self.coefficients)
        if self.coefficients.shape != (rows, len(self.labels)) or not self.low.shape == self.high.shape == (rows,):
            raise ValueError(
                f"coefficients must have shape (R, K) with K = {len(self.labels)}, low and high (R,); got "
                f"{self.coefficients.shape}, {self.low.shape}, {self.high.shape}"
            )

    def __repr__(self):
        return f"LinearPlan({self.base!r}, {len(self.low)} budgets)"

    @property
    def automaton(self):
        """That of ``base``: the budgets are not in it."""
        return self.base.automaton

    def accepts(self, ids):
        """Whether the base accepts the label indices and all sums are within their bounds (up to rounding)."""
        total = self.coefficients[:, np.asarray(ids, dtype=np.int64)].sum(1)
        slack = 1e-9 * (1 + np.abs(self.coefficients).sum(1))
        return bool(self.base.accepts(ids) and ((total >= self.low - slack) & (total <= self.high + slack)).all())

    def _no_sums(self, *_):
        raise ConstraintError("how many sequences keep a budget cannot be told; ask base, which leaves budgets out")

    feasible = feasible_lengths = count = _no_sums


def both(one: Plan, other: Plan) -> Plan:
    """The plan of the sequences that both accept."""
    if one.labels != other.labels:
        raise ValueError(f"the plans were compiled for other labels: {list(one.labels)} and {list(other.labels)}")
    positions = other.positions if one.positions is None else one.positions.both(other.positions)
    constraint = None if one.constraint is None or other.constraint is None else one.constraint & other.constraint
    fields = {"positions": positions, "constraint": constraint}
    if isinstance(one, LinearPlan) or isinstance(other, LinearPlan):
        bases = [getattr(plan, "base", plan) for plan in (one, other)]
        budgets = [plan for plan in (one, other) if isinstance(plan, LinearPlan)]
        joined = (np.concatenate([getattr(plan, name) for plan in budgets]) for name in ("coefficients", "low", "high"))
        return LinearPlan(both(*bases), *joined, constraint=constraint)
    if isinstance(one, PairPlan) and isinstance(other, PairPlan):
        arrays = ((getattr(one, name) & getattr(other, name)) for name in ("first", "pairs", "last"))
        return PairPlan(one.labels, *arrays, **fields)
    soft = [plan for plan in (one, other) if isinstance(plan, AutomatonPlan)]
    return AutomatonPlan(
        one.labels,
        one.automaton.intersect(other.automaton).minimise(),
        [automaton for plan in soft for automaton in plan.soft],
        np.concatenate([plan.weights for plan in soft]),
        np.concatenate([plan.learned for plan in soft]),
        kind=one.kind if one.kind == other.kind else "automaton",
        **fields,
    )
