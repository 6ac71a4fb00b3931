"""Time-delay networks over frames of speech."""

import torch
from torch import nn

from hybridseq.nn.masked_norm import Normalised


def used_positions(lengths, steps, like):
    """(B, 1, T): 1 within the lengths, 0 beyond, of the type of ``like``."""
    inside = torch.arange(steps, device=like.device) < lengths.to(like.device)[:, None]
    return inside[:, None].to(like)


class TDNN(nn.Module):
    """Dilated convolutions over time, each batch-normalised :cite:p:`waibel1989,peddinti2015`.

    Parameters
    ----------
    input_size, hidden_size : int
        Components of the input and of the output.
    dilations : sequence of int
        The dilation of each layer after the first.
    widths : (int, int)
        Frames that the filters of the first layer and of the others see; odd.
    dropout : float
        After each layer.

    Notes
    -----
    ``forward(inputs (B, T, E), lengths (B,)) -> (B, T, H)``; zeros at padding, which does not leak into a row.
    O(B·T·width·H²) a layer. With the defaults a frame sees 12 to either side.
    """

    def __init__(self, input_size, hidden_size=128, *, dilations=(1, 2, 3, 4), widths=(5, 3), dropout=0.2):
        super().__init__()
        if any(width % 2 == 0 for width in widths):
            raise ValueError(f"widths must be odd, so that a filter has a middle; got {tuple(widths)}")
        self.input_size, self.output_size = input_size, hidden_size
        first = Normalised(input_size, hidden_size, widths[0], 1, dropout)
        rest = (Normalised(hidden_size, hidden_size, widths[1], d, dropout) for d in dilations)
        self.layers = nn.ModuleList([first, *rest])

    def forward(self, inputs, lengths):
        used = used_positions(lengths, inputs.shape[1], inputs)
        hidden = inputs.transpose(1, 2) * used
        for layer in self.layers:
            hidden = layer(hidden, used)
        return hidden.transpose(1, 2)
