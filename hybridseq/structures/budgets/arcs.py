"""One row's label sequences as paths through numbered states, and the arcs that a best one can use."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Paths:
    """Scores of one row's parts: emissions (L, S) by state, moves (L-1, A) or (1, A) by arc, initial and final (S,)."""

    labels: np.ndarray
    source: np.ndarray
    target: np.ndarray
    emissions: np.ndarray
    moves: np.ndarray
    initial: np.ndarray
    final: np.ndarray

    @property
    def steps(self):
        return len(self.emissions)

    def move(self, t):
        """Scores (A,) of the arcs into position t."""
        return self.moves[0 if len(self.moves) == 1 else t - 1]

    def augmented(self, scores):
        """The same paths with a score (K,) more for each label."""
        extra = scores[self.labels]
        fields = {**self.__dict__, "emissions": self.emissions + extra}
        return Paths(**fields)

    def forward(self):
        """Best scores (L, S) of prefixes that end in a state."""
        best = np.full(self.emissions.shape, -np.inf)
        best[0] = self.initial + self.emissions[0]
        for t in range(1, self.steps):
            np.maximum.at(best[t], self.target, best[t - 1][self.source] + self.move(t))
            best[t] += self.emissions[t]
        return best

    def backward(self):
        """Best scores (L, S) of suffixes that follow a state."""
        best = np.full(self.emissions.shape, -np.inf)
        best[-1] = self.final
        for t in range(self.steps - 1, 0, -1):
            arriving = self.move(t) + (self.emissions[t] + best[t])[self.target]
            np.maximum.at(best[t - 1], self.source, arriving)
        return best


def paths_of(structure):
    """``row -> Paths`` of a chain, with or without an automaton, that scores in float64."""
    emissions = structure.emissions.cpu().numpy()
    lengths = structure.lengths.tolist()
    if hasattr(structure, "graph"):
        graph = structure.graph
        labels, source, target, move = (x.cpu().numpy() for x in (graph.labels, graph.source, graph.target, graph.move))
        _, moves, initial, final = (x.cpu().numpy() for x in structure.scores)
    else:
        count = emissions.shape[2]
        labels, move = np.arange(count), np.arange(count * count)
        source, target = np.divmod(move, count)
        moves, initial, final = (
            x.cpu().numpy() for x in (structure.transitions.flatten(-2), structure.start, structure.end)
        )

    def row(b):
        steps = moves[b, : lengths[b] - 1] if moves.ndim == 3 else moves[None]
        return Paths(labels, source, target, emissions[b, : lengths[b]][:, labels], steps[:, move], initial, final)

    return row


def useful(paths, least):
    """Which first states (S,) and arcs (L-1, A) lie on some path that scores ``least`` or more."""
    before, after = paths.forward(), paths.backward()
    first = _enough(before[0] + after[0], least)
    arcs = np.zeros((paths.steps - 1, len(paths.source)), bool)
    for t in range(1, paths.steps):
        through = before[t - 1][paths.source] + paths.move(t) + (paths.emissions[t] + after[t])[paths.target]
        arcs[t - 1] = _enough(through, least)
    return first, arcs


def _enough(scores, least):
    return (scores > -np.inf) & (scores >= least)
