"""The picture shows each word and phone at its place in time."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from hybridseq.speech.alignment import Alignment, Segment, plot_alignment
from hybridseq.text import DataError

WORDS = [Segment(0.1, 0.4, "one"), Segment(0.5, 0.9, "$2")]
PHONES = [Segment(0.1, 0.2, "W"), Segment(0.2, 0.4, "N")]


def axes():
    return Figure().subplots()


def tone(hertz, rate=8000, seconds=1.0):
    return np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)


def test_words_stand_above_the_picture_and_phones_at_its_foot():
    ax = plot_alignment(tone(1000), Alignment("u", WORDS, PHONES), 8000, axes())
    ax.figure.canvas.draw()
    labels = {text.get_text(): text.get_position() for text in ax.texts}
    assert list(labels) == ["one", "$2", "W", "N"]
    for segment in [*WORDS, *PHONES]:
        x, y = labels[segment.label]
        assert x == pytest.approx((segment.start + segment.end) / 2)
        assert y > 1 if segment in WORDS else y < 0.2
    lines = [sorted({float(x) for part in lines.get_segments() for x in part[:, 0]}) for lines in ax.collections]
    assert lines == [[0.1, 0.4, 0.5, 0.9], [0.1, 0.2, 0.4]]
    assert ax.get_xlim() == (0, 1)


@pytest.mark.parametrize("hertz", [500, 1000, 3000])
def test_a_tone_is_a_dark_line_at_its_pitch(hertz):
    ax = plot_alignment(tone(hertz), Alignment("u", []), 8000, axes())
    (image,) = ax.images
    level = np.asarray(image.get_array())
    found = level.mean(axis=1).argmax() / (len(level) - 1) * 4000
    assert found == pytest.approx(hertz, abs=20)
    assert ax.get_ylim() == (0, 4.0)


def test_a_click_stands_at_its_time():
    samples = np.zeros(8000)
    samples[4000] = 1.0
    (image,) = plot_alignment(samples, Alignment("u", []), 8000, axes()).images
    level, (left, right, *_) = np.asarray(image.get_array()), image.get_extent()
    times = left + (np.arange(level.shape[1]) + 0.5) * (right - left) / level.shape[1]
    assert times[level.sum(axis=0).argmax()] == pytest.approx(0.5, abs=0.006)


def test_features_are_shown_as_they_are():
    features = np.arange(300.0).reshape(100, 3)
    ax = plot_alignment(features, Alignment("u", WORDS, duration=1.5), 100, axes())
    (image,) = ax.images
    np.testing.assert_array_equal(image.get_array(), features.T)
    assert list(image.get_extent()) == [0, 1, 0, 3]
    assert ax.get_xlim() == (0, 1.5)


@pytest.mark.parametrize("samples", [np.zeros(800), np.ones(3), np.zeros(1)])
def test_silence_and_short_audio_are_shown(samples):
    ax = plot_alignment(samples, Alignment("u", []), 8000, axes())
    ax.figure.canvas.draw()
    assert np.isfinite(np.asarray(ax.images[0].get_array())).all()


@pytest.mark.parametrize(
    ("values", "rate", "match"),
    [
        (np.zeros((2, 3, 4)), 1, r"got the shape \(2, 3, 4\)"),
        ([], 1, "not empty"),
        ([1.0], 0, "rate must be a positive"),
    ],
)
def test_what_cannot_be_drawn_is_refused(values, rate, match):
    with pytest.raises(DataError, match=match):
        plot_alignment(values, Alignment("u", []), rate, axes())
