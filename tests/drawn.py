"""Random chains of chosen shape for the laws: one generator, one seed a case."""

from dataclasses import dataclass

import torch

import hybridseq as hs


@dataclass
class Case:
    """Scores of a batch; ``leaves`` are the four tensors with gradients on."""

    batch: int = 5
    steps: int = 7
    labels: int = 3
    shared: bool = True
    dtype: torch.dtype = torch.float64
    spread: float = 1.0
    seed: int = 0

    def __post_init__(self):
        self.generator = torch.Generator().manual_seed(self.seed)
        b, t, k = self.batch, self.steps, self.labels
        pairs = (k, k) if self.shared else (b, t - 1, k, k)
        self.leaves = tuple(self.normal(*shape).requires_grad_() for shape in ((b, t, k), pairs, (k,), (k,)))
        self.lengths = torch.randint(1, t + 1, (b,), generator=self.generator)
        self.lengths[0] = t

    def normal(self, *shape):
        return self.spread * torch.randn(shape, generator=self.generator, dtype=self.dtype)

    def uniform(self, *shape):
        return torch.rand(shape, generator=self.generator, dtype=torch.float64)

    def paths(self):
        """Label sequences (B, T), also in the padding."""
        return torch.randint(self.labels, (self.batch, self.steps), generator=self.generator)

    def forbid(self, share=0.3, fields=(0, 1, 2, 3)):
        """−inf in a share of the scores, never in the first label, so that every row keeps a path."""
        for i in fields:
            hit = torch.rand(self.leaves[i].shape, generator=self.generator) < share
            hit[..., 0] = False
            self.leaves[i].data[hit] = -torch.inf
        return self

    def chain(self, make=hs.LinearChain, **options):
        return make(*self.leaves, lengths=self.lengths, **options)


def inside(lengths, steps):
    """(B, T) bool: the positions in use."""
    return torch.arange(steps) < lengths[:, None]


def gradients(value, leaves, **options):
    """Gradients of a value's sum, zeros where it does not depend on a leaf."""
    if not value.requires_grad:
        return tuple(torch.zeros_like(x) for x in leaves)
    found = torch.autograd.grad(value.sum(), leaves, allow_unused=True, retain_graph=True, **options)
    return tuple(torch.zeros_like(x) if g is None else g for x, g in zip(leaves, found))
