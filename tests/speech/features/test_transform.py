"""The pipeline gives each utterance what the parts give it alone, and names those that it cannot use."""

import json
import re

import numpy as np
import pytest
import torch

from hybridseq.datasets import make_spoken_digits
from hybridseq.speech.audio import Utterance
from hybridseq.speech.features import (
    MFCC,
    Fbank,
    FeatureError,
    FeaturePipeline,
    OnlineCMVN,
    SpeakerCMVN,
    deltas,
    utterance_cmvn,
)

RATE = 8000
TOLERANCE = {"rtol": 1e-4, "atol": 1e-3}


@pytest.fixture(scope="module")
def utterances():
    recordings, words, speakers = make_spoken_digits(24, speakers=["ann", "bob"], random_state=1)
    return [
        Utterance(f"u{i}", speaker=s, samples=x, rate=RATE, words=w)
        for i, (x, w, s) in enumerate(zip(recordings, words, speakers, strict=True))
    ]


def alone(utterance, front=None, order=2, warp=1.0):
    return deltas((front or MFCC(RATE))(torch.tensor(utterance.samples), warp=warp), order)


def assert_same(got, expected):
    assert len(got) == len(expected)
    for a, b in zip(got, expected, strict=True):
        assert a.dtype == torch.float32
        torch.testing.assert_close(a, b, **TOLERANCE)


def test_each_utterance_is_treated_as_alone(utterances):
    got, problems = FeaturePipeline(rate=RATE).extract(utterances)
    assert not problems
    assert_same(got, [utterance_cmvn(alone(u)) for u in utterances])
    front = Fbank(RATE, 24, snip_edges=False)
    pipeline = FeaturePipeline("fbank", RATE, num_mels=24, deltas=1, cmvn="none", snip_edges=False)
    got, _ = pipeline.extract(utterances)
    assert_same(got, [alone(u, front, 1) for u in utterances])
    assert pipeline.width == got[0].shape[1] == 48


def test_order_and_company_do_not_matter(utterances):
    pipeline = FeaturePipeline(rate=RATE)
    forward, backward = pipeline.extract(utterances)[0], pipeline.extract(utterances[::-1])[0]
    assert_same(backward[::-1], forward)
    assert_same(pipeline.extract(utterances[3:4])[0], forward[3:4])


def test_long_recordings_among_short_ones(utterances, monkeypatch):
    expected, _ = FeaturePipeline(rate=RATE, cmvn="none").extract(utterances)
    # A second of audio is held at a time, and half of one padded together.
    monkeypatch.setattr("hybridseq.speech.features.transform._HELD", 1.0)
    monkeypatch.setattr("hybridseq.speech.features.transform._TOGETHER", 0.5)
    assert_same(FeaturePipeline(rate=RATE, cmvn="none").extract(utterances)[0], expected)


def test_a_warp_for_each(utterances):
    warps = [0.9 + 0.01 * i for i in range(len(utterances))]
    got, _ = FeaturePipeline(rate=RATE, cmvn="none").extract(utterances, warps)
    assert_same(got, [alone(u, warp=w) for u, w in zip(utterances, warps, strict=True)])
    with pytest.raises(ValueError, match="each of the 24 utterances; got 2"):
        FeaturePipeline(rate=RATE).extract(utterances, [1.0, 1.0])


def test_speakers_are_normalised_over_what_is_given(utterances):
    got, _ = FeaturePipeline(rate=RATE, cmvn="speaker").extract(utterances)
    for speaker in ("ann", "bob"):
        everything = torch.cat([x for x, u in zip(got, utterances, strict=True) if u.speaker == speaker])
        assert everything.mean(0).abs().max() < 1e-4 and (everything.std(0) - 1).abs().max() < 1e-3


def test_statistics_can_be_handed_in(utterances):
    pipeline = FeaturePipeline(rate=RATE, cmvn="speaker")
    statistics = SpeakerCMVN.from_dict(json.loads(json.dumps(pipeline.statistics(utterances).to_dict())))
    whole, _ = pipeline.extract(utterances)
    assert_same(pipeline.extract(utterances[:2], statistics=statistics)[0], whole[:2])


def test_a_pipeline_survives_json(utterances):
    pipeline = FeaturePipeline(rate=RATE, cmvn="online", num_ceps=9).with_prior(utterances)
    again = FeaturePipeline.from_dict(json.loads(json.dumps(pipeline.to_dict())))
    assert again == pipeline
    for a, b in zip(again.extract(utterances)[0], pipeline.extract(utterances)[0], strict=True):
        assert torch.equal(a, b)
    with pytest.raises(ValueError, match="unknown settings of a FeaturePipeline: colour"):
        FeaturePipeline.from_dict({**pipeline.to_dict(), "colour": "red"})


