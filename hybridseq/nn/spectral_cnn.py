"""Convolutions over frequency and time, then over time alone."""

import torch
from torch import nn
from torch.nn import functional as F

from hybridseq.nn.tdnn import TDNN, used_positions


class SpectralCNN(nn.Module):
    """Two layers of patches over frequency and time, pooled over frequency, under a TDNN :cite:p:`abdelhamid2014`.

    Pooling makes the network bear small shifts along the frequency axis, as between vocal tracts of other lengths.

    Parameters
    ----------
    input_size : int
        Filters of the spectrum, in their order, times the number of ``maps``.
    hidden_size : int
        Components of the output.
    maps : int
        Copies of the spectrum side by side: the features, their derivatives.
    channels : (int, int)
        Patches of the two layers.
    dilations, dropout
        As of :class:`TDNN`.

    Notes
    -----
    ``forward(inputs (B, T, E), lengths (B,)) -> (B, T, H)``; zeros at padding.
    """

    def __init__(self, input_size, hidden_size=128, *, maps=1, channels=(16, 32), dilations=(1, 2, 4), dropout=0.2):
        super().__init__()
        bands = input_size // maps
        if bands * maps != input_size or bands < 8:
            raise ValueError(
                f"input_size must be maps times at least 8 filters; got {input_size} with maps={maps}. Cepstra have no "
                "order along frequency: use features='fbank', or a TDNN."
            )
        self.input_size, self.output_size, self.maps = input_size, hidden_size, maps
        self.patches = nn.ModuleList(
            [
                nn.Conv2d(maps, channels[0], (5, 5), padding=2, bias=False),
                nn.Conv2d(channels[0], channels[1], (3, 3), padding=1, bias=False),
            ]
        )
        self.norms = nn.ModuleList(nn.GroupNorm(4, c) for c in channels)
        self.over_time = TDNN(
            channels[1] * (bands // 4), hidden_size, dilations=dilations, widths=(1, 3), dropout=dropout
        )

    def forward(self, inputs, lengths):
        used = used_positions(lengths, inputs.shape[1], inputs)[:, :, None]
        hidden = inputs.unflatten(2, (self.maps, -1)).permute(0, 2, 3, 1) * used
        for patch, norm in zip(self.patches, self.norms):
            hidden = F.max_pool2d(torch.relu(_by_frame(norm, patch(hidden))) * used, (2, 1))
        return self.over_time(hidden.flatten(1, 2).transpose(1, 2), lengths)


def _by_frame(norm, hidden):
    """Group normalisation of every frame by itself, so that padding has no part in it."""
    batch, channels, bands, steps = hidden.shape
    rows = hidden.permute(0, 3, 1, 2).reshape(batch * steps, channels, bands)
    return norm(rows).view(batch, steps, channels, bands).permute(0, 2, 3, 1)
