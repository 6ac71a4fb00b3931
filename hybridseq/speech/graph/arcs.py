"""Search graphs as automata of the arcs kernel: every way through states that consume nothing becomes an arc."""

from collections import deque
from dataclasses import dataclass

import numpy as np
import torch
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order
from torch import Tensor

from hybridseq.kernels.arcs.graph import Graph
from hybridseq.speech.graph.search_graph import NONE


@dataclass(frozen=True, eq=False)
class Compiled:
    """The paths of a search graph, one state a frame.

    Attributes
    ----------
    graph : Graph
        S states, those that consume a frame and lie on a path; M arcs, arc a with move a.
    moves : Tensor, (M,) float64
    initial, final : Tensor, (S,) float64
        −inf where no path begins or ends.
    arc_paths, initial_paths, final_paths : (M, n), (S, n), (S, n) int64 arrays
        The search graph's arcs along each move, and on the way to a first state and from a last one, padded with −1;
        of several ways that were merged the best.
    states : (S,) int64 array
        The search graph's states.
    """

    graph: Graph
    moves: Tensor
    initial: Tensor
    final: Tensor
    arc_paths: np.ndarray
    initial_paths: np.ndarray
    final_paths: np.ndarray
    states: np.ndarray

    def __repr__(self):
        return f"Compiled({self.graph.num_states} states, {self.graph.num_arcs} arcs)"


def _merged(source, target, weights, paths, size, semiring):
    """One arc for all that join the same states, sorted by target, then source; paths of the best of them."""
    key = target * size + source
    order = np.lexsort((-weights, key))
    key, weights = key[order], weights[order]
    new = np.concatenate([[True], key[1:] != key[:-1]])
    begin = np.flatnonzero(new)
    best = weights[begin]
    if semiring == "sum" and len(begin) < len(key):
        best = best + np.log(np.add.reduceat(np.exp(weights - best[np.cumsum(new) - 1]), begin))
    order = order[begin]
    return source[order], target[order], best, paths[order]


def _ways(graph, weights, semiring):
    """The ways (source, target, weight, arcs) from states that consume, or the start, to such, or the end."""
    size = graph.num_states
    stops = graph.labels != NONE
    stops[graph.end] = True
    first = np.searchsorted(graph.source, np.arange(size + 1))
    possible = weights > -np.inf
    arcs = np.flatnonzero(((graph.labels != NONE)[graph.source] | (graph.source == graph.start)) & possible)
    ways = graph.source[arcs], graph.target[arcs], weights[arcs], arcs[:, None]
    found = []
    for _ in range(size + 1):
        done = stops[ways[1]]
        found.append([x[done] for x in ways])
        source, place, total, path = (x[~done] for x in ways)
        if not len(place):
            break
        source, place, total, path = _merged(source, place, total, path, size, semiring)
        count = first[place + 1] - first[place]
        way = np.repeat(np.arange(len(place)), count)
        arc = np.arange(len(way)) - np.repeat(np.cumsum(count) - count, count) + first[place][way]
        way, arc = way[possible[arc]], arc[possible[arc]]
        ways = source[way], graph.target[arc], total[way] + weights[arc], np.column_stack([path[way], arc])
    else:
        raise ValueError("the graph has a cycle of states that consume nothing; every cycle must consume a frame.")
    width = found[-1][3].shape[1]
    paths = [np.pad(f[3], ((0, 0), (0, width - f[3].shape[1])), constant_values=NONE) for f in found]
    joined = [np.concatenate(x) for x in list(zip(*found))[:3]]
    if not len(joined[0]):
        return *joined, np.concatenate(paths)
    return _merged(*joined, np.concatenate(paths), size, semiring)


def _on_paths(source, target, start, end, size):
    """Which states lie on a way from start to end, (size,) bool."""
    kept = np.ones(size, bool)
    for place, a, b in ((start, source, target), (end, target, source)):
        links = csr_array((np.ones(len(a), np.int8), (a, b)), shape=(size, size))
        reached = np.zeros(size, bool)
        reached[breadth_first_order(links, place, return_predecessors=False)] = True
        kept &= reached
    return kept


def to_arcs(graph, grammar_scale=1.0, word_penalty=0.0, semiring="sum"):
    """The same paths without states that consume nothing, as the arcs kernel runs them.

    States that lie on no path are left out. Ways between the same two states become one arc.

    Parameters
    ----------
    graph : SearchGraph
        A path that consumes no frame at all is left out: no utterance has length 0.
    grammar_scale, word_penalty : float
        As of ``SearchGraph.total_weights``.
    semiring : "sum" or "max"
        Whether a merged arc has the log-sum-exp of its ways' weights, for log-partitions and posteriors, or the
        largest, for the best path.

    Returns
    -------
    Compiled

    Raises
    ------
    ValueError
        Where no path consumes a frame, or a cycle consumes nothing.

    Notes
    -----
    A state that consumes nothing between n sources and m targets becomes n · m arcs: a grammar with backoff over V
    words becomes O(V) arcs for each end of a word. For large ones search the graph itself.
    """
    if semiring not in {"sum", "max"}:
        raise ValueError(f"semiring must be 'sum' or 'max'; got {semiring!r}.")
    source, target, weights, paths = _ways(graph, graph.total_weights(grammar_scale, word_penalty), semiring)
    some = (source != graph.start) | (target != graph.end)
    source, target, weights, paths = source[some], target[some], weights[some], paths[some]
    kept = _on_paths(source, target, graph.start, graph.end, graph.num_states)
    states = np.flatnonzero(kept & (graph.labels != NONE))
    if not len(states):
        raise ValueError(f"no path of {graph!r} from start to end consumes a frame; see its weights for −inf.")
    place = np.full(graph.num_states, NONE)
    place[states] = np.arange(len(states))

    def ends(chosen, at):
        value, way = np.full(len(states), -np.inf), np.full((len(states), paths.shape[1]), NONE)
        chosen = chosen & (place[at] != NONE)
        value[place[at[chosen]]], way[place[at[chosen]]] = weights[chosen], paths[chosen]
        return torch.from_numpy(value), way

    initial, initial_paths = ends(source == graph.start, target)
    final, final_paths = ends(target == graph.end, source)
    inner = (place[source] != NONE) & (place[target] != NONE)
    compiled = Graph.from_arcs(
        *map(torch.from_numpy, (graph.labels[states], place[source[inner]], place[target[inner]]))
    )
    moves = torch.from_numpy(weights[inner])
    return Compiled(compiled, moves, initial, final, paths[inner], initial_paths, final_paths, states)


def min_frames(graph):
    """The fewest frames of any path, whatever its weight above −inf; None where there is no path."""
    first = np.searchsorted(graph.source, np.arange(graph.num_states + 1)).tolist()
    target, cost = graph.target.tolist(), (graph.labels != NONE).astype(int).tolist()
    possible = (graph.weights + graph.grammar > -np.inf).tolist()
    least, waiting = {graph.start: 0}, deque([graph.start])
    while waiting:
        state = waiting.popleft()
        for arc in range(first[state], first[state + 1]):
            after = target[arc]
            value = least[state] + cost[after]
            if possible[arc] and value < least.get(after, np.inf):
                least[after] = value
                (waiting.append if cost[after] else waiting.appendleft)(after)
    return least.get(graph.end)
