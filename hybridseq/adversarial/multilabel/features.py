"""What an input says by itself: a network of dense layers."""

from itertools import pairwise

import torch
from torch import Tensor, nn


class InputLinear(nn.Linear):
    """A linear layer whose inputs may be a sparse CSR tensor (B, D): then O(entries), not O(B·D), for each output."""

    def forward(self, x: Tensor) -> Tensor:
        if x.layout is not torch.sparse_csr:
            return super().forward(x)
        found = torch.sparse.mm(x, self.weight.T.contiguous())
        return found if self.bias is None else found + self.bias


def dense_layers(sizes: tuple, dropout: float) -> nn.Sequential:
    """Linear layers, each followed by ReLU and dropout, from the first size through the others."""
    steps = []
    for inner, outer in pairwise(sizes):
        steps += [InputLinear(inner, outer), nn.ReLU(), nn.Dropout(dropout)]
    return nn.Sequential(*steps)


class LocalTerms(nn.Module):
    """b(x): features of the input by dense layers, and a score of every bit that is linear in them.

    Parameters
    ----------
    num_features, num_bits : int
        D and L.
    hidden_sizes : tuple of int
        Of the layers; the last one's output are the features. Empty: the inputs themselves.
    dropout : float
        Behind every layer.
    """

    def __init__(self, num_features: int, num_bits: int, hidden_sizes: tuple = (150,), dropout: float = 0.5):
        super().__init__()
        sizes = (num_features, *hidden_sizes)
        self.num_features, self.width, self.num_bits = num_features, sizes[-1], num_bits
        self.body = dense_layers(sizes, dropout)
        self.bits = InputLinear(self.width, num_bits)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Features (B, H) and scores of the bits (B, L) of inputs (B, D), dense or sparse CSR."""
        features = self.body(x)
        return features, self.bits(features)
