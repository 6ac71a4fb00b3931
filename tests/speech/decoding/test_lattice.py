"""Lattices hold to enumeration: n-best lists, posteriors, confidence, oracle errors."""

import numpy as np
import pytest

from hybridseq.speech.decoding.decoder import Decoder
from tests.speech.decoding.drawn_graphs import CASES, graph_of, long_graph, said, spans

WIDE = {"beam": np.inf, "max_active": None, "lattice_beam": np.inf}
WITH_PATHS = [case for case in CASES if case.paths()]
every_case = pytest.mark.parametrize("case", WITH_PATHS, ids=lambda c: f"seed={c.seed}")


def paths_near(case, beam):
    """The paths within a beam and their posteriors among themselves at an acoustic scale of 1."""
    paths = case.paths()
    return [p for p in paths if p[0] >= paths[0][0] - beam]


def posterior(paths):
    scores = np.array([score for score, _, _ in paths])
    return np.exp(scores - np.logaddexp.reduce(scores))


def edits(a, b):
    row = np.arange(len(b) + 1)
    for x in a:
        new = [row[0] + 1]
        for j, y in enumerate(b):
            new.append(min(new[-1] + 1, row[j + 1] + 1, row[j] + (x != y)))
        row = new
    return row[-1]


@every_case
def test_n_best(case):
    graph = graph_of(case)
    wanted = {}
    for score, arcs, _ in case.paths():
        wanted.setdefault(said(graph, arcs), score)
    found = Decoder(graph, **WIDE).lattice(case.scores).n_best(10**6)
    assert {h.words: h.score for h in found} == pytest.approx(wanted)
    assert len(found) == len(wanted)
    assert [h.score for h in found] == pytest.approx(sorted((h.score for h in found), reverse=True))
    for h in found:
        assert h.acoustic_score == pytest.approx(case.scores[np.arange(case.frames), h.labels].sum())


@every_case
@pytest.mark.parametrize("n", [0, 1, 3])
def test_n_best_is_the_beginning_of_the_whole_list(case, n):
    lattice = Decoder(graph_of(case), **WIDE).lattice(case.scores)
    assert [h.score for h in lattice.n_best(n)] == [h.score for h in lattice.n_best(10**6)][:n]


@every_case
def test_posteriors_of_arcs(case):
    lattice = Decoder(graph_of(case), **WIDE).lattice(case.scores)
    paths = case.paths()
    mass = {}
    for p, (_, arcs, frames) in zip(posterior(paths), paths):
        for place in zip(arcs, frames):
            mass[place] = mass.get(place, 0.0) + p
    found = lattice.arc_posteriors()
    places = list(zip(lattice.arcs.tolist(), lattice.frames[lattice.source].tolist()))
    assert dict(zip(places, found)) == pytest.approx(mass)
    assert lattice.log_partition() == pytest.approx(np.logaddexp.reduce([p[0] for p in paths]))


@every_case
@pytest.mark.parametrize("scale", [None, 0.2])
def test_posteriors_of_words_and_confidence(case, scale):
    graph = graph_of(case)
    lattice = Decoder(graph, **WIDE).lattice(case.scores)
    paths = case.paths()
    if scale is not None:
        paths = [
            (scale * score + (1 - scale) * case.weights[list(arcs)].sum(), arcs, frames)
            for score, arcs, frames in paths
        ]
    masses = posterior(paths)
    begun = {}
    for p, (_, arcs, frames) in zip(masses, paths):
        for word, begin, _ in spans(graph, arcs, frames, case.frames):
            begun["abc"[word], begin] = begun.get(("abc"[word], begin), 0.0) + p
    found = {(word, frame): p for word, frame, p in lattice.word_posteriors(scale)}
    assert found == pytest.approx({key: min(1.0, p) for key, p in begun.items()})
    best = lattice.best(acoustic_scale=scale)
    for segment in best.words_at:
        if segment.start == segment.end:
            assert segment.confidence is None
            continue
        wanted = 0.0
        for p, (_, arcs, frames) in zip(masses, paths):
            overlaps = any(
                "abc"[word] == segment.name and max(begin, segment.start) < min(end, segment.end)
                for word, begin, end in spans(graph, arcs, frames, case.frames)
            )
            wanted += p * overlaps
        assert segment.confidence == pytest.approx(wanted, abs=1e-9)
        assert 0 <= segment.confidence <= 1


@every_case
@pytest.mark.parametrize("reference", ["", "a", "a b", "b b a a", "z a z"])
def test_oracle_errors(case, reference):
    graph = graph_of(case)
    lattice = Decoder(graph, **WIDE).lattice(case.scores)
    wanted = min(edits(said(graph, arcs), reference.split()) for _, arcs, _ in case.paths())
    assert lattice.oracle_errors(reference) == lattice.oracle_errors(reference.split()) == wanted


@every_case
@pytest.mark.parametrize("beam", [1e-6, 2.0])
def test_a_narrow_lattice_holds_the_best(case, beam):
    decoder = Decoder(graph_of(case), **{**WIDE, "lattice_beam": beam})
    lattice = decoder.lattice(case.scores)
    assert lattice.best().score == pytest.approx(decoder.decode(case.scores).score)
    assert lattice.num_arcs <= Decoder(graph_of(case), **WIDE).lattice(case.scores).num_arcs


@pytest.mark.parametrize("seed", range(4))
def test_longer_utterances(seed):
    case, graph = long_graph(seed, frames=120)
    decoder = Decoder(graph, lattice_beam=4.0)
    best, lattice = decoder.decode(case.scores), decoder.lattice(case.scores)
    found = lattice.best()
    assert found.score == pytest.approx(best.score)
    assert all(s.confidence is None or 0 < s.confidence <= 1 for s in found.words_at)
    listed = lattice.n_best(20)
    assert len({h.words for h in listed}) == len(listed)
    assert all(listed[0].score >= h.score >= best.score - 4.0 - 1e-6 for h in listed)
    assert lattice.oracle_errors(listed[-1].words) == 0
    assert lattice.density >= 1
    posteriors = lattice.arc_posteriors()
    consumes = lattice.frames[lattice.target] > lattice.frames[lattice.source]
    sums = np.bincount(lattice.frames[lattice.source[consumes]], posteriors[consumes])
    assert np.allclose(sums, 1.0)


def test_no_path():
    case = next(case for case in CASES if not case.paths() and case.frames)
    lattice = Decoder(graph_of(case)).lattice(case.scores)
    assert lattice.num_nodes == lattice.num_arcs == 0
    assert lattice.n_best(3) == [] and lattice.word_posteriors() == []
    assert lattice.best().score == lattice.log_partition() == -np.inf
    assert lattice.oracle_errors("a b") == 2


def test_a_negative_scale():
    lattice = Decoder(graph_of(WITH_PATHS[0])).lattice(WITH_PATHS[0].scores)
    with pytest.raises(ValueError, match="acoustic_scale must be at least 0"):
        lattice.arc_posteriors(-1.0)
