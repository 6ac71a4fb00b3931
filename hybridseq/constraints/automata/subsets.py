"""The subset construction: from a nondeterministic automaton to a deterministic one."""

from dataclasses import dataclass

import numpy as np

from hybridseq.constraints.automata.budget import spend
from hybridseq.constraints.automata.reach import pointers, spread

CHUNK = 4096


@dataclass(frozen=True)
class Arcs:
    """A nondeterministic automaton.

    Parameters
    ----------
    num_symbols : int
        K.
    starts : int array
        The states it may start in.
    accepting : (N,) bool array
    source, symbol, target : (M,) int arrays
        Its arcs.
    silent : (2, E) int array, optional
        Sources and targets of the arcs that read nothing.
    """

    num_symbols: int
    starts: np.ndarray
    accepting: np.ndarray
    source: np.ndarray
    symbol: np.ndarray
    target: np.ndarray
    silent: np.ndarray | None = None


def determinise(arcs: Arcs, operation: str, budget: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The deterministic automaton whose states are the subsets that a word can lead to.

    Returns
    -------
    table, accepting

    Notes
    -----
    Up to 2**N states, hence the budget. A subset is the sorted array of its members; a layer of subsets is
    expanded at once: sort the codes (subset, symbol, target).
    """
    size = len(arcs.accepting)
    source, symbol, target, member, width = _narrow(arcs)
    begin = pointers(source, size)
    closure = _Closure(arcs.silent, size)

    start = np.unique(closure(np.asarray(arcs.starts, np.int64)))
    number = {start.astype(np.int32).tobytes(): 0}
    layer, rows, accepting = [start], [], [arcs.accepting[start].any()]
    while layer:
        fresh = []
        for i in range(0, len(layer), CHUNK):
            chunk = layer[i : i + CHUNK]
            states = np.concatenate(chunk)
            owner = np.repeat(np.arange(len(chunk)), [len(x) for x in chunk])
            arc, counts = spread(begin, states)
            cell = np.repeat(owner, counts) * width + symbol[arc]
            codes = closure(_distinct(cell * size + target[arc]))
            table = np.full(len(chunk) * width, -1, np.int32)
            rows.append(table.reshape(len(chunk), width))
            if not codes.size:
                continue
            cell, reached = np.divmod(codes, size)
            first = np.flatnonzero(np.diff(cell, prepend=-1))
            accepts = np.logical_or.reduceat(arcs.accepting[reached], first).tolist()
            bounds = [*first.tolist(), len(reached)]
            raw = reached.astype(np.int32).tobytes()
            found = []
            for a, b, accept in zip(bounds, bounds[1:], accepts):
                key = raw[4 * a : 4 * b]
                to = number.setdefault(key, len(number))
                found.append(to)
                if len(number) > len(accepting):
                    accepting.append(accept)
                    fresh.append(reached[a:b])
            table[cell[first]] = found
            spend(len(number), budget, operation)
        layer = fresh
    return np.concatenate(rows)[:, member], np.array(accepting, bool)


def _narrow(arcs):
    """Distinct arcs, sorted by source, over classes of symbols with the same arcs."""
    size = len(arcs.accepting)
    codes = _distinct((np.asarray(arcs.symbol, np.int64) * size + arcs.source) * size + arcs.target)
    symbol, moves = np.divmod(codes, size * size)
    bounds = np.searchsorted(symbol, np.arange(arcs.num_symbols + 1))
    number: dict[bytes, int] = {}
    pieces, member = [], np.empty(arcs.num_symbols, np.int64)
    for i in range(arcs.num_symbols):
        piece = moves[bounds[i] : bounds[i + 1]]
        member[i] = number.setdefault(piece.tobytes(), len(number))
        if len(number) > len(pieces):
            pieces.append(piece)
    moves = np.concatenate(pieces) if pieces else np.zeros(0, np.int64)
    symbol = np.repeat(np.arange(len(pieces)), [len(piece) for piece in pieces])
    source, target = np.divmod(moves, size)
    order = np.argsort(source, kind="stable")
    return source[order], symbol[order], target[order], member, len(pieces)


def _distinct(codes):
    codes = np.sort(codes)
    return codes[np.diff(codes, prepend=-1) > 0]


class _Closure:
    """Adds to codes ``cell * size + state``, sorted and distinct, what silent arcs lead to."""

    def __init__(self, silent, size):
        self.size, self.silent = size, silent is not None and silent.size > 0
        if self.silent:
            source, self.target = silent[:, np.argsort(silent[0], kind="stable")]
            self.begin = pointers(source, size)

    def __call__(self, codes):
        fresh = codes
        while self.silent and fresh.size:
            cell, state = np.divmod(fresh, self.size)
            arc, counts = spread(self.begin, state)
            reached = _distinct(np.repeat(cell, counts) * self.size + self.target[arc])
            fresh = np.setdiff1d(reached, codes, assume_unique=True)
            codes = _distinct(np.concatenate([codes, fresh]))
        return codes
