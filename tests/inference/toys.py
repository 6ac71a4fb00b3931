"""Small scores of every kind, and generators, for the laws of searches."""

import torch
from torch import nn

from hybridseq.inference import BitSpace, ChainScored, LabelSpace, Scored, ScoreFunction
from tests.drawn import Case


def chains(seed=0, **options):
    """F of a batch of random chains with ragged lengths."""
    return ChainScored(Case(seed=seed, **options).chain())


class Pairs(Scored):
    """Bits with weights and couplings: multilinear, and any two places meet."""

    multilinear = True

    def __init__(self, weights, couplings):
        self.weights, self.couplings, self.dtype = weights, couplings, weights.dtype
        self.space = BitSpace(*weights.shape)

    @classmethod
    def draw(cls, seed=0, batch=4, bits=6, dtype=torch.float64):
        g = torch.Generator().manual_seed(seed)
        weights = torch.randn(batch, bits, generator=g, dtype=torch.float64)
        couplings = torch.randn(batch, bits, bits, generator=g, dtype=torch.float64).triu(1)
        return cls(weights.to(dtype), couplings.to(dtype))

    def raw_score(self, y):
        return (self.weights * y).sum(1) + torch.einsum("bi,bij,bj->b", y, self.couplings, y)

    def rows(self, index):
        return type(self)(self.weights[index], self.couplings[index])

    def double(self):
        return type(self)(self.weights.double(), self.couplings.double())


class Curved(Pairs):
    """The same with a part that is no straight line between bits: not multilinear."""

    multilinear = False

    def raw_score(self, y):
        return super().raw_score(y) + 2 * torch.sin(3 * y.sum(1)) - y.square().sum(1)


class Deaf(Pairs):
    """Scores of hard outputs only: no gradient, no float64."""

    multilinear = False

    def raw_score(self, y):
        return super().raw_score((y > 0.5).to(self.dtype)).detach()

    def double(self):
        return Scored.double(self)


class Triples(Scored):
    """Labels with scores of three in a row: multilinear, parts that reach two places on."""

    multilinear = True
    reach = 2

    def __init__(self, unary, table, lengths):
        self.unary, self.table, self.lengths, self.dtype = unary, table, lengths, unary.dtype
        self.space = LabelSpace(lengths, unary.shape[2], unary.shape[1])

    @classmethod
    def draw(cls, seed=0, batch=3, steps=5, labels=3, dtype=torch.float64):
        g = torch.Generator().manual_seed(seed)
        unary = torch.randn(batch, steps, labels, generator=g, dtype=dtype)
        table = 2 * torch.randn(labels, labels, labels, generator=g, dtype=dtype)
        lengths = torch.randint(1, steps + 1, (batch,), generator=g)
        lengths[0] = steps
        return cls(unary, table, lengths)

    def raw_score(self, y):
        triples = torch.einsum("bti,btj,btk,ijk->b", y[:, :-2], y[:, 1:-1], y[:, 2:], self.table)
        return (self.unary * y).sum((1, 2)) + triples

    def rows(self, index):
        return Triples(self.unary[index], self.table, self.lengths[index])

    def double(self):
        return Triples(self.unary.double(), self.table.double(), self.lengths)


def everything(seed=0):
    """One F of every kind, by name."""
    return {
        "chain": chains(seed),
        "chain, own transitions": chains(seed, shared=False),
        "chain, float32": chains(seed, dtype=torch.float32),
        "chain, one position": chains(seed, steps=1),
        "pairs of bits": Pairs.draw(seed),
        "curved": Curved.draw(seed),
        "triples": Triples.draw(seed),
    }


class Fixed(ScoreFunction):
    """A score function whose inputs choose rows of an F."""

    def __init__(self, scored):
        super().__init__()
        self.scored = scored

    def at(self, x):
        return self.scored.rows(x)


class LinearGenerator(nn.Module):
    """Labels or bits of the rows that x (B,) names, by a table of logits and, if asked, noise."""

    def __init__(self, space, noise_size=0, seed=0):
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.whole, self.noise_size = space, noise_size
        self.table = nn.Parameter(torch.randn(space.shape, generator=generator, dtype=torch.float64))
        self.mix = nn.Parameter(torch.randn(noise_size, *space.shape[1:], generator=generator, dtype=torch.float64))
        self.dropout = nn.Dropout(0.5)

    def space(self, x):
        return self.whole.rows(x)

    def logits(self, x, z=None, head="plain"):
        logits = self.dropout(self.table[x])
        return logits if z is None else logits + torch.tensordot(z, self.mix, 1)

    def forward(self, x, z=None, head="plain"):
        return self.space(x).squash(self.logits(x, z, head))
