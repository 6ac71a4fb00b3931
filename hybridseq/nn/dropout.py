"""Dropout for sequences."""

import torch
from torch import nn


class LockedDropout(nn.Module):
    """Dropout with one mask for all positions of a row.

    Parameters
    ----------
    p : float
        The probability that a component is dropped.

    Notes
    -----
    Input and output have shape (B, T, H). Gal and Ghahramani (2016), *A theoretically grounded application of
    dropout in recurrent neural networks*.
    """

    def __init__(self, p: float = 0.5):
        super().__init__()
        self.p = p

    def forward(self, inputs):
        if not self.training or not self.p:
            return inputs
        mask = torch.empty(inputs.shape[0], 1, inputs.shape[2], dtype=inputs.dtype, device=inputs.device)
        return inputs * mask.bernoulli_(1 - self.p).div_(1 - self.p)

    def extra_repr(self):
        return f"p={self.p}"


class WordDropout(nn.Module):
    """Replace tokens by the unknown one while training, rare ones more often.

    A token seen n times is replaced with probability α / (α + n), so that the unknown token's vector is trained
    by what unknown tokens resemble: rare ones. Kiperwasser and Goldberg (2016), section 4.1.

    Parameters
    ----------
    counts : sequence of int
        How often each id was seen; ids seen 0 times (padding, unknown) stay.
    alpha : float
        α; 0 replaces nothing.
    unknown : int
        The id to put in.
    """

    def __init__(self, counts, alpha: float = 0.25, unknown: int = 1):
        super().__init__()
        counts = torch.as_tensor(counts, dtype=torch.float32)
        self.alpha, self.unknown = alpha, unknown
        rate = torch.where(counts > 0, alpha / (alpha + counts), torch.zeros_like(counts))
        self.register_buffer("rate", rate, persistent=False)

    def forward(self, ids):
        if not self.training or not self.alpha:
            return ids
        return torch.where(torch.rand(ids.shape, device=ids.device) < self.rate[ids], self.unknown, ids)

    def extra_repr(self):
        return f"alpha={self.alpha}"
