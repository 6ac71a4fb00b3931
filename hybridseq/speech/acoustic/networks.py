"""Networks from frames of features to scores of HMM states, by name."""

from collections.abc import Callable

import torch
from torch import nn

from hybridseq.nn.names import choose
from hybridseq.nn.recurrent import Recurrent
from hybridseq.nn.spectral_cnn import SpectralCNN
from hybridseq.nn.tdnn import TDNN


def _tdnn(input_size, hidden_size, num_layers, dropout, maps):
    return TDNN(input_size, hidden_size, dilations=range(1, num_layers), dropout=dropout)


def _cnn(input_size, hidden_size, num_layers, dropout, maps):
    dilations = [2**i for i in range(max(1, num_layers - 2))]
    return SpectralCNN(input_size, hidden_size, maps=maps, dilations=dilations, dropout=dropout)


def _dnn(input_size, hidden_size, num_layers, dropout, maps):
    # Splicing 11 frames and a dense layer are one convolution of width 11.
    return TDNN(input_size, hidden_size, dilations=[1] * (num_layers - 1), widths=(11, 1), dropout=dropout)


def _bilstm(input_size, hidden_size, num_layers, dropout, maps):
    return Recurrent(
        input_size,
        hidden_size // 2,
        cell="lstm",
        num_layers=max(1, num_layers // 2),
        bidirectional=True,
        dropout=dropout,
    )


#: name -> ``make(input_size, hidden_size, num_layers, dropout, maps) -> nn.Module``.
NETWORKS: dict[str, Callable[..., nn.Module]] = {"tdnn": _tdnn, "cnn": _cnn, "dnn": _dnn, "bilstm": _bilstm}


class AcousticNetwork(nn.Module):
    """An encoder of frames, and a linear layer to P scores a frame.

    Parameters
    ----------
    encoder : nn.Module
        ``forward(features (B, T, D), lengths (B,)) -> (B, T, H)`` with H in its ``output_size``.
    num_labels : int
        P, the columns of the model's units.

    Notes
    -----
    ``forward(features (B, T, D), lengths (B,)) -> (B, T, P)``, not normalised.
    """

    def __init__(self, encoder: nn.Module, num_labels: int):
        super().__init__()
        self.encoder = encoder
        self.output = nn.Linear(encoder.output_size, num_labels)

    @property
    def num_labels(self):
        """P."""
        return self.output.out_features

    def forward(self, features: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        return self.output(self.encoder(features, lengths))


def frames_beside(network):
    """How many frames to either side decide on a frame's scores; None where that is not known.

    Known for networks of convolutions that stand on one another: "tdnn", "cnn", "dnn".
    """
    if not (isinstance(network, AcousticNetwork) and isinstance(network.encoder, TDNN | SpectralCNN)):
        return None
    filters = [layer for layer in network.encoder.modules() if isinstance(layer, nn.Conv1d | nn.Conv2d)]
    return sum(layer.dilation[-1] * (layer.kernel_size[-1] // 2) for layer in filters)


def make_network(name, input_size, num_labels, *, hidden_size=128, num_layers=5, dropout=0.2, maps=1):
    """The network of a name.

    Parameters
    ----------
    name : {"tdnn", "cnn", "dnn", "bilstm"}
        Dilated convolutions; patches over frequency and time below them; frames spliced five to either side under
        dense layers; a bidirectional LSTM.
    input_size, num_labels : int
        D and P.
    hidden_size, num_layers : int
        Components of a layer, and how many.
    dropout : float
        After each layer.
    maps : int
        Spectra side by side in the features: 1, or 3 with two derivatives. Only "cnn" looks at it.

    Returns
    -------
    AcousticNetwork

    Raises
    ------
    ValueError
        Where the name is unknown; lists the known ones and the nearest.
    """
    make = choose("encoder", name, NETWORKS)
    return AcousticNetwork(make(input_size, hidden_size, num_layers, dropout, maps), num_labels)
