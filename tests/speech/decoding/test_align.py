"""Alignment is exact decoding on a linear graph, and says what does not fit."""

from itertools import combinations

import numpy as np
import pytest

from hybridseq.speech.decoding.align import AlignmentError, align
from hybridseq.speech.decoding.decoder import Decoder
from hybridseq.speech.graph.search_graph import SearchGraph
from tests.speech.decoding.drawn_graphs import CASES, graph_of
from tests.speech.decoding.test_decoder import straight


@pytest.mark.parametrize("frames", [4, 5, 9])
def test_boundaries(frames):
    scores = np.random.default_rng(frames).normal(size=(frames, 4))
    graph = straight([2, 0, 3, 0])
    best, cuts = max(
        (sum(scores[a:b, c].sum() for a, b, c in zip((0, *cuts), (*cuts, frames), [2, 0, 3, 0])), cuts)
        for cuts in combinations(range(1, frames), 3)
    )
    found = align(graph, scores)
    assert found.score == pytest.approx(best)
    assert tuple(s.start for s in found.phones_at) == (0, *cuts)
    assert [s.name for s in found.phones_at] == ["p0", "p1", "p2", "p3"]
    assert found.words_at == (("word", 0, frames, None, False),)
    wide = Decoder(graph, beam=np.inf, max_active=None).decode(scores)
    assert np.array_equal(found.states, wide.states)


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"seed={c.seed}")
def test_alignment_is_decoding_without_a_beam(case):
    graph, paths = graph_of(case), case.paths()
    if paths:
        assert align(graph, case.scores).score == pytest.approx(paths[0][0])
    else:
        with pytest.raises(AlignmentError):
            align(graph, case.scores)


@pytest.mark.parametrize("columns", [[0], [0, 1, 2], [1] * 7])
def test_too_few_frames(columns):
    needed = len(columns)
    graph = straight(columns)
    assert align(graph, np.zeros((needed, 3))).reached_end
    with pytest.raises(AlignmentError, match=f"{needed - 1} frames, but .* needs {needed}") as error:
        align(graph, np.zeros((needed - 1, 3)))
    assert (error.value.frames, error.value.needed) == (needed - 1, needed)


def test_impossible_scores():
    scores = np.zeros((6, 3))
    scores[:, 1] = -np.inf
    with pytest.raises(AlignmentError, match=r"no path fits the 6 frames, although 3 can be enough"):
        align(straight([0, 1, 2]), scores)


def test_a_gap():
    graph = SearchGraph.build([-1, 0, -1], [(0, 1, 0.0, 0.0, -1, -1)], 0, 2)
    with pytest.raises(AlignmentError, match="no path of the graph leads to its end") as error:
        align(graph, np.zeros((3, 1)))
    assert error.value.needed is None
