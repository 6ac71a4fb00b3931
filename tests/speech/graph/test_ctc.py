"""Graphs of CTC: the labellings that collapse to a target, and all labellings."""

import itertools

import pytest
import torch

from hybridseq.objectives import ctc
from hybridseq.speech.graph import ctc_decoding_graph, ctc_graph, path_graph, segments, to_arcs
from hybridseq.speech.graph.search_graph import NONE
from tests import tolerances
from tests.speech.graph.enumerated import paths

CLOSE = tolerances.value(torch.float64)


def collapsed(labels, blank):
    return [a for a, _ in itertools.groupby(labels) if a != blank]


@pytest.mark.parametrize("blank", [0, 2])
@pytest.mark.parametrize("target", [[], [1], [1, 1], [1, 3, 1]])
def test_paths_are_the_labellings_that_collapse_to_the_target(target, blank):
    graph = ctc_graph(target, blank)
    for frames in range(6):
        found = sorted(graph.labels[p.states].tolist() for p in paths(graph, frames))
        every = [list(y) for y in itertools.product(sorted({blank, *target}), repeat=frames)]
        assert found == [y for y in every if collapsed(y, blank) == target]


def test_equals_the_objective():
    log_probs = torch.randn(3, 7, 4, dtype=torch.float64).log_softmax(2)
    targets, sizes, lengths = torch.tensor([[1, 1, 2], [3, 1, 0], [2, 0, 0]]), [3, 2, 0], torch.tensor([7, 5, 6])
    graphs = [ctc_graph(y[:n]) for y, n in zip(targets.tolist(), sizes)]
    found = -path_graph(log_probs, graphs, lengths).log_partition()
    torch.testing.assert_close(found, ctc(log_probs, targets, lengths, torch.tensor(sizes)), **CLOSE)


@pytest.mark.parametrize("blank", [0, 2])
def test_all_labellings_once(blank):
    graph = ctc_decoding_graph(3, blank)
    for frames in range(1, 5):
        found = paths(graph, frames)
        spelled = [tuple(graph.labels[p.states].tolist()) for p in found]
        assert sorted(spelled) == sorted(itertools.product(range(3), repeat=frames))
        for path, labels in zip(found, spelled):
            said = [w for w in graph.words[path.arcs].tolist() if w != NONE]
            assert said == collapsed(labels, blank)


def test_symbols_of_the_best_path():
    labels = torch.tensor([0, 1, 1, 0, 1, 2, 2])
    graph = ctc_decoding_graph(3, names=["-", "a", "b"])
    compiled = to_arcs(graph, semiring="max")
    found = path_graph(10.0 * torch.nn.functional.one_hot(labels, 3)[None], compiled)
    words, _ = segments(graph, compiled, found.paths()[0])
    assert [(w.name, w.start) for w in words] == [("a", 1), ("a", 4), ("b", 5)]


def test_errors():
    with pytest.raises(ValueError, match=r"different columns from 0 on; got \[1, 0\] beside 0"):
        ctc_graph([1, 0])
