"""Small players on chains with two labels, for tests."""

import torch
from torch import nn

from hybridseq.adversarial.generator import Generator
from hybridseq.inference import ChainScored, LabelSpace, ScoreFunction
from hybridseq.structures import LinearChain


class FreeChain(ScoreFunction):
    """A chain whose emissions are x times a weight."""

    def __init__(self, num_labels=2, transitions=None, dtype=torch.float32):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(num_labels, dtype=dtype))
        start = torch.zeros(num_labels, num_labels) if transitions is None else transitions
        self.transitions = nn.Parameter(start.to(dtype))

    def at(self, x):
        return ChainScored(LinearChain(x * self.weight, self.transitions))


class FreeGenerator(Generator):
    """Logits of its own for every row, whatever the input."""

    def __init__(self, rows, steps, num_labels, noise_size=0, two_heads=False):
        super().__init__()
        self.noise_size, self.two_heads = noise_size, two_heads
        self.table = nn.ParameterDict(
            {
                head: nn.Parameter(torch.zeros(rows, steps, num_labels))
                for head in ("plain", "augmented")[: 1 + two_heads]
            }
        )
        self.mix = nn.Parameter(torch.zeros(noise_size, num_labels)) if noise_size else None

    def space(self, x):
        return LabelSpace(torch.full((len(x),), x.shape[1]), x.shape[2])

    def logits(self, x, z=None, head="plain"):
        self.check_noise(z, len(x))
        found = self.table[head]
        return found if z is None else found + (z @ self.mix)[:, None]
