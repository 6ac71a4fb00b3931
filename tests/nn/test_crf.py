"""The layer equals pytorch-crf, whose parameters move both ways."""

import pytest
import torch
from torchcrf import CRF as TorchCRF

import hybridseq as hs
from hybridseq.structures.checks import ShapeError
from tests import tolerances
from tests.drawn import inside

LENGTHS = torch.tensor([9, 1, 4, 7, 2])


@pytest.fixture(params=[1, 2, 9], ids="K={}".format)
def pair(request):
    torch.manual_seed(request.param)
    theirs = TorchCRF(request.param, batch_first=True)
    for parameter in theirs.parameters():
        torch.nn.init.normal_(parameter)
    emissions = torch.randn(5, 9, request.param, requires_grad=True)
    return theirs, hs.nn.CRF.from_torchcrf(theirs), emissions, torch.randint(request.param, (5, 9))


def parameters(ours):
    return ours.transitions, ours.start, ours.end


def test_loss_and_gradients(pair):
    theirs, ours, emissions, labels = pair
    mask = inside(LENGTHS, 9)
    loss = hs.objectives.log_loss(ours(emissions, lengths=LENGTHS), labels)
    expected = -theirs(emissions, labels, mask=mask, reduction="none")
    torch.testing.assert_close(loss, expected, **tolerances.value(torch.float32))
    found = torch.autograd.grad(loss.sum(), (emissions, *parameters(ours)))
    own = theirs.transitions, theirs.start_transitions, theirs.end_transitions
    for x, y in zip(found, torch.autograd.grad(expected.sum(), (emissions, *own))):
        torch.testing.assert_close(x, y, **tolerances.gradient(torch.float32))


def test_decoding(pair):
    theirs, ours, emissions, _ = pair
    decoded = ours(emissions, lengths=LENGTHS).decode()
    expected = theirs.decode(emissions, mask=inside(LENGTHS, 9))
    assert [row[:n].tolist() for row, n in zip(decoded, LENGTHS)] == expected
    assert (decoded[~inside(LENGTHS, 9)] == -100).all()


def test_parameters_move_both_ways_and_are_copies(pair):
    theirs, ours, *_ = pair
    back = ours.to_torchcrf()
    assert back.batch_first
    for name, value in theirs.named_parameters():
        assert torch.equal(value, getattr(back, name))
    with torch.no_grad():
        back.transitions += 1
        theirs.start_transitions += 1
    assert not torch.equal(ours.transitions, back.transitions)
    assert not torch.equal(ours.start, theirs.start_transitions)


def test_mask_at_the_end_equals_lengths(pair):
    _, ours, emissions, labels = pair
    by_mask, by_lengths = ours(emissions, mask=inside(LENGTHS, 9)), ours(emissions, lengths=LENGTHS)
    assert torch.equal(by_mask.decode(), by_lengths.decode())
    assert torch.equal(by_mask.marginals(), by_lengths.marginals())
    assert torch.equal(by_mask.log_prob(labels), by_lengths.log_prob(labels))


def test_mask_with_gaps_equals_the_shorter_sentence(pair):
    theirs, ours, emissions, labels = pair
    mask = torch.tensor([1, 0, 1, 1, 0, 0, 1, 0, 1]).bool().expand(5, 9)
    labels = torch.where(mask, labels, -100)
    short = emissions[:, mask[0]], labels[:, mask[0]]
    chain = ours(emissions, mask=mask)
    loss = hs.objectives.log_loss(chain, labels)
    torch.testing.assert_close(loss, -theirs(*short, reduction="none"), **tolerances.value(torch.float32))
    decoded = chain.decode()
    assert decoded[:, mask[0]].tolist() == theirs.decode(short[0])
    assert (decoded[~mask] == -100).all()
    (slope,) = torch.autograd.grad(loss.sum(), emissions)
    assert (slope[~mask] == 0).all()


@pytest.mark.usefixtures("shapes_unchecked")
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"emissions": torch.zeros(2, 3, 4)}, ShapeError, r"K = 5 \(the layer's num_labels\); got \(2, 3, 4\)"),
        ({"emissions": torch.zeros(3, 5)}, ShapeError, r"got \(3, 5\)"),
        ({"mask": torch.ones(2, 2).bool()}, ShapeError, r"mask must have shape \(B, T\) = \(2, 3\); got \(2, 2\)"),
        ({"emissions": [[0.0]]}, TypeError, "emissions must be a floating-point tensor.*got list"),
        ({"emissions": torch.zeros(0, 3, 5), "mask": torch.ones(0, 3).bool()}, ShapeError, "at least one row"),
        ({"mask": torch.ones(2, 3).long()}, TypeError, r"mask must be of bool.*got torch.int64.*mask.bool\(\)"),
        ({"mask": torch.ones(2, 3).bool(), "lengths": torch.tensor([3, 3])}, ValueError, "not both"),
        ({"mask": torch.tensor([[1, 1, 1], [0, 0, 0]]).bool()}, ValueError, r"mask\[1\] is False everywhere"),
        ({"lengths": torch.tensor([3, 4])}, ValueError, r"lengths\[1\] is 4"),
    ],
)
def test_errors(arguments, error, message):
    with pytest.raises(error, match=message):
        hs.nn.CRF(5)(**{"emissions": torch.zeros(2, 3, 5), **arguments})


@pytest.mark.usefixtures("shapes_unchecked")
def test_no_labels():
    with pytest.raises(ValueError, match="num_labels must be at least 1; got 0"):
        hs.nn.CRF(0)
    with pytest.raises(TypeError, match=r"num_labels must be a whole number; got '5'"):
        hs.nn.CRF("5")


def test_only_the_layer_of_pytorch_crf_is_taken_over():
    with pytest.raises(TypeError, match=r"takes a torchcrf.CRF of pytorch-crf; got Linear"):
        hs.nn.CRF.from_torchcrf(torch.nn.Linear(2, 2))


def test_it_learns():
    torch.manual_seed(0)
    layer, emissions = hs.nn.CRF(4), torch.zeros(8, 6, 4)
    labels = torch.arange(6).remainder(4).expand(8, 6)
    optimiser = torch.optim.Adam(layer.parameters(), 0.3)
    for _ in range(30):
        optimiser.zero_grad()
        loss = hs.objectives.log_loss(layer(emissions), labels).mean()
        loss.backward()
        optimiser.step()
    assert torch.equal(layer(emissions).decode(), labels)
    assert loss < 0.5
