"""Graphs of transcripts hold every way to say them, each with its probability."""

import itertools
import math

import pytest
import torch

from hybridseq.speech.graph import Units, left_to_right, path_graph, phone_graph, to_dot, transcript_graph
from hybridseq.speech.graph.search_graph import NONE
from tests.speech.graph.enumerated import LEXICON, paths, said

# Units of exactly one frame: a path's columns are its phones.
FRAME = Units(LEXICON.phones, left_to_right(1, self_loop=1e-9), silence="sil")


def spoken(graph, frames):
    """The probability of each sequence of phones that takes a number of frames."""
    found = {}
    for path in paths(graph, frames):
        phones = tuple(FRAME.label_names[graph.labels[s]].removesuffix(".0") for s in path.states)
        if not any(a == b for a, b in zip(path.states, path.states[1:])):
            found[phones] = found.get(phones, 0) + math.exp(path.weight)
    return found


def test_pronunciations_and_silences_in_all_combinations():
    expected = {}
    for (first, p), (second, q) in itertools.product([("x", 1)], [("x y", 1), ("y", 0.5)]):
        for a, b, c in itertools.product(["", "sil"], repeat=3):
            phones = tuple(f"{a} {first} {b} {second} {c}".split())
            share = math.prod(0.2 if s else 0.8 for s in (a, b, c))
            expected.setdefault(len(phones), {})[phones] = p * q * share
    graph = transcript_graph("a b", LEXICON, FRAME, silence_prob=0.2)
    for frames in range(8):
        assert spoken(graph, frames) == pytest.approx(expected.get(frames, {}), rel=1e-6)


def test_without_silence():
    graph = transcript_graph(["a", "b"], LEXICON, Units(LEXICON.phones, left_to_right(1)), optional_silence=False)
    assert graph.vocabulary == ("a", "b")
    assert graph.silences == frozenset()
    assert all(said(graph, p) == ("a", "b") for n in range(5) for p in paths(graph, n))


def test_every_path_says_the_words_and_marks_each_phone():
    graph = transcript_graph("b a b", LEXICON, FRAME)
    assert graph.vocabulary == ("<sil>", "b", "a")
    for path in (p for n in range(3, 6) for p in paths(graph, n)):
        assert said(graph, path) == ("b", "a", "b")
        phones = [graph.phone_names[p] for p in graph.phones[path.arcs] if p != NONE]
        entered = [s for s, before in zip(path.states, [None, *path.states]) if s != before]
        assert [FRAME.label_names[graph.labels[s]] for s in entered] == [f"{p}.0" for p in phones]


def test_probabilities_of_all_lengths_sum_to_one():
    # Variants' weights of a lexicon are relative to the best one: 1.5 together for b.
    units = Units(LEXICON.phones, left_to_right(3, skip=True, self_loop=0.4), silence="sil")
    graph = transcript_graph("a b c", LEXICON, units)
    lengths = torch.arange(1, 301)
    total = path_graph(torch.zeros(300, 300, units.num_labels).double(), graph, lengths).log_partition().exp().sum()
    assert float(total) == pytest.approx(1.5)


def test_words_that_are_units():
    units = Units(["yes", "no"], left_to_right(2), silence="sil")
    graph = transcript_graph("yes no", None, units)
    assert {said(graph, p) for p in paths(graph, 5)} == {("yes", "no")}


def test_an_empty_transcript_is_silence():
    graph = transcript_graph("", LEXICON, FRAME)
    assert spoken(graph, 1) == pytest.approx({("sil",): 0.5})
    assert spoken(graph, 0) == pytest.approx({(): 0.5})


def test_phones():
    assert spoken(phone_graph(["x", "y"], FRAME), 2) == pytest.approx({("x", "y"): 1})
    found = spoken(phone_graph(["x", "y"], FRAME, optional_silence=True, silence_prob=0.2), 3)
    assert found == pytest.approx({("sil", "x", "y"): 0.16, ("x", "y", "sil"): 0.16})


def test_picture():
    text = to_dot(transcript_graph("a b", LEXICON, FRAME), FRAME.label_names)
    assert text.startswith("digraph {")
    assert text.count("->") == transcript_graph("a b", LEXICON, FRAME).num_arcs
    assert 'label="sil.0"' in text
    assert 'label="b x 1"' in text


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: transcript_graph("a d", LEXICON, FRAME), "'d' "),
        (
            lambda: transcript_graph("a b", LEXICON, Units("x", silence="sil")),
            "pronunciation 'x y' of 'b': 'y' is no unit",
        ),
        (lambda: transcript_graph("a", LEXICON, Units("x")), "optional_silence=False"),
        (lambda: transcript_graph("a", LEXICON, FRAME, silence_prob=1), "silence_prob must lie between 0 and 1"),
        (lambda: phone_graph([], FRAME), "at least one phone"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()
