"""From a pattern over label names to the automaton over label indices."""

from collections.abc import Callable, Sequence

import numpy as np

from hybridseq.constraints.automata.automaton import Automaton
from hybridseq.constraints.automata.pattern import AnyLabel, Either, InOrder, Label, OneOf, Pattern, Repeat


def translate(pattern: Pattern, names: Sequence[str], budget: int | None = None) -> Automaton:
    """See :meth:`Pattern.automaton`.

    Built from the innermost parts outwards and minimised at each step, over the labels that are mentioned and one
    symbol for all others.
    """
    present = {name: i for i, name in enumerate(sorted(pattern.names() & set(names)))}
    symbol_map = [present.get(name, len(present)) for name in names]
    return _Translation(present, budget).of(pattern).lift(symbol_map, len(names)).minimise()


class _Translation:
    def __init__(self, present: dict[str, int], budget: int | None):
        self.present, self.budget, self.num_symbols = present, budget, len(present) + 1

    def of(self, pattern: Pattern) -> Automaton:
        match pattern:
            case Either():
                return self._either(pattern.parts)
            case InOrder():
                return self._in_order(pattern.parts)
            case Repeat():
                part, least, most = _unnested(pattern)
                return self.of(part).repeat(least, most, self.budget).minimise()
        return self._row([pattern])

    def _either(self, parts):
        single = np.zeros(self.num_symbols, bool)
        others = []
        for part in parts:
            allowed = self._allowed(part)
            if allowed is None:
                others.append(self.of(part))
            else:
                single |= allowed
        one = Automaton.symbols(np.flatnonzero(single), self.num_symbols)
        return _fold([one, *others], lambda x, y: x.union(y, self.budget).minimise())

    def _in_order(self, parts):
        pieces, row = [], []
        for part in parts:
            if self._allowed(part) is not None:
                row.append(part)
                continue
            pieces += [self._row(row)] if row else []
            row = []
            pieces.append(self.of(part))
        if row or not pieces:
            pieces.append(self._row(row))
        return _fold(pieces, lambda x, y: x.concatenate(y, self.budget).minimise())

    def _row(self, parts) -> Automaton:
        """Single labels, one after the other."""
        allowed = np.array([self._allowed(part) for part in parts], bool).reshape(len(parts), self.num_symbols)
        table = np.full((len(parts) + 1, self.num_symbols), -1)
        table[:-1] = np.where(allowed, np.arange(1, len(parts) + 1)[:, None], -1)
        return Automaton(table, np.arange(len(parts) + 1) == len(parts)).minimise()

    def _allowed(self, pattern):
        """The symbols of a pattern of exactly one label, (num_symbols,) bool; None for any other pattern."""
        match pattern:
            case AnyLabel():
                return np.ones(self.num_symbols, bool)
            case Label() | OneOf():
                allowed = np.zeros(self.num_symbols, bool)
                allowed[[self.present[name] for name in pattern.names() if name in self.present]] = True
                return allowed ^ (isinstance(pattern, OneOf) and pattern.inverted)


def _fold(pieces: list, combine: Callable):
    """Combine neighbours, then their results, and so on: each piece takes part in log2(pieces) steps."""
    while len(pieces) > 1:
        odd = pieces[len(pieces) - len(pieces) % 2 :]
        pieces = [combine(x, y) for x, y in zip(pieces[::2], pieces[1::2])] + odd
    return pieces[0]


def _unnested(pattern: Repeat):
    """The same repetition with the repetitions just inside it multiplied out where that leaves no gap."""
    part, least, most = pattern.part, pattern.least, pattern.most
    while isinstance(part, Repeat) and part.least <= 1:
        unbounded = (most is None and part.most != 0) or (part.most is None and most != 0)
        part, least, most = part.part, least * part.least, None if unbounded else (most or 0) * (part.most or 0)
    return part, least, most
