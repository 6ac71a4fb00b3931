"""Viterbi beam search over a compiled graph."""

from functools import cached_property

import numpy as np

from hybridseq.kernels import threads
from hybridseq.kernels.beam.network import network
from hybridseq.kernels.beam.search import Search
from hybridseq.speech.decoding.frame_scores import check_frame_scores
from hybridseq.speech.decoding.hypothesis import hypothesis, nothing_found
from hybridseq.speech.decoding.lattice import Lattice
from hybridseq.speech.decoding.stream import DecoderStream

_BACKENDS = "own", "kaldi"


class Decoder:
    """Finds the best path of frame scores through a graph, by token passing with a beam :cite:p:`young1989token`.

    Without a beam (``beam=inf``, ``max_active=None``) the path is the best there is. A frame costs O(live tokens and
    their arcs), a search O(S) memory besides the path. A decoder may be used by several threads at once.

    Parameters
    ----------
    graph : SearchGraph
    beam : float
        Nats below a frame's best token at which a token is dropped; inf: never.
    max_active : int or None
        At most so many tokens that consume a frame live on; None: any number.
    min_active : int
        So many live on even outside the beam.
    acoustic_scale : float
        What frame scores are multiplied by, above 0.
    grammar_scale, word_penalty : float
        See ``SearchGraph.total_weights``.
    lattice_beam : float
        A lattice holds the paths within so many nats of the best.
    backend : {"own", "kaldi"}
        ``"kaldi"``: kaldi-decoder's FasterDecoder, which must be installed; it gives neither streams nor lattices.
    allow_partial : bool
        What is found where no token reaches the end: the best beginning of a path (with ``reached_end`` False), or
        an empty hypothesis of score −inf.

    Raises
    ------
    ValueError
        If an option is out of range, or states of the graph that consume no frame form a cycle.
    """

    def __init__(
        self,
        graph,
        *,
        beam=16.0,
        max_active=7000,
        min_active=20,
        acoustic_scale=1.0,
        grammar_scale=1.0,
        word_penalty=0.0,
        lattice_beam=8.0,
        backend="own",
        allow_partial=False,
    ):
        if backend not in _BACKENDS:
            raise ValueError(f"backend must be one of {', '.join(_BACKENDS)}; got {backend!r}.")
        for name, value in (("beam", beam), ("lattice_beam", lattice_beam)):
            if not value > 0:
                raise ValueError(f"{name} must be above 0 nats; got {value!r}.")
        if not 0 < acoustic_scale < np.inf:
            raise ValueError(f"acoustic_scale must be above 0 and finite; got {acoustic_scale!r}.")
        if max_active is not None and max_active < max(1, min_active):
            raise ValueError(f"max_active must be at least 1 and min_active ({min_active}); got {max_active!r}.")
        self.graph = graph
        self.beam, self.lattice_beam = beam, lattice_beam
        self.max_active, self.min_active = max_active, min_active
        self.acoustic_scale, self.grammar_scale, self.word_penalty = acoustic_scale, grammar_scale, word_penalty
        self.backend, self.allow_partial = backend, allow_partial
        self._weights = graph.total_weights(grammar_scale, word_penalty)
        if np.isnan(self._weights).any() or (self._weights == np.inf).any():
            arc = int(np.flatnonzero(~(self._weights < np.inf))[0])
            raise ValueError(f"the graph's arc {arc} has weight {self._weights[arc]}; expected finite or -inf.")
        self._network = network(graph.labels, graph.source, graph.target, self._weights, graph.start, graph.end)
        self._num_columns = int(graph.labels.max(initial=-1)) + 1

    def __repr__(self):
        return (
            f"Decoder({self.graph!r}, beam={self.beam}, max_active={self.max_active}, "
            f"acoustic_scale={self.acoustic_scale}, backend={self.backend!r})"
        )

    def decode(self, frame_scores):
        """The best path of one utterance.

        Parameters
        ----------
        frame_scores : (T, K) array or tensor
            Log-scores of the columns that states consume; −inf is impossible.

        Returns
        -------
        Hypothesis

        Raises
        ------
        ShapeError
            If there are too few columns, or not two axes.
        ValueError
            If a score is NaN or +inf.
        """
        return self._decode(self._check(frame_scores))

    def decode_batch(self, batch):
        """``decode`` for each of a list, shared among ``torch.get_num_threads()`` threads."""
        batch = [self._check(scores, f"batch[{i}]") for i, scores in enumerate(batch)]
        found = [None] * len(batch)

        def decode(_, rows):
            for row in rows:
                found[row] = self._decode(batch[row])

        if batch:
            lengths = np.array([len(scores) for scores in batch])
            nanoseconds = 5.0 * min(self.graph.num_arcs, 4 * (self.max_active or np.inf)) + 100.0
            threads.run(decode, threads.share_rows(lengths, nanoseconds, 1))
        return found

    def stream(self):
        """A search that takes frame scores as they come; see ``DecoderStream``."""
        self._own("streams")
        return DecoderStream(self)

    def lattice(self, frame_scores):
        """All paths of one utterance within ``lattice_beam`` of the best; O(T · (live tokens + their arcs)) memory.

        Takes what ``decode`` takes. Paths that the search's own beam dropped are missing. Where no token reaches the
        end the lattice is empty.

        Returns
        -------
        Lattice
        """
        self._own("lattices")
        scores = self._check(frame_scores)
        *nodes, arcs, acoustic = self._search().lattice(scores, self.lattice_beam)
        return Lattice(self.graph, len(scores), *nodes, arcs, acoustic, self._weights[arcs], self.acoustic_scale)

    def _check(self, frame_scores, name="frame_scores"):
        return check_frame_scores(frame_scores, self._num_columns, name)

    def _search(self):
        most = 2**62 if self.max_active is None else self.max_active
        return Search(self._network, self.acoustic_scale, self.beam, most, self.min_active)

    def _decode(self, scores):
        if self.backend == "kaldi":
            arcs, reached_end = self._kaldi.best_path(scores)
            if arcs is None or not (reached_end or self.allow_partial):
                return nothing_found()
            states = self.graph.target[arcs]
            labels = self.graph.labels[states]
            labels = labels[labels >= 0]
            acoustic = scores[np.arange(len(labels)), labels].sum(dtype=np.float64)
            return self._tell(arcs, self.acoustic_scale * acoustic + self._weights[arcs].sum(), reached_end)
        search = self._search()
        search.accept(scores)
        return self._finished(search)

    def _finished(self, search):
        search.finish()
        score, arcs = search.best(at_end=True)
        reached_end = arcs is not None
        if not reached_end:
            if not self.allow_partial:
                return nothing_found()
            score, arcs = search.best()
        return self._tell(arcs, score, reached_end)

    def _tell(self, arcs, score, reached_end):
        return hypothesis(self.graph, arcs, float(score), self._weights, self.acoustic_scale, reached_end)

    @cached_property
    def _kaldi(self):
        from hybridseq.speech.decoding.kaldi import KaldiSearch

        return KaldiSearch(self.graph, self._weights, self.acoustic_scale, self.beam, self.max_active, self.min_active)

    def _own(self, what):
        if self.backend != "own":
            raise ValueError(f"the {self.backend} backend gives no {what}; make the decoder with backend='own'.")
