"""Deterministic automata over the symbols 0 … K − 1."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from hybridseq.constraints.automata import counting, rational, reach
from hybridseq.constraints.automata.budget import spend
from hybridseq.constraints.automata.minimal import minimise
from hybridseq.constraints.automata.product import product
from hybridseq.constraints.automata.subsets import Arcs, determinise


@dataclass(frozen=True, eq=False, repr=False)
class Automaton:
    """A set of words over K symbols, as a deterministic automaton. Immutable.

    Parameters
    ----------
    table : (S, K) int array
        The state after reading a symbol in a state; −1 where no word goes on so. State 0 is the start.
    accepting : (S,) bool array
        Whether a word may end in a state.

    Raises
    ------
    ValueError
        Where the shapes do not agree, or a state does not exist.

    Notes
    -----
    What operations return is trimmed: each state lies on the path of an accepted word, the start excepted. The empty
    set of words then has one state and no transition. ``==`` compares arrays; languages are equal where the arrays of
    the minimal automata are. A ``budget`` bounds the states that an operation may make on its way, and
    :class:`StateBudgetError` says where it was not enough; None is no bound.
    """

    table: np.ndarray
    accepting: np.ndarray
    _minimal: bool = field(default=False, init=False)

    def __post_init__(self):
        table, accepting = np.asarray(self.table), np.asarray(self.accepting, dtype=bool)
        if table.ndim != 2 or accepting.shape != table.shape[:1] or not len(table):
            raise ValueError(
                "table must have shape (S, K) and accepting (S,), with S at least 1; "
                f"got {table.shape} and {accepting.shape}"
            )
        if table.size and (table.min() < -1 or table.max() >= len(table)):
            raise ValueError(
                f"table must hold states from 0 to {len(table) - 1}, or −1; got {table.min()} to {table.max()}"
            )
        for name, array, dtype in (("table", table, np.int32), ("accepting", accepting, bool)):
            array = np.array(array, dtype=dtype, order="C")
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    def __repr__(self):
        return f"Automaton({self.num_states} states, {self.num_symbols} symbols, {self.num_arcs} arcs)"

    def __eq__(self, other):
        if not isinstance(other, Automaton):
            return NotImplemented
        return np.array_equal(self.table, other.table) and np.array_equal(self.accepting, other.accepting)

    def __hash__(self):
        return hash((self.table.shape, self.table.tobytes(), self.accepting.tobytes()))

    # making

    @classmethod
    def nothing(cls, num_symbols: int) -> "Automaton":
        """No word at all."""
        return cls(np.full((1, num_symbols), -1), [False])

    @classmethod
    def everything(cls, num_symbols: int) -> "Automaton":
        """Every word, the empty one too."""
        return cls(np.zeros((1, num_symbols), np.int32), [True])

    @classmethod
    def empty_word(cls, num_symbols: int) -> "Automaton":
        """The empty word only."""
        return cls(np.full((1, num_symbols), -1), [True])

    @classmethod
    def symbols(cls, ids: Iterable[int], num_symbols: int) -> "Automaton":
        """The words that are one of these symbols."""
        ids = _symbols(ids, num_symbols)
        if not ids.size:
            return cls.nothing(num_symbols)
        table = np.full((2, num_symbols), -1)
        table[0, ids] = 1
        return cls(table, [False, True])

    @classmethod
    def word(cls, ids: Sequence[int], num_symbols: int) -> "Automaton":
        """One word."""
        ids = _symbols(ids, num_symbols)
        table = np.full((len(ids) + 1, num_symbols), -1)
        table[np.arange(len(ids)), ids] = np.arange(1, len(ids) + 1)
        return cls(table, np.arange(len(ids) + 1) == len(ids))

    @classmethod
    def from_arcs(cls, num_symbols: int, start, accepting: Iterable[int], arcs, budget: int | None = None):
        """The deterministic automaton of one that need not be.

        Parameters
        ----------
        num_symbols : int
            K.
        start : int or iterable of int
            Where words begin.
        accepting : iterable of int
            Where they may end.
        arcs : iterable of (source, symbol, target)
            States are any integers from 0; symbol −1 reads nothing.

        Returns
        -------
        Automaton
            Trimmed, not minimal.

        Notes
        -----
        Up to 2**states subsets; ``budget`` bounds them.
        """
        arcs = np.array(arcs if isinstance(arcs, np.ndarray) else list(arcs), np.int64).reshape(-1, 3)
        start = np.array(list(start) if isinstance(start, Iterable) else [start], np.int64)
        ends = np.array(list(accepting), np.int64)
        source, symbol, target = arcs.T
        states = np.concatenate([source, target, start, ends])
        if states.size and states.min() < 0:
            raise ValueError(f"states must be integers from 0; got {states.min()}")
        if symbol.size and (symbol.min() < -1 or symbol.max() >= num_symbols):
            raise ValueError(f"symbols must lie from −1 to {num_symbols - 1}; got {symbol.min()} to {symbol.max()}")
        accepts = np.zeros(int(states.max(initial=0)) + 1, bool)
        accepts[ends] = True
        loud = symbol >= 0
        nondeterministic = Arcs(
            num_symbols, start, accepts, source[loud], symbol[loud], target[loud], np.stack([source, target])[:, ~loud]
        )
        return cls._trimmed(*determinise(nondeterministic, "determinisation", budget))

    @classmethod
    def _trimmed(cls, table, accepting):
        return cls(*reach.trim(table, accepting))

    # reading

    @property
    def num_states(self) -> int:
        """S."""
        return self.table.shape[0]

    @property
    def num_symbols(self) -> int:
        """K."""
        return self.table.shape[1]

    @cached_property
    def num_arcs(self) -> int:
        """How many transitions there are."""
        return int((self.table >= 0).sum())

    def accepts(self, ids: Sequence[int]) -> bool:
        """Whether a word is in the set; O(its length)."""
        last = self.states(ids)[-1]
        return bool(last >= 0 and self.accepting[last])

    def states(self, ids: Sequence[int]) -> np.ndarray:
        """The states that a word of L symbols visits, (L + 1,), from the start on; −1 once no word goes on so."""
        ids = _symbols(ids, self.num_symbols)
        visited, state = np.full(len(ids) + 1, -1), 0
        visited[0] = 0
        for i, symbol in enumerate(ids.tolist(), 1):
            state = self.table[state, symbol]
            if state < 0:
                break
            visited[i] = state
        return visited

    def alive(self) -> np.ndarray:
        """(S,) bool: whether an accepted word can pass the state from there on."""
        return reach.distance(self.table, self.accepting) >= 0

    def is_empty(self) -> bool:
        """Whether no word is accepted."""
        return not self.alive()[0]

    def accepts_all(self) -> bool:
        """Whether every word is accepted."""
        met = reach.breadth_first(self.table)
        return bool(self.accepting[met].all() and (self.table[met] >= 0).all())

    def equivalent(self, other: "Automaton") -> bool:
        """Whether both accept the same words."""
        self._same_symbols(other)
        return self.minimise() == other.minimise()

    def includes(self, other: "Automaton") -> bool:
        """Whether every word of ``other`` is accepted here too."""
        return other.difference(self).is_empty()

    def count(self, length: int) -> int:
        """How many words of this length are accepted; exact. O(length · arcs)."""
        return self.counts(length)[-1]

    def counts(self, limit: int) -> list[int]:
        """How many words of each length from 0 to ``limit`` are accepted; exact."""
        return counting.counts(self.table, self.accepting, _natural(limit, "limit"))

    def lengths(self, limit: int) -> np.ndarray:
        """Whether any word of each length from 0 to ``limit`` is accepted, (limit + 1,) bool."""
        return counting.lengths(self.table, self.accepting, _natural(limit, "limit"))

    def shortest(self) -> tuple[int, ...] | None:
        """The shortest accepted word, of several the first in order of symbols; None where there is none."""
        return counting.shortest(self.table, self.accepting)

    # the same words

    def trim(self) -> "Automaton":
        """Without the states that no accepted word visits; the start stays."""
        return self._trimmed(self.table, self.accepting)

    def minimise(self) -> "Automaton":
        """The one with fewest states, numbered breadth-first: equal languages give equal arrays.

        O(K · S · log S) and, as S grows, a few microseconds for each layer of states.
        """
        if self._minimal:
            return self
        found = Automaton(*minimise(self.table, self.accepting))
        object.__setattr__(found, "_minimal", True)
        return found

    def lift(self, symbol_map: Sequence[int], num_symbols: int) -> "Automaton":
        """Over another alphabet, whose symbol s is read as ``symbol_map[s]``; −1 reads as a symbol that ends all words.

        Parameters
        ----------
        symbol_map : (num_symbols,) ints
        num_symbols : int
            K of the result.
        """
        symbol_map = np.asarray(symbol_map, np.int64)
        if symbol_map.shape != (num_symbols,):
            raise ValueError(f"symbol_map must have shape ({num_symbols},), one a new symbol; got {symbol_map.shape}")
        if symbol_map.size and (symbol_map.min() < -1 or symbol_map.max() >= self.num_symbols):
            raise ValueError(
                f"symbol_map must hold symbols from 0 to {self.num_symbols - 1}, or −1; "
                f"got {symbol_map.min()} to {symbol_map.max()}"
            )
        table = np.hstack([self.table, np.full((self.num_states, 1), -1, np.int32)])
        return self._trimmed(table[:, symbol_map], self.accepting)

    # Boolean algebra

    def intersect(self, other: "Automaton", budget: int | None = None) -> "Automaton":
        """Words of both."""
        return self._product(other, np.logical_and, "intersection", budget)

    def union(self, other: "Automaton", budget: int | None = None) -> "Automaton":
        """Words of either."""
        return self._product(other, np.logical_or, "union", budget)

    def difference(self, other: "Automaton", budget: int | None = None) -> "Automaton":
        """Words of this one that ``other`` lacks."""
        return self._product(other, np.greater, "difference", budget)

    def symmetric_difference(self, other: "Automaton", budget: int | None = None) -> "Automaton":
        """Words of exactly one of the two."""
        return self._product(other, np.logical_xor, "symmetric difference", budget)

    def complement(self) -> "Automaton":
        """Words that this one lacks."""
        sink = self.num_states
        table = np.vstack([self.table, np.full((1, self.num_symbols), sink)])
        return self._trimmed(np.where(table < 0, sink, table), ~np.append(self.accepting, False))

    def _product(self, other, accept, operation, budget):
        self._same_symbols(other)
        sides = (self.table, self.accepting), (other.table, other.accepting)
        return self._trimmed(*product(*sides, accept, operation, budget))

    def _same_symbols(self, other):
        if self.num_symbols != other.num_symbols:
            raise ValueError(
                f"both automata must have the same symbols; got {self.num_symbols} and {other.num_symbols}. "
                "Lift them to one alphabet"
            )

    # rational operations

    def concatenate(self, other: "Automaton", budget: int | None = None) -> "Automaton":
        """Words of this one, each followed by one of ``other``."""
        self._same_symbols(other)
        arcs = rational.concatenation((self.table, self.accepting), (other.table, other.accepting))
        return self._trimmed(*determinise(arcs, "concatenation", budget))

    def star(self, budget: int | None = None) -> "Automaton":
        """Any number of words in a row, none too."""
        return self.repeat(0, None, budget)

    def repeat(self, min: int, max: int | None, budget: int | None = None) -> "Automaton":
        """From ``min`` to ``max`` words in a row; None: without end.

        A copy of the automaton is made for each word that is counted, and ``budget`` bounds the copies too.
        """
        _natural(min, "min")
        if max is not None and _natural(max, "max") < min:
            raise ValueError(f"max must be at least min = {min}, or None; got {max}")
        if max == 0:
            return Automaton.empty_word(self.num_symbols)
        spend(min if max is None else max, budget, "repetition")
        arcs = rational.repetition(*reach.trim(self.table, self.accepting), min, max)
        return self._trimmed(*determinise(arcs, "repetition", budget))

    def reverse(self, budget: int | None = None) -> "Automaton":
        """The words read from their end."""
        return self._trimmed(*determinise(rational.reversal(self.table, self.accepting), "reversal", budget))


def _symbols(ids, num_symbols):
    ids = np.asarray(ids if isinstance(ids, np.ndarray) else list(ids), np.int64)
    if ids.size and (ids.min() < 0 or ids.max() >= num_symbols):
        wrong = ids[(ids < 0) | (ids >= num_symbols)][0]
        raise ValueError(f"symbols must lie from 0 to {num_symbols - 1}; got {wrong}")
    return ids


def _natural(number, name):
    if number < 0:
        raise ValueError(f"{name} must be 0 or more; got {number}")
    return number
