"""The LSTM with its written-out gradient equals torch's."""

import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from hybridseq.nn.lstm import LSTMLayer

ORDER = (3, 0, 1, 2)  # torch has the gates i, f, g, o


def pair(bidirectional, size=4):
    """A layer of torch and ours with the same weights."""
    torch.manual_seed(0)
    ours = LSTMLayer(3, size, bidirectional).double()
    theirs = torch.nn.LSTM(3, size, batch_first=True, bidirectional=bidirectional).double()
    with torch.no_grad():
        ours.bias.normal_()
        for direction, suffix in enumerate(["", "_reverse"][: 1 + bidirectional]):

            def gates(weight):
                o, i, f, g = weight.t().chunk(4) if weight.dim() == 2 else weight.chunk(4)
                return torch.cat([i, f, g, o])

            getattr(theirs, f"weight_ih_l0{suffix}").copy_(gates(ours.weight_input[direction]))
            getattr(theirs, f"weight_hh_l0{suffix}").copy_(gates(ours.weight_state[direction]))
            getattr(theirs, f"bias_ih_l0{suffix}").copy_(gates(ours.bias[direction]))
            getattr(theirs, f"bias_hh_l0{suffix}").zero_()
    return ours, theirs, gates


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("lengths", [[5, 2, 1], [1, 1], [4, 4], [1]])
def test_values_and_gradients_equal_torch(bidirectional, lengths):
    ours, theirs, gates = pair(bidirectional)
    lengths = torch.tensor(lengths)
    inputs = torch.randn(len(lengths), int(lengths.max()), 3, dtype=torch.float64, requires_grad=True)
    got = ours(inputs, lengths)
    packed = pack_padded_sequence(inputs, lengths, batch_first=True, enforce_sorted=False)
    wanted = pad_packed_sequence(theirs(packed)[0], batch_first=True)[0]
    torch.testing.assert_close(got, wanted)

    weight = torch.randn_like(got)
    got_input, got_bias, got_state = torch.autograd.grad(
        (got * weight).sum(), [inputs, ours.bias, ours.weight_state], retain_graph=True
    )
    last = "_reverse" if bidirectional else ""
    wanted_input, wanted_bias, wanted_state = torch.autograd.grad(
        (wanted * weight).sum(),
        [inputs, getattr(theirs, f"bias_ih_l0{last}"), getattr(theirs, f"weight_hh_l0{last}")],
    )
    torch.testing.assert_close(got_input, wanted_input)
    torch.testing.assert_close(gates(got_bias[-1]), wanted_bias)
    torch.testing.assert_close(gates(got_state[-1]), wanted_state)


def test_gradient_against_differences():
    layer = LSTMLayer(2, 3).double()
    inputs = torch.randn(2, 4, 2, dtype=torch.float64, requires_grad=True)
    lengths = torch.tensor([4, 3])
    assert torch.autograd.gradcheck(lambda x: layer(x, lengths), (inputs,))
