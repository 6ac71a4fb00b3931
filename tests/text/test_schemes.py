import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics.sequence_labeling import get_entities

from hybridseq.text import detect_scheme, explain_scheme, spans, tags_of

tags = st.lists(st.sampled_from(["O", "B-x", "I-x", "B-y", "I-y", "B-x-y", "I-x-y"]), max_size=12)


@given(tags)
def test_spans_are_those_of_conlleval(sequence):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = [(kind, start, end + 1) for kind, start, end in get_entities(sequence)]
    assert spans(sequence) == expected


@given(tags)
def test_tags_and_spans_are_inverse(sequence):
    legal = tags_of(spans(sequence), len(sequence))
    assert spans(legal) == spans(sequence)
    assert not legal or detect_scheme([legal, ["B-x"]]) == "BIO"


@pytest.mark.parametrize(
    ("bad", "match"), [([("x", 0, 2), ("y", 1, 3)], "overlap"), ([("x", 1, 1)], "empty"), ([("x", 0, 9)], "within")]
)
def test_spans_that_no_tags_can_hold(bad, match):
    with pytest.raises(ValueError, match=match):
        tags_of(bad, 4)


def test_a_tag_of_another_spelling_is_named():
    with pytest.raises(ValueError, match="'NN' at position 1"):
        spans(["O", "NN"])


@pytest.mark.parametrize(
    ("labels", "name", "reason"),
    [
        (["O", "B-x", "I-x"], "BIO", "by spelling alone"),
        ([["O", "B-x"], ["B-x", "I-x"]], "BIO", "all 2 distinct sequences keep"),
        ([["O", "I-x", "B-y"]], None, "'I-x' follows 'O' at sentence 0, position 1"),
        ([["O"], ["I-x", "B-y"]], None, "'I-x' begins the sentence at sentence 1, position 0"),
        ([["O", "I-x", "B-x"]], "IOB1", "all 1 distinct sequences keep"),
        (["O"], None, "no label opens a span"),
        (["NN", "VB"], None, "'NN'"),
        (["O", "B-x", "S-x"], "BIOES", "by spelling alone"),
        (["O", "B-x", "T-x"], None, "'T-x'"),
        (["O", "B-"], None, "'B-'"),
        ([], None, "no labels"),
    ],
)
def test_detection_and_its_reason(labels, name, reason):
    assert detect_scheme(labels) == name
    assert reason in explain_scheme(labels)
