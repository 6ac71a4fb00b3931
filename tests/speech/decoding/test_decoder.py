"""Decoding equals enumeration and kaldi-decoder; what a hypothesis tells is true of its path."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from hybridseq.speech.decoding.decoder import Decoder
from hybridseq.speech.graph.search_graph import SearchGraph
from hybridseq.structures.checks import ShapeError
from tests.speech.decoding.drawn_graphs import CASES, graph_of, long_graph, said, spans

every_case = pytest.mark.parametrize("case", CASES, ids=lambda c: f"seed={c.seed}")
WIDE = {"beam": np.inf, "max_active": None}


@every_case
def test_the_best_path(case):
    graph, paths = graph_of(case), case.paths()
    found = Decoder(graph, **WIDE).decode(case.scores)
    assert found.reached_end == bool(paths)
    if not paths:
        assert (found.score, found.words, len(found.states)) == (-np.inf, (), 0)
        return
    score, arcs, frames = next(p for p in paths if said(graph, p[1]) == found.words)
    assert found.score == pytest.approx(paths[0][0]) == pytest.approx(score)
    assert [(s.name, s.start, s.end) for s in found.words_at] == [
        ("abc"[w], begin, end) for w, begin, end in spans(graph, arcs, frames, case.frames)
    ]
    assert [s.silence for s in found.words_at] == [s.name == "c" for s in found.words_at]
    assert found.grammar_score == pytest.approx(graph.grammar[list(arcs)].sum())
    states = [graph.target[a] for a in arcs if graph.labels[graph.target[a]] >= 0]
    assert found.states.tolist() == states
    assert found.labels.tolist() == graph.labels[states].tolist()
    assert found.acoustic_score == pytest.approx(case.scores[np.arange(case.frames), found.labels].sum())


@every_case
def test_scales_and_word_penalty(case):
    graph = graph_of(case)
    scales = {"acoustic_scale": 0.3, "grammar_scale": 2.0, "word_penalty": -0.7}
    found = Decoder(graph, **WIDE, **scales).decode(case.scores)
    totals = graph.total_weights(2.0, -0.7)

    def rescored(score, arcs):
        return 0.3 * (score - case.weights[list(arcs)].sum()) + totals[list(arcs)].sum()

    wanted = max((rescored(score, arcs) for score, arcs, _ in case.paths()), default=-np.inf)
    assert found.score == pytest.approx(wanted)
    if wanted > -np.inf:
        language = 2.0 * found.grammar_score - 0.7 * len(found.words)
        rest = found.score - 0.3 * found.acoustic_score - language
        assert found.acoustic_score == pytest.approx(case.scores[np.arange(case.frames), found.labels].sum())
        assert np.isfinite(rest)


class TestBesideKaldi:
    @pytest.fixture(autouse=True)
    def installed(self):
        pytest.importorskip("kaldi_decoder")
        pytest.importorskip("kaldifst")

    @every_case
    def test_without_a_beam(self, case):
        graph, paths = graph_of(case), case.paths()
        ours, theirs = (Decoder(graph, **WIDE, backend=b).decode(case.scores) for b in ("own", "kaldi"))
        assert theirs.score == pytest.approx(ours.score, abs=1e-3)
        assert ours.reached_end == theirs.reached_end
        if len(paths) == 1 or (paths and paths[0][0] - paths[1][0] > 1e-3):
            assert (ours.words, ours.words_at, ours.phones_at) == (theirs.words, theirs.words_at, theirs.phones_at)
            assert ours.states.tolist() == theirs.states.tolist()
            assert ours.acoustic_score == pytest.approx(theirs.acoustic_score)

    @staticmethod
    def scores(seed, beam):
        case, graph = long_graph(seed)
        options = {"beam": beam, "max_active": 2000, "min_active": 0, "acoustic_scale": 0.8, "word_penalty": -0.5}
        exact = Decoder(graph, **{**options, **WIDE}).decode(case.scores).score
        return exact, *(Decoder(graph, **options, backend=b).decode(case.scores).score for b in ("own", "kaldi"))

    @pytest.mark.parametrize("seed", range(20))
    def test_with_equal_beams(self, seed):
        exact, ours, theirs = self.scores(seed, 10.0)
        assert ours == pytest.approx(theirs, abs=1e-2)
        assert ours <= exact + 1e-6

    def test_with_narrow_beams_no_more_searches_miss_the_best_path(self):
        scores = np.array([self.scores(seed, 6.0) for seed in range(20)])
        ours, theirs = (scores[:, 0] - scores[:, k] > 0.01 for k in (1, 2))
        assert 0 < ours.sum() <= theirs.sum()

    @pytest.mark.parametrize("allow_partial", [True, False])
    def test_no_way_to_the_end(self, allow_partial):
        case = next(c for c in CASES if not c.paths() and c.frames)
        graph = graph_of(case)
        options = {**WIDE, "allow_partial": allow_partial}
        ours, theirs = (Decoder(graph, **options, backend=b).decode(case.scores) for b in ("own", "kaldi"))
        assert not ours.reached_end and not theirs.reached_end
        if not allow_partial:
            assert ours.score == theirs.score == -np.inf

    def test_no_streams_and_no_lattices(self):
        decoder = Decoder(graph_of(CASES[0]), backend="kaldi")
        with pytest.raises(ValueError, match="backend='own'"):
            decoder.stream()
        with pytest.raises(ValueError, match="backend='own'"):
            decoder.lattice(CASES[0].scores)


def test_kaldi_missing(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "kaldi_decoder", None)
    with pytest.raises(ImportError, match="pip install kaldi-decoder kaldifst"):
        Decoder(graph_of(CASES[0]), backend="kaldi").decode(CASES[0].scores)


@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_a_batch_equals_its_rows(count, threads):
    _, graph = long_graph(0)
    random = np.random.default_rng(0)
    batch = [random.normal(size=(n, 8)) for n in random.integers(0, 200, count)]
    decoder = Decoder(graph, allow_partial=True)
    one_by_one = [decoder.decode(scores) for scores in batch]
    for number in (1, 3):
        threads(number)
        for found, wanted in zip(decoder.decode_batch(batch), one_by_one, strict=True):
            assert (found.words_at, found.score) == (wanted.words_at, wanted.score)


def test_tensors_and_types():
    case, graph = long_graph(1)
    decoder = Decoder(graph)
    scores = torch.from_numpy(np.maximum(case.scores, -50.0))
    wanted = decoder.decode(scores)
    before = scores.clone()
    for given in (scores.float(), scores.clone().requires_grad_(), scores.T.contiguous().T):
        found = decoder.decode(given)
        assert found.score == pytest.approx(wanted.score, rel=1e-5)
        assert found.words == wanted.words
    assert decoder.decode(scores.half()).score == pytest.approx(wanted.score, rel=1e-2)
    assert torch.equal(scores, before)


def straight(columns, loop=True):
    """start → one state a column, each with a loop → end."""
    count = len(columns)
    arcs = [(s, s + 1, 0.0, 0.0, 0 if s == 0 else -1, s if s < count else -1) for s in range(count + 1)]
    arcs += [(s, s, 0.0, 0.0, -1, -1) for s in range(1, count + 1) if loop]
    labels = [-1, *columns, -1]
    phones = tuple(f"p{s}" for s in range(count))
    return SearchGraph.build(labels, arcs, 0, count + 1, vocabulary=("word",), phone_names=phones)


class TestBadInput:
    decoder = Decoder(straight([0, 1, 2]))

    def test_columns(self):
        with pytest.raises(ShapeError, match=r"K of at least 3.*got \(5, 2\)"):
            self.decoder.decode(np.zeros((5, 2)))

    def test_axes(self):
        with pytest.raises(ShapeError, match=r"\(T, K\).*got \(1, 5, 3\)"):
            self.decoder.decode(np.zeros((1, 5, 3)))

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_invalid_scores(self, value):
        scores = np.zeros((5, 3))
        scores[3, 1] = value
        with pytest.raises(ValueError, match=rf"frame_scores\[3, 1\] is {value}"):
            self.decoder.decode(scores)
        with pytest.raises(ValueError, match=rf"batch\[1\]\[3, 1\] is {value}"):
            self.decoder.decode_batch([np.zeros((4, 3)), scores])

    @pytest.mark.parametrize("allow_partial", [True, False])
    def test_all_impossible(self, allow_partial):
        found = Decoder(straight([0, 1, 2]), allow_partial=allow_partial).decode(np.full((6, 3), -np.inf))
        assert (found.words, found.reached_end, len(found.states)) == ((), False, 0)

    def test_nothing_can_follow(self):
        scores = np.zeros((6, 3))
        scores[4] = -np.inf
        found = Decoder(straight([0, 1, 2]), allow_partial=True).decode(scores)
        assert (found.words, found.reached_end, len(found.states)) == (("word",), False, 4)

    @pytest.mark.parametrize("frames", [0, 1, 2])
    def test_too_few_frames(self, frames):
        for allow_partial in (True, False):
            found = Decoder(straight([0, 1, 2]), allow_partial=allow_partial).decode(np.zeros((frames, 3)))
            assert not found.reached_end
            assert len(found.states) == (frames if allow_partial else 0)

    def test_one_frame(self):
        found = Decoder(straight([1])).decode(np.array([[0.0, -2.0]]))
        assert (found.words, found.score, found.reached_end) == (("word",), -2.0, True)

    @pytest.mark.parametrize("frames", [0, 3])
    def test_a_graph_without_arcs(self, frames):
        decoder = Decoder(SearchGraph.build([-1, -1], [], 0, 1), allow_partial=True)
        found = decoder.decode(np.zeros((frames, 2)))
        assert (found.words, found.reached_end, len(found.states)) == ((), False, 0)
        assert decoder.lattice(np.zeros((frames, 2))).n_best(1) == []

    def test_a_path_without_frames(self):
        decoder = Decoder(SearchGraph.build([-1, -1], [(0, 1, -1.5, 0.0, -1, -1)], 0, 1))
        found = decoder.decode(np.zeros((0, 4)))
        assert (found.score, found.reached_end, found.words) == (-1.5, True, ())
        assert decoder.lattice(np.zeros((0, 4))).best().score == -1.5
        assert not decoder.decode(np.zeros((1, 4))).reached_end

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"beam": 0.0}, "beam must be above 0"),
            ({"beam": np.nan}, "beam must be above 0"),
            ({"lattice_beam": -1.0}, "lattice_beam must be above 0"),
            ({"acoustic_scale": 0.0}, "acoustic_scale must be above 0"),
            ({"max_active": 0}, "max_active must be at least 1"),
            ({"max_active": 10, "min_active": 20}, "max_active must be at least 1 and min_active"),
            ({"backend": "other"}, "own, kaldi; got 'other'"),
            ({"word_penalty": np.nan}, "arc 0 has weight nan"),
        ],
    )
    def test_options(self, options, message):
        with pytest.raises(ValueError, match=message):
            Decoder(straight([0, 1]), **options)


def test_several_threads_share_a_decoder():
    case, graph = long_graph(3)
    decoder = Decoder(graph, lattice_beam=3.0)
    wanted, lattice = decoder.decode(case.scores), decoder.lattice(case.scores)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(decoder.decode, [case.scores] * 20))
        lattices = list(pool.map(decoder.lattice, [case.scores] * 8))
    assert {h.words_at for h in found} == {wanted.words_at}
    assert all(np.array_equal(other.arcs, lattice.arcs) for other in lattices)
