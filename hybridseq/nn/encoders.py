"""Encoders by name."""

from collections.abc import Callable
from functools import partial

from torch import nn

from hybridseq.nn.convolutional import Convolutional
from hybridseq.nn.jordan import Jordan
from hybridseq.nn.names import choose
from hybridseq.nn.recurrent import Recurrent


class Identity(nn.Module):
    """No context: each position is scored by itself."""

    def __init__(self, input_size):
        super().__init__()
        self.output_size = input_size

    def forward(self, inputs, lengths):
        return inputs


def _recurrent(cell, bidirectional):
    def make(*, input_size, hidden_size, num_layers, dropout, num_labels):
        return Recurrent(
            input_size,
            hidden_size,
            cell=cell,
            num_layers=num_layers,
            bidirectional=bidirectional,
            dropout=dropout,
        )

    return make


def _jordan(*, input_size, hidden_size, num_layers, dropout, num_labels, bidirectional):
    return Jordan(
        input_size,
        hidden_size,
        num_outputs=num_labels,
        num_layers=num_layers,
        bidirectional=bidirectional,
        dropout=dropout,
    )


def _convolutional(*, input_size, hidden_size, num_layers, dropout, num_labels, dilated, iterated=False):
    layers = max(num_layers, 3)
    return Convolutional(
        input_size,
        hidden_size,
        dilations=[2**i if dilated else 1 for i in range(layers)],
        iterations=4 if iterated else 1,
        dropout=dropout,
    )


#: name -> ``make(input_size, hidden_size, num_layers, dropout, num_labels) -> nn.Module``.
#: A new encoder is one entry here.
ENCODERS: dict[str, Callable[..., nn.Module]] = {
    "bilstm": _recurrent("lstm", True),
    "lstm": _recurrent("lstm", False),
    "bigru": _recurrent("gru", True),
    "gru": _recurrent("gru", False),
    "bielman": _recurrent("elman", True),
    "elman": _recurrent("elman", False),
    "bijordan": partial(_jordan, bidirectional=True),
    "jordan": partial(_jordan, bidirectional=False),
    "cnn": partial(_convolutional, dilated=False),
    "dilated_cnn": partial(_convolutional, dilated=True),
    "iterated_cnn": partial(_convolutional, dilated=True, iterated=True),
    "none": lambda input_size, hidden_size, num_layers, dropout, num_labels: Identity(input_size),
}


def make_encoder(
    name: str,
    input_size: int,
    *,
    hidden_size: int = 200,
    num_layers: int = 1,
    dropout: float = 0.0,
    num_labels: int = 32,
) -> nn.Module:
    """The encoder of a name.

    Parameters
    ----------
    name : str
        A key of :data:`ENCODERS`.
    input_size, hidden_size, num_layers : int
        Components of the input and of each direction's state, and depth (for convolutions at least 3).
    dropout : float
        Between layers.
    num_labels : int
        How many outputs a Jordan network feeds back.

    Returns
    -------
    nn.Module
        ``forward(inputs (B, T, E), lengths (B,)) -> (B, T, H)`` with H in its attribute ``output_size``.

    Raises
    ------
    ValueError
        Where the name is unknown; lists the known ones and the nearest.
    """
    return choose("encoder", name, ENCODERS)(
        input_size=input_size,
        hidden_size=hidden_size,
        num_layers=num_layers,
        dropout=dropout,
        num_labels=num_labels,
    )
