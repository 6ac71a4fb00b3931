"""The automaton gives every sentence the model's score, with no state too many."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridseq.speech.ngram import NGramModel, estimate, states
from tests.speech.ngram.toy import WORDS, sentences, smoothings, texts


def score(automaton, vocabulary, sentence):
    """The path that backs off only where a word has no arc of its own."""
    arcs = {
        (s, vocabulary[w]): (t, p)
        for s, w, t, p in zip(automaton.source, automaton.word, automaton.target, automaton.logprob)
    }
    backoff = {
        s: (t, w) for s, t, w in zip(automaton.backoff_source, automaton.backoff_target, automaton.backoff_weight)
    }
    state, total = automaton.start, 0.0
    for word in sentence:
        while (state, word) not in arcs:
            if state not in backoff:
                return -math.inf
            state, weight = backoff[state]
            total += weight
        state, value = arcs[state, word]
        total += value
    while automaton.final[state] == -math.inf:
        state, weight = backoff[state]
        total += weight
    return total + automaton.final[state]


@settings(deadline=None, max_examples=60)
@given(texts, st.integers(1, 4), smoothings, st.lists(sentences, min_size=1, max_size=5))
def test_sentences_have_the_score_of_the_model(drawn, order, smoothing, tried):
    model = estimate(drawn, order, smoothing, vocabulary=WORDS)
    automaton = states(model)
    for sentence in tried:
        assert score(automaton, model.vocabulary, sentence) == pytest.approx(model.score(sentence), rel=1e-10)


@settings(deadline=None, max_examples=40)
@given(texts, st.integers(1, 4), smoothings)
def test_states_are_the_histories_that_an_ngram_extends(drawn, order, smoothing):
    model = estimate(drawn, order, smoothing)
    automaton = states(model)
    assert set(automaton.histories) == {ngram[:-1] for ngram in model.logprobs}
    assert automaton.num_states == len(automaton.histories) == len(automaton.final)
    assert automaton.histories[0] == ()
    reached = {automaton.start, 0, *automaton.target, *automaton.backoff_target}
    assert reached == set(range(automaton.num_states))


@settings(deadline=None, max_examples=40)
@given(texts, st.integers(1, 4), smoothings)
def test_arcs_are_sorted_and_backing_off_makes_histories_shorter(drawn, order, smoothing):
    automaton = states(estimate(drawn, order, smoothing))
    keys = list(zip(automaton.source, automaton.word))
    assert keys == sorted(set(keys))
    assert automaton.backoff_source.tolist() == list(range(1, automaton.num_states))
    for source, target in zip(automaton.backoff_source, automaton.backoff_target):
        longer, shorter = automaton.histories[source], automaton.histories[target]
        assert len(shorter) < len(longer) and longer[len(longer) - len(shorter) :] == shorter
    for source, target in zip(automaton.source, automaton.target):
        assert len(automaton.histories[target]) <= len(automaton.histories[source]) + 1


def test_a_word_loop_is_one_state():
    automaton = states(NGramModel.word_loop("ab"))
    assert (automaton.num_states, automaton.start) == (1, 0)
    assert automaton.target.tolist() == [0, 0] and automaton.word.tolist() == [0, 1]
    np.testing.assert_allclose([*automaton.logprob, *automaton.final], -math.log(3))
    assert not len(automaton.backoff_source)


def test_a_pruned_model_keeps_its_backoff_weights():
    """b has a backoff weight but no bigram; a b is extended although b is not."""
    logprobs = {("a",): -1.0, ("b",): -1.5, ("</s>",): -1.0, ("a", "b"): -0.5, ("a", "b", "a"): -0.25}
    model = NGramModel(logprobs, {("b",): -0.125, ("a",): -2.0, ("a", "b"): -4.0, ("</s>",): -1.0})
    automaton = states(model)
    assert automaton.histories == ((), ("a",), ("b",), ("a", "b"))
    for sentence in ("", "a", "b", "b b", "a b", "a b a", "a b b", "b a b a b"):
        assert score(automaton, model.vocabulary, sentence.split()) == pytest.approx(model.score(sentence), rel=1e-12)


def test_an_impossible_ngram_stays_an_arc():
    """Without it, backing off would make the word possible."""
    model = NGramModel({("a",): -1.0, ("</s>",): -1.0, ("a", "a"): -math.inf})
    automaton = states(model)
    assert score(automaton, model.vocabulary, ["a", "a"]) == model.score("a a") == -math.inf
