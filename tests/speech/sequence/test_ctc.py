"""CTC begins with the blank behind, and nothing else changed."""

import torch

from hybridseq.speech.acoustic.networks import make_network
from hybridseq.speech.sequence import hold_back_blank


def test_the_blank_is_behind_at_first_and_symbols_are_as_they_were():
    torch.manual_seed(0)
    network = make_network("tdnn", 5, 4, hidden_size=8, num_layers=2, dropout=0.0).eval()
    features, lengths = torch.randn(2, 7, 5), torch.tensor([7, 4])
    with torch.no_grad():
        before = network(features, lengths)
        hold_back_blank(network)
        after = network(features, lengths)
    torch.testing.assert_close(after[..., 0], before[..., 0] - 6)
    assert torch.equal(after[..., 1:], before[..., 1:])
    assert (after.softmax(-1)[..., 0] < 0.01).all()
