"""A path through a search graph, told in words, phones, states and times."""

from dataclasses import dataclass, field

import numpy as np

from hybridseq.speech.graph.paths import frame_spans
from hybridseq.speech.graph.search_graph import NONE


@dataclass(frozen=True, eq=False)
class Hypothesis:
    """What a search found.

    Attributes
    ----------
    words : tuple of str
        The words without silences.
    score : float
        Nats: acoustic_scale · acoustic_score + the arcs' weights + grammar_scale · grammar_score + word penalties.
        −inf: nothing was found.
    acoustic_score, grammar_score : float
        Sums of frame scores and of the language model's, without scales.
    words_at, phones_at : tuple of FrameSpan
        Words (silences among them, marked) and phones in time.
    states, labels : (T,) int64 arrays
        The graph's state and the frame scores' column at every frame; shorter than the frames where the search stopped.
    reached_end : bool
        Whether the path ends at the graph's end. If not, it is the best beginning of one, or empty.
    """

    words: tuple
    score: float
    acoustic_score: float
    grammar_score: float
    words_at: tuple
    phones_at: tuple
    states: np.ndarray = field(repr=False)
    labels: np.ndarray = field(repr=False)
    reached_end: bool


def nothing_found():
    """The hypothesis where no path was found."""
    nowhere = np.empty(0, np.int64)
    return Hypothesis((), -np.inf, -np.inf, -np.inf, (), (), nowhere, nowhere, False)


def hypothesis(graph, arcs, score, weights, acoustic_scale, reached_end):
    """Tell a path's arcs; ``weights`` (A,) are the arcs' in the search, ``score`` the path's."""
    arcs = arcs.astype(np.int64)
    states = graph.target[arcs]
    consumes = graph.labels[states] != NONE
    begins = np.cumsum(consumes) - consumes
    states = states[consumes]
    length = len(states)
    words_at = frame_spans(graph.words[arcs], begins, length, graph.vocabulary, graph.silences)
    return Hypothesis(
        tuple(s.name for s in words_at if not s.silence),
        score,
        float(score - weights[arcs].sum()) / acoustic_scale,
        float(graph.grammar[arcs].sum()),
        words_at,
        frame_spans(graph.phones[arcs], begins, length, graph.phone_names),
        states,
        graph.labels[states],
        reached_end,
    )
