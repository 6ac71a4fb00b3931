"""A model is a distribution over sentences, and backs off as its definition says."""

import itertools
import math
import pickle

import pytest

from hybridseq.speech.ngram import NGramModel, estimate
from hybridseq.text import DataError

half, quarter = math.log(0.5), math.log(0.25)


def toy():
    """After a: b with 3/4, else as ever without b; p(a) = 1/4, p(b) = 1/4, p(</s>) = 1/2."""
    logprobs = {("a",): quarter, ("b",): quarter, ("</s>",): half, ("a", "b"): math.log(0.75)}
    return NGramModel(logprobs, {("a",): math.log(0.25 / 0.75)})


def test_a_listed_ngram_stands_for_itself_and_others_back_off():
    model = toy()
    assert (model.order, model.vocabulary) == (2, ("a", "b"))
    assert model.logprob("b", "a") == math.log(0.75)
    assert model.logprob("a", "b a") == math.log(0.25 / 0.75) + quarter
    assert model.logprob("a", ["b"]) == quarter
    assert model.logprob("</s>", "<s>") == half
    assert all(model.total(history) == pytest.approx(1, abs=1e-12) for history in ("", "a", "b", "<s>", "b a"))


def test_a_sentence_is_the_product_of_its_words_and_its_end():
    probability = 0.25 * 0.75 * 0.25 * (0.25 / 0.75 * 0.5)
    assert math.exp(toy().score("a b a")) == pytest.approx(probability, rel=1e-12)
    assert toy().score([]) == half
    assert toy().perplexity(["a b a", ""]) == pytest.approx((probability * 0.5) ** (-1 / 5), rel=1e-12)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("smoothing", ["kneser_ney", "witten_bell"])
def test_all_sentences_up_to_a_length_have_the_probability_of_ending_by_then(order, smoothing):
    """Enumerated on one side; on the other, mass is carried from history to history."""
    model = estimate(["a b a", "b b", "a a b a", "b"], order, smoothing)
    length = 6
    enumerated = sum(
        math.exp(model.score(words)) for size in range(length + 1) for words in itertools.product("ab", repeat=size)
    )
    alive, ended = {("<s>",): 1.0}, 0.0
    for _ in range(length + 1):
        after: dict = {}
        for history, mass in alive.items():
            ended += mass * math.exp(model.logprob("</s>", history))
            for word in "ab":
                key = (*history, word)[-3:]
                after[key] = after.get(key, 0.0) + mass * math.exp(model.logprob(word, history))
        alive = after
    assert enumerated == pytest.approx(ended, rel=1e-12)
    assert enumerated + sum(alive.values()) == pytest.approx(1, abs=1e-12)


def test_a_word_loop_is_uniform():
    model = NGramModel.word_loop(["no", "yes", "no"])
    assert (model.order, model.vocabulary) == (1, ("no", "yes"))
    assert model.score("no yes no") == pytest.approx(4 * math.log(1 / 3))
    assert model.perplexity(["no", ""]) == pytest.approx(3)


def test_a_word_outside_the_vocabulary_is_impossible_or_the_unknown_word():
    assert toy().logprob("x", "a") == toy().score("a x") == -math.inf
    assert toy().perplexity(["x"]) == math.inf
    assert toy().logprob("a", "x") == quarter
    model = estimate(["a <unk>", "a b"], 2, unknown="<unk>")
    assert model.logprob("x", "a") == model.logprob("<unk>", "a") > -math.inf
    assert model.logprob("b", "a x") == model.logprob("b", "a <unk>")
    assert model.score("x y") == model.score("<unk> <unk>")


def test_the_beginning_is_never_predicted():
    assert toy().logprob("<s>", "a") == -math.inf


def test_models_go_through_pickle_and_do_not_keep_what_was_given():
    given = {("a",): half, ("</s>",): half}
    model = NGramModel(given)
    given[("a",)] = -1.0
    assert model.logprob("a") == half
    assert pickle.loads(pickle.dumps(model)) == model


@pytest.mark.parametrize(
    ("logprobs", "backoffs", "unknown", "match"),
    [
        ({("a",): -1.0}, {}, None, "'</s>' is not listed"),
        ({("</s>",): 0.5}, {}, None, "at most 0; got 0.5"),
        ({("</s>",): math.nan}, {}, None, "at most 0; got nan"),
        ({("</s>",): -1.0}, {}, "<unk>", "'<unk>' is not listed"),
        ({("</s>",): -1.0, ("a", "</s>"): -1.0}, {}, None, "'a' is not among the 1-grams"),
        ({("</s>",): -1.0, ("a",): -1.0, ("a", "a", "a"): -1.0}, {}, None, "history 'a a' is not among the 2-grams"),
        ({("</s>",): -1.0, ("a",): -1.0, ("a", "<s>"): -1.0}, {}, None, "<s> can only stand first"),
        ({("</s>",): -1.0, ("a",): -1.0, ("</s>", "a"): -1.0}, {}, None, "</s> only last"),
        ({("</s>",): -1.0}, {("a",): -1.0}, None, "backoff weight of 'a'"),
        ({("</s>",): -1.0}, {("</s>",): math.nan}, None, "must be a number"),
        ({("</s>",): -1.0, ("a b",): -1.0}, {}, None, "white space; got 'a b'"),
        ({("</s>",): -1.0, (): -1.0}, {}, None, "at least one word"),
    ],
)
def test_what_is_no_model_is_refused(logprobs, backoffs, unknown, match):
    with pytest.raises(DataError, match=match):
        NGramModel(logprobs, backoffs, unknown)


def test_empty_input_is_an_error():
    with pytest.raises(DataError, match="at least one word"):
        NGramModel.word_loop([])
    with pytest.raises(DataError, match="at least one text"):
        toy().perplexity([])
