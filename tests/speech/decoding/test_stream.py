"""A stream tells what decoding the whole tells, and its words come early and stay."""

import numpy as np
import pytest

from hybridseq.speech.decoding.decoder import Decoder
from tests.speech.decoding.drawn_graphs import CASES, graph_of, long_graph
from tests.speech.decoding.test_decoder import straight


def streamed(decoder, scores, sizes):
    stream, words, place = decoder.stream(), [], 0
    while place < len(scores):
        size = int(next(sizes))
        words += stream.accept(scores[place : place + size])
        place += size
    return words, stream.finish()


def same(a, b):
    assert (a.words, a.words_at, a.phones_at, a.score) == (b.words, b.words_at, b.phones_at, b.score)
    assert a.acoustic_score == b.acoustic_score and a.reached_end == b.reached_end
    assert np.array_equal(a.states, b.states)


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"seed={c.seed}")
@pytest.mark.parametrize("allow_partial", [True, False])
def test_small_graphs(case, allow_partial):
    decoder = Decoder(graph_of(case), allow_partial=allow_partial)
    for size in (1, 2):
        words, found = streamed(decoder, case.scores, iter([size] * 9))
        same(found, decoder.decode(case.scores))
        if found.reached_end:
            assert words == [s for s in found.words_at if not s.silence][: len(words)]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("beam", [4.0, 12.0])
def test_any_chunks(seed, beam):
    case, graph = long_graph(seed)
    decoder = Decoder(graph, beam=beam, allow_partial=True)
    wanted = decoder.decode(case.scores)
    for size in (1, 13, 299, 300):
        words, found = streamed(decoder, case.scores, iter([size] * 300))
        same(found, wanted)
        assert words == [s for s in wanted.words_at if not s.silence][: len(words)]
    words, found = streamed(decoder, case.scores, iter(np.random.default_rng(seed).integers(0, 9, 3000)))
    same(found, wanted)
    assert len(words) > len(wanted.words) / 2


def test_words_come_while_audio_goes_in():
    case, graph = long_graph(2)
    stream = Decoder(graph, beam=6.0).stream()
    heard = [len(stream.accept(case.scores[t : t + 1])) for t in range(300)]
    assert sum(heard[:150]) > 5
    assert stream.frames == 300


def test_partial_is_the_best_beginning():
    case, graph = long_graph(3)
    stream = Decoder(graph).stream()
    assert stream.partial().words == ()
    for t in range(0, 120, 40):
        words = stream.accept(case.scores[t : t + 40])
        partial = stream.partial()
        assert len(partial.states) == t + 40 and not partial.reached_end
        assert set(words) <= set(partial.words_at)
    wanted = Decoder(graph, allow_partial=True).decode(case.scores[:120])
    assert wanted.reached_end or partial.score == wanted.score


def test_nothing_accepted():
    stream = Decoder(straight([0, 1])).stream()
    assert stream.accept(np.zeros((0, 2))) == []
    assert stream.finish().score == -np.inf


def test_a_frame_that_is_impossible():
    scores = np.zeros((6, 3))
    scores[4] = -np.inf
    decoder = Decoder(straight([0, 1, 2]), allow_partial=True)
    stream = decoder.stream()
    for frame in scores:
        stream.accept(frame[None])
    assert stream.frames == 4
    same(stream.finish(), decoder.decode(scores))


def test_after_the_end():
    stream = Decoder(straight([0])).stream()
    stream.finish()
    with pytest.raises(ValueError, match="the stream is finished"):
        stream.accept(np.zeros((1, 1)))