@pytest.mark.parametrize("cmvn", ["none", "online", "speaker"])
@pytest.mark.parametrize("kind, order", [("mfcc", 2), ("fbank", 0)])
def test_a_stream_equals_the_whole(utterances, cmvn, kind, order):
    pipeline = FeaturePipeline(kind, RATE, cmvn=cmvn, deltas=order, cmvn_window=30)
    if cmvn == "online":
        pipeline = pipeline.with_prior(utterances[5:])
    statistics = pipeline.statistics(utterances) if cmvn == "speaker" else None
    whole, _ = pipeline.extract(utterances[:3], statistics=statistics)
    for utterance, expected in zip(utterances, whole, strict=False):
        stream = pipeline.stream(speaker=utterance.speaker, statistics=statistics)
        pieces = [stream.accept(piece) for piece in torch.tensor(utterance.samples).split(123)]
        assert_same([torch.cat([*pieces, stream.finish()])], [expected])


def test_a_stream_that_ends_before_the_first_frame():
    stream = FeaturePipeline(rate=RATE, cmvn="none").stream()
    assert len(stream.accept(torch.zeros(100))) == 0 and len(stream.finish()) == 0


def test_what_cannot_be_streamed():
    with pytest.raises(ValueError, match=r'cmvn="utterance" needs the whole utterance; to stream, use cmvn="online"'):
        FeaturePipeline().stream()
    with pytest.raises(ValueError, match="given features cannot be streamed"):
        FeaturePipeline("given").stream()


def test_bad_utterances_are_named_and_the_others_used(utterances, tmp_path):
    good = utterances[0]
    bad = [
        (Utterance("gone", path=tmp_path / "gone.wav"), "no such file"),
        (Utterance("other", samples=good.samples, rate=16000), r"16000 samples a second; expected 8000.*resample"),
        (Utterance("short", samples=good.samples[:150], rate=RATE), r"18.8 ms do not fill one frame of 25 ms"),
        (Utterance("bare"), "has no audio"),
        (Utterance("nan", samples=good.samples * np.nan, rate=RATE), "not finite"),
    ]
    mixed = [bad[0][0], good, *(u for u, _ in bad[1:])]
    got, problems = FeaturePipeline(rate=RATE).extract(mixed)
    assert [x is not None for x in got] == [False, True, False, False, False, False]
    assert [p.id for p in problems] == [u.id for u, _ in bad]
    for problem, (_, message) in zip(problems, bad, strict=True):
        assert re.search(message, problem.message)
    with pytest.raises(FeatureError, match=r"utterance gone: .*\(4 more utterances have problems\)") as caught:
        FeaturePipeline(rate=RATE).extract(mixed, strict=True)
    assert caught.value.problems == problems


def test_silence_is_no_problem():
    silence = Utterance("s", samples=np.zeros(4000, np.float32), rate=RATE)
    for cmvn in ("none", "utterance", "speaker", "online"):
        (features,), problems = FeaturePipeline(rate=RATE, cmvn=cmvn).extract([silence])
        assert torch.isfinite(features).all() and not problems


def test_given_features():
    random = np.random.default_rng(0)
    arrays = [random.normal(size=shape).astype(np.float32) for shape in ((7, 3), (5, 3), (4, 2), (0, 3), (3, 3))]
    arrays[4][1, 1] = np.nan
    given = [Utterance(str(i), features=x) for i, x in enumerate(arrays)] + [Utterance("5")]
    pipeline = FeaturePipeline("given", deltas=1, cmvn="none", given_width=3)
    got, problems = pipeline.extract(given)
    assert_same(got[:2], [deltas(torch.tensor(x), 1) for x in arrays[:2]])
    assert [(p.id, p.message.split(".")[0]) for p in problems] == [
        ("2", "has features of 2 columns; expected 3"),
        ("3", "has no frames"),
        ("4", "has features that are not finite"),
        ("5", "has no features"),
    ]
    assert pipeline.width == 6
    with pytest.raises(ValueError, match="set given_width"):
        FeaturePipeline("given").width  # noqa: B018


def test_online_is_the_part_alone(utterances):
    pipeline = FeaturePipeline(rate=RATE, cmvn="online", cmvn_window=20)
    assert_same(pipeline.extract(utterances[:3])[0], [OnlineCMVN(20)(alone(u)) for u in utterances[:3]])


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"kind": "plp"}, "kind must be one of mfcc, fbank, given; got 'plp'"),
        ({"cmvn": "global"}, "cmvn must be one of"),
        ({"deltas": -1}, "deltas must be at least 0"),
        ({"num_ceps": 40}, "num_ceps must be 1 to num_mels = 23"),
    ],
)
def test_settings_that_do_not_fit(arguments, message):
    with pytest.raises(ValueError, match=message):
        FeaturePipeline(**arguments)
