"""Captions, their pictures, and the oracle that reads them back."""

from itertools import product

import numpy as np
import pytest

from hybridseq.datasets.captioned_shapes import (
    HELD_OUT_SHAPES,
    SHAPE_COLOURS,
    SHAPES,
    draw_captions,
    make_captioned_shapes,
    parse_caption,
    shape_captions,
    shape_ink,
)
from hybridseq.datasets.shape_oracle import ShapeOracle, caption_accuracy, picture_spread, read_shapes


def test_every_caption_parses_back_to_itself():
    captions = shape_captions()
    assert len(captions) == len(set(captions)) == 45 + 2 * 45**2
    assert [str(parse_caption(caption)) for caption in captions] == captions


@pytest.mark.parametrize(
    "caption",
    [
        "",
        "red circle",
        "a pink circle",
        "a red circle under a red circle",
        "a big a b",
        "a red circle | a red circle",
        "a red circle above a red circle left of a red circle",
    ],
)
def test_other_sentences_are_refused(caption):
    with pytest.raises(ValueError, match=r"expected 'a \[size\] colour shape'"):
        parse_caption(caption)


def test_held_out_shapes_are_in_one_part_only():
    seen, held_out = shape_captions("seen"), shape_captions("held_out")
    assert not set(seen) & set(held_out) and {*seen, *held_out} == set(shape_captions())
    names = [" ".join(pair) for pair in HELD_OUT_SHAPES]
    assert not any(name in caption for name in names for caption in seen)
    assert all(any(name in caption for name in names) for caption in held_out)
    captions, _ = make_captioned_shapes(300, random_state=0)
    assert set(captions) <= set(seen)
    # Each word alone is shown.
    assert set(" ".join(seen).split()) == set(" ".join(held_out).split())


def test_the_seed_decides():
    one, same, other = (make_captioned_shapes(5, random_state=seed) for seed in (1, 1, 2))
    assert one[0] == same[0] and np.array_equal(one[1], same[1])
    assert one[0] != other[0]


def test_the_ink_of_a_shape_is_its_area():
    radius = 9.0
    areas = {"circle": np.pi * radius**2, "square": np.pi * radius**2, "triangle": 2 * radius**2}
    for shape in SHAPES:
        ink = shape_ink(shape, [[16.3, 15.9]], [radius], 32)
        assert ink.min() == 0 and ink.max() == 1
        assert ink.sum() == pytest.approx(areas[shape], rel=0.02)


@pytest.mark.parametrize("size", [16, 32])
def test_the_oracle_reads_real_pictures(size):
    captions, images = make_captioned_shapes(120 if size == 16 else 24, size=size, part="all", random_state=0)
    assert images.shape[1:] == (size, size, 3) and images.min() >= 0 and images.max() <= 1
    assert caption_accuracy(captions, images) >= 0.99


def test_a_reading_names_places_and_what_is_left_over():
    x, y = 5.0, 11.0
    image = shape_ink("square", [[x, y]], [2.0], 16)[..., None] * np.ones(3, np.float32)
    (reading,) = ShapeOracle().read(image)
    assert reading.caption == "a small white square"
    assert reading.places.tolist() == [[x, y]]
    assert reading.error == pytest.approx(0, abs=1e-3)
    # Far from the square, so that it stays the nearest.
    image[0, 1:3, 12:14] = 0.3
    (spotted,) = ShapeOracle().read(image)
    assert spotted.caption == "a small white square"
    assert spotted.error == pytest.approx(12 * 0.3**2, rel=1e-3)


def by_hand(image, scene_captions, draws, seed):
    """The caption of the nearest of many true pictures."""
    pictures = draw_captions(scene_captions, draws, random_state=seed)
    return scene_captions[((pictures - image) ** 2).sum((2, 3, 4)).min(1).argmin()]


def test_the_oracle_agrees_with_a_search_among_drawn_pictures():
    captions = ["a small red circle above a large blue square", "a large blue square above a small red circle"]
    captions += ["a small red circle left of a large blue square", "a large blue square", "a small red circle"]
    images = draw_captions(captions, random_state=3)[:, 0]
    found = read_shapes(images)
    assert found == captions
    assert [by_hand(image, captions, 400, 4) for image in images] == found


def test_swapped_things_and_other_relations_do_not_agree():
    (image,) = draw_captions(["a red circle above a blue square"], random_state=0)[0]
    wrong = ["a blue square above a red circle", "a red circle left of a blue square", "a red circle"]
    right = ["a red circle above a blue square"]
    oracle = ShapeOracle()
    assert oracle.agrees(right + wrong, np.stack([image] * 4)).tolist() == [True, False, False, False]


def test_a_size_that_is_left_open_may_be_any():
    images = draw_captions(["a red square"], 20, random_state=0)[0]
    assert set(read_shapes(images)) == {"a small red square", "a large red square"}
    assert caption_accuracy(["a red square"] * 20, images) == 1
    assert 0 < caption_accuracy(["a small red square"] * 20, images) < 1


def test_spread_is_the_mean_distance_of_pairs():
    assert picture_spread(np.array([[[0.0, 0.0], [3.0, 4.0], [0.0, 0.0]]])) == pytest.approx((5 + 5 + 0) / 3)
    with pytest.raises(ValueError, match="at least 2 pictures"):
        picture_spread(np.zeros((3, 1, 4)))


def test_bad_input():
    with pytest.raises(ValueError, match="part must be"):
        make_captioned_shapes(1, part="test")
    with pytest.raises(ValueError, match="held_out must hold pairs"):
        shape_captions("seen", [("red", "house")])
    for part, held_out in (("held_out", ()), ("seen", list(product(SHAPE_COLOURS, SHAPES)))):
        with pytest.raises(ValueError, match=f"part='{part}' has no caption"):
            make_captioned_shapes(1, part=part, held_out=held_out)
    for wrong in (-1, 1.5):
        with pytest.raises(ValueError, match=f"n must be a whole number of at least 0; got {wrong}"):
            make_captioned_shapes(wrong)
    with pytest.raises(ValueError, match="size must be a whole number of at least 8; got 4"):
        ShapeOracle(4)
    with pytest.raises(TypeError, match="Put it into a list"):
        draw_captions("a red square")
    with pytest.raises(TypeError, match="a caption must be a string; got int"):
        draw_captions([3])
    with pytest.raises(ValueError, match="captions is empty"):
        caption_accuracy([], np.zeros((0, 16, 16, 3)))
    with pytest.raises(ValueError, match=r"shape \(n, size, size, 3\); got \(16, 16\)"):
        read_shapes(np.zeros((16, 16)))
    for wrong in (np.full((1, 16, 16, 3), 255, np.uint8), np.full((1, 16, 16, 3), np.nan), -np.ones((1, 16, 16, 3))):
        with pytest.raises(ValueError, match="pixels of images must be from 0 to 1; got"):
            read_shapes(wrong)
    with pytest.raises(ValueError, match="as many; got 1 and 2"):
        caption_accuracy(["a red square"], np.zeros((2, 16, 16, 3)))
    with pytest.raises(ValueError, match=r"shape \(n, 16, 16, 3\)"):
        ShapeOracle().read(np.zeros((2, 3, 16, 16)))
