"""A lattice without a beam holds every path of the trellis; with one, exactly the arcs of good enough paths."""

import numpy as np
import pytest

from hybridseq.kernels.beam import reference
from hybridseq.kernels.beam.numba_cpu import lattice as kernels
from hybridseq.kernels.beam.search import Search
from tests.kernels.beam.drawn_networks import CASES

every_case = pytest.mark.parametrize("case", CASES, ids=lambda c: f"seed={c.seed}")


def paths_of(nodes, source, target, arcs):
    """Arcs of every path through a lattice, as tuples."""
    found = []

    def extend(node, path):
        if node == nodes - 1:
            found.append(path)
        for a in range(first[node], first[node + 1]):
            extend(target[a], (*path, int(arcs[a])))

    first = np.searchsorted(source, np.arange(nodes + 1))
    if nodes:
        extend(0, ())
    return found


@every_case
def test_every_path_is_in_it_once(case):
    consumed, states, source, target, arcs, acoustic = Search(case.network).lattice(case.scores, np.inf)
    wanted = [path for _, path, _ in case.paths()]
    assert sorted(paths_of(len(states), source, target, arcs)) == sorted(wanted)
    assert (np.diff(source) >= 0).all() and (target > source).all()
    consumes = case.labels[states[target]] >= 0
    assert np.array_equal(consumed[target] - consumed[source], consumes)
    assert np.array_equal(states[target], case.target[arcs])
    scored = case.scores[consumed[source[consumes]], case.labels[states[target[consumes]]]]
    assert np.array_equal(acoustic[consumes], scored)
    assert not acoustic[~consumes].any()


@every_case
@pytest.mark.parametrize("beam", [1e-9, 1.0, 3.0])
def test_arcs_within_the_beam(case, beam):
    consumed, states, source, target, arcs, _ = Search(case.network).lattice(case.scores, beam)
    paths = case.paths()
    good = [(path, frames) for score, path, frames in paths if score >= paths[0][0] - beam]
    near = {place for path, frames in good for place in zip(path, frames)}
    assert set(zip(arcs.tolist(), consumed[source].tolist())) == near
    assert {path for path, _ in good} <= set(paths_of(len(states), source, target, arcs))


@every_case
def test_sums(case):
    _, states, source, target, arcs, acoustic = Search(case.network).lattice(case.scores, np.inf)
    if not len(states):
        return
    score = acoustic + case.weights[arcs]
    prefix, suffix = kernels.log_sums(source, target, score, len(states))
    wanted = reference.log_sum(case.network, case.scores)
    assert prefix[-1] == pytest.approx(wanted)
    assert suffix[0] == pytest.approx(wanted)
    assert kernels.best_suffixes(source, target, score, len(states))[0] == pytest.approx(case.paths()[0][0])


def test_nothing_lives():
    case = CASES[0]
    scores = case.scores.copy()
    scores[2] = -np.inf
    nodes, *_ = Search(case.network).lattice(scores, 8.0)
    assert len(nodes) == 0
