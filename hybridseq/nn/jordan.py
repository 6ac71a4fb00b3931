"""The Jordan network: recurrence on the last output."""

import torch
from torch import nn

from hybridseq.nn.dropout import LockedDropout


class _JordanLayer(nn.Module):
    def __init__(self, input_size, hidden_size, num_outputs):
        super().__init__()
        self.from_input = nn.Linear(input_size, hidden_size)
        self.from_output = nn.Linear(num_outputs, hidden_size, bias=False)
        self.to_output = nn.Linear(hidden_size, num_outputs)

    def forward(self, inputs):
        drive = self.from_input(inputs)
        output = inputs.new_zeros(inputs.shape[0], self.from_output.in_features)
        states = []
        for t in range(inputs.shape[1]):
            states.append(torch.tanh(drive[:, t] + self.from_output(output)))
            output = self.to_output(states[-1]).softmax(1)
        return torch.stack(states, 1)


class Jordan(nn.Module):
    """A recurrent network whose state depends on its last *output*, a distribution over ``num_outputs`` classes.

    h(t) = tanh(U x(t) + V y(t−1) + b), y(t) = softmax(W h(t) + c). Jordan (1986); for slot filling Mesnil et al.
    (2013), section 3.2.

    Parameters
    ----------
    input_size, hidden_size : int
        Components of the input, and of the state in each direction.
    num_outputs : int
        Classes of the fed-back output; a tagger takes its number of labels.
    num_layers, bidirectional, dropout
        As in :class:`~hybridseq.nn.Recurrent`.

    Notes
    -----
    ``forward(inputs (B, T, E), lengths (B,)) -> (B, T, H)``, the states h. A Python loop over T.
    """

    def __init__(self, input_size, hidden_size=200, *, num_outputs=32, num_layers=1, bidirectional=False, dropout=0.0):
        super().__init__()
        directions = 1 + bidirectional
        self.output_size = hidden_size * directions
        sizes = [input_size] + [self.output_size] * (num_layers - 1)
        self.layers = nn.ModuleList(
            nn.ModuleList(_JordanLayer(size, hidden_size, num_outputs) for _ in range(directions)) for size in sizes
        )
        self.dropout = LockedDropout(dropout)

    def forward(self, inputs, lengths):
        place = torch.arange(inputs.shape[1], device=inputs.device)
        mirror = torch.where(place < lengths[:, None], lengths[:, None] - 1 - place, place)[:, :, None]

        def flipped(x):
            return x.gather(1, mirror.expand_as(x))

        for i, layer in enumerate(self.layers):
            inputs = self.dropout(inputs) if i else inputs
            states = [layer[0](inputs)]
            if len(layer) == 2:
                states.append(flipped(layer[1](flipped(inputs))))
            inputs = torch.cat(states, 2)
        return inputs * (place < lengths[:, None])[:, :, None]
