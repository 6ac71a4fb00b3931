"""Graphs: order, packing, labels on arcs, errors."""

import itertools

import pytest
import torch

from hybridseq.kernels.arcs import cpu
from hybridseq.kernels.arcs.graph import Graph


def test_arcs_are_sorted_and_moves_keep_the_callers_numbers():
    graph = Graph.from_arcs([0, 1, 0], [2, 0, 1, 0], [1, 2, 0, 1])
    assert list(zip(*(x.tolist() for x in (graph.source, graph.target, graph.move)))) == [
        (1, 0, 2),
        (0, 1, 3),
        (2, 1, 0),
        (0, 2, 1),
    ]
    assert (graph.num_states, graph.num_arcs, graph.num_moves, graph.shared) == (3, 4, 4, True)


def test_pack_numbers_states_throughout():
    one, two = Graph.from_arcs([0], [0], [0]), Graph.from_arcs([1, 2], [0, 1], [1, 1], [4, 0])
    both = Graph.pack([one, two])
    assert both.source.tolist() == [0, 1, 2]
    assert both.target.tolist() == [0, 2, 2]
    assert both.state_offset.tolist() == [0, 1, 3]
    assert both.arc_offset.tolist() == [0, 1, 3]
    assert (both.num_moves, both.shared, both.num_graphs, both.max_states) == (5, False, 2, 2)


def test_labels_on_arcs():
    """Every accepted label sequence has the same total through the split states as through the given arcs."""
    source, target, label = [0, 0, 1, 2, 1, 0], [1, 2, 2, 1, 1, 1], [0, 1, 0, 1, 1, 1]
    graph, state, entered = Graph.from_labelled_arcs(3, source, target, label)
    assert (graph.labels[entered] == torch.tensor(label)).all()
    assert (state[entered] == torch.tensor(target)).all()
    weights = torch.randn(len(source), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    initial = torch.full((graph.num_states,), -torch.inf, dtype=torch.float64)
    for a, s in enumerate(entered.tolist()):
        if source[a] == 0:
            initial[s] = torch.logaddexp(initial[s], weights[a])
    final = torch.zeros(graph.num_states, dtype=torch.float64)
    emissions = torch.zeros(1, 3, 2, dtype=torch.float64)
    for labels in itertools.product(range(2), repeat=3):
        truth = torch.tensor(-torch.inf, dtype=torch.float64)
        for arcs in itertools.product(range(len(source)), repeat=3):
            joined = all(target[a] == source[b] for a, b in itertools.pairwise(arcs))
            if source[arcs[0]] == 0 and joined and tuple(label[a] for a in arcs) == labels:
                truth = torch.logaddexp(truth, weights[list(arcs)].sum())
        scores = emissions, weights, initial, final, torch.tensor([3]), graph
        torch.testing.assert_close(cpu.score_labels(*scores, torch.tensor([labels]))[0], truth)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], [], []), "at least one state"),
        (([0], [1], [0]), "source must lie from 0 to 0"),
        (([0], [0], [-1]), "target must lie from 0 to 0"),
        (([0, 1], [0], [0, 1]), "equally long"),
        (([-1], [0], [0]), "labels are columns"),
        (([0], [0], [0], [3], 2), "move must lie from 0 to 1"),
        (([[0]], [0], [0]), "one-dimensional"),
    ],
)
def test_errors_say_what_is_wrong(arguments, message):
    with pytest.raises(ValueError, match=message):
        Graph.from_arcs(*arguments)


def test_numbers_must_be_whole():
    with pytest.raises(TypeError, match="source must hold integers"):
        Graph.from_arcs([0], [0.0], [0])


def test_a_pack_is_not_packed_again():
    graph = Graph.from_arcs([0], [0], [0])
    with pytest.raises(ValueError, match="itself a pack of 2"):
        Graph.pack([graph, Graph.pack([graph, graph])])


def test_a_graph_without_arcs_has_paths_of_one_state():
    graph = Graph.from_arcs([0, 1], [], [])
    scores = torch.zeros(2, 2, 2), torch.zeros(0), torch.zeros(2), torch.zeros(2)
    lengths = torch.tensor([1, 2])
    assert cpu.log_partition(*scores, lengths, graph).tolist() == [torch.tensor(2.0).double().log(), -torch.inf]
    assert cpu.decode(*scores, lengths, graph).tolist() == [[0, -100], [-100, -100]]
