import random

import numpy as np
import pycrfsuite
import pytest

from hybridseq.text import DataError
from hybridseq.text.attributes import AttributeVocabulary

WORDS = ("a", "b", "c", "Łódź", "a:b", "x y")
NUMBERS = (-2, 0, 1, 2, 0.0, 0.5, -3.25, 1e6, 1.0, True, False, np.float32(0.5), np.int64(2), np.bool_(True))


def drawn_value(rng, depth):
    kind = rng.choice(["string", "number", "number"] + ["dict", "list", "set"] * (depth < 2))
    if kind == "string":
        return rng.choice(WORDS)
    if kind == "number":
        return rng.choice(NUMBERS)
    if kind == "dict":
        return drawn_token(rng, depth + 1)
    return (list if kind == "list" else set)(rng.sample(WORDS, rng.randrange(4)))


def drawn_token(rng, depth=0):
    """No two features of the same name: python-crfsuite shows only the last of them."""
    return {rng.choice(WORDS[:4]) + rng.choice("012"): drawn_value(rng, depth) for _ in range(rng.randrange(5))}


def plain_token(rng):
    return {"w": rng.choice(WORDS), "n": rng.choice(NUMBERS), "s": rng.choice(WORDS)}


def string_list(rng):
    return rng.sample(WORDS, rng.randrange(4))


KINDS = {"nested": drawn_token, "same keys": plain_token, "strings": string_list}


def drawn(kind, seed, count=40):
    rng = random.Random(seed)
    return [[KINDS[kind](rng) for _ in range(rng.randrange(1, 6))] for _ in range(count)]


def items(vocabulary, encoded):
    """Each token's attributes with a value other than 0, by name; what stands twice is added up."""
    values = np.ones(len(encoded.indices)) if encoded.values is None else encoded.values
    tokens = []
    for first, last in zip(encoded.indptr, encoded.indptr[1:]):
        tokens.append({})
        for a, value in zip(encoded.indices[first:last], values[first:last]):
            name = vocabulary.names[a]
            tokens[-1][name] = tokens[-1].get(name, 0.0) + value
    return [{name: value for name, value in token.items() if value} for token in tokens]


def peer_items(X):
    found = [token for sentence in X for token in pycrfsuite.ItemSequence(sentence).items()]
    return [{name: value for name, value in token.items() if value} for token in found]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(4))
def test_attributes_are_those_of_python_crfsuite(kind, seed):
    X, other = drawn(kind, seed), drawn(kind, seed + 100)
    vocabulary, encoded = AttributeVocabulary.learn(X)
    assert items(vocabulary, encoded) == peer_items(X)
    assert encoded.lengths.tolist() == list(map(len, X)) and encoded.size == len(vocabulary)
    known = set(vocabulary.names)
    wanted = [{name: value for name, value in token.items() if name in known} for token in peer_items(other)]
    for _ in range(2):
        # The second time from what the first one remembers.
        assert items(vocabulary, vocabulary.encode(other)) == wanted


@pytest.mark.parametrize("kind", KINDS)
def test_learning_is_building_and_encoding(kind):
    X = drawn(kind, 7)
    vocabulary, encoded = AttributeVocabulary.learn(X)
    assert AttributeVocabulary.build(X) == vocabulary
    assert items(vocabulary, vocabulary.encode(X)) == items(vocabulary, encoded)
    assert AttributeVocabulary.from_json(vocabulary.to_json()) == vocabulary


def test_learning_on_keeps_the_numbers():
    first, second = drawn("nested", 1), drawn("nested", 2)
    vocabulary, _ = AttributeVocabulary.learn(first)
    longer, encoded = AttributeVocabulary.learn(second, vocabulary.names)
    assert longer.names[: len(vocabulary)] == vocabulary.names and len(longer) > len(vocabulary)
    assert items(longer, encoded) == peer_items(second)


def test_the_order_of_sentences_does_not_change_what_tokens_have():
    X = drawn("nested", 3)
    forward, backward = AttributeVocabulary.learn(X), AttributeVocabulary.learn(X[::-1])
    assert set(forward[0].names) == set(backward[0].names)
    assert items(*backward) == peer_items(X[::-1])


