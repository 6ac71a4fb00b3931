"""Random tables of features, and sequences of them, for the laws."""

from dataclasses import dataclass

import numpy as np

from hybridseq.kernels.features.table import FeatureTable


@dataclass
class Case:
    """Sequences whose tokens have 0 to 6 of ``size`` features; ``some``: features have weights for some labels only."""

    labels: int = 5
    some: bool = True
    ones: bool = True
    count: int = 9
    longest: int = 7
    size: int = 12
    seed: int = 0

    def __post_init__(self):
        self.random = random = np.random.default_rng(self.seed)
        self.lengths = random.integers(1, self.longest + 1, self.count)
        self.lengths[:2] = self.longest, 1
        self.starts = np.cumsum(self.lengths) - self.lengths
        tokens = int(self.lengths.sum())
        numbers = random.integers(0, 7, tokens)
        numbers[0] = 0
        has = random.random((self.size, self.labels)) < (0.5 if self.some else 2)
        # One feature without a weight, one with all.
        has[:2] = np.array([[not self.some], [True]])
        self.features = FeatureTable(
            np.concatenate([[0], np.cumsum(numbers)]),
            random.integers(0, self.size, int(numbers.sum())).astype(np.int32),
            # Such as float32 can hold: learners take them so.
            None if self.ones else random.normal(size=int(numbers.sum())).astype(np.float32).astype(np.float64),
            np.concatenate([[0], np.cumsum(has.sum(1))]),
            np.nonzero(has)[1].astype(np.int32),
        )
        self.states = len(self.features.labels)
        self.gold = random.integers(0, self.labels, tokens)
        pairs = random.random((self.labels, self.labels)) < (0.6 if self.some else 2)
        self.sources, self.targets = np.nonzero(pairs)
        self.places = np.full(pairs.shape, -1)
        self.places[pairs] = self.states + np.arange(len(self.sources))

    def __len__(self):
        return self.states + len(self.sources)

    def weights(self, dtype=np.float64):
        return self.random.normal(size=len(self)).astype(dtype)
