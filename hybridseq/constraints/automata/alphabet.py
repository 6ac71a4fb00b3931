"""The symbols that a pattern can tell apart, and automata over them."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from hybridseq.constraints.automata.automaton import Automaton


class Alphabet:
    """One symbol for each label that is mentioned and occurs, and a last one for all other labels.

    Parameters
    ----------
    mentioned : set of str
        Label names.
    names : sequence of str
        The labels that occur, in the order of their indices.
    budget : int, optional
        Most states that any step may make.
    """

    def __init__(self, mentioned: set[str], names: Sequence[str], budget: int | None = None):
        self.number = {name: i for i, name in enumerate(sorted(mentioned & set(names)))}
        self.num_symbols = len(self.number) + 1
        self.symbol_map = [self.number.get(name, len(self.number)) for name in names]
        self.budget = budget

    def mask(self, labels: Iterable[str], inverted: bool = False) -> np.ndarray:
        """The symbols of these labels, or of the others, (num_symbols,) bool."""
        mask = np.zeros(self.num_symbols, bool)
        mask[[self.number[label] for label in labels if label in self.number]] = True
        return mask ^ inverted

    def row(self, masks: Sequence[np.ndarray]) -> Automaton:
        """Words of one symbol from each mask, in order."""
        masks = np.array(masks, bool).reshape(len(masks), self.num_symbols)
        onward = np.arange(1, len(masks) + 1)[:, None]
        table = np.vstack([np.where(masks, onward, -1), np.full((1, self.num_symbols), -1)])
        return Automaton(table, np.arange(len(table)) == len(masks)).minimise()

    def union(self, pieces: list[Automaton]) -> Automaton:
        """Words of any of the automata."""
        return _fold(pieces, lambda x, y: x.union(y, self.budget).minimise())

    def concatenation(self, pieces: list[Automaton]) -> Automaton:
        """A word of each automaton, in order."""
        return _fold(pieces, lambda x, y: x.concatenate(y, self.budget).minimise())

    def lift(self, automaton: Automaton) -> Automaton:
        """Over the labels themselves, minimal."""
        return automaton.lift(self.symbol_map, len(self.symbol_map)).minimise()


def _fold(pieces: list, combine: Callable):
    """Combine neighbours, then their results, and so on: each piece takes part in log2(pieces) steps."""
    while len(pieces) > 1:
        odd = pieces[len(pieces) - len(pieces) % 2 :]
        pieces = [combine(x, y) for x, y in zip(pieces[::2], pieces[1::2])] + odd
    return pieces[0]
