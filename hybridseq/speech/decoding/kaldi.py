"""kaldi-decoder as another search: our graph as a kaldifst transducer, and its FasterDecoder over it."""

import numpy as np


def _installed():
    try:
        import kaldi_decoder
        import kaldifst
    except ImportError as error:
        raise ImportError(
            f"backend='kaldi' needs kaldi-decoder and kaldifst ({error}): pip install kaldi-decoder kaldifst, or "
            "decode with backend='own'."
        ) from error
    return kaldi_decoder, kaldifst


def to_kaldifst(graph, grammar_scale=1.0, word_penalty=0.0, output="words"):
    """A graph as a ``kaldifst.StdVectorFst``.

    Input labels are the columns of the frame scores plus 1, 0 where an arc's target consumes nothing; weights are
    costs, −``graph.total_weights(grammar_scale, word_penalty)``. Arcs of weight −inf are left out.

    Parameters
    ----------
    graph : SearchGraph
    grammar_scale, word_penalty : float
    output : {"words", "arcs"}
        Output labels: the words' numbers plus 1, or the arcs' plus 1; 0 for none.
    """
    if output not in ("words", "arcs"):
        raise ValueError(f"output must be 'words' or 'arcs'; got {output!r}.")
    marks = graph.words if output == "words" else np.arange(graph.num_arcs)
    return _transducer(graph, graph.total_weights(grammar_scale, word_penalty), marks)


def _transducer(graph, weights, marks):
    _, kaldifst = _installed()
    fst = kaldifst.StdVectorFst()
    for _ in range(graph.num_states):
        fst.add_state()
    fst.start = graph.start
    fst.set_final(state=graph.end, weight=0.0)
    columns = graph.labels[graph.target] + 1
    for a in np.flatnonzero(weights > -np.inf).tolist():
        arc = kaldifst.StdArc(
            ilabel=int(columns[a]), olabel=int(marks[a]) + 1, weight=-float(weights[a]), nextstate=int(graph.target[a])
        )
        fst.add_arc(state=int(graph.source[a]), arc=arc)
    return fst


class KaldiSearch:
    """FasterDecoder over a graph; thread-safe, as every search makes its own decoder."""

    def __init__(self, graph, weights, acoustic_scale, beam, max_active, min_active):
        self._library, self._fst_library = _installed()
        self._fst = _transducer(graph, weights, np.arange(graph.num_arcs))
        self._scale = acoustic_scale
        self._options = self._library.FasterDecoderOptions(
            beam=min(beam, 1e10), max_active=min(max_active or 2**31 - 1, 2**31 - 1), min_active=min_active
        )

    def best_path(self, scores):
        """The best path's arcs, None where nothing lives, and whether it reached the end."""
        search = self._library.FasterDecoder(self._fst, self._options)
        search.decode(self._library.DecodableCtc((self._scale * scores).astype(np.float32)))
        reached_end = search.reached_final()
        found, path = search.get_best_path(use_final_probs=True)
        if not found:
            return None, False
        _, _, arcs, _ = self._fst_library.get_linear_symbol_sequence(path)
        return np.array(arcs, np.int64) - 1, reached_end
