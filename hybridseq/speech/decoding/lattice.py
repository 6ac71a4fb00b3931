"""Lattices: every path near the best one, with posteriors, n-best lists and confidence."""

import heapq
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import count

import numpy as np

from hybridseq.speech.decoding.hypothesis import Hypothesis, hypothesis, nothing_found
from hybridseq.speech.graph.search_graph import NONE, SearchGraph

# In the list of words that a reference may hold: a word that no arc has.
_UNKNOWN = -2


def _kernels():
    """Imported when first used, as numba is slow to import."""
    from hybridseq.kernels.beam.numba_cpu import lattice

    return lattice


@dataclass(frozen=True, eq=False)
class Lattice:
    """The paths of one utterance within a beam of the best, as ``Decoder.lattice`` finds them.

    Nodes are a graph's states at points in time. Arcs lead to later nodes only and are sorted by source; every path
    runs from node 0 to node N − 1. Where no path reached the end of the graph there are no nodes.

    Attributes
    ----------
    graph : SearchGraph
    num_frames : int
        T.
    frames : (N,) int64 array
        Frames consumed before each node (its own among them), 0 … T.
    states : (N,) int64 array
        The graph's state at each node.
    source, target : (M,) int64 arrays
        The nodes that arcs join.
    arcs : (M,) int64 array
        The arcs' numbers in the graph.
    acoustic : (M,) float64 array
        Frame scores, without a scale; 0 where an arc consumes none.
    weights : (M,) float64 array
        The graph's share of the score: its weights, with the search's grammar scale and word penalty.
    acoustic_scale : float
        The search's.
    """

    graph: SearchGraph
    num_frames: int
    frames: np.ndarray = field(repr=False)
    states: np.ndarray = field(repr=False)
    source: np.ndarray = field(repr=False)
    target: np.ndarray = field(repr=False)
    arcs: np.ndarray = field(repr=False)
    acoustic: np.ndarray = field(repr=False)
    weights: np.ndarray = field(repr=False)
    acoustic_scale: float

    @property
    def num_nodes(self):
        """N."""
        return len(self.states)

    @property
    def num_arcs(self):
        """M."""
        return len(self.arcs)

    @property
    def density(self):
        """Arcs that consume a frame, per frame: 1 for a single path; NaN without frames."""
        return float((self.frames[self.target] > self.frames[self.source]).sum()) / (self.num_frames or np.nan)

    def best(self, confidence=True, acoustic_scale=None):
        """The best path; its words carry their ``confidences`` unless told otherwise."""
        found = self.n_best(1)
        if not found:
            return nothing_found()
        return self._confident(found[0], acoustic_scale) if confidence else found[0]

    def n_best(self, n):
        """The n best distinct word sequences, best first, each as its best path; silences make no difference.

        Exact within the lattice. Word sequences are extended best first, with the exact score of the best completion
        as bound, so that each step is one of a sequence among the n best :cite:p:`mohri2002nbest`. O(M) for each of
        their words, besides one heap entry for every possible next word.

        Returns
        -------
        list of Hypothesis
            Fewer than n where the lattice holds fewer.
        """
        if not self.num_nodes or n < 1:
            return []
        kernels, found, order = _kernels(), [], count()
        suffix = kernels.best_suffixes(self.source, self.target, self._score, self.num_nodes)
        # Priority, then age; words so far; where they can end and how well, or None for a finished sequence.
        heap = [(-suffix[0], next(order), (), (np.zeros(1, np.int64), np.zeros(1)))]
        while heap and len(found) < n:
            _, _, said, entries = heapq.heappop(heap)
            if entries is None:
                found.append(self._saying(said))
                continue
            finished, arcs, behind = kernels.next_words(*entries, *self._arrays, self._first, self._spoken)
            if finished > -np.inf:
                heapq.heappush(heap, (-finished, next(order), said, None))
            nodes, words = self.target[arcs], self._spoken[arcs]
            by_word = np.argsort(words, kind="stable")
            starts = np.flatnonzero(np.diff(words[by_word], prepend=NONE))
            for places in np.split(by_word, starts[1:]) if len(starts) else ():
                best = (behind[places] + suffix[nodes[places]]).max()
                if best > -np.inf:
                    entries = nodes[places], behind[places]
                    heapq.heappush(heap, (-best, next(order), (*said, int(words[places[0]])), entries))
        return found

    def log_partition(self, acoustic_scale=None):
        """The log-sum of all paths' scores, in nats; ``acoustic_scale`` instead of the search's."""
        return float(self._sums(acoustic_scale)[1][0]) if self.num_nodes else -np.inf

    def arc_posteriors(self, acoustic_scale=None):
        """The probability of each arc, (M,), by forward-backward; ``acoustic_scale`` instead of the search's. O(M)."""
        if not self.num_nodes:
            return np.zeros(0)
        prefix, suffix = self._sums(acoustic_scale)
        score = self._scored(acoustic_scale)
        return np.exp(np.minimum(prefix[self.source] + score + suffix[self.target] - suffix[0], 0.0))

    def word_posteriors(self, acoustic_scale=None):
        """How probable it is that a word begins at a frame: a list of (word, frame, probability), by frame, then name.

        Silences among them.
        """
        marks = self.graph.words[self.arcs]
        begins = np.flatnonzero(marks != NONE)
        posteriors = self.arc_posteriors(acoustic_scale)
        mass = {}
        for arc in begins:
            key = int(self.frames[self.source[arc]]), self.graph.vocabulary[marks[arc]]
            mass[key] = mass.get(key, 0.0) + posteriors[arc]
        return [(word, frame, min(1.0, float(p))) for (frame, word), p in sorted(mass.items())]

    def confidences(self, path, acoustic_scale=None):
        """Of each word and silence of a path: the probability that the same word lasts over any of its frames.

        The posterior mass of the lattice's paths that have the word at some frame from the segment's start to its end
        :cite:p:`wessel2001confidence`; None for a segment without frames. O(M) a word.

        Parameters
        ----------
        path : Hypothesis
        acoustic_scale : float, optional
            Instead of the search's: smaller values flatten posteriors.

        Returns
        -------
        list of float or None, one for each of ``path.words_at``
        """
        if not self.num_nodes:
            return [None] * len(path.words_at)
        total = self.log_partition(acoustic_scale)
        arrays = self.source, self.target, self._scored(acoustic_scale), self.num_nodes
        found = []
        for segment in path.words_at:
            if segment.end == segment.start:
                found.append(None)
                continue
            word = self._number.get(segment.name, _UNKNOWN)
            without = _kernels().log_sum_without(*arrays, self.frames, self._words, word, segment.start, segment.end)
            found.append(float(np.clip(-np.expm1(without - total), 0.0, 1.0)))
        return found

    def oracle_errors(self, reference):
        """The fewest word errors (substitutions, deletions, insertions) that any path makes beside ``reference``.

        ``reference``: words without silences, a sequence of str or one string to be split. O(M · words). Where there
        are no paths, all words count as deleted.
        """
        reference = reference.split() if isinstance(reference, str) else list(reference)
        if not self.num_nodes:
            return len(reference)
        numbers = np.array([self._number.get(word, _UNKNOWN) for word in reference], np.int64)
        return int(_kernels().fewest_errors(self.source, self.target, self.num_nodes, self._spoken, numbers))

    def _confident(self, path: Hypothesis, acoustic_scale):
        values = self.confidences(path, acoustic_scale)
        return replace(path, words_at=tuple(s._replace(confidence=c) for s, c in zip(path.words_at, values)))

    def _saying(self, said):
        path = _kernels().best_path_saying(*self._arrays, self._spoken, np.array(said, np.int64))
        score = float(self._score[path].sum())
        arcs = self.arcs[path]
        weights = np.zeros(self.graph.num_arcs)
        weights[arcs] = self.weights[path]
        return hypothesis(self.graph, arcs, score, weights, self.acoustic_scale, True)

    def _scored(self, acoustic_scale):
        if acoustic_scale is None:
            return self._score
        if not 0 <= acoustic_scale < np.inf:
            raise ValueError(f"acoustic_scale must be at least 0 and finite; got {acoustic_scale!r}.")
        return acoustic_scale * self.acoustic + self.weights

    def _sums(self, acoustic_scale):
        return _kernels().log_sums(self.source, self.target, self._scored(acoustic_scale), self.num_nodes)

    @cached_property
    def _score(self):
        return self.acoustic_scale * self.acoustic + self.weights

    @property
    def _arrays(self):
        return self.source, self.target, self._score, self.num_nodes

    @cached_property
    def _first(self):
        """Where each node's arcs begin."""
        return np.searchsorted(self.source, np.arange(self.num_nodes + 1))

    @cached_property
    def _number(self):
        """Numbers by name: words of one name are one word."""
        names = self.graph.vocabulary
        return {name: n for n, name in reversed(list(enumerate(names)))}

    @cached_property
    def _words(self):
        """The word that begins with each arc, −1: none."""
        same = np.array([self._number[name] for name in self.graph.vocabulary] + [NONE])
        return same[self.graph.words[self.arcs]]

    @cached_property
    def _spoken(self):
        """The same without silences."""
        silences = np.isin(self.graph.words[self.arcs], list(self.graph.silences))
        return np.where(silences, NONE, self._words)
