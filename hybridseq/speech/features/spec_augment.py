"""Stretches of time and bands of frequency hidden while training."""

import torch
from torch import nn


class SpecAugment(nn.Module):
    """Masks of random place and width over time and over columns :cite:p:`park2019specaugment`; no warping of time.

    Does nothing in evaluation mode.

    Parameters
    ----------
    time_masks, freq_masks : int
        How many of each for a row.
    time_width, freq_width : int
        The widest, in frames and in columns; widths are uniform from 0.
    time_share : float
        At most this share of a row's frames for one mask.
    blocks : int
        The columns are so many blocks side by side, such as features and their derivatives; the same columns are
        hidden in each.
    value : float or "mean"
        What stands in masks: 0 is the mean after normalisation; "mean" takes each row's mean of the column.
    generator : torch.Generator, optional
        Of the masks, on the CPU.
    """

    def __init__(
        self,
        time_masks: int = 2,
        time_width: int = 10,
        freq_masks: int = 2,
        freq_width: int = 6,
        *,
        time_share: float = 0.2,
        blocks: int = 1,
        value: float | str = 0.0,
        generator: torch.Generator | None = None,
    ):
        super().__init__()
        if min(time_masks, time_width, freq_masks, freq_width) < 0 or blocks < 1 or not 0 <= time_share <= 1:
            raise ValueError("masks and widths must be at least 0, blocks at least 1, and time_share from 0 to 1.")
        if isinstance(value, str) and value != "mean":
            raise ValueError(f'value must be a number or "mean"; got {value!r}.')
        self.time_masks, self.time_width, self.time_share = time_masks, time_width, time_share
        self.freq_masks, self.freq_width, self.blocks = freq_masks, freq_width, blocks
        self.value, self.generator = value, generator

    def forward(self, features: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
        """Features (B, T, D) with masks; frames beyond a row's length (B,) are left as they are."""
        if features.dim() != 3:
            raise ValueError(f"features must have shape (B, T, D); got {tuple(features.shape)}.")
        if not self.training:
            return features
        rows, steps, width = features.shape
        if width % self.blocks:
            raise ValueError(f"the {width} columns do not make {self.blocks} blocks of the same width.")
        if lengths is None:
            lengths = torch.full((rows,), steps)
        lengths = lengths.cpu()
        inside = torch.arange(steps) < lengths[:, None]
        widest = (self.time_share * lengths).floor().clamp(max=self.time_width)
        band = width // self.blocks
        columns = torch.full((rows,), band)
        hidden_time = self._hidden(lengths, widest, self.time_masks, steps)
        hidden_columns = self._hidden(columns, columns.clamp(max=self.freq_width), self.freq_masks, band)
        hidden = hidden_time[..., None] | hidden_columns.repeat(1, self.blocks)[:, None]
        hidden = (hidden & inside[..., None]).to(features.device)
        return torch.where(hidden, self._value(features, inside.to(features.device)), features)

    def _hidden(self, lengths, widest, masks, size):
        """(B, size) bool: the union of so many masks within each row's length."""
        draws = torch.rand(2, len(lengths), masks, generator=self.generator)
        width = (draws[0] * (widest[:, None] + 1)).floor()
        start = (draws[1] * (lengths[:, None] - width + 1)).floor()
        place = torch.arange(size)[:, None, None]
        return ((place >= start) & (place < start + width)).any(-1).T

    def _value(self, features, inside):
        if self.value != "mean":
            return torch.as_tensor(self.value, dtype=features.dtype, device=features.device)
        inside = inside[..., None]
        return torch.where(inside, features, 0).sum(1, keepdim=True) / inside.sum(1, keepdim=True).clamp(min=1)
