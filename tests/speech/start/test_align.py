"""Alignment in bulk is exact Viterbi: the decoder without a beam, and enumeration, utterance by utterance."""

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from hybridseq.speech.decoding.align import AlignmentError, align
from hybridseq.speech.graph import Units, left_to_right, transcript_graph
from hybridseq.speech.start import Alignments, align_all
from hybridseq.speech.start.bulk import Bulk
from hybridseq.structures.checks import ShapeError
from tests.speech.start.drawn import LEXICON, phones, spoken


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("skip", [False, True])
def test_equals_the_decoder(dtype, skip):
    units = phones(skip)
    _, graphs, lengths = spoken(60, seed=1, least=1, units=units)
    random = np.random.default_rng(2)
    scores = [random.normal(size=(n, units.num_labels)).astype(dtype) for n in lengths]
    found = align_all(scores, graphs)
    for i, (graph, own) in enumerate(zip(graphs, scores)):
        try:
            best = align(graph, own)
        except AlignmentError as error:
            assert found[i] is None
            assert found.scores[i] == -np.inf
            assert dict(found.problems)[str(i)] == f"too short: {error.frames} frames, needs at least {error.needed}"
            continue
        np.testing.assert_array_equal(found[i], best.labels)
        assert found.scores[i] == pytest.approx(best.score, rel=1e-5)
        np.testing.assert_array_equal(found.stays[i][1:], best.states[1:] == best.states[:-1])
    assert 0 < len(found.problems) < 30


def test_equals_enumeration():
    units = Units(list("ab"), left_to_right(1))
    graph = transcript_graph(["a", "b", "a"], None, units, optional_silence=False)
    scores = np.random.default_rng(3).normal(size=(6, 2))
    paths = [[0] * i + [1] * (j - i) + [0] * (6 - j) for i in range(1, 5) for j in range(i + 1, 6)]
    best = max(paths, key=lambda path: scores[range(6), path].sum())
    found = align_all([scores], [graph])
    assert found[0].tolist() == best
    assert found.scores[0] == pytest.approx(scores[range(6), best].sum() + 6 * np.log(0.5))


def test_batches_do_not_matter():
    units = phones()
    _, graphs, lengths = spoken(40, seed=4)
    random = np.random.default_rng(5)
    scores = [torch.from_numpy(random.normal(size=(n, units.num_labels))) for n in lengths]
    together = align_all(scores, graphs)
    for i in range(0, 40, 7):
        alone = align_all([scores[i]], [graphs[i]])
        np.testing.assert_array_equal(alone[0], together[i])


def test_an_acoustic_scale_scales_frame_scores():
    units = phones()
    _, graphs, lengths = spoken(10, seed=6)
    random = np.random.default_rng(7)
    scores = [random.normal(size=(n, units.num_labels)) for n in lengths]
    found, scaled = align_all(scores, graphs, acoustic_scale=0.1), align_all([0.1 * s for s in scores], graphs)
    np.testing.assert_allclose(found.scores, scaled.scores)


def test_what_does_not_fit_is_named_and_the_rest_aligned():
    units = phones()
    graph = transcript_graph("ab", LEXICON, units)
    impossible = np.zeros((9, units.num_labels))
    impossible[4] = -np.inf
    given = [np.zeros((9, units.num_labels)), np.zeros((5, units.num_labels)), None, impossible, np.zeros((9, 11))]
    found = align_all(given, [graph, graph, graph, graph, None], ids=["good", "short", "mute", "hole", "unknown"])
    assert found.left_out == ("short", "mute", "hole", "unknown")
    assert found[0] is not None
    problems = dict(found.problems)
    assert problems["short"] == "too short: 5 frames, needs at least 6"
    assert "no frames" in problems["mute"]
    assert "no path fits its 9 frames" in problems["hole"]
    assert "no graph" in problems["unknown"]


