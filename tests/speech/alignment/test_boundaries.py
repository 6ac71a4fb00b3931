"""Boundary errors are distances in seconds, over the utterances whose words agree."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridseq.speech.alignment import Alignment, Segment, boundary_errors
from hybridseq.text import DataError
from tests.speech.alignment.drawn import alignment, segments


def test_errors_by_hand():
    truth = [alignment("u", "a b", 0.1, 0.2, 0.4), alignment("v", "a", 0.0, 1.0), alignment("w", "a", 0.0, 1.0)]
    found = [alignment("w", "b", 0.0, 1.0), alignment("v", "a", 0.25, 0.5), alignment("u", "a b", 0.2, 0.2, 0.1 + 0.2)]
    errors = boundary_errors(found, truth)
    np.testing.assert_allclose(errors.starts, [0.1, 0, 0.25], atol=1e-12)
    np.testing.assert_allclose(errors.ends, [0, 0.1, 0.5], atol=1e-12)
    assert errors.mean == pytest.approx(0.95 / 6)
    assert errors.percentile_95 == pytest.approx(0.25 + 0.25 * 0.75)
    assert (errors.utterances, errors.left_out) == (2, ("w",))
    assert json.loads(json.dumps(errors.to_dict())) == {
        "mean": errors.mean,
        "percentile_95": errors.percentile_95,
        "words": 3,
        "utterances": 2,
        "left_out": 1,
    }


@given(segments(), st.integers(0, 1000))
def test_a_shift_of_all_words_is_the_error(words, shift):
    truth = Alignment("u", words)
    moved = Alignment("u", [Segment(w.start + shift / 1000, w.end + shift / 1000, w.label) for w in words])
    for first, second in ((moved, truth), (truth, moved)):
        errors = boundary_errors([first], [second])
        np.testing.assert_allclose(errors.errors, np.full(2 * len(words), shift / 1000), atol=1e-9)


def test_without_words_there_is_no_figure():
    errors = boundary_errors(
        [alignment("u", "a", 0, 1), Alignment("v", [])], [alignment("u", "b", 0, 1), Alignment("v", [])]
    )
    assert math.isnan(errors.mean) and math.isnan(errors.percentile_95)
    assert errors.to_dict() == {"mean": None, "percentile_95": None, "words": 0, "utterances": 1, "left_out": 1}


@pytest.mark.parametrize(
    ("found", "truth", "match"),
    [("u", "uv", "not in found, such as 'v'"), ("uv", "u", "not in truth, such as 'v'"), ("uu", "u", "twice in found")],
)
def test_both_have_the_same_utterances(found, truth, match):
    with pytest.raises(DataError, match=match):
        boundary_errors(*([Alignment(name, []) for name in names] for names in (found, truth)))
