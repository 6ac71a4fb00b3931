"""The flat start splits frames evenly, whatever the topology, and leaves silence out unless asked."""

import numpy as np
import pytest

from hybridseq.speech.graph import ENTRY, EXIT, Topology, Units, left_to_right, transcript_graph, whole_word
from hybridseq.speech.start import uniform_alignment
from hybridseq.speech.start.silence import speech_spans
from tests.speech.start.drawn import LEXICON, phones, spoken


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize(("states", "frames"), [(1, 5), (4, 4), (5, 13), (8, 40), (3, 100)])
def test_equal_split(states, frames, skip):
    units = Units(["word"], whole_word(states, skip=skip))
    graph = transcript_graph(["word"], None, units, optional_silence=False)
    found = uniform_alignment([frames], [graph], units)[0]
    counts = np.bincount(found, minlength=states)
    assert (np.diff(found) >= 0).all()
    assert counts.max() - counts.min() <= 1


def test_several_words_of_one_graph_and_of_many():
    units = phones()
    _, graphs, lengths = spoken(50, seed=1)
    found = uniform_alignment(lengths, graphs, units)
    for sentence, labels in zip(spoken(50, seed=1)[0], found):
        if sentence:
            counts = np.diff(np.flatnonzero(np.concatenate([[True], np.diff(labels) != 0, [True]])))
            assert counts.max() - counts.min() <= 1
            assert not np.isin(labels, units.silence_labels).any()
        else:
            assert np.isin(labels, units.silence_labels).all()


def test_skips_serve_utterances_that_are_too_short_for_all_states():
    units = Units(["word"], whole_word(8, skip=True))
    graph = transcript_graph(["word"], None, units, optional_silence=False)
    found = uniform_alignment([5, 4, 6], [graph] * 3, units)
    assert found[0].tolist() == [0, 2, 4, 6, 7] or (np.diff(found[0]) > 0).all()
    assert found[1] is None
    assert found.problems == (("1", "too short: 4 frames, needs at least 5"),)
    assert len(set(found[2].tolist())) == 6


def test_silence_at_the_ends_when_asked():
    units = phones()
    graph = transcript_graph("ab c", LEXICON, units)
    found = uniform_alignment([40], [graph], units, speech=[(6, 33)])[0]
    silent = np.isin(found, units.silence_labels)
    assert np.flatnonzero(~silent).tolist() == list(range(6, 33))
    assert np.bincount(found[~silent], minlength=9)[:9].tolist() == [3] * 9


def test_edges_too_short_for_silence_are_speech():
    units = phones()
    graph = transcript_graph("ab", LEXICON, units)
    found = uniform_alignment([20], [graph], units, speech=[(1, 20)])[0]
    assert not np.isin(found, units.silence_labels).any()


def test_a_topology_with_a_cycle():
    half = np.log(0.5)
    ring = [(0, 1, half), (0, 0, half), (1, 0, half), (1, EXIT, half), (ENTRY, 0, 0.0)]
    units = Units(["w"], Topology((0, 1), ring))
    graph = transcript_graph(["w"], None, units, optional_silence=False)
    found = uniform_alignment([6], [graph], units)[0]
    assert found[0] == 0
    assert found[-1] == 1


def test_where_speech_is():
    quiet, loud = np.full(20, -3.0), np.full(30, 2.0)
    random = np.random.default_rng(0)
    energies = [np.concatenate([quiet, loud, quiet]) + random.normal(scale=0.3, size=70), loud]
    assert speech_spans(energies).tolist() == [[17, 53], [0, 30]]
    assert speech_spans([100, 10]).tolist() == [[5, 95], [0, 10]]
    assert speech_spans([]).shape == (0, 2)
    assert speech_spans([np.zeros(7)]).tolist() == [[0, 7]]


def test_numbers_must_agree():
    units = Units(["w"], left_to_right(2))
    graph = transcript_graph(["w"], None, units, optional_silence=False)
    with pytest.raises(ValueError, match="as many"):
        uniform_alignment([5, 6], [graph], units)
