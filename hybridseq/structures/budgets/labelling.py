"""Prefixes told apart by their sums: dynamic programming that keeps only what bounds leave :cite:p:`irnich2005`.

Two prefixes that end in a state with the same sums have the same continuations, so that the better one is kept. A
prefix goes where its sums cannot come back within the bounds, or where the multipliers' bound for it falls below what
was found. At most ``width`` go on; the best bound among those that were dropped says what the search may have missed.
"""

import numpy as np

from hybridseq.structures.budgets.arcs import useful

WIDTHS = 300, 3_000, 20_000
ROUNDING = 1e-9


def _reach(paths, added):
    """Least and most that continuations of a state can add to each sum, two arrays (L, S, R)."""
    shape = *paths.emissions.shape, added.shape[1]
    least, most = np.full(shape, np.inf), np.full(shape, -np.inf)
    least[-1][paths.final > -np.inf] = most[-1][paths.final > -np.inf] = 0
    for t in range(paths.steps - 1, 0, -1):
        for ends, better in ((least, np.minimum), (most, np.maximum)):
            better.at(ends[t - 1], paths.source, (ends[t] + added)[paths.target])
    return least, most


def _distinct(states, totals, values):
    """Places of the best of the prefixes that share state and sums."""
    order = np.lexsort((-values, *totals.T, states))
    keys = np.column_stack([states, totals])[order]
    first = np.append(True, (keys[1:] != keys[:-1]).any(1))
    return order[first]


class _Sweep:
    """From left to right through one row; scores carry the multipliers' part."""

    def __init__(self, paths, sums, multipliers):
        self.paths = paths.augmented(multipliers @ sums.coefficients)
        self.sums, self.multipliers, self.offset = sums, multipliers, sums.penalty(multipliers)
        self.added = sums.coefficients.T[paths.labels]
        self.after = self.paths.backward()
        self.low, self.high = _reach(paths, self.added)

    def run(self, score, width):
        """The best path that scores more than ``score``, as labels (L,) or None; the best bound that was dropped."""
        paths = self.paths
        first, arcs = useful(paths, score + self.offset)
        begin = np.flatnonzero(first)
        states, totals = begin, self.added[begin]
        values = (paths.initial + paths.emissions[0])[begin]
        parents, visited, dropped = [], [], -np.inf
        for t in range(paths.steps):
            if t > 0:
                parent, arc = self._onward(states, np.flatnonzero(arcs[t - 1]))
                states = paths.target[arc]
                totals = totals[parent] + self.added[states]
                values = values[parent] + paths.move(t)[arc] + paths.emissions[t, states]
                parents.append(parent)
            keep, lost = self._keep(t, states, totals, values, score, width)
            dropped = max(dropped, lost)
            states, totals, values = states[keep], totals[keep], values[keep]
            visited.append(states)
            if t > 0:
                parents[-1] = parents[-1][keep]
            if not len(states):
                return None, dropped
        worth = values + paths.final[states] - totals @ self.multipliers
        return self._trace(int(worth.argmax()), visited, parents), dropped

    def _onward(self, states, arcs):
        """Each prefix with each arc that leaves its state: places of both."""
        arcs = arcs[np.argsort(self.paths.source[arcs], kind="stable")]
        source = self.paths.source[arcs]
        begin, end = np.searchsorted(source, states), np.searchsorted(source, states, side="right")
        counts = end - begin
        parent = np.repeat(np.arange(len(states)), counts)
        return parent, arcs[np.arange(counts.sum()) - np.repeat(counts.cumsum() - counts, counts) + begin[parent]]

    def _keep(self, t, states, totals, values, score, width):
        """Places of the prefixes that go on, and the best bound of those that could have."""
        bounds = values + self.after[t, states] - self.offset
        # Sums in another order round otherwise; the last word is the test of the whole sequence.
        back = totals + self.low[t, states] <= self.sums.high + ROUNDING
        back &= totals + self.high[t, states] >= self.sums.low - ROUNDING
        alive = np.flatnonzero(back.all(1) & (bounds > score))
        if len(alive):
            alive = alive[_distinct(states[alive], totals[alive], values[alive])]
        if len(alive) <= width:
            return alive, -np.inf
        order = np.argpartition(-bounds[alive], width)
        return alive[order[:width]], bounds[alive[order[width:]]].max()

    def _trace(self, place, visited, parents):
        """The labels of the path that ends with a last prefix."""
        found = [visited[-1][place]]
        for parent, states in zip(parents[::-1], visited[-2::-1]):
            place = parent[place]
            found.append(states[place])
        return self.paths.labels[found[::-1]]


def improve(state, row, paths):
    """Search one row, wider each time, until its best sequence is proven or the widest search is done."""
    sweep = _Sweep(paths, state.sums, state.multipliers[row])
    for width in WIDTHS:
        if state.late:
            return
        state.backend[row] = "labelling"
        labels, dropped = sweep.run(state.score[row], width)
        if labels is not None and not state.offer_one(row, labels):
            # A near miss hides what stands behind it.
            return
        # What was neither dropped nor below the score is the candidate itself.
        state.lower_one(row, dropped)
        if not state.open[row]:
            return
