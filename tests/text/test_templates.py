import json
import pickle
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridseq.text import DataError, TokenTemplates, template_program, word_shape

words = st.text("aBé7-.京", min_size=1, max_size=5)
pairs = st.tuples(words, st.sampled_from(["NN", "VB"]))
any_words, any_pairs = (st.lists(st.lists(tokens, max_size=6), max_size=4) for tokens in (words, pairs))
corpora = any_words | any_pairs
options = st.fixed_dictionaries(
    {
        "window": st.integers(0, 3),
        "bigrams": st.integers(0, 2),
        "prefixes": st.sets(st.integers(1, 4), max_size=2),
        "suffixes": st.sets(st.integers(1, 4), max_size=2),
        "shapes": st.one_of(st.none(), st.integers(0, 2)),
        "column_window": st.integers(0, 2),
        "column_ngrams": st.integers(1, 3),
        "before": st.integers(0, 3),
        "extra": st.sampled_from([(), ("w[0]|shape[-1]",), ("suffix2[1]", "lower[0]|prefix1[2]")]),
    }
)


def value(sentence, position, term):
    """A term's value by its definition."""
    name, offset = re.fullmatch(r"(\w+)\[(-?\d+)\]", term).groups()
    place = position + int(offset)
    if not 0 <= place < len(sentence):
        return ""
    token = sentence[place]
    word = token if isinstance(token, str) else token[0]
    if name == "w":
        return word
    if name == "lower":
        return re.sub("[0-9]", "0", word.lower())
    if name == "shape":
        return word_shape(word)
    if name.startswith("prefix"):
        return word[: int(name[6:])].lower() if len(word) > int(name[6:]) else ""
    if name.startswith("suffix"):
        return word[-int(name[6:]) :].lower() if len(word) > int(name[6:]) else ""
    return token[int(name[1:]) - 1]


def by_definition(sentence, position, templates):
    found = set()
    for template in templates:
        values = [value(sentence, position, term) for term in template.split("|")]
        if "|" in template or values[0]:
            found.add(f"{template}={'|'.join(values)}")
    return found


@given(corpora, options)
def test_features_are_what_the_templates_say(X, kind):
    made = TokenTemplates(**kind)
    columns = next((len(s[0]) - 1 for s in X if s and isinstance(s[0], tuple)), 0)
    templates = made.templates(columns)
    for sentence, features in zip(X, made.transform(X), strict=True):
        assert len(features) == len(sentence)
        for position, found in enumerate(features):
            assert len(set(found)) == len(found)
            # What tells a sentence's end stands beside the values.
            inside = {f for f in found if "|" in f or not f.endswith("]=")}
            near = sentence[max(0, position - made.before) : position]
            earlier = {f"before={token if isinstance(token, str) else token[0]}" for token in near}
            assert inside == by_definition(sentence, position, templates) | earlier


@given(corpora, options)
def test_sentences_one_by_one_are_the_same(X, kind):
    made = TokenTemplates(**kind)
    assert made.transform(X) == [made(sentence) for sentence in X]


@given(options)
def test_json_and_pickle_give_it_back(kind):
    made = TokenTemplates(**kind)
    again = TokenTemplates.from_json(json.loads(json.dumps(made.to_json())))
    assert again == made and hash(again) == hash(made)
    assert pickle.loads(pickle.dumps(made)) == made


def test_the_ends_of_a_sentence_show():
    made = TokenTemplates(window=1, bigrams=1, prefixes=(), suffixes=(), shapes=None, before=0)
    assert made(["to", "Rome"]) == [
        ["w[0]=to", "w[-1]=", "w[1]=Rome", "w[-1]|w[0]=|to", "w[0]|w[1]=to|Rome"],
        ["w[0]=Rome", "w[-1]=to", "w[1]=", "w[-1]|w[0]=to|Rome", "w[0]|w[1]=Rome|"],
    ]


