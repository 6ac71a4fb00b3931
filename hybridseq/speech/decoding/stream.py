"""Decoding while the audio comes in."""

import numpy as np

from hybridseq.speech.graph.paths import frame_spans
from hybridseq.speech.graph.search_graph import NONE


class DecoderStream:
    """One utterance in chunks: ``Decoder.stream()`` makes it. The outcome is that of decoding the whole at once.

    Memory is O(S + T): a path's arcs, and what live tokens do not have in common.
    """

    def __init__(self, decoder):
        self._decoder = decoder
        self._search = decoder._search()
        # The last settled word or silence, whose end is not settled yet, and frames on the settled path.
        self._word, self._begin, self._frames = NONE, 0, 0
        self._finished = False

    @property
    def frames(self):
        """Frames accepted and consumed."""
        return self._search.frames

    def accept(self, frame_scores):
        """Consume more frames.

        Parameters
        ----------
        frame_scores : (n, K) array or tensor
            Scores as ``Decoder.decode`` takes them; n may be 0.

        Returns
        -------
        list of FrameSpan
            The words, in order and without silences, that have begun and ended on the part of the path that all live
            tokens share: ``finish`` will tell the same.
        """
        if self._finished:
            raise ValueError("the stream is finished; open another one with Decoder.stream().")
        self._search.accept(self._decoder._check(frame_scores))
        arcs = self._search.newly_settled()
        graph = self._decoder.graph
        consumes = graph.labels[graph.target[arcs]] != NONE
        begins = self._frames + np.cumsum(consumes) - consumes
        self._frames += int(consumes.sum())
        marks, begins = np.append(self._word, graph.words[arcs]), np.append(self._begin, begins)
        known = frame_spans(marks, begins, self._frames, graph.vocabulary, graph.silences)
        if known:
            last = np.flatnonzero(marks != NONE)[-1]
            self._word, self._begin = int(marks[last]), int(begins[last])
        return [segment for segment in known[:-1] if not segment.silence]

    def partial(self):
        """The best path so far, whether or not it can end here. O(frames so far)."""
        score, arcs = self._search.best()
        return self._decoder._tell(arcs, score, False)

    def finish(self):
        """The end of the audio: the hypothesis of all frames, as from ``Decoder.decode``."""
        self._finished = True
        return self._decoder._finished(self._search)
