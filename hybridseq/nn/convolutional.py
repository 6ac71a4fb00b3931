"""Convolutional encoders: plain, dilated and iterated."""

import torch
from torch import nn

from hybridseq.nn.dropout import LockedDropout


class Convolutional(nn.Module):
    """Convolutions over time with residual connections.

    Parameters
    ----------
    input_size, hidden_size : int
        Components of the input and of the output.
    width : int
        Positions that a filter sees; odd.
    dilations : sequence of int
        The dilation of each layer: 1, 2, 4 sees 15 positions at width 3.
    iterations : int
        How often the whole block is applied, with the same weights (Strubell et al. 2017, *Fast and accurate entity
        recognition with iterated dilated convolutions*).
    dropout : float
        Locked dropout before each block.

    Notes
    -----
    ``forward(inputs (B, T, E), lengths (B,)) -> (B, T, H)``; zeros at padding. O(B·T·width·H²) a layer.
    """

    def __init__(self, input_size, hidden_size=200, *, width=3, dilations=(1, 2, 4), iterations=1, dropout=0.0):
        super().__init__()
        if width % 2 == 0:
            raise ValueError(f"width must be odd, so that a filter has a middle; got {width}")
        self.output_size = hidden_size
        self.iterations = iterations
        self.enter = nn.Linear(input_size, hidden_size)
        self.layers = nn.ModuleList(
            nn.Conv1d(hidden_size, hidden_size, width, padding=d * (width // 2), dilation=d) for d in dilations
        )
        self.norms = nn.ModuleList(nn.LayerNorm(hidden_size) for _ in dilations)
        self.dropout = LockedDropout(dropout)

    def forward(self, inputs, lengths):
        real = (torch.arange(inputs.shape[1], device=inputs.device) < lengths[:, None])[:, :, None]
        hidden = self.enter(inputs)
        for i in range(self.iterations):
            hidden = self.dropout(hidden) if i else hidden
            for layer, norm in zip(self.layers, self.norms, strict=True):
                # Padding is zeroed before every layer: what lies beyond a row's end must not leak into it.
                moved = layer((norm(hidden) * real).transpose(1, 2)).transpose(1, 2)
                hidden = hidden + torch.relu(moved)
        return hidden * real
