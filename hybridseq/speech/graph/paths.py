"""Emissions beside search graphs, and what a path through one says."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from hybridseq.kernels.arcs.graph import Graph
from hybridseq.speech.graph.arcs import Compiled, to_arcs
from hybridseq.speech.graph.search_graph import NONE, SearchGraph
from hybridseq.structures import PathGraph


@dataclass(frozen=True, eq=False)
class Packed:
    """Graphs of a batch, ready for a ``PathGraph``: one a row, or one for all rows."""

    graph: Graph
    moves: Tensor
    initial: Tensor
    final: Tensor

    def beside(self, emissions, lengths=None, backend=None):
        """The ``PathGraph`` of these graphs and emissions (B, T, K)."""
        scores = (x.to(emissions.device) for x in (self.moves, self.initial, self.final))
        return PathGraph(emissions, self.graph, *scores, lengths, backend)


def pack(graphs, grammar_scale=1.0, word_penalty=0.0, semiring="sum"):
    """Graphs as a batch takes them.

    Parameters
    ----------
    graphs : SearchGraph, Compiled, or a list with one of them a row
    grammar_scale, word_penalty, semiring
        As of ``to_arcs``, for those not compiled yet.

    Returns
    -------
    Packed
    """
    options = grammar_scale, word_penalty, semiring
    if isinstance(graphs, SearchGraph | Compiled):
        one = graphs if isinstance(graphs, Compiled) else to_arcs(graphs, *options)
        return Packed(one.graph, one.moves, one.initial, one.final)
    graphs = [g if isinstance(g, Compiled) else to_arcs(g, *options) for g in graphs]
    packed = Graph.pack([g.graph for g in graphs])
    moves = np.zeros((len(graphs), packed.num_moves))
    for row, g in zip(moves, graphs):
        row[: len(g.moves)] = g.moves.numpy()
    ends = (
        torch.from_numpy(np.concatenate([getattr(g, name).numpy() for g in graphs])) for name in ("initial", "final")
    )
    return Packed(packed, torch.from_numpy(moves), *ends)


def path_graph(emissions, graphs, lengths=None, grammar_scale=1.0, word_penalty=0.0, semiring="sum", backend=None):
    """The distribution over the paths of search graphs, given frame scores.

    Parameters
    ----------
    emissions : (B, T, P) tensor
        Frame scores of the columns that the graphs' states consume.
    graphs : SearchGraph, Compiled, Packed, or a list with one graph a row
        Compiling takes about a millisecond a transcript: compile graphs once that serve again.
    lengths : (B,) int64 tensor, optional
    grammar_scale, word_penalty, semiring
        As of ``to_arcs``.
    backend : str, optional
        As of ``PathGraph``.

    Returns
    -------
    PathGraph
    """
    if not isinstance(graphs, Packed):
        graphs = pack(graphs, grammar_scale, word_penalty, semiring)
    return graphs.beside(emissions, lengths, backend)


class FrameSpan(NamedTuple):
    """A word or phone from frame ``start`` up to, not including, frame ``end``.

    ``confidence`` is a posterior in [0, 1], or None where none was asked for; ``silence`` marks words that are none.
    """

    name: str
    start: int
    end: int
    confidence: float | None = None
    silence: bool = False


def frame_spans(marks, begins, length, names, silences=frozenset()):
    """Spans of the arcs that begin a word or phone: ``marks`` (n,) their numbers or −1, ``begins`` (n,) frames."""
    places = np.flatnonzero(marks != NONE)
    ends = np.append(begins[places[1:]], length)
    return tuple(
        FrameSpan(names[mark], int(begin), int(end), None, mark in silences)
        for mark, begin, end in zip(marks[places].tolist(), begins[places], ends)
    )


def arcs_along(compiled, states):
    """The search graph's arcs that a path takes, and the frame before which each is taken.

    Parameters
    ----------
    compiled : Compiled
        With ``semiring="max"`` for best paths; else the best of the ways that a merged arc stands for.
    states : (L,) int array or tensor
        A path's states, as of ``PathGraph.paths()``; numbers below 0 (padding) are left out.

    Returns
    -------
    arcs, frames : (n,) int64 arrays
        Frame L: after the last.
    """
    states = np.asarray(states)
    states = states[states >= 0]
    if not len(states):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    source, target = compiled.graph.source.numpy(), compiled.graph.target.numpy()
    size = compiled.graph.num_states
    key, wanted = target * size + source, states[1:] * size + states[:-1]
    place = np.searchsorted(key, wanted).clip(max=max(0, len(key) - 1))
    if len(wanted) and not (len(key) and (key[place] == wanted).all()):
        raise ValueError("the states are no path of the graph: two neighbours have no arc.")
    arc = compiled.graph.move.numpy()[place]
    ways = np.concatenate(
        [compiled.initial_paths[states[:1]], compiled.arc_paths[arc], compiled.final_paths[states[-1:]]]
    )
    frames = np.repeat(np.arange(len(ways)), ways.shape[1]).reshape(ways.shape)
    taken = ways != NONE
    return ways[taken], frames[taken]


def segments(graph, compiled, states):
    """The words and phones of a path and when they are said.

    Parameters
    ----------
    graph : SearchGraph
    compiled : Compiled
        What ``to_arcs`` made of it.
    states : (L,) int array or tensor
        As of ``arcs_along``.

    Returns
    -------
    words, phones : tuple of FrameSpan
        In order, silence included; a word lasts until the next begins.
    """
    arcs, frames = arcs_along(compiled, states)
    length = int((np.asarray(states) >= 0).sum())
    words = frame_spans(graph.words[arcs], frames, length, graph.vocabulary, graph.silences)
    return words, frame_spans(graph.phones[arcs], frames, length, graph.phone_names)
