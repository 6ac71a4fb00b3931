"""What every encoder owes: padding and neighbours in the batch change nothing; gradients flow everywhere."""

import pytest
import torch

from hybridseq.nn import ENCODERS, Convolutional, Jordan, Recurrent, make_encoder

LENGTHS = torch.tensor([3, 7, 1, 7, 5])


@pytest.fixture(params=[(name, layers) for name in ENCODERS for layers in (1, 2)], ids=str)
def encoder(request):
    name, layers = request.param
    torch.manual_seed(0)
    return make_encoder(name, 6, hidden_size=4, num_layers=layers, num_labels=3).double().eval()


def batch(width=7):
    torch.manual_seed(1)
    inputs = torch.randn(5, 7, 6, dtype=torch.float64)
    real = torch.arange(7) < LENGTHS[:, None]
    inputs = inputs * real[:, :, None]
    return torch.nn.functional.pad(inputs, (0, 0, 0, width - 7)), real


def test_shape(encoder):
    inputs, _ = batch()
    assert encoder(inputs, LENGTHS).shape == (5, 7, encoder.output_size)


def test_each_row_is_as_if_alone(encoder):
    inputs, _ = batch()
    together = encoder(inputs, LENGTHS)
    for row, length in enumerate(LENGTHS.tolist()):
        alone = encoder(inputs[row : row + 1, :length], LENGTHS[row : row + 1])
        torch.testing.assert_close(together[row, :length], alone[0])


def test_padding_changes_nothing(encoder):
    narrow = encoder(batch()[0], LENGTHS)
    wide = encoder(batch(12)[0], LENGTHS)
    real = batch()[1]
    torch.testing.assert_close(wide[:, :7][real], narrow[real])


def test_order_in_the_batch_changes_nothing(encoder):
    inputs, real = batch()
    order = torch.tensor([4, 0, 3, 2, 1])
    torch.testing.assert_close(
        encoder(inputs[order], LENGTHS[order])[real[order]], encoder(inputs, LENGTHS)[order][real[order]]
    )


def test_every_parameter_gets_a_gradient(encoder):
    inputs, real = batch()
    inputs.requires_grad_()
    encoder(inputs, LENGTHS)[real].pow(2).sum().backward()
    assert inputs.grad[real].any(1).all() and not inputs.grad[~real].any()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize(
    ("one_way", "sees"), [("lstm", False), ("gru", False), ("elman", False), ("jordan", False), ("bilstm", True)]
)
def test_one_direction_does_not_see_what_comes(one_way, sees):
    torch.manual_seed(0)
    encoder = make_encoder(one_way, 6, hidden_size=4).double()
    inputs, _ = batch()
    changed = inputs.clone()
    changed[1, 5] += 1
    moved = (encoder(changed, LENGTHS) - encoder(inputs, LENGTHS))[1].abs().sum(1) > 0
    assert moved[:5].any() == sees and moved[5:].any()


def test_a_dilated_network_sees_as_far_as_its_dilations_say():
    torch.manual_seed(0)
    encoder = Convolutional(1, 8, dilations=(1, 2, 4)).double()
    inputs = torch.zeros(1, 31, 1, dtype=torch.float64, requires_grad=True)
    encoder(inputs, torch.tensor([31]))[0, 15].sum().backward()
    seen = inputs.grad[0, :, 0].nonzero().flatten()
    assert seen.tolist() == list(range(8, 23))


def test_an_iterated_network_has_the_weights_of_one_block():
    def count(iterations):
        return sum(p.numel() for p in Convolutional(3, 4, iterations=iterations).parameters())

    assert count(4) == count(1)


def test_jordan_feeds_back_its_output_and_not_its_state():
    torch.manual_seed(0)
    layer = Jordan(3, 4, num_outputs=2)
    step = layer.layers[0][0]
    inputs = torch.randn(1, 2, 3)
    states = layer(inputs, torch.tensor([2]))[0]
    output = step.to_output(states[0]).softmax(0)
    wanted = torch.tanh(step.from_input(inputs[0, 1]) + step.from_output(output))
    torch.testing.assert_close(states[1], wanted)


def test_unknown_names_are_listed_with_the_nearest():
    with pytest.raises(ValueError, match=r"'bilstm'.*got 'bilstn' \(did you mean 'bilstm'\?\)"):
        make_encoder("bilstn", 3)
    with pytest.raises(ValueError, match="cell must be one of"):
        Recurrent(3, 4, cell="lstmm")
