"""The graph that training and decoding search: HMM states, joined by weighted arcs that carry words and phones."""

from dataclasses import dataclass, field, fields

import numpy as np

NONE = -1


@dataclass(frozen=True, eq=False)
class SearchGraph:
    """A network of states, some of which consume a frame.

    A path begins at ``start``, follows arcs, consumes one frame at every emitting state that it enters, and stops at
    ``end``. Its score is the sum of its arcs' ``weights`` and ``grammar`` and of the frame scores of the labels that it
    consumes, in nats. Words and phones begin where an arc carries them and last until the next.

    Attributes
    ----------
    labels : (S,) int64 array
        The column of the frame scores that a state consumes; −1: none. ``start`` and ``end`` consume none.
    source, target : (A,) int64 array
        Arcs, sorted by source. No cycle passes only through states that consume nothing.
    weights : (A,) float64 array
        Log-probabilities of transitions and pronunciations.
    grammar : (A,) float64 array
        Log-probabilities of the language model, apart so that they can be scaled; 0 where it has no say.
    words : (A,) int64 array
        The word that begins with the arc, an index into ``vocabulary``; −1: none.
    phones : (A,) int64 array
        The phone that begins with the arc, an index into ``phone_names``; −1: none.
    start, end : int
        Where paths begin and stop.
    vocabulary, phone_names : tuple of str
        What words and phones are called.
    silences : frozenset of int
        Words that are no words (silence): left out of transcripts.
    """

    labels: np.ndarray
    source: np.ndarray
    target: np.ndarray
    weights: np.ndarray
    grammar: np.ndarray
    words: np.ndarray
    phones: np.ndarray
    start: int
    end: int
    vocabulary: tuple = ()
    phone_names: tuple = ()
    silences: frozenset = field(default_factory=frozenset)

    def __repr__(self):
        return f"SearchGraph({self.num_states} states, {self.num_arcs} arcs, {len(self.vocabulary)} words)"

    @property
    def num_states(self):
        """S."""
        return len(self.labels)

    @property
    def num_arcs(self):
        """A."""
        return len(self.source)

    def total_weights(self, grammar_scale=1.0, word_penalty=0.0):
        """The arcs' scores in a search, (A,): weights + scale · grammar, and ``word_penalty`` for every word.

        A penalty below 0 makes for fewer words; silence does not pay it.
        """
        spoken = (self.words != NONE) & ~np.isin(self.words, list(self.silences))
        return self.weights + grammar_scale * self.grammar + word_penalty * spoken

    def transcript(self, words):
        """The names of a path's words without silences."""
        return tuple(self.vocabulary[w] for w in words if w != NONE and w not in self.silences)

    def to_arcs(self, grammar_scale=1.0, word_penalty=0.0, semiring="sum"):
        """The same paths without states that consume nothing: see :func:`hybridseq.speech.graph.to_arcs`."""
        from hybridseq.speech.graph.arcs import to_arcs

        return to_arcs(self, grammar_scale, word_penalty, semiring)

    @classmethod
    def build(cls, labels, arcs, start, end, **names):
        """A graph from arcs in any order.

        Parameters
        ----------
        labels : sequence of int, (S,)
        arcs : list of (source, target, weight, grammar, word, phone)
        start, end : int
        **names
            ``vocabulary``, ``phone_names``, ``silences``.
        """
        columns = list(zip(*arcs)) or [()] * 6
        kinds = np.int64, np.int64, np.float64, np.float64, np.int64, np.int64
        columns = [np.asarray(c, k) for c, k in zip(columns, kinds)]
        order = np.argsort(columns[0], kind="stable")
        return cls(np.asarray(labels, np.int64), *(c[order] for c in columns), int(start), int(end), **names)

    def relabelled(self, labels):
        """The same graph whose states consume other columns: after tying or untying."""
        given = {f.name: getattr(self, f.name) for f in fields(self)}
        return SearchGraph(**{**given, "labels": np.asarray(labels, np.int64)})
