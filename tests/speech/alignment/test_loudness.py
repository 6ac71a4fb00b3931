"""Boundaries with silence go to the change of loudness, and no farther than they may."""

import numpy as np
import pytest

from hybridseq.speech import Alignment, Segment, sharpen

RATE = 8000


def sound(*spans, seconds=2.0, seed=0):
    """Quiet noise with loud noise in spans of seconds."""
    rng = np.random.default_rng(seed)
    times = np.arange(int(seconds * RATE)) / RATE
    loud = np.any([(times >= a) & (times < b) for a, b in spans], axis=0)
    return rng.normal(size=len(times)) * np.where(loud, 0.3, 0.005)


def spans(segments):
    return [(s.start, s.end) for s in segments]


@pytest.mark.parametrize("off", [-0.06, -0.03, 0.0, 0.04, 0.06])
def test_blurred_boundaries_find_where_the_sound_is(off):
    true = [(0.4, 0.8), (1.2, 1.7)]
    blurred = Alignment("u", [Segment(a + off, b - off, "word") for a, b in true], duration=2.0)
    assert np.allclose(spans(sharpen(blurred, sound(*true), RATE).words), true, atol=0.0051)


def test_it_goes_no_farther_than_its_reach():
    found = sharpen(Alignment("u", [Segment(0.5, 1.0, "word")], duration=2.0), sound((0.3, 1.3)), RATE, reach=0.1)
    ((start, end),) = spans(found.words)
    assert start >= 0.4 and end <= 1.1


def test_words_without_silence_between_them_keep_their_boundary():
    words = [Segment(0.4, 0.83, "one"), Segment(0.83, 1.2, "two")]
    found = spans(sharpen(Alignment("u", words, duration=2.0), sound((0.45, 0.8), (0.85, 1.15)), RATE).words)
    assert found[0][1] == found[1][0] == 0.83
    assert np.allclose([found[0][0], found[1][1]], [0.45, 1.15], atol=0.0051)


def test_phones_move_with_their_words():
    words, phones = [Segment(0.45, 0.85, "on")], [Segment(0.45, 0.6, "o"), Segment(0.6, 0.85, "n")]
    found = sharpen(Alignment("u", words, phones, duration=2.0), sound((0.5, 0.8)), RATE)
    assert np.allclose(spans(found.phones), [(0.5, 0.6), (0.6, 0.8)], atol=0.0051)
    assert spans(found.words) == [(found.phones[0].start, found.phones[1].end)]


def test_sound_that_falls_where_a_word_begins_moves_nothing():
    given = Alignment("u", [Segment(0.5, 0.9, "word")], duration=2.0)
    assert spans(sharpen(given, sound((0.0, 0.5), (0.9, 2.0)), RATE).words) == [(0.5, 0.9)]


@pytest.mark.parametrize("samples", [np.zeros(0), np.zeros(16000), np.full(3, 0.5)], ids=["empty", "zeros", "short"])
def test_no_sound_moves_nothing(samples):
    given = Alignment("u", [Segment(0.5, 0.9, "word"), Segment(0.9, 0.9, "none")], duration=2.0)
    assert sharpen(given, samples, RATE) == given
