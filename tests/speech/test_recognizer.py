"""A recogniser's times in seconds, and a stream that scores as the whole does."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from hybridseq.speech import FeaturePipeline, FrameSpan, HybridModel, NGramModel, Recognizer, Units, left_to_right
from hybridseq.speech.acoustic.networks import make_network
from hybridseq.speech.recognizer import RecognizerStream

RATE = 8000
UNITS = Units(["a", "b"], left_to_right(3), "SIL", left_to_right(1))


def recognizer(network=None, **settings):
    pipeline = FeaturePipeline(rate=RATE, **{"cmvn": "none", **settings})
    acoustic = None if network is None else HybridModel(network).eval()
    return Recognizer(pipeline, UNITS, None, NGramModel.word_loop(["a", "b"]), acoustic)


@pytest.mark.parametrize("snip_edges", [True, False])
@pytest.mark.parametrize(("length", "shift"), [(25.0, 10.0), (20.0, 20.0), (32.0, 8.0)])
def test_a_frame_lasts_while_its_centre_is_the_nearest(snip_edges, length, shift):
    one = recognizer(snip_edges=snip_edges, frame_length=length, frame_shift=shift)
    for k in range(5):
        centre = k * shift + (length / 2 if snip_edges else shift / 2)
        assert (one.begin_of(k) + one.begin_of(k + 1)) / 2 == pytest.approx(centre / 1000)


@pytest.mark.parametrize("samples", [200, 201, 279, 280, 8000])
def test_frames_cover_the_recording(samples):
    one = recognizer()
    features, _ = one.pipeline.extract([_utterance(np.ones(samples, np.float32))])
    found = one.in_time("u", _path(("a", 0, len(features[0]))), len(features[0]))
    assert samples / RATE - 0.01 < found.duration <= samples / RATE
    assert (found.words[0].start, found.words[0].end) == (0.0, found.duration)


def test_words_meet_where_they_did_and_silence_is_left_out():
    one = recognizer()
    found = one.in_time("u", _path(("SIL", 0, 4), ("a", 4, 9), ("b", 9, 12), ("SIL", 12, 15)), 15)
    assert [(w.label, w.start, w.end) for w in found.words] == [
        ("a", one.begin_of(4), one.begin_of(9)),
        ("b", one.begin_of(9), one.begin_of(12)),
    ]
    assert found.phones is None and found.id == "u"


def test_given_features_have_no_windows():
    assert [recognizer(kind="given", given_width=2).begin_of(k) for k in (0, 3)] == [0.0, 0.03]


def _utterance(samples):
    from hybridseq.speech import Utterance

    return Utterance("u", samples=samples, rate=RATE)


def _path(*parts):
    spans = tuple(FrameSpan(name, start, end, silence=name == "SIL") for name, start, end in parts)
    return SimpleNamespace(words_at=spans, phones_at=())


class Scored:
    """In the place of a search: keeps the scores it gets."""

    def __init__(self):
        self.rows = []

    def accept(self, scores):
        self.rows.append(scores)
        return []

    def finish(self):
        return np.concatenate(self.rows)


@pytest.mark.parametrize("name", ["tdnn", "cnn", "dnn"])
@pytest.mark.parametrize("chunk", [80, 777, 4000])
def test_a_stream_scores_as_the_whole_and_waits_no_longer_than_it_must(name, chunk):
    torch.manual_seed(0)
    network = make_network(name, 39, UNITS.num_labels, hidden_size=8, num_layers=4, dropout=0.0, maps=3)
    one = recognizer(network, num_mels=13, num_ceps=13)
    samples = np.random.default_rng(0).normal(0, 0.1, 4000).astype(np.float32)
    features, _ = one.pipeline.extract([_utterance(samples)])
    (wanted,) = one.scores(features)
    stream = one.stream()
    assert stream.context == one.frames_beside
    stream._search, live = Scored(), one.pipeline.stream()
    seen = 0
    for begin in range(0, len(samples), chunk):
        part = samples[begin : begin + chunk]
        stream.accept(part)
        seen += len(live.accept(torch.from_numpy(part)))
        assert sum(map(len, stream._search.rows)) == max(0, seen - stream.context)
    np.testing.assert_allclose(stream.finish(), wanted, atol=1e-4)


def test_with_less_context_scores_differ():
    torch.manual_seed(0)
    one = recognizer(make_network("tdnn", 39, UNITS.num_labels, hidden_size=8, num_layers=4, dropout=0.0))
    samples = np.random.default_rng(0).normal(0, 0.1, 4000).astype(np.float32)
    (wanted,) = one.scores(one.pipeline.extract([_utterance(samples)])[0])
    stream = one.stream(context=one.frames_beside - 1)
    stream._search = Scored()
    for part in np.array_split(samples, 10):
        stream.accept(part)
    assert np.abs(stream.finish() - wanted).max() > 1e-3


def test_how_far_an_unknown_network_looks():
    one = recognizer(make_network("bilstm", 39, UNITS.num_labels, hidden_size=8))
    assert one.frames_beside is None and one.stream().context == 40 and one.stream(context=0).context == 0
    for wrong in (-1, 2.5, True):
        with pytest.raises(ValueError, match="context must be a whole number"):
            RecognizerStream(one, one.pipeline.stream(), wrong)
