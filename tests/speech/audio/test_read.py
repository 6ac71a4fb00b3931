"""Audio files: the segment asked for, and errors that name the file and the remedy."""

import pickle

import numpy as np
import pytest
import soundfile

from hybridseq.speech.audio import AudioError, Utterance, diagnose, read_audio, resample


def noise(n, seed=0):
    return np.random.default_rng(seed).uniform(-0.5, 0.5, n).astype(np.float32)


@pytest.fixture
def path(tmp_path):
    soundfile.write(tmp_path / "a.wav", noise(8000), 8000, subtype="FLOAT")
    return tmp_path / "a.wav"


@pytest.mark.parametrize("start, end", [(0.0, None), (0.25, None), (0.0, 0.5), (0.125, 0.5), (0.9, 1.001)])
def test_a_segment_is_the_slice_of_the_whole(path, start, end):
    samples, rate = read_audio(path, start=start, end=end)
    whole = noise(8000)
    np.testing.assert_array_equal(samples, whole[int(8000 * start) : None if end is None else int(8000 * end)])
    assert rate == 8000 and samples.dtype == np.float32
    for utterance in (
        Utterance("u", path=path, start=start, end=end),
        Utterance("u", samples=whole, rate=8000, start=start, end=end),
    ):
        np.testing.assert_array_equal(utterance.load()[0], samples)


@pytest.mark.parametrize("channel, expected", [(0, 0.0), (1, 0.5), ("mean", 0.25)])
def test_a_channel_must_be_chosen_of_several(tmp_path, channel, expected):
    soundfile.write(tmp_path / "s.wav", np.tile([0.0, 0.5], (100, 1)), 8000)
    with pytest.raises(AudioError, match=r's.wav: got 2 channels; expected 1. .*channel=0 to 1.*channel="mean"'):
        read_audio(tmp_path / "s.wav")
    with pytest.raises(AudioError, match='0 to 1, "mean" or None; got 2'):
        read_audio(tmp_path / "s.wav", channel=2)
    np.testing.assert_array_equal(
        read_audio(tmp_path / "s.wav", channel=channel)[0], np.full(100, expected, np.float32)
    )


def test_nothing_is_resampled_silently(path):
    with pytest.raises(AudioError, match=r"8000 samples a second; expected 16000.*resample\(samples, 8000, 16000\)"):
        read_audio(path, rate=16000)


@pytest.mark.parametrize("start, end", [(-0.1, 0.5), (0.5, 0.5), (0.6, 0.5), (0.0, 1.1), (2.0, None), (0.5, 0.50001)])
def test_segments_out_of_range(path, start, end):
    with pytest.raises(AudioError, match=r"segment"):
        read_audio(path, start=start, end=end)


def test_a_file_cut_short(path):
    path.write_bytes(path.read_bytes()[:20000])
    try:
        samples, _ = read_audio(path)
    except AudioError as error:
        assert "a.wav" in str(error)
    else:
        np.testing.assert_array_equal(samples, noise(8000)[: len(samples)])


def test_errors_keep_their_kind_when_pickled(tmp_path):
    with pytest.raises(AudioError) as caught:
        read_audio(tmp_path / "b.wav")
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.kind == "missing" and str(again) == str(caught.value)


@pytest.mark.parametrize("rate, new", [(8000, 16000), (16000, 8000), (8000, 11025), (8000, 8000)])
def test_resampling_keeps_a_tone(rate, new):
    def tone(rate):
        return np.sin(2 * np.pi * 440 * np.arange(rate) / rate).astype(np.float32)

    result = resample(tone(rate), rate, new)
    assert len(result) == new and result.dtype == np.float32
    np.testing.assert_allclose(result[200:-200], tone(new)[200:-200], atol=5e-3)


def test_diagnoses():
    good = noise(8000)
    assert diagnose(good, 8000) == []
    kinds = {
        "silence": np.full(8000, 0.25),
        "clipping": np.clip(4 * good, -1, 1),
        "too_short": good[:199],
        "too_long": np.tile(good, 601),
    }
    for kind, samples in kinds.items():
        assert [found for found, _ in diagnose(samples, 8000)] == [kind]
    clipped = np.where(np.arange(8000) % 4, good, 1)
    assert diagnose(clipped, 8000) == [("clipping", "25.00% of the samples are at full scale: the recording clips")]


def test_an_utterance_without_audio_says_so():
    with pytest.raises(AudioError, match="utterance u: has no audio, only features"):
        Utterance("u", features=np.ones((3, 2))).load()


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"id": ""}, "without white space"),
        ({"id": "a b"}, "without white space"),
        ({"id": "a", "samples": np.zeros(3)}, "need their rate"),
        ({"id": "a", "samples": np.zeros(3, np.int16), "rate": 8000}, "divide by 32768"),
        ({"id": "a", "samples": np.zeros((3, 2)), "rate": 8000}, r"\(N,\); got float64 of shape \(3, 2\)"),
        ({"id": "a", "features": np.zeros(3)}, r"\(T, D\)"),
    ],
)
def test_bad_utterances(arguments, message):
    with pytest.raises(ValueError, match=message):
        Utterance(**arguments)


def test_words_may_be_one_string():
    assert Utterance("a", words="one two").words == Utterance("a", words=["one", "two"]).words == ("one", "two")
    assert Utterance("a", words="one").with_words(None).words is None


def test_the_description_is_short():
    utterance = Utterance("a", speaker="s", samples=noise(8000), rate=8000, words="w " * 99, start=0.5)
    assert len(repr(utterance)) < 150
