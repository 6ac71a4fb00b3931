"""Random small search graphs with words, silences, phones and a grammar."""

import numpy as np

from hybridseq.speech.graph.search_graph import SearchGraph
from tests.kernels.beam.drawn_networks import CASES, Drawn

__all__ = ["CASES", "Drawn", "graph_of", "long_graph", "said", "spans"]


def graph_of(case, grammar=True, silences=(2,)):
    """The graph of a drawn case: its weights shared between transitions and grammar, a phone on every other arc."""
    random = np.random.default_rng(case.seed)
    part = np.where(np.isfinite(case.weights), random.normal(size=len(case.weights)) if grammar else 0.0, 0.0)
    phones = random.integers(-1, 2, len(case.weights))
    arcs = list(zip(case.source, case.target, case.weights - part, part, case.said, phones))
    names = {"vocabulary": tuple("abc"), "phone_names": ("x", "y"), "silences": frozenset(silences)}
    graph = SearchGraph.build(case.labels, arcs, case.start, case.end, **names)
    assert np.array_equal(graph.target, case.target)
    return graph


def said(graph, arcs):
    """The words of a path without silences."""
    return graph.transcript([int(graph.words[a]) for a in arcs])


def spans(graph, arcs, frames, length):
    """(word's number, first frame, end) of a path's words, by walking along it."""
    found = []
    for a, t in zip(arcs, frames):
        if graph.words[a] >= 0:
            if found:
                found[-1][2] = int(t)
            found.append([int(graph.words[a]), int(t), length])
    return found


def long_graph(seed, frames=300):
    """A case of 40 states whose words mostly last several frames, and its graph."""
    case = Drawn(seed, states=40, arcs=160, frames=frames, columns=8, impossible=0.01)
    case.said[np.random.default_rng(seed).random(len(case.said)) < 0.7] = -1
    return case, graph_of(case)
