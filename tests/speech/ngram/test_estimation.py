"""Estimates: normalised after every history, and equal to the formulas of their papers."""

import itertools
import math
from collections import Counter
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridseq.speech.ngram import estimate
from hybridseq.text import DataError
from tests.speech.ngram.toy import WORDS, patterned, sentences, smoothings, texts


def occurrences(given, size):
    """Every n-gram of the padded texts, as often as it occurs; none predicts <s>."""
    padded = [("<s>", *text, "</s>") for text in given]
    windows = (text[i : i + size] for text in padded for i in range(len(text) - size + 1))
    return [window for window in windows if window[-1] != "<s>"]


def kneser_ney(given, order, words):
    """p(w | h) by the formulas of Chen and Goodman, each number counted anew."""

    @cache
    def count(ngram):
        if len(ngram) == order or ngram[0] == "<s>":
            return occurrences(given, len(ngram)).count(ngram)
        return len({longer[0] for longer in occurrences(given, len(ngram) + 1) if longer[1:] == ngram})

    @cache
    def discounts(size):
        counts = Counter(count(ngram) for ngram in set(occurrences(given, size)))
        n = [counts[i] for i in range(5)]
        if all(n[1:]):
            ratio = n[1] / (n[1] + 2 * n[2])
            found = [i - (i + 1) * ratio * n[i + 1] / n[i] for i in (1, 2, 3)]
            if all(0 < d < i for i, d in enumerate(found, 1)):
                return found
        return [n[1] / (n[1] + 2 * n[2]) if n[1] and n[2] else 0.75] * 3

    def p(word, history):
        lower = p(word, history[1:]) if history else 1 / (len(words) + 1)
        followers = {event: count((*history, event)) for event in (*words, "</s>")}
        total = sum(followers.values())
        if not total:
            return lower
        d = discounts(len(history) + 1)
        kept = {event: c - d[min(c, 3) - 1] for event, c in followers.items() if c}
        return kept.get(word, 0) / total + (1 - sum(kept.values()) / total) * lower

    return p


def witten_bell(given, order, words):
    """p(w | h) = (c(hw) + T(h) p(w | h')) / (c(h) + T(h))."""

    def p(word, history):
        lower = p(word, history[1:]) if history else 1 / (len(words) + 1)
        followers = Counter(n[-1] for n in occurrences(given, len(history) + 1) if n[:-1] == history)
        total, types = sum(followers.values()), len(followers)
        return (followers[word] + types * lower) / (total + types) if total else lower

    return p


def histories(order, words=WORDS):
    for size in range(order):
        for history in itertools.product(("<s>", *words), repeat=size):
            if "<s>" not in history[1:]:
                yield history


@settings(deadline=None, max_examples=60)
@given(texts, st.integers(1, 4), smoothings)
def test_probabilities_sum_to_one_after_every_history(drawn, order, smoothing):
    model = estimate(drawn, order, smoothing, vocabulary=WORDS)
    assert model.vocabulary == tuple(WORDS)
    for history in histories(order):
        assert model.total(history) == pytest.approx(1, abs=1e-9)
        assert all(model.logprob(word, history) > -math.inf for word in (*WORDS, "</s>"))


@settings(deadline=None, max_examples=25)
@given(texts, st.integers(1, 3), st.sampled_from([("kneser_ney", kneser_ney), ("witten_bell", witten_bell)]))
def test_probabilities_are_those_of_the_formulas(drawn, order, case):
    smoothing, formula = case
    model, p = estimate(drawn, order, smoothing, vocabulary=WORDS), formula(drawn, order, WORDS)
    for history in histories(order):
        for word in (*WORDS, "</s>"):
            assert math.exp(model.logprob(word, history)) == pytest.approx(p(word, history), rel=1e-9)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_each_order_has_discounts_of_its_own(seed):
    """A corpus large enough that its counts tell discounts: three in the second order of the first."""
    drawn = patterned(np.random.default_rng(seed), 25)
    model, p = estimate(drawn, 3), kneser_ney(drawn, 3, "uvwxyz")
    for history in histories(3, "uvwxyz"):
        for word in (*"uvwxyz", "</s>"):
            assert math.exp(model.logprob(word, history)) == pytest.approx(p(word, history), rel=1e-9)


def test_three_discounts_are_used_where_the_counts_of_counts_allow():
    """Events seen 1 to 4 times, 8, 4, 2 and 1 of each, with ``</s>`` among the first: 8 / (8 + 2·4) is 1/2."""
    seen = {f"{times}{i}": times for times, n in ((1, 7), (2, 4), (3, 2), (4, 1)) for i in range(n)}
    discounts = {1: 1 - 2 * 0.5 * 4 / 8, 2: 2 - 3 * 0.5 * 2 / 4, 3: 3 - 4 * 0.5 * 1 / 2, 4: 3 - 4 * 0.5 * 1 / 2}
    model = estimate([[word for word, times in seen.items() for _ in range(times)]], order=1)
    total = sum(seen.values()) + 1
    rest = (discounts[1] + sum(discounts[times] for times in seen.values())) / total
    for word, times in seen.items():
        expected = (times - discounts[times]) / total + rest / (len(seen) + 1)
        assert math.exp(model.logprob(word)) == pytest.approx(expected, rel=1e-12)


@settings(deadline=None)
@given(texts, sentences, smoothings)
def test_the_order_of_the_texts_does_not_matter(drawn, sentence, smoothing):
    first, second = (estimate(given, 3, smoothing, vocabulary=WORDS) for given in (drawn, drawn[::-1]))
    assert first.score(sentence) == pytest.approx(second.score(sentence), rel=1e-12)


@pytest.mark.parametrize("smoothing", ["kneser_ney", "witten_bell"])
def test_the_history_helps_on_texts_that_were_not_seen(smoothing):
    generator = np.random.default_rng(0)
    train, test = patterned(generator, 300), patterned(generator, 100)
    perplexities = [estimate(train, order, smoothing).perplexity(test) for order in (1, 2)]
    assert perplexities[1] < 0.6 * perplexities[0] < perplexities[0] < 7.2


def test_a_text_may_be_a_string_or_empty():
    assert estimate(["a b", ""], 2) == estimate([["a", "b"], []], 2)
    assert estimate([""], 3, vocabulary="ab").total("a") == pytest.approx(1)


def test_words_outside_the_vocabulary_are_named_or_become_the_unknown_word():
    with pytest.raises(DataError, match=r"2 words .* 'x' \(2×\), 'y' \(1×\)\. .*unknown="):
        estimate(["a x", "x y"], vocabulary=["a"])
    model = estimate(["a x", "x y"], vocabulary=["a"], unknown="<unk>")
    assert (model.vocabulary, model.unknown) == (("<unk>", "a"), "<unk>")
    assert model.logprob("x") == model.logprob("<unk>") > model.logprob("a")
    assert estimate(["a"], unknown="<unk>").logprob("x") > -math.inf


@pytest.mark.parametrize(
    ("given", "options", "error", "match"),
    [
        ([], {}, DataError, "at least one text"),
        ([""], {}, DataError, "at least one word"),
        (["a <s> b"], {}, DataError, "'<s>' is added"),
        (["a"], {"vocabulary": ["a", "</s>"]}, DataError, "'</s>' is added"),
        (["a"], {"order": 0}, ValueError, "order must be at least 1; got 0"),
        (["a"], {"smoothing": "katz"}, ValueError, "smoothing must be one of"),
    ],
)
def test_what_cannot_be_estimated_is_refused(given, options, error, match):
    with pytest.raises(error, match=match):
        estimate(given, **options)
