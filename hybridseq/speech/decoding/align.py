"""Forced alignment: decoding without a beam on the graph of one transcript."""

import numpy as np

from hybridseq.speech.decoding.decoder import Decoder
from hybridseq.speech.graph.arcs import min_frames


class AlignmentError(ValueError):
    """No path of the graph fits the frames.

    ``frames`` is how many there are, ``needed`` how many the shortest path takes; None where no path has an end.
    """

    def __init__(self, message, frames, needed):
        super().__init__(message)
        self.frames, self.needed = frames, needed


def align(graph, frame_scores, acoustic_scale=1.0):
    """The best path of one utterance through the graph of its transcript: Viterbi alignment, exact.

    Parameters
    ----------
    graph : SearchGraph
    frame_scores : (T, K) array or tensor
    acoustic_scale : float

    Returns
    -------
    Hypothesis
        Its ``states``, ``labels``, ``words_at`` and ``phones_at`` are the alignment. O(T · A) time, O(T + S) memory.

    Raises
    ------
    AlignmentError
        If no path fits: too few frames, or a frame score of −inf on every path.
    """
    decoder = Decoder(graph, beam=np.inf, max_active=None, min_active=0, acoustic_scale=acoustic_scale)
    found = decoder.decode(frame_scores)
    if found.reached_end:
        return found
    frames, needed = len(frame_scores), min_frames(graph)
    if needed is None:
        message = f"no path of the graph leads to its end ({graph!r}): the transcript's graph has a gap."
    elif frames < needed:
        message = f"{frames} frames, but the transcript's shortest path needs {needed}: it does not fit its topology."
    else:
        message = (
            f"no path fits the {frames} frames, although {needed} can be enough: every path of that length has an arc "
            "or a frame score of -inf."
        )
    raise AlignmentError(message, frames, needed)