@pytest.mark.parametrize(
    "token, wanted",
    [
        (["a", "a", "b"], {"a": 2.0, "b": 1.0}),
        ({"k": ["a", "a"]}, {"k:a": 2.0}),
        ({"k": ["a"], "k:a": 2.0}, {"k:a": 3.0}),
        ({"k": "a", "k:a": 0.5}, {"k:a": 1.5}),
        ({"k": {"a": "b", "a:b": 2}}, {"k:a:b": 3.0}),
    ],
)
def test_what_stands_twice_counts_twice(token, wanted):
    vocabulary, encoded = AttributeVocabulary.learn([[token]])
    assert items(vocabulary, encoded) == [wanted]
    assert items(vocabulary, vocabulary.encode([[token]])) == [wanted]


def test_tuples_are_lists():
    vocabulary, encoded = AttributeVocabulary.learn([[("a", "b")], [("b",)]])
    assert items(vocabulary, encoded) == [{"a": 1.0, "b": 1.0}, {"b": 1.0}]
    vocabulary, encoded = AttributeVocabulary.learn([[{"k": ("a", "b")}]])
    assert items(vocabulary, encoded) == [{"k:a": 1.0, "k:b": 1.0}]


def test_without_numbers_there_are_no_values():
    assert AttributeVocabulary.learn(drawn("strings", 0))[1].values is None
    assert AttributeVocabulary.learn([[{"a": "b", "c": True, "d": 1}]])[1].values is None


def test_sentences_are_left_out_by_number():
    X = drawn("nested", 5)
    vocabulary, encoded = AttributeVocabulary.learn(X)
    wanted = [sentence for b, sentence in enumerate(X) if b not in (0, 3, 39)]
    left = encoded.without([3, 0, 39])
    assert items(vocabulary, left) == peer_items(wanted) and left.lengths.tolist() == list(map(len, wanted))


@pytest.mark.parametrize(
    "token, words",
    [
        ({"k": float("nan")}, "the feature 'k' must be .* finite .*; got nan"),
        ({"k": np.inf}, "the feature 'k' must be .* finite .*; got inf"),
        ({"k": None}, "the feature 'k' must be .*; got None"),
        ({"k": b"x"}, "the feature 'k' must be .*; got b'x'"),
        ({"k": [1]}, r"the feature 'k' must be .*; got \[1\]"),
        ({"k": {"a": None}}, r"the feature 'k' must be .*; got {'a': None}"),
        ({"k": {1: "a"}}, r"the feature 'k' must be .*; got {1: 'a'}"),
        ({"k": np.array([1.0, 2.0])}, r"the feature 'k' must be .*; got array"),
        ({3: "a"}, "a feature's name must be a string; got 3"),
        (["a"], r"a token must be a dictionary of features, as the first is; got \['a'\]"),
        ("word", "a token must be a dictionary of features, as the first is; got 'word'"),
        (None, "a token must be a dictionary of features, as the first is; got None"),
    ],
)
@pytest.mark.parametrize("many", [False, True])
def test_errors_name_sentence_and_position(token, words, many):
    good = [[{"k": "a"}, {"k": "b", "l": 2}]] * (300 if many else 2)
    bad = [*good, [{"k": "a"}, token], *good]
    for encode in (AttributeVocabulary.build, AttributeVocabulary.build(good).encode):
        with pytest.raises(DataError, match=rf"^sentence {len(good)}, position 1: {words}"):
            encode(bad)


def test_errors_of_string_lists_name_the_place():
    good = [[["a"], ["b", "c"]]] * 3
    with pytest.raises(DataError, match=r"^sentence 3, position 0: a feature must be a string; got 4"):
        AttributeVocabulary.build([*good, [["a", 4]]])
    with pytest.raises(DataError, match=r"^sentence 3, position 1: a token must be a list of strings, as the first is"):
        AttributeVocabulary.build([*good, [["a"], {"a": 1}]])
    with pytest.raises(DataError, match=r"^sentence 3, position 0: a token must be a list of strings"):
        AttributeVocabulary.build([*good, ["a", "b"]])


def test_words_instead_of_features_are_told_what_to_do():
    with pytest.raises(DataError, match=r"^sentence 0, position 0: .*; got 'to'.*TokenTemplates"):
        AttributeVocabulary.build([["to", "Rome"]])
