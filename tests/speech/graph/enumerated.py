"""Paths of search graphs by plain enumeration, and small graphs to try laws on."""

from dataclasses import dataclass

import numpy as np

from hybridseq.speech.graph import SearchGraph
from hybridseq.speech.graph.search_graph import NONE
from hybridseq.speech.lexicon import Lexicon

LEXICON = Lexicon({"a": "x", "b": {"x y": 1.0, "y": 0.5}, "c": "y x"}, silence="sil")


@dataclass
class Path:
    """The arcs of a path, the states that consumed a frame, and its weight without emissions."""

    arcs: list
    states: list
    weight: float


def paths(graph, frames, grammar_scale=1.0, word_penalty=0.0):
    """All paths that consume a number of frames."""
    weights = graph.total_weights(grammar_scale, word_penalty)
    leaving = [np.flatnonzero(graph.source == s).tolist() for s in range(graph.num_states)]
    found, open_paths = [], [(graph.start, Path([], [], 0.0))]
    while open_paths:
        place, path = open_paths.pop()
        if place == graph.end:
            if len(path.states) == frames:
                found.append(path)
            continue
        for arc in leaving[place]:
            after = int(graph.target[arc])
            states = path.states + [after] * int(graph.labels[after] != NONE)
            if len(states) <= frames and weights[arc] > -np.inf:
                open_paths.append((after, Path([*path.arcs, arc], states, path.weight + weights[arc])))
    return found


def said(graph, path):
    """The words of a path without silence."""
    return graph.transcript(graph.words[path.arcs])


def drawn_graph(seed, states=7, labels=3):
    """A random search graph. States that consume nothing lead only to later ones of that kind."""
    rng = np.random.default_rng(seed)
    columns = np.where(rng.random(states) < 0.5, NONE, rng.integers(labels, size=states))
    columns[1] = 0
    columns[[0, -1]] = NONE
    arcs = []
    for a in range(states - 1):
        for b in range(1, states):
            empty = columns[a] == columns[b] == NONE
            for _ in range(rng.integers(3) if (b > a or not empty) and a != b else rng.integers(2)):
                if empty and b <= a:
                    continue
                words, phones = rng.integers(-1, 2, size=2).tolist()
                arcs.append((a, b, rng.normal(), rng.normal(), words, phones))
    arcs.append((0, 1, 0.5, -0.5, 0, 0))
    arcs.append((1, states - 1, 0.5, -0.5, NONE, NONE))
    keep = rng.random(len(arcs)) < 0.45
    keep[-2:] = True
    arcs = [arc for arc, k in zip(arcs, keep) if k]
    names = {"vocabulary": ("w", "<sil>"), "phone_names": ("p", "q"), "silences": frozenset({1})}
    return SearchGraph.build(columns, arcs, 0, states - 1, **names)
