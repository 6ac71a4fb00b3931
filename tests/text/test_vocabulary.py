import json
import pickle
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridseq.text import DataError, LabelVocabulary, UnknownLabelError, Vocabulary

sentences = st.lists(st.lists(st.text(min_size=1, max_size=4), max_size=5), max_size=6)
options = st.fixed_dictionaries({"lowercase": st.booleans(), "digits": st.booleans()})


@given(sentences, options)
def test_encoding_agrees_with_looking_each_token_up(data, kind):
    vocabulary = Vocabulary.build(data, **kind)
    number = {token: i for i, token in enumerate(vocabulary, 2)}
    tokens = [token for sentence in data for token in sentence] + ["", "never seen"]
    ids = vocabulary.encode(tokens)
    assert ids.dtype == np.int64
    assert ids.tolist() == [number.get(vocabulary.normalise(token), 1) for token in tokens]
    assert vocabulary.decode(ids[:-2]) == [vocabulary.normalise(token) for token in tokens[:-2]]


@given(sentences, options, st.randoms())
def test_the_order_of_sentences_does_not_matter(data, kind, order):
    shuffled = random.Random(order.random()).sample(data, len(data))
    assert Vocabulary.build(data, **kind) == Vocabulary.build(shuffled, **kind)


@given(sentences, options)
def test_json_and_pickle_give_it_back(data, kind):
    vocabulary = Vocabulary.build(data, **kind)
    again = Vocabulary.from_json(json.loads(json.dumps(vocabulary.to_json())))
    assert again == vocabulary and hash(again) == hash(vocabulary)
    assert pickle.loads(pickle.dumps(vocabulary)).encode(list(vocabulary)).tolist() == list(range(2, len(vocabulary)))


def test_rare_tokens_are_unknown_and_frequent_ones_come_first():
    data = [["b", "a", "c"], ["a", "b", "d1", "D2"]]
    vocabulary = Vocabulary.build(data, min_freq=2, lowercase=True, digits=True)
    assert vocabulary.tokens == ("a", "b", "d0")
    assert vocabulary.counts == (2, 2, 2)
    assert vocabulary.encode(["c", "A", "D7"]).tolist() == [1, 2, 4]
    assert "D9" in vocabulary and "c" not in vocabulary
    assert len(vocabulary) == 5
    assert Vocabulary.build(data, max_size=1).tokens == ("a",)


def test_no_token_of_the_data_is_taken_for_a_special():
    vocabulary = Vocabulary.build([["<pad>", "<unk>"]])
    assert set(vocabulary.encode(["<pad>", "<unk>"]).tolist()) == {2, 3}


def test_a_list_of_words_gives_characters():
    vocabulary = Vocabulary.build(["abba", "b"])
    assert vocabulary.tokens == ("b", "a")
    assert vocabulary.encode("abc").tolist() == [3, 2, 1]


def test_it_cannot_be_changed():
    with pytest.raises(AttributeError):
        Vocabulary(("a",)).tokens = ("b",)
    with pytest.raises(AttributeError):
        LabelVocabulary(("a",)).labels = ("b",)


@pytest.mark.parametrize("bad", [{}, {"tokens": "ab", "lowercase": True, "digits": True}, None])
def test_bad_json_is_named(bad):
    with pytest.raises(ValueError, match="'tokens'"):
        Vocabulary.from_json(bad)
    with pytest.raises(ValueError, match="'labels'"):
        LabelVocabulary.from_json(bad)


@pytest.mark.parametrize("kind", [Vocabulary, LabelVocabulary])
def test_a_name_twice_is_an_error(kind):
    with pytest.raises(ValueError, match="'a' more than once"):
        kind(("a", "b", "a"))


def test_sizes_are_checked():
    with pytest.raises(ValueError, match="min_freq must be at least 1; got 0"):
        Vocabulary.build([["a"]], min_freq=0)


def test_labels_are_sorted_and_come_back():
    y = [["O", "B-x"], ["I-x", "O"]]
    labels = LabelVocabulary.build(y)
    assert labels.labels == ("B-x", "I-x", "O")
    assert [labels.decode(ids) for ids in labels.encode_all(y)] == y
    assert LabelVocabulary.from_json(json.loads(json.dumps(labels.to_json()))) == labels


def test_an_unknown_label_is_named_with_its_place_and_its_neighbours():
    labels = LabelVocabulary.build([["O", "B-city", "B-date"]])
    with pytest.raises(UnknownLabelError) as caught:
        labels.encode_all([["O"], ["O", "O", "B-citty"]])
    error = caught.value
    assert (error.sentence, error.position, error.label) == (1, 2, "B-citty")
    assert all(part in str(error) for part in ("sentence 1, position 2", "'B-citty'", "['B-city'"))
    assert isinstance(error, DataError)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    with pytest.raises(UnknownLabelError, match=r"position 0: .*they are \['B-city', 'B-date', 'O'\]"):
        labels.encode(["zzz"])


def test_no_labels_is_an_error():
    with pytest.raises(DataError, match="no label"):
        LabelVocabulary.build([[]])
