"""Segments and alignments are in order, or refused."""

import math

import pytest

from hybridseq.speech.alignment import Alignment, Segment
from hybridseq.text import DataError


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ((0.5, 0.2, "a"), "0 <= start <= end.*0.5 to 0.2"),
        ((-0.1, 0.2, "a"), "got -0.1"),
        ((math.nan, 0.2, "a"), "got nan"),
        ((0, math.inf, "a"), "to inf"),
        ((0, 1, ""), "label"),
        ((0, 1, "a "), "white space around"),
        ((0, 1, "a", 1.5), "between 0 and 1; got 1.5"),
    ],
)
def test_what_is_no_segment_is_refused(arguments, match):
    with pytest.raises(DataError, match=match):
        Segment(*arguments)


def test_an_utterance_lasts_at_least_as_long_as_its_segments():
    words, phones = [Segment(0.1, 0.5, "a")], [Segment(0.1, 0.6, "AH")]
    assert Alignment("u", words).duration == 0.5
    assert Alignment("u", words, phones).duration == 0.6
    assert Alignment("u", words, duration=2.0).duration == 2.0
    assert Alignment("u", []).duration == 0.0
    with pytest.raises(DataError, match=r"'u'.*0.5 s, after its 0.4 s"):
        Alignment("u", words, duration=0.4)


@pytest.mark.parametrize("tier", ["words", "phones"])
def test_segments_do_not_overlap_beyond_rounding(tier):
    first = Segment(0.0, 0.1 + 0.2, "a")
    Alignment("u", **{"words": [], tier: [first, Segment(0.3, 0.4, "b")]})
    for start in (0.29, 0.0):
        with pytest.raises(DataError, match=f"'u': 'b' starts at {start} s, before 'a' ends"):
            Alignment("u", **{"words": [], tier: [first, Segment(start, 0.4, "b")]})
