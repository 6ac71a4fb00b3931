from collections import Counter, defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics import accuracy_score, f1_score, precision_score, recall_score

from hybridseq import constraints, metrics
from hybridseq.text import read_dataset

tag = st.sampled_from(["O", "B-x", "I-x", "B-y", "I-y"])
pairs = st.lists(st.lists(st.tuples(tag, tag), min_size=1, max_size=8), min_size=1, max_size=5)


@given(pairs)
def test_scores_are_seqevals(data):
    y_true, y_pred = ([[pair[side] for pair in row] for row in data] for side in (0, 1))
    scores = metrics.summary(y_true, y_pred, spans=True)
    reference = {"precision": precision_score, "recall": recall_score, "f1": f1_score}
    for name, score in reference.items():
        assert scores[name] == pytest.approx(score(y_true, y_pred, zero_division=0))
    assert scores["accuracy"] == pytest.approx(accuracy_score(y_true, y_pred))
    assert scores["f1"] == metrics.span_f1(y_true, y_pred)


@given(pairs)
def test_illegal_transitions_are_the_constraints_violations(data):
    y = [[pair[0] for pair in row] for row in data]
    bio = constraints.scheme("BIO")
    assert metrics.illegal_transitions(y) == sum(len(bio.violations(row)) for row in y)


@given(pairs)
def test_precision_and_recall_change_places(data):
    y_true, y_pred = ([[pair[side] for pair in row] for row in data] for side in (0, 1))
    there, back = metrics.span_scores(y_true, y_pred), metrics.span_scores(y_pred, y_true)
    assert (there["precision"], there["recall"], there["f1"]) == (back["recall"], back["precision"], back["f1"])


def test_a_worked_example():
    y_true = [["B-a", "I-a", "O", "B-b"], ["O", "B-a"]]
    y_pred = [["B-a", "O", "O", "B-b"], ["I-a", "I-a"]]
    assert metrics.summary(y_true, y_pred) == {
        "precision": pytest.approx(1 / 3),
        "recall": pytest.approx(1 / 3),
        "f1": pytest.approx(1 / 3),
        "accuracy": pytest.approx(3 / 6),
        "tokens": 6,
        "sentences": 2,
        "illegal_transitions": 1,
    }


def test_without_spans_f1_is_accuracy():
    scores = metrics.summary([["NN", "VB", "I-"]], [["NN", "NN", "I-"]])
    assert scores["f1"] == scores["precision"] == scores["recall"] == scores["accuracy"] == pytest.approx(2 / 3)
    assert scores["illegal_transitions"] == 0


def test_spans_in_the_prediction_alone_count_too():
    assert metrics.summary([["O", "O"]], [["O", "B-x"]])["f1"] == 0


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="got 1 and 2"):
        metrics.span_scores([["O"]], [["O"], ["O"]])
    with pytest.raises(ValueError, match="sentence 1 has 2 labels in y_true but 1 in y_pred"):
        metrics.token_accuracy([["O"], ["O", "O"]], [["O"], ["O"]])


def test_the_most_frequent_chunk_tag_of_each_part_of_speech(corpus):
    folder = corpus("conll2000")
    X, y = read_dataset(folder / "train.conll", ("word", "pos", "tag"))
    counts = defaultdict(Counter)
    for sentence, tags in zip(X, y):
        for (_, pos), label in zip(sentence, tags):
            counts[pos][label] += 1
    best = {pos: counter.most_common(1)[0][0] for pos, counter in counts.items()}
    X, y = read_dataset(folder / "test.conll", ("word", "pos", "tag"))
    scores = metrics.span_scores(y, [[best[pos] for _, pos in sentence] for sentence in X])
    published = {"precision": 0.7258, "recall": 0.8214, "f1": 0.7707}
    assert {name: round(value, 4) for name, value in scores.items()} == published


def test_every_scheme_marks_the_same_spans():
    said = {
        "BIO": "B-x I-x B-x O B-y",
        "IOB1": "I-x I-x B-x O I-y",
        "BIOES": "B-x E-x S-x O S-y",
        "BMES": "B-x E-x S-x O S-y",
    }
    for name, tags in said.items():
        assert constraints.scheme(name).accepts(tags.split())
        assert metrics.span_scores([said["BIO"].split()], [tags.split()])["f1"] == 1
    segmented = [["B", "M", "E", "S"]]
    assert metrics.span_scores(segmented, segmented)["recall"] == 1
    assert metrics.span_scores(segmented, [["B", "E", "S", "S"]])["recall"] == 0.5
