"""Recurrent encoders: LSTM, GRU and the Elman network."""

import torch
from torch import nn

from hybridseq.nn.dropout import LockedDropout

_CELLS = {"lstm": nn.LSTM, "gru": nn.GRU, "elman": nn.RNN}


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

    def __init__(
        self, input_size, hidden_size=200, *, cell="lstm", num_layers=1, bidirectional=True, dropout=0.0
    ):
        super().__init__()
        if cell not in _CELLS:
            raise ValueError(f"cell must be one of {list(_CELLS)}; got {cell!r}")
        self.output_size = hidden_size * (1 + bidirectional)
        sizes = [input_size] + [self.output_size] * (num_layers - 1)
        self.layers = nn.ModuleList(
            _CELLS[cell](size, hidden_size, batch_first=True, bidirectional=bidirectional) for size in sizes
        )
        self.dropout = LockedDropout(dropout)
        self._start(cell)

    def _start(self, cell):
        """Orthogonal recurrences, an open forget gate."""
        for layer in self.layers:
            for name, weight in layer.named_parameters():
                with torch.no_grad():
                    if name.startswith("weight_hh"):
                        for gate in weight.chunk(weight.shape[0] // layer.hidden_size):
                            nn.init.orthogonal_(gate)
                    elif name.startswith("weight_ih"):
                        for gate in weight.chunk(weight.shape[0] // layer.hidden_size):
                            nn.init.xavier_uniform_(gate)
                    else:
                        weight.zero_()
                        if cell == "lstm" and name.startswith("bias_ih"):
                            weight[layer.hidden_size : 2 * layer.hidden_size] = 1

    def forward(self, inputs, lengths):
        # Packed: on a CPU torch's backward pass is faster so, and the backward direction starts at each row's end.
        total = inputs.shape[1]
        lengths = lengths.cpu()
        for i, layer in enumerate(self.layers):
            packed = nn.utils.rnn.pack_padded_sequence(
                self.dropout(inputs) if i else inputs, lengths, batch_first=True, enforce_sorted=False
            )
            inputs = nn.utils.rnn.pad_packed_sequence(layer(packed)[0], batch_first=True, total_length=total)[
                0
            ]
        return inputs
