"""The equal split of every utterance among the states of its transcript: where training can start from nothing."""

import heapq

import numpy as np
import torch

from hybridseq.speech.graph.search_graph import NONE
from hybridseq.speech.start.align import fitting, gathered, names_of
from hybridseq.speech.start.alignments import Alignments
from hybridseq.speech.start.bulk import Bulk, on_states
from hybridseq.structures import PathGraph

#: What a frame of silence pays in speech, and one of speech in silence; being out of place costs 1 at most.
_SPOKEN, _SILENT = -4.0, -5.0


def _order(graph):
    """The states so that arcs lead forward; a cycle is cut where it is reached first."""
    first = np.searchsorted(graph.source, np.arange(graph.num_states + 1)).tolist()
    source, target = graph.source.tolist(), graph.target.tolist()
    waiting = np.bincount(graph.target[graph.source != graph.target], minlength=graph.num_states).tolist()
    ready, done, order = [(0, 0, graph.start)], [False] * graph.num_states, []
    while ready:
        _, _, state = heapq.heappop(ready)
        if done[state]:
            continue
        done[state] = True
        order.append(state)
        for arc in range(first[state], first[state + 1]):
            after = target[arc]
            if after != source[arc] and not done[after]:
                waiting[after] -= 1
                heapq.heappush(ready, (waiting[after] > 0, len(order), after))
    return order


def _depths(graph, counted):
    """For each state the most counted states on a way that leads to it, itself among them, and from it on."""
    order = _order(graph)
    rank = np.full(graph.num_states, NONE)
    rank[order] = np.arange(len(order))
    possible = graph.weights + graph.grammar > -np.inf
    forward = (rank[graph.source] < rank[graph.target]) & (rank[graph.source] >= 0) & possible
    arcs = sorted(zip(rank[graph.source[forward]], graph.source[forward].tolist(), graph.target[forward].tolist()))
    gain = counted.astype(int).tolist()
    before, after = [-np.inf] * graph.num_states, [-np.inf] * graph.num_states
    before[graph.start], after[graph.end] = gain[graph.start], gain[graph.end]
    for _, a, b in arcs:
        before[b] = max(before[b], before[a] + gain[b])
    for _, a, b in reversed(arcs):
        after[a] = max(after[a], after[b] + gain[a])
    return np.array(before), np.array(after)


def _places(graph, silence):
    """Each state's place on its way, from 0 to 1, and its kind: speech (0), silence at an end (1), or within (−1)."""
    quiet = np.isin(graph.labels, silence)
    before, after = _depths(graph, (graph.labels != NONE) & ~quiet)
    with np.errstate(invalid="ignore", divide="ignore"):
        place = np.nan_to_num((before - 0.5) / (before + after - 1), nan=0.5, posinf=1.0, neginf=0.0)
    kind = np.where(quiet, np.where((before <= 0) | (after <= 0), 1, -1), 0)
    return place, kind


class _Uniform:
    """Scores of the states under which the best path is the equal split."""

    def __init__(self, bulk, silence, compiled_states):
        self.places = []
        for graph, states in zip(bulk.graphs, compiled_states):
            place, kind = _places(graph, silence)
            self.places.append((place[states], kind[states]))

    def scores(self, which, length, begin, end):
        """(T, S) of an utterance whose speech lasts from frame ``begin`` up to ``end``."""
        place, kind = self.places[which]
        frame = np.arange(length)
        at = np.clip((frame + 0.5 - begin) / max(end - begin, 1), 0, 1)[:, None]
        spoken = ((frame >= begin) & (frame < end))[:, None]
        speech = -((place - at) ** 2) + np.where(spoken, 0, _SPOKEN)
        silence = np.where(spoken | (kind < 0), _SILENT, 0)
        return np.where(kind == 0, speech, silence)


def split_evenly(bulk, silence, speech):
    """States (frames,) of the equal split of a ``Bulk``; ``speech`` (N, 2): from which frame to which is speech."""
    uniform = _Uniform(bulk, silence, bulk.states)
    states = np.full(bulk.offset[-1], NONE)
    width = max((len(a.labels) for a in bulk.arcs), default=1)
    for rows in bulk.batches(width):
        graph, moves, initial, final = bulk.graph(rows)
        place, inside = bulk.places(rows)
        emissions = np.zeros((*place.shape, graph.max_states))
        for row, n in zip(emissions, rows):
            found = uniform.scores(bulk.which[n], bulk.lengths[n], *speech[n])
            row[: found.shape[0], : found.shape[1]] = found
        # Possible arcs are all alike here.
        free = [torch.where(x > -torch.inf, 0.0, -torch.inf) for x in (moves, initial, final)]
        lengths = torch.from_numpy(bulk.lengths[rows])
        paths = PathGraph(torch.from_numpy(emissions), on_states(graph), *free, lengths).paths()
        states[place[inside]] = paths.numpy()[inside]
    return np.maximum(states, NONE)


def uniform_alignment(lengths, graphs, units, ids=None, speech=None):
    """Every utterance's frames, split equally among the states of its transcript.

    The path visits as many states as the topologies and the number of frames allow, and no silence unless asked.

    Parameters
    ----------
    lengths : list of int
        Frames of each utterance.
    graphs : list of SearchGraph
        One an utterance.
    units : Units
        Tells which columns are silence.
    ids : list of str, optional
    speech : list of (int, int), optional
        From which frame up to, not including, which one something is said: the frames before and after go to silence
        where the graph has it at its ends. By default all frames are speech.

    Returns
    -------
    Alignments
        Utterances that are too short are named in ``problems``.

    Notes
    -----
    The best path where a frame at share a of the speech pays (a − b)² in a state at share b of the way through the
    graph: for states in a row that is the equal split, and it also holds with skips, variants of a pronunciation and
    too few frames for all states. O(frames · (S + A)).
    """
    if len(lengths) != len(graphs) or (speech is not None and len(speech) != len(graphs)):
        raise ValueError(
            f"lengths, graphs and speech must be as many; got {len(lengths)} lengths, {len(graphs)} graphs."
        )
    ids = names_of(ids, len(graphs))
    kept, problems = fitting(lengths, graphs)
    bulk = Bulk([graphs[i] for i in kept], [lengths[i] for i in kept])
    spans = [(0, lengths[i]) if speech is None else speech[i] for i in kept]
    labels, stays, scores = bulk.spelled(split_evenly(bulk, list(units.silence_labels), spans))
    found = gathered(ids, bulk, kept, problems, labels, stays, scores)
    return Alignments(found.ids, found.labels, found.problems, found.stays)
