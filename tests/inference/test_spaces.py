"""Spaces of outputs: hard ones are vertices of relaxed ones."""

import pytest
import torch

from hybridseq.inference import BitSpace, LabelSpace, PixelSpace
from hybridseq.structures.checks import ShapeError

LENGTHS = torch.tensor([4, 1, 3])
SPACES = [LabelSpace(LENGTHS, 3), BitSpace(3, 4), PixelSpace(3, (2, 2), 0.0, 255.0)]
with_places = pytest.mark.parametrize("space", SPACES[:2], ids=["labels", "bits"])
every = pytest.mark.parametrize("space", SPACES, ids=["labels", "bits", "pixels"])


def drawn(space, count=200):
    return space.draw(count, torch.Generator().manual_seed(0))


@with_places
def test_hard_outputs_come_back_from_their_vertices(space):
    for y in drawn(space, 20):
        assert space.is_hard(y) and torch.equal(space.harden(y), y)
        vertices = space.vertices(y)
        assert vertices.shape == space.shape and not space.is_hard(vertices)
        assert torch.equal(space.harden(vertices), y)
        assert torch.equal(space.relaxed(y), vertices)
        assert torch.equal(space.of_probabilities(space.probabilities(vertices)), vertices)


@every
def test_squash_is_undone(space):
    logits = torch.randn(space.shape, generator=torch.Generator().manual_seed(1))
    y = space.squash(logits)
    torch.testing.assert_close(space.squash(space.unsquash(y)), y)
    moved = space.squash(space.unsquash(y, 0.25))
    centre = space.squash(torch.zeros(space.shape))
    torch.testing.assert_close(moved, 0.75 * y + 0.25 * centre)


@with_places
def test_a_soft_vertex_has_finite_logits(space):
    logits = space.unsquash(space.vertices(drawn(space, 1)[0]), 0.1)
    assert logits.isfinite().all()
    assert torch.equal(space.harden(space.squash(logits)), drawn(space, 1)[0])


@with_places
def test_draws_show_every_choice_alike_and_repeat_with_their_seed(space):
    ys = drawn(space)
    assert torch.equal(ys, drawn(space))
    share = torch.stack([space.probabilities(space.vertices(y)) for y in ys]).mean(0)[space.inside]
    assert ((share - 1 / space.choices).abs() < 0.15).all()


def test_pixels_are_drawn_between_their_bounds():
    ys = drawn(SPACES[2])
    assert 0 <= ys.min() < 5 and 250 < ys.max() <= 255


@with_places
def test_the_cost_is_the_number_of_wrong_places_and_linear_between(space):
    one, other = drawn(space, 2)
    wrong = ((one != other) & space.inside).sum(1).float()
    assert torch.equal(space.cost(one, other), wrong)
    torch.testing.assert_close(space.cost(space.vertices(one), other), wrong)
    half = (space.vertices(one) + space.vertices(other)) / 2
    torch.testing.assert_close(space.cost(half, other), wrong / 2)


@with_places
def test_a_table_of_logits_gives_the_relaxed_output(space):
    logits = torch.randn(space.shape, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(space.of_probabilities(space.table(logits).softmax(2)), space.squash(logits))


def test_padding_is_no_output():
    space = SPACES[0]
    assert (drawn(space)[:, ~space.inside] == -100).all()
    assert (space.squash(torch.randn(3, 4, 3))[~space.inside] == 0).all()


@every
def test_rows_repeat_and_reorder(space):
    index = torch.tensor([2, 0, 2, 1])
    rows = space.rows(index)
    assert rows.shape == (4, *space.shape[1:])
    logits = torch.randn(space.shape)
    torch.testing.assert_close(rows.squash(logits[index]), space.squash(logits)[index])


@pytest.mark.parametrize(
    ("space", "y", "error", "message"),
    [
        (SPACES[0], [[0]], TypeError, "must be a tensor.*got list"),
        (SPACES[0], torch.zeros(3, 5, dtype=torch.int64), ShapeError, r"\(3, 4\) \(int64\) or \(3, 4, 3\)"),
        (SPACES[0], torch.zeros(3, 4), ShapeError, r"got \(3, 4\)"),
        (SPACES[0], torch.full((3, 4), 3), ValueError, r"outputs\[0, 0\] is 3; expected a label from 0 to 2"),
        (SPACES[1], torch.full((3, 4), 2), ValueError, "bits must be 0 or 1; got values from 2 to 2"),
        (SPACES[1], torch.zeros(2, 4), ShapeError, r"= \(3, 4\); got \(2, 4\)"),
        (SPACES[2], torch.zeros(3, 2, 2, dtype=torch.uint8), TypeError, "floating-point numbers from 0.0 to 255.0"),
    ],
)
def test_outputs_of_another_space_are_refused(space, y, error, message):
    with pytest.raises(error, match=message):
        space.relaxed(y)


def test_no_lengths_are_no_space():
    with pytest.raises(ValueError, match="lengths is empty: give at least one"):
        LabelSpace(LENGTHS[:0], 3)


def test_pixels_have_no_places():
    for method in (SPACES[2].table, SPACES[2].probabilities, SPACES[2].of_probabilities):
        with pytest.raises(TypeError, match="PixelSpace has no places"):
            method(torch.zeros(3, 2, 2))


def test_labels_of_other_rows_are_cut_or_gone_through_again():
    own, other = LabelSpace(torch.tensor([2, 5, 3]), 4, 5), LabelSpace(torch.tensor([4, 2, 3]), 4, 5)
    y = torch.tensor([[3, 1, 2, 0, -100], [1, 2, -100, -100, -100], [0, 1, 2, -100, -100]])
    expected = torch.tensor([[3, 1, -100, -100, -100], [1, 2, 1, 2, 1], [0, 1, 2, -100, -100]])
    assert torch.equal(own.taken_over(y, other), expected)
    assert torch.equal(BitSpace(3, 5).taken_over(y, BitSpace(3, 5)), y)
