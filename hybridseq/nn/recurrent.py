"""Recurrent encoders: LSTM, GRU and the Elman network."""

import torch
from torch import nn

from hybridseq.nn.dropout import LockedDropout
from hybridseq.nn.lstm import LSTMLayer

_CELLS = {"lstm": LSTMLayer, "gru": nn.GRU, "elman": nn.RNN}


class Recurrent(nn.Module):
    """Stacked recurrent layers in one or two directions.

    Parameters
    ----------
    input_size, hidden_size : int
        Components of the input, and of the state in each direction.
    cell : {"lstm", "gru", "elman"}
        LSTM (Hochreiter and Schmidhuber 1997), GRU (Cho et al. 2014), or the plain network with tanh whose state
        depends on its last state (Elman 1990).
    num_layers : int
        How many layers stand on one another.
    bidirectional : bool
        Whether each layer also reads from the right; the two states then stand side by side.
    dropout : float
        Locked dropout between layers.

    Notes
    -----
    ``forward(inputs (B, T, E), lengths (B,)) -> (B, T, H)`` with H = ``output_size``; zeros at padding. O(B·T·H²).
    """

    def __init__(self, input_size, hidden_size=200, *, cell="lstm", num_layers=1, bidirectional=True, dropout=0.0):
        super().__init__()
        if cell not in _CELLS:
            raise ValueError(f"cell must be one of {list(_CELLS)}; got {cell!r}")
        self.output_size = hidden_size * (1 + bidirectional)
        sizes = [input_size] + [self.output_size] * (num_layers - 1)
        self.layers = nn.ModuleList(_layer(cell, size, hidden_size, bidirectional) for size in sizes)
        self.dropout = LockedDropout(dropout)

    def forward(self, inputs, lengths):
        for i, layer in enumerate(self.layers):
            inputs = layer(self.dropout(inputs) if i else inputs, lengths)
        return inputs


def _layer(cell, input_size, hidden_size, bidirectional):
    if cell == "lstm":
        return LSTMLayer(input_size, hidden_size, bidirectional)
    return _Packed(_CELLS[cell](input_size, hidden_size, batch_first=True, bidirectional=bidirectional))


class _Packed(nn.Module):
    """A recurrent layer of torch on packed rows, so that the way back begins at each row's end."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer
        with torch.no_grad():
            for name, weight in layer.named_parameters():
                if name.startswith("bias"):
                    weight.zero_()
                    continue
                for gate in weight.chunk(weight.shape[0] // layer.hidden_size):
                    (nn.init.orthogonal_ if "_hh" in name else nn.init.xavier_uniform_)(gate)

    def forward(self, inputs, lengths):
        packed = nn.utils.rnn.pack_padded_sequence(inputs, lengths.cpu(), batch_first=True, enforce_sorted=False)
        return nn.utils.rnn.pad_packed_sequence(self.layer(packed)[0], batch_first=True, total_length=inputs.shape[1])[
            0
        ]
