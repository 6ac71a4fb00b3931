"""The reference equals enumeration, and the compiled search without a beam equals both."""

import itertools

import numpy as np
import pytest

from hybridseq.kernels.beam import reference
from hybridseq.kernels.beam.network import SilentCycleError, network
from hybridseq.kernels.beam.numba_cpu import search as kernels
from hybridseq.kernels.beam.search import Search
from tests.kernels.beam.drawn_networks import CASES, Drawn

every_case = pytest.mark.parametrize("case", CASES, ids=lambda c: f"seed={c.seed}")


def searched(case, chunk=None, dtype=np.float64, **pruning):
    search = Search(case.network, **pruning)
    size = chunk or max(1, len(case.scores))
    settled = []
    for begin in range(0, len(case.scores), size):
        search.accept(np.ascontiguousarray(case.scores[begin : begin + size], dtype))
        if chunk:
            settled.extend(search.newly_settled())
    search.finish()
    score, arcs = search.best(at_end=True)
    if arcs is not None:
        assert settled == list(arcs[: len(settled)])
    return score, arcs


def test_the_cases_have_paths_and_have_none():
    numbers = [len(case.paths()) for case in CASES]
    assert max(numbers) > 100 and 0 in numbers


@every_case
def test_the_reference_equals_enumeration(case):
    paths = case.paths()
    score, arcs, frames = reference.best_path(case.network, case.scores)
    total = reference.log_sum(case.network, case.scores)
    if not paths:
        assert score == total == -np.inf
        return
    assert score == pytest.approx(paths[0][0])
    assert (score, arcs, frames) in [(pytest.approx(s), a, f) for s, a, f in paths]
    assert total == pytest.approx(np.logaddexp.reduce([s for s, _, _ in paths]))


@every_case
def test_n_best_of_the_reference_equals_enumeration(case):
    wanted = {}
    for score, arcs, _ in case.paths():
        wanted.setdefault(tuple(int(case.said[a]) for a in arcs if case.said[a] >= 0), score)
    found = reference.n_best(case.network, case.scores, case.said, 10**6)
    assert dict(found) == pytest.approx(wanted)
    assert [score for _, score in found] == sorted(wanted.values(), reverse=True)


@every_case
@pytest.mark.parametrize("chunk", [None, 1, 2, 3])
def test_the_search_equals_the_reference(case, chunk):
    wanted, path, _ = reference.best_path(case.network, case.scores)
    score, arcs = searched(case, chunk)
    assert score == pytest.approx(wanted)
    if wanted > -np.inf:
        assert tuple(arcs) == path
    else:
        assert arcs is None


@every_case
def test_single_precision_frames(case):
    assert searched(case, dtype=np.float32)[0] == pytest.approx(searched(case)[0], rel=1e-5, abs=1e-5)


def long(seed, frames=400):
    return Drawn(seed, states=40, arcs=160, frames=frames, columns=8, impossible=0.01)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("pruning", [{}, {"beam": 4.0}, {"beam": 8.0, "max_active": 5}, {"beam": 1.0, "min_active": 9}])
def test_chunks_change_nothing(seed, pruning):
    case = long(seed)
    score, arcs = searched(case, **pruning)
    for chunk in (1, 7, 399):
        again, same = searched(case, chunk, **pruning)
        assert again == score
        assert np.array_equal(arcs, same)


@pytest.mark.parametrize("seed", range(5))
def test_a_wider_beam_finds_no_worse_a_path(seed):
    case = long(seed)
    best = reference.best_path(case.network, case.scores[:50])[0]
    case.scores = case.scores[:50]
    for pruning in ({"beam": 4.0}, {"max_active": 6}, {"beam": 2.0, "min_active": 8}, {}):
        assert searched(case, **pruning)[0] <= best + 1e-9
    assert searched(case)[0] == pytest.approx(best)


def test_pruning_counts_tokens():
    case = long(1)
    everything, few, many = (Search(case.network, **p) for p in ({}, {"max_active": 5}, {"beam": 0.0, "min_active": 9}))
    silent = (case.labels < 0).sum()
    for frame in case.scores[:30, None]:
        for search in (everything, few, many):
            search.accept(frame)
        assert few.num_active <= 5 + silent
        assert many.num_active >= min(9, (everything.num_active - silent))


def test_memory_is_bounded_on_long_input():
    case = Drawn(3, states=40, arcs=160, frames=50, columns=8, impossible=0.0)
    search = Search(case.network, beam=10.0)
    random = np.random.default_rng(0)
    held = []
    for _ in range(40):
        search.accept(random.normal(size=(2000, 8)) * 2)
        held.append(len(search._records[0]))
    assert held[-1] == held[5] < 20_000


def test_a_frame_that_nothing_can_consume_stops_the_search():
    case = long(0, frames=30)
    case.scores[20] = -np.inf
    search = Search(case.network)
    search.accept(case.scores[:10])
    search.accept(case.scores[10:])
    search.finish()
    assert search.stuck and search.frames == 20
    assert search.best(at_end=True) == (-np.inf, None)
    assert search.best()[0] > -np.inf


def test_a_cycle_of_states_that_consume_nothing_is_an_error():
    labels, source, target = np.array([-1, -1, -1, -1]), np.array([0, 1, 2, 2]), np.array([1, 2, 1, 3])
    with pytest.raises(SilentCycleError, match="1, 2, 3 consume no frame"):
        network(labels, source, target, np.zeros(4), 0, 3)


@pytest.mark.parametrize("size", [1, 2, 3, 10, 257])
@pytest.mark.parametrize("levels", [1, 3, 10**6])
def test_the_nth_largest(size, levels):
    values = np.random.default_rng(size).integers(0, levels, size).astype(float)
    values[:: max(2, size // 3)] = -np.inf
    wanted = np.sort(values)[::-1]
    for n in {1, 2, size // 2, size - 1, size} & set(range(1, size + 1)):
        room = np.append(values, np.inf)
        assert kernels.nth_largest(room, size, n) == wanted[n - 1]
        assert room[-1] == np.inf and sorted(room[:-1]) == sorted(values)


def test_the_bound_keeps_between_fewest_and_most():
    scores = np.random.default_rng(0).normal(size=50)
    for beam, most, least in itertools.product((0.1, 1.0, np.inf), (1, 10, 100), (0, 1, 8, 70)):
        if least <= most:
            bound = kernels.threshold(scores, 50, np.empty(50), scores.max(), beam, most, least)
            inside = (scores >= scores.max() - beam).sum()
            assert (scores >= bound).sum() == min(most, max(least, inside), 50)
