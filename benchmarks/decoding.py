"""Decoding beside kaldi-decoder: word loops and bigrams, the same graphs, frame scores and beams."""

import numpy as np

from benchmarks import report
from benchmarks.timing import compare
from hybridseq.speech.decoding.decoder import Decoder
from hybridseq.speech.graph.search_graph import SearchGraph

FRAMES = 1_000


def word_graph(words, states, successors, seed=0):
    """Words of ``states`` left-to-right states; a state that consumes nothing after each, and arcs to what may follow.

    ``successors`` None: any word, with one weight (a loop through one state). Else so many words have a weight of their
    own after each word, the rest through a back-off state.
    """
    random = np.random.default_rng(seed)
    start, middle, end = 0, 1, 2
    labels, arcs = [-1, -1, -1], [(start, middle, 0.0, 0.0, -1, -1), (middle, end, 0.0, -2.0, -1, -1)]
    first = 3 + (states + 1) * np.arange(words)
    for word in range(words):
        begin = int(first[word])
        columns = word * states + np.arange(states)
        labels += [*columns.tolist(), -1]
        unigram = float(-np.log(words) + random.normal())
        arcs.append((middle, begin, 0.0, unigram, word, -1))
        for s in range(begin, begin + states):
            arcs += [(s, s, np.log(0.6), 0.0, -1, -1), (s, s + 1, np.log(0.4), 0.0, -1, -1)]
        history = begin + states
        arcs.append((history, middle, 0.0, -1.0 if successors else 0.0, -1, -1))
        for following in random.choice(words, successors or 0, replace=False):
            arcs.append((history, int(first[following]), 0.0, float(-2.0 + random.normal()), int(following), -1))
    return SearchGraph.build(labels, arcs, start, end, vocabulary=tuple(f"w{w}" for w in range(words)))


def frame_scores(graph, sharpness=3.0, seed=0):
    """Noisy log-posteriors (T, K) float32 around whole words in random order, 2.5 frames a state, about ``FRAMES``."""
    random = np.random.default_rng(seed)
    columns = int(graph.labels.max()) + 1
    states = columns // len(graph.vocabulary)
    words = random.integers(0, len(graph.vocabulary), round(FRAMES / (2.5 * states)))
    true = (words[:, None] * states + np.arange(states)).ravel()
    true = np.repeat(true, random.geometric(0.4, len(true)))
    logits = 1.5 * random.normal(size=(len(true), columns))
    logits[np.arange(len(true)), true] += sharpness
    return (logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)).astype(np.float32)


class _Kaldi:
    """FasterDecoder over the same graph, a constant transducer, with the same options."""

    def __init__(self, decoder):
        import kaldi_decoder
        import kaldifst

        from hybridseq.speech.decoding.kaldi import to_kaldifst

        self._library, self._fst_library = kaldi_decoder, kaldifst
        self._fst = kaldifst.StdConstFst(to_kaldifst(decoder.graph, decoder.grammar_scale))
        self._scale = np.float32(decoder.acoustic_scale)
        self._options = kaldi_decoder.FasterDecoderOptions(
            beam=decoder.beam, max_active=decoder.max_active, min_active=decoder.min_active
        )

    def decode(self, scores):
        """The score, -inf where the end was not reached, and the numbers of the words plus 1."""
        search = self._library.FasterDecoder(self._fst, self._options)
        search.decode(self._library.DecodableCtc(self._scale * scores))
        _, path = search.get_best_path()
        _, _, words, cost = self._fst_library.get_linear_symbol_sequence(path)
        return -(cost.value1 + cost.value2) if search.reached_final() else -np.inf, words


def _live(decoder, scores):
    """Live tokens a frame, on average."""
    search = decoder._search()
    counts = []
    for frame in scores[:, None]:
        search.accept(frame)
        counts.append(search.num_active)
    return float(np.mean(counts))


def beside_kaldi():
    """Microseconds a frame, ours and kaldi-decoder's, and their ratio."""
    rows, results = [], {}
    graphs = {
        "10 words x 8 states, loop": word_graph(10, 8, None),
        "130 words x 15 states, bigram with back-off": word_graph(130, 15, 20),
        "130 words x 15 states, every bigram": word_graph(130, 15, 130),
    }
    for name, graph in graphs.items():
        scores = frame_scores(graph)
        for beam in (12.0, 16.0, 24.0):
            decoder = Decoder(graph, beam=beam)
            peer = _Kaldi(decoder)
            live = _live(decoder, scores)
            exact = Decoder(graph, beam=np.inf, max_active=None).decode(scores).score
            lost = [f"{abs(exact - found):.1f}" for found in (decoder.decode(scores).score, peer.decode(scores)[0])]
            ratio = compare(lambda: decoder.decode(scores), lambda: peer.decode(scores))  # noqa: B023
            results[f"{name}, beam {beam:g}"] = {**vars(ratio), "live": live, "lost": lost}
            times = (f"{seconds * 1e6 / len(scores):.2f} us" for seconds in (ratio.ours, ratio.peer))
            spread = f"{ratio.low:.1f} to {ratio.high:.1f}"
            rows.append([name, f"{beam:g}", f"{live:.0f}", *times, f"{ratio.median:.1f}", spread, *lost])
    columns = [
        "graph",
        "beam",
        "tokens",
        "ours a frame",
        "kaldi-decoder",
        "times faster",
        "spread",
        "nats lost",
        "by kaldi-decoder",
    ]
    report.show("beam search beside kaldi-decoder's FasterDecoder", columns, rows)
    return results


def around_it():
    """Microseconds a frame of streams in chunks of 10 frames, of lattices and their lists, beside the plain search."""
    rows, results = [], {}
    graphs = {"10 words x 8 states, loop": word_graph(10, 8, None), "130 words, bigram": word_graph(130, 15, 20)}
    for name, graph in graphs.items():
        scores = frame_scores(graph)
        decoder = Decoder(graph, acoustic_scale=0.5)
        lattice = decoder.lattice(scores)

        def stream():
            running = decoder.stream()  # noqa: B023
            for begin in range(0, len(scores), 10):  # noqa: B023
                running.accept(scores[begin : begin + 10])  # noqa: B023
            return running.finish()

        calls = {
            "stream, 10 frames a chunk": stream,
            "lattice": lambda: decoder.lattice(scores),  # noqa: B023
            "10 best of a lattice": lambda: lattice.n_best(10),  # noqa: B023
            "confidence of the best path": lattice.best,
        }
        for what, call in calls.items():
            ratio = compare(call, lambda: decoder.decode(scores))  # noqa: B023
            results[f"{name}: {what}"] = vars(ratio)
            times = (f"{seconds * 1e6 / len(scores):.2f} us" for seconds in (ratio.ours, ratio.peer))
            rows.append(
                [f"{name}: {what}", *times, f"{1 / ratio.median:.2f}", f"{1 / ratio.high:.2f} to {1 / ratio.low:.2f}"]
            )
    report.show("cost a frame beside the plain search", ["what", "time", "plain search", "share", "spread"], rows)
    return results


def run():
    """All of them, printed and saved."""
    report.save("decoding", {"beside_kaldi": beside_kaldi(), "around_it": around_it()})


if __name__ == "__main__":
    run()
