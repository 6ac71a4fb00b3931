"""Streams drawn for the laws of online inference."""

from dataclasses import dataclass

import torch

import hybridseq as hs


@dataclass
class Drawn:
    """Scores of one sequence of T frames, and the chunks that it comes in."""

    seed: int = 0
    steps: int = 30
    labels: int = 4
    forbid: bool = False
    spread: float = 1.0
    dtype: torch.dtype = torch.float64

    def __post_init__(self):
        self.generator = torch.Generator().manual_seed(self.seed)
        k = self.labels
        self.emissions, self.transitions = self.normal(self.steps, k), self.normal(k, k)
        self.start, self.end = self.normal(k), self.normal(k)
        if self.forbid:
            # Every label may stay, so that some path is always possible.
            self.transitions[(torch.rand(k, k, generator=self.generator) < 0.5) & ~torch.eye(k).bool()] = -torch.inf
            self.start[1:] = -torch.inf
            self.emissions[torch.rand(self.emissions.shape, generator=self.generator) < 0.1] = -torch.inf
            self.emissions[:, 0] = self.emissions[:, 0].nan_to_num(neginf=0.0)

    def normal(self, *shape):
        return self.spread * torch.randn(shape, generator=self.generator, dtype=self.dtype)

    @property
    def scores(self):
        return self.transitions, self.start, self.end

    def chunks(self):
        """The emissions in pieces of 0 to 6 frames."""
        t = 0
        while t < self.steps:
            size = int(torch.randint(0, 7, (1,), generator=self.generator))
            yield self.emissions[t : t + size]
            t += size

    def prefix(self, t, end=None):
        """The chain of the first t frames."""
        return hs.LinearChain(self.emissions[None, :t].double(), *(self.transitions.double(), self.start.double(), end))

    def whole(self):
        return self.prefix(self.steps, self.end.double())


SEEDS = range(8)
LAGS = 0, 1, 3, 100