def test_columns_are_named_in_their_order():
    made = TokenTemplates(columns=("pos",), column_ngrams=2, extra=("w[0]|pos[-1]",))
    features = made([("to", "TO", "x"), ("Rome", "NNP", "y")])[1]
    assert {"pos[0]=NNP", "pos[-1]|pos[0]=TO|NNP", "c3[0]=y", "w[0]|pos[-1]=Rome|TO"} <= set(features)
    assert made.templates(2)[-1] == "w[0]|pos[-1]"


def test_the_defaults_ask_for_few_features():
    assert len(TokenTemplates().templates()) <= 20
    assert len(TokenTemplates().templates(1)) <= 32


def test_what_is_kept_is_bounded_and_changes_nothing(monkeypatch):
    X = [[f"word{i}", f"word{i // 3}"] for i in range(40)]
    # A window of its own: a program that is kept already would not see the bound.
    wanted = TokenTemplates(window=1).transform(X)
    monkeypatch.setattr(template_program, "_MOST_KEPT", 5)
    program = template_program.Program(TokenTemplates(window=1)._terms(0), before=6)
    assert [program([sentence]) for sentence in X] == wanted
    assert all(len(features) <= 5 for _, _, features in program.single)


@pytest.mark.parametrize(
    ("word", "shape"),
    [("McDonald", "XxXxxxx"), ("1999", "0000"), ("20240101", "0000"), ("co-op", "xx-xx"), ("京都", "xx"), ("", "")],
)
def test_shapes(word, shape):
    assert word_shape(word) == shape


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"window": -1}, r"window must be a whole number of at least 0; got -1"),
        ({"shapes": 1.5}, r"shapes must be a whole number"),
        ({"prefixes": "12"}, r"prefixes must be a tuple; got '12'"),
        ({"suffixes": (0,)}, r"a length in suffixes must be a whole number of at least 1; got 0"),
        ({"columns": ("w",)}, r"the name 'w' is taken"),
        ({"columns": ("pos", "pos")}, r"the name 'pos' is taken"),
        ({"columns": ("a-b",)}, r"names of letters"),
        ({"extra": ("w",)}, r"written as 'w\[-1\]\|w\[0\]'.*got 'w'"),
    ],
)
def test_parameters_that_make_no_sense(parameters, message):
    with pytest.raises(ValueError, match=message):
        TokenTemplates(**parameters)


def test_templates_of_columns_that_are_not_there():
    with pytest.raises(ValueError, match=r"'pos\[0\]' speaks of 'pos'.*columns beside the word: none"):
        TokenTemplates(extra=("pos[0]",))(["to"])
    with pytest.raises(ValueError, match="has 'windows', which this version does not know"):
        TokenTemplates.from_json({"windows": 2})


def test_columns_with_a_name_must_be_there():
    with pytest.raises(DataError, match=r"sentence 0, position 0: got 'to', but the templates name .*'pos'"):
        TokenTemplates(columns=("pos",))(["to"])


def test_a_template_is_written_in_one_way():
    made = TokenTemplates(extra=("w[+1]|w[-0]",), window=np.int64(1))
    assert made.extra == ("w[1]|w[0]",)
    assert TokenTemplates.from_json(json.loads(json.dumps(made.to_json()))) == made


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (["to Rome"], r"sentence 0 is the string 'to Rome'"),
        ([["to"], ["Rome", 3]], r"sentence 1, position 1: a token must be a string.*got 3"),
        ([[("to", "TO"), ("Rome",)]], r"sentence 0, position 1: a token must be a tuple of 2 strings.*got \('Rome',\)"),
        ([[("to", "TO")], ["Rome"]], r"sentence 1, position 0: .*got 'Rome'"),
        ([["to"], [("Rome", "NNP")]], r"sentence 1, position 0: a token must be a string"),
        ([[5]], r"sentence 0, position 0: .*got 5"),
    ],
)
def test_tokens_that_cannot_be_read(X, message):
    with pytest.raises(DataError, match=message):
        TokenTemplates().transform(X)
