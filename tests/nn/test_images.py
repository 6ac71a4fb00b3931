"""The images of a batch are encoded one by one, whatever stands beside them, in training too."""

import pytest
import torch

from hybridseq.nn import ImageEncoder, Recurrent

LENGTHS = torch.tensor([3, 5, 1])
SHAPE = (5, 3)


def make(context=False, **parameters):
    torch.manual_seed(0)
    parameters = {"channels": (4, 6), "output_size": 8, "dropout": 0.0} | parameters
    return ImageEncoder(SHAPE, context=Recurrent(8, 4) if context else None, **parameters).double()


@pytest.fixture(params=[False, True], ids=["each by itself", "with context"])
def encoder(request):
    return make(request.param)


def batch(width=5):
    torch.manual_seed(1)
    return torch.randn(3, width, 15, dtype=torch.float64), torch.arange(5) < LENGTHS[:, None]


def test_shape_and_zeros_at_padding(encoder):
    encoded = encoder(batch()[0], LENGTHS)
    assert encoded.shape == (3, 5, encoder.output_size)
    assert not encoded[~batch()[1]].any()


@pytest.mark.parametrize("training", [False, True])
def test_each_row_is_as_if_alone(encoder, training):
    encoder.train(training)
    inputs, _ = batch()
    together = encoder(inputs, LENGTHS)
    for row, length in enumerate(LENGTHS.tolist()):
        alone = encoder(inputs[row : row + 1, :length], LENGTHS[row : row + 1])
        torch.testing.assert_close(together[row, :length], alone[0])


def test_what_stands_at_padding_changes_nothing(encoder):
    inputs, real = batch()
    other = torch.where(real[:, :, None], inputs, torch.nan)
    torch.testing.assert_close(encoder(other, LENGTHS), encoder(inputs, LENGTHS))


def test_every_parameter_gets_a_gradient(encoder):
    inputs, real = batch()
    inputs.requires_grad_()
    encoder(inputs, LENGTHS).pow(2).sum().backward()
    assert inputs.grad[real].any(1).all() and not inputs.grad[~real].any()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad.abs().sum() > 0, name


def test_without_context_a_position_sees_its_image_alone():
    encoder, (inputs, _) = make(), batch()
    changed = inputs.clone()
    changed[1, 2] += 1
    moved = (encoder(changed, LENGTHS) - encoder(inputs, LENGTHS)).abs().sum(2) > 0
    assert moved.nonzero().tolist() == [[1, 2]]


def test_transposed_images_under_transposed_filters_give_transposed_maps():
    upright, flat = make(), ImageEncoder(SHAPE[::-1], channels=(4, 6), output_size=8).double()
    with torch.no_grad():
        for one, other in zip(upright.stages, flat.stages):
            for weight, copied in zip(one.parameters(), other.parameters()):
                copied.copy_(weight.transpose(-1, -2) if weight.ndim == 4 else weight)
    upright.project = flat.project = torch.nn.Flatten()
    inputs, _ = batch()
    turned = inputs.view(3, 5, *SHAPE).transpose(2, 3).reshape(3, 5, 15)
    # Halved once, rounded up.
    maps = upright(inputs, LENGTHS).view(3, 5, 6, 3, 2)
    torch.testing.assert_close(flat(turned, LENGTHS).view(3, 5, 6, 2, 3), maps.transpose(3, 4))


def test_dropout_is_drawn_for_each_image():
    torch.manual_seed(0)
    encoder = make(dropout=0.5)
    encoder.project[2] = torch.nn.Identity()
    encoder.project[3] = torch.nn.Identity()
    inputs = batch()[0][:1, :1].expand(1, 5, 15)
    dropped = encoder(inputs, torch.tensor([5]))[0] == 0
    assert not torch.equal(dropped[0], dropped[1])


@pytest.mark.parametrize("shape", [(16,), (16, 0), ("16", 8)])
def test_shapes_that_make_no_image(shape):
    with pytest.raises(ValueError, match=r"shape must be .*got "):
        ImageEncoder(shape)


def test_sizes_that_do_not_fit():
    with pytest.raises(ValueError, match="at least one stage"):
        make(channels=())
    with pytest.raises(ValueError, match=r"shape \(5, 3\) have 15 components; got vectors of 14"):
        make()(torch.zeros(1, 1, 14, dtype=torch.float64), torch.tensor([1]))
