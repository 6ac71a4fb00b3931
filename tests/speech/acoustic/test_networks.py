"""How far a network looks: a frame's scores depend on so many frames beside it, and on no other."""

import pytest
import torch

from hybridseq.speech.acoustic.networks import frames_beside, make_network

TIMES = 101


@pytest.mark.parametrize(
    ("name", "layers", "wanted"),
    [("tdnn", 4, 8), ("tdnn", 1, 2), ("dnn", 3, 5), ("cnn", 4, 6), ("cnn", 2, 4)],
)
def test_exactly_the_frames_beside_decide(name, layers, wanted):
    torch.manual_seed(0)
    network = make_network(name, 24, 3, hidden_size=8, num_layers=layers, dropout=0.0, maps=3).double().eval()
    assert frames_beside(network) == wanted
    features = torch.randn(1, TIMES, 24, dtype=torch.float64, requires_grad=True)
    middle = TIMES // 2
    network(features, torch.tensor([TIMES]))[0, middle].sum().backward()
    touched = features.grad[0].abs().sum(1).nonzero().flatten()
    assert touched.min() == middle - wanted and touched.max() == middle + wanted


def test_it_is_not_known_of_other_networks():
    assert frames_beside(make_network("bilstm", 24, 3, hidden_size=8)) is None
    assert frames_beside(torch.nn.Conv1d(2, 2, 3)) is None
