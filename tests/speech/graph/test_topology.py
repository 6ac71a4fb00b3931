"""Topologies: how long a unit lasts, and with what probability."""

import json
import math

import pytest

from hybridseq.speech.graph import (
    ENTRY,
    EXIT,
    Topology,
    Units,
    chain,
    left_to_right,
    phone_graph,
    three_state,
    whole_word,
)
from tests.speech.graph.enumerated import paths

ALL = {
    "three_state": three_state(),
    "skips": left_to_right(4, skip=True, self_loop=0.3),
    "one": left_to_right(1, self_loop=0.9),
    "word": whole_word(5, frames=12.5),
    "chain": chain(),
}
every_topology = pytest.mark.parametrize("topology", ALL.values(), ids=ALL)


def durations(topology, frames):
    """Probability of each duration of a unit."""
    graph = phone_graph(["u"], Units("u", topology))
    return [sum(math.exp(p.weight) for p in paths(graph, n)) for n in range(frames)]


@every_topology
def test_shortest_duration(topology):
    found = durations(topology, 7)
    assert found.index(next(p for p in found if p > 0)) == topology.min_frames


@every_topology
def test_what_leaves_a_state_sums_to_one(topology):
    for state in (ENTRY, *range(topology.num_states)):
        assert math.fsum(math.exp(w) for a, _, w in topology.arcs if a == state) == pytest.approx(1)


@every_topology
def test_json_round_trip(topology):
    assert Topology.from_dict(json.loads(json.dumps(topology.to_dict()))) == topology


def test_impossible_arcs_survive_json():
    topology = Topology((0,), ((ENTRY, 0, 0.0), (0, 0, -math.inf), (0, EXIT, 0.0)))
    assert Topology.from_dict(json.loads(json.dumps(topology.to_dict()))) == topology


def test_durations_of_known_topologies():
    # A negative binomial, a geometric distribution, and the same by two classes.
    assert durations(three_state(), 6) == pytest.approx([0, 0, 0, 1 / 8, 3 / 16, 6 / 32])
    assert durations(left_to_right(1, self_loop=0.9), 4) == pytest.approx([0, 0.1, 0.09, 0.081])
    assert durations(chain(), 4) == pytest.approx([0, 0.5, 0.25, 0.125])
    assert chain().classes == (0, 1)


def test_mean_duration_of_a_word():
    weights = [w for a, b, w in whole_word(5, skip=False, frames=20).arcs if a == b]
    assert sum(1 / (1 - math.exp(w)) for w in weights) == pytest.approx(20)


@every_topology
def test_trained_loops(topology):
    stay = [0.1 * (s + 1) for s in range(topology.num_states)]
    found = topology.with_loops(stay)
    looped = {a for a, b, _ in topology.arcs if a == b}
    assert {a: math.exp(w) for a, b, w in found.arcs if a == b} == pytest.approx({s: stay[s] for s in looped})
    for state in range(topology.num_states):
        old, new = ([w for a, b, w in t.arcs if a == state != b] for t in (topology, found))
        assert math.fsum(map(math.exp, new)) == pytest.approx(1 - stay[state] if state in looped else 1)
        assert [w - new[0] for w in new] == pytest.approx([w - old[0] for w in old])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Topology((0, 2), ((ENTRY, 0, 0.0), (0, 1, 0.0), (1, EXIT, 0.0))), "every number from 0"),
        (lambda: Topology((), ()), "at least 0"),
        (lambda: Topology((0,), ((ENTRY, 0, 0.0), (0, EXIT, 0.0), (ENTRY, EXIT, 0.0))), "not entry with exit"),
        (lambda: Topology((0,), ((ENTRY, 1, 0.0), (0, EXIT, 0.0))), r"got \(-1, 1\)"),
        (lambda: Topology((0,), ((ENTRY, 0, math.nan), (0, EXIT, 0.0))), "below inf"),
        (lambda: Topology((0, 1), ((ENTRY, 0, 0.0), (0, EXIT, 0.0), (1, EXIT, 0.0))), "state 1 lies on no way"),
        (lambda: left_to_right(0), "num_states"),
        (lambda: left_to_right(3, self_loop=1.0), "self_loop must lie between 0 and 1"),
        (lambda: whole_word(5, frames=5), "more than num_states = 5"),
        (lambda: three_state().with_loops([0.5, 0.5]), "each of the 3 states"),
        (lambda: three_state().with_loops([0.5, 0.5, 1]), "below 1"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()
