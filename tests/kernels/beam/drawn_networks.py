"""Random small graphs of emitting and non-emitting states, and all of their paths by enumeration."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hybridseq.kernels.beam.network import network


@dataclass
class Drawn:
    """States 0 (start) and S − 1 (end) consume nothing, nor do some between; parallel arcs, loops and words occur."""

    seed: int = 0
    states: int = 6
    columns: int = 3
    arcs: int = 14
    frames: int = 4
    words: int = 3
    impossible: float = 0.1

    def __post_init__(self):
        random = np.random.default_rng(self.seed)
        self.labels = random.integers(0, self.columns, self.states)
        self.labels[random.random(self.states) < 0.3] = -1
        self.labels[[0, -1]] = -1
        pairs = []
        while len(pairs) < self.arcs:
            u, v = random.integers(0, self.states - 1), random.integers(1, self.states)
            if self.labels[v] >= 0 or u < v:
                pairs.append((u, v))
        self.source, self.target = np.array(sorted(pairs)).T
        self.weights = random.normal(size=self.arcs)
        self.weights[random.random(self.arcs) < self.impossible / 2] = -np.inf
        self.said = random.integers(-1, self.words, self.arcs)
        self.scores = 2 * random.normal(size=(self.frames, self.columns))
        self.scores[random.random(self.scores.shape) < self.impossible] = -np.inf
        self.start, self.end = 0, self.states - 1

    @property
    def network(self):
        return network(self.labels, self.source, self.target, self.weights, self.start, self.end)

    @cached_property
    def _paths(self):
        found = []

        def extend(state, t, score, arcs, frames):
            if state == self.end and t == len(self.scores):
                found.append((score, arcs, frames))
            for a in np.flatnonzero(self.source == state):
                v, w = self.target[a], self.weights[a]
                consumes = self.labels[v] >= 0
                if consumes:
                    if t == len(self.scores):
                        continue
                    w = w + self.scores[t, self.labels[v]]
                if w > -np.inf:
                    extend(v, t + consumes, score + w, (*arcs, int(a)), (*frames, t))

        extend(self.start, 0, 0.0, (), ())
        return sorted(found, key=lambda path: -path[0])

    def paths(self):
        """Every (score, arcs, frames consumed before each arc) from start to end with a finite score; best first."""
        return self._paths


CASES = [
    *(Drawn(seed, arcs=20) for seed in range(25)),
    *(Drawn(100 + seed, states=9, arcs=30, frames=5) for seed in range(15)),
    *(Drawn(200 + seed, states=4, arcs=9, frames=seed % 4) for seed in range(10)),
]