def test_nothing_to_align():
    assert len(align_all([], [])) == 0
    assert align_all([None], [None]).left_out == ("0",)


def test_bad_arguments():
    units = phones()
    graph = transcript_graph("ab", LEXICON, units)
    good = np.zeros((9, units.num_labels))
    with pytest.raises(ValueError, match="as many"):
        align_all([good], [graph, graph])
    with pytest.raises(ValueError, match="ids must be 2 different names"):
        align_all([good, good], [graph, graph], ids=["a", "a"])
    with pytest.raises(ShapeError, match=r"frame_scores\[0\]"):
        align_all([np.zeros((9, 2))], [graph])
    with pytest.raises(ValueError, match="nan"):
        align_all([np.full((9, units.num_labels), np.nan)], [graph])


@pytest.mark.parametrize("semiring", ["max", "sum"])
def test_other_loops_are_those_of_graphs_compiled_with_them(semiring):
    units = phones(skip=True)
    sentences, graphs, lengths = spoken(30, seed=8, units=units)
    random = np.random.default_rng(9)
    loops = random.uniform(0.05, 0.95, units.num_labels)
    trained = [transcript_graph(s, LEXICON, units.with_loops(loops)) for s in sentences]
    scores = random.normal(size=(sum(lengths), units.num_labels))
    given = scores.__getitem__, units.num_labels
    here, there = Bulk(graphs, lengths, semiring), Bulk(trained, lengths, semiring)
    here.check_loops()
    here.with_loops(loops)
    (total, *_, stays), (expected, *_, expected_stays) = here.expectations(*given), there.expectations(*given)
    np.testing.assert_allclose(total, expected)
    np.testing.assert_allclose(stays, expected_stays, atol=1e-9)
    states = here.best_paths(*given)
    np.testing.assert_array_equal(states, there.best_paths(*given))
    np.testing.assert_allclose(here.spelled(states)[2], there.spelled(states)[2])


def test_moved_counts_only_frames_that_both_have():
    a = Alignments(("x", "y", "z"), ([0, 0, 1, 1], [2, 2], None))
    b = Alignments(("x", "y", "z"), ([0, 1, 1, 1], None, [1]))
    assert a.moved(b) == b.moved(a) == 0.25
    assert a.moved(a) == 0
    assert a.counts(4).tolist() == [2, 2, 2, 0]
    assert a.left_out == ("z",)
    assert a.num_frames == 6
    with pytest.raises(ValueError, match="other utterances"):
        a.moved(Alignments(("x",), ([0],)))
    with pytest.raises(ValueError, match="4 frames here and 1 there"):
        Alignments(("x",), ([0] * 4,)).moved(Alignments(("x",), ([0],)))
    with pytest.raises(ValueError, match="columns up to 2"):
        a.counts(2)


def test_state_round_trip():
    a = Alignments(("x", "y", "z"), ([0, 0, 1, 1], None, [2]), (("y", "too short"),), scores=[-1.5, -np.inf, -2.0])
    b = Alignments.from_state(load(save(a.state())), a.ids, [list(p) for p in a.problems])
    assert b.moved(a) == 0
    assert b.problems == a.problems
    assert b[1] is None
    np.testing.assert_array_equal(b.scores, a.scores)
    np.testing.assert_array_equal(b.stays[0], [False, True, False, True])


def test_self_loops_are_smoothed_shares_of_frames_that_stay():
    units = Units(["w"], left_to_right(3, self_loop=0.5))
    found = Alignments(("u", "v"), ([0, 0, 0, 1], [0, 1, 1]))
    loops = found.self_loops(units, smoothing=2.0)
    np.testing.assert_allclose(loops, [(2 + 1) / (4 + 2), (1 + 1) / (3 + 2), 0.5])
    assert units.with_loops(loops).loops is not None
    with pytest.raises(ValueError, match="smoothing must be above 0"):
        found.self_loops(units, smoothing=0)
