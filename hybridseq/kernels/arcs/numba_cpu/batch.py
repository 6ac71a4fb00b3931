"""One call's scores, checked, with what its kernels share."""

import numpy as np

from hybridseq.kernels import simd, threads
from hybridseq.kernels.arcs.numba_cpu import topology
from hybridseq.kernels.arcs.numba_cpu.lanes import LOW_SCORE
from hybridseq.kernels.chain.numba_cpu.primitives import invalid_scores
from hybridseq.kernels.errors import InvalidScore

NAMES = "emissions", "moves", "initial", "final"


def _check(scores, lengths):
    """Raise for the first invalid score that a kernel would use."""
    emissions, moves, *ends = scores
    if moves.shape[1] > 1 and invalid_scores(moves):
        # The padding may hold anything.
        moves = moves[np.arange(1, emissions.shape[1]) < lengths[:, None]]
    for name, values in zip(NAMES[1:], (moves, *ends)):
        if invalid_scores(values):
            raise InvalidScore(None, values[~(values < np.inf)][0], name)


def raise_invalid(scores, lengths, graph, rows):
    """Raise for the first invalid emission of the given rows."""
    emissions = scores[0]
    for row in rows:
        g = row if graph[topology.STATE_OFFSET].size > 2 else 0
        columns = graph[topology.COLUMNS][slice(*graph[topology.COLUMN_OFFSET][g : g + 2])]
        bad = np.argwhere(~(emissions[row, : lengths[row]][:, columns] < np.inf))
        if bad.size:
            t, column = bad[0]
            label = columns[column]
            raise InvalidScore((int(row), int(t), int(label)), emissions[row, t, label])


class Batch:
    """One call's scores with what its kernels share."""

    def __init__(self, scores, lengths, graph):
        _check(scores, lengths)
        self.scores, self.lengths, self.graph = scores, lengths, graph
        self.packed = graph[topology.STATE_OFFSET].size > 2
        self.group = 1 if self.packed else simd.BYTES // 8
        self.own_moves = scores[1].shape[0] > 1 or scores[1].shape[1] > 1

    def parts(self, cost, rows=None):
        """Rows for each thread; ``cost`` is relative to a forward pass in lanes."""
        tables, graphs = self.graph, self.graph[topology.STATE_OFFSET].size - 1
        arcs, states, columns = (tables[i].size / graphs for i in (topology.SOURCE, topology.LABELS, topology.COLUMNS))
        nanoseconds = cost * (10 + 0.5 * arcs + states + 8 * columns) / self.group
        if rows is None:
            return threads.share_rows(self.lengths, nanoseconds, self.group)
        return [rows[part] for part in threads.share_rows(self.lengths[rows], nanoseconds, self.group)]

    def _shared(self, scores):
        """The (M,) moves that all steps share; zeros where rows have their own, or there is no step."""
        if self.own_moves or scores[1].size == 0:
            return np.zeros(scores[1].shape[2])
        return scores[1][0, 0].astype(np.float64)

    def weights(self):
        """exp of shared moves, less their largest, by arc as they arrive and as they leave; the largest, and a mark.

        The mark says that a finite one is low.
        """
        moves = self._shared(self.scores)
        top = moves.max(initial=-np.inf)
        top = top if top > -np.inf else 0.0
        shifted = moves - top
        weights = np.exp(shifted)
        low = shifted[shifted > -np.inf].min(initial=0.0) < LOW_SCORE
        return (
            weights[self.graph[topology.MOVE]],
            weights[self.graph[topology.LEFT_BY]],
            np.array([top, float(low)]),
        )

    def bends(self, direction):
        """The direction's shared moves by arc, as they arrive and as they leave."""
        moves = self._shared(direction)
        return moves[self.graph[topology.MOVE]], moves[self.graph[topology.LEFT_BY]]

    def by_arc(self):
        """Scores of shared moves by arc, as they arrive."""
        return self._shared(self.scores)[self.graph[topology.MOVE]]

    def wide(self):
        """The scores in float64, for kernels too rarely used to be compiled twice."""
        return tuple(np.asarray(x, np.float64) for x in self.scores)

    def refuse_invalid(self):
        """Raise if an emission that counts is NaN or +inf."""
        if invalid_scores(self.scores[0]):
            raise_invalid(self.scores, self.lengths, self.graph, range(len(self.lengths)))

    def gradient_buffers(self, moves, initial, final):
        """Whether each row has gradients of its own by moves, initial and final; and zeros to add gradients to."""
        emissions, (count, columns) = self.scores[0], (self.scores[0].shape[0], self.scores[1].shape[2])
        own = np.array([moves != "shared", initial, final])
        first = [count if x else threads.count(count) for x in own]
        steps, states = emissions.shape[1] - 1 if moves == "steps" else 1, self.scores[2].shape[1]
        shapes = (first[0], steps, columns), (first[1], states), (first[2], states)
        return own, (np.zeros_like(emissions), *map(np.zeros, shapes))

    def summed(self, own, buffers):
        """The gradients, summed over threads where rows share them."""
        return buffers[0], *(x if mine else x.sum(0, keepdims=True) for x, mine in zip(buffers[1:], own))
