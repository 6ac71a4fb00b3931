"""An automaton of the arcs kernel has the same paths as the search graph that it was made of."""

import itertools

import numpy as np
import pytest
import torch

from hybridseq.speech.graph import SearchGraph, arcs_along, min_frames, path_graph, segments, to_arcs
from hybridseq.speech.graph.search_graph import NONE
from tests import tolerances
from tests.speech.graph.enumerated import drawn_graph, paths

CLOSE = tolerances.value(torch.float64)
seeds = pytest.mark.parametrize("seed", range(12))
FRAMES = 4


def emissions_of(seed, rows=1):
    return torch.randn(rows, FRAMES, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def scored(graph, frames, emissions, **options):
    found = paths(graph, frames, **options)
    for path in found:
        path.weight += sum(float(emissions[t, graph.labels[s]]) for t, s in enumerate(path.states))
    return sorted(found, key=lambda path: path.weight)


@seeds
@pytest.mark.parametrize("options", [{}, {"grammar_scale": 0.5, "word_penalty": -2.0}], ids=["plain", "scaled"])
def test_sums_and_maxima_equal_enumeration(seed, options):
    graph, lengths = drawn_graph(seed), torch.arange(1, FRAMES + 1)
    emissions = emissions_of(seed, FRAMES)
    total = path_graph(emissions, graph, lengths, **options).log_partition()
    best = path_graph(emissions, graph, lengths, **options, semiring="max").max_score()
    for b, frames in enumerate(lengths.tolist()):
        weights = torch.tensor([p.weight for p in scored(graph, frames, emissions[b], **options)], dtype=torch.float64)
        torch.testing.assert_close(total[b], weights.logsumexp(0), **CLOSE)
        torch.testing.assert_close(best[b], weights.max() if len(weights) else weights.new_tensor(-torch.inf), **CLOSE)


@seeds
def test_the_best_path_takes_the_enumerated_arcs(seed):
    graph, emissions = drawn_graph(seed), emissions_of(seed)
    compiled = to_arcs(graph, semiring="max")
    states = path_graph(emissions, compiled).paths()[0]
    enumerated = scored(graph, FRAMES, emissions[0])
    if not enumerated:
        assert (states == -100).all()
        return
    best = enumerated[-1]
    assert compiled.states[states].tolist() == best.states
    arcs, frames = arcs_along(compiled, states)
    assert arcs.tolist() == best.arcs
    consumed = np.cumsum([graph.labels[graph.target[a]] != NONE for a in best.arcs])
    assert frames.tolist() == (consumed - (graph.labels[graph.target[arcs]] != NONE)).tolist()
    words, phones = segments(graph, compiled, states)
    assert [w.name for w in words] == [graph.vocabulary[w] for w in graph.words[arcs] if w != NONE]
    assert [p.name for p in phones] == [graph.phone_names[p] for p in graph.phones[arcs] if p != NONE]
    for one, following in itertools.pairwise(words):
        assert one.end == following.start
    assert not words or words[-1].end == FRAMES


@seeds
def test_every_kept_state_lies_on_a_path_and_no_two_arcs_are_parallel(seed):
    graph = drawn_graph(seed)
    compiled = to_arcs(graph)
    assert compiled.graph.parallel <= 1
    used = {s for frames in range(1, 6) for p in paths(graph, frames) for s in p.states}
    assert set(compiled.states.tolist()) == used


@seeds
def test_fewest_frames(seed):
    graph = drawn_graph(seed)
    assert min_frames(graph) == next(n for n in range(10) if paths(graph, n))


def build(arcs, labels=(NONE, 0, NONE, NONE)):
    return SearchGraph.build(labels, [(*arc, 0.0, NONE, NONE) for arc in arcs], 0, 3)


def test_what_has_no_path_is_refused():
    with pytest.raises(ValueError, match="no path"):
        to_arcs(build([(0, 1, 0.0), (1, 3, -np.inf)]))
    with pytest.raises(ValueError, match="no path"):
        to_arcs(build([(0, 2, 0.0), (2, 3, 0.0)]))
    assert min_frames(build([(0, 1, 0.0)])) is None
    with pytest.raises(ValueError, match="'sum' or 'max'"):
        to_arcs(build([(0, 1, 0.0), (1, 3, 0.0)]), semiring="log")


def test_a_cycle_that_consumes_nothing_is_refused():
    with pytest.raises(ValueError, match="cycle"):
        to_arcs(build([(0, 2, 0.0), (2, 2, -1.0), (2, 1, 0.0), (1, 3, 0.0)]))


def test_graphs_of_a_batch_are_independent():
    graphs = [drawn_graph(seed) for seed in range(5)]
    emissions, lengths = emissions_of(0, 5), torch.tensor([4, 2, 3, 1, 4])
    together = path_graph(emissions, graphs, lengths)
    for b, graph in enumerate(graphs):
        alone = path_graph(emissions[b : b + 1, : lengths[b]], graph)
        torch.testing.assert_close(together.log_partition()[b : b + 1], alone.log_partition(), **CLOSE)
        torch.testing.assert_close(together.marginals()[b, : lengths[b]], alone.marginals()[0], **CLOSE)
