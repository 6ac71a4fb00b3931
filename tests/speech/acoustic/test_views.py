"""Views of the training set: one voice a speaker and view, frames that know where they come from."""

import numpy as np
import pytest
import torch

from hybridseq.datasets import make_spoken_digits
from hybridseq.speech import Augmentation, FeaturePipeline, Utterance, make_views
from hybridseq.speech.acoustic.views import View, labels_of

PLAIN = {"warp": 0.0, "speed": 0.0, "noisy": 0.0}


@pytest.fixture(scope="module")
def utterances():
    X, y, speakers = make_spoken_digits(9, speakers=3, random_state=0)
    return [Utterance(f"u{i}", s, x, 8000, words=w) for i, (x, w, s) in enumerate(zip(X, y, speakers))]


@pytest.fixture(scope="module")
def pipeline():
    return FeaturePipeline(rate=8000, cmvn="speaker")


class Heard:
    """In a pipeline's place: keeps the audio and the warps of every view."""

    kind = "mfcc"

    def __init__(self):
        self.audio, self.warps = [], []

    def extract(self, utterances, warps=1.0):
        self.audio.append([u.load()[0] for u in utterances])
        self.warps.append(warps)
        return [torch.zeros(1, 1)] * len(utterances), []


def heard(utterances, seed=0, **settings):
    pipeline = Heard()
    views, _ = make_views(utterances, pipeline, Augmentation(**settings), np.random.default_rng(seed))
    return pipeline, views


def same(a, b):
    return all(torch.equal(x, y) for v, w in zip(a, b, strict=True) for x, y in zip(v.features, w.features))


def test_the_first_view_is_the_audio_as_it_is(utterances, pipeline):
    before = [u.samples.copy() for u in utterances]
    views, problems = make_views(utterances, pipeline, Augmentation(views=2), np.random.default_rng(0))
    assert len(views) == 3 and not problems
    assert all(torch.equal(a, b) for a, b in zip(views[0].features, pipeline.extract(utterances)[0]))
    assert all(np.array_equal(a, u.samples) for a, u in zip(before, utterances))
    assert not same(views[1:2], views[2:])


def test_the_same_seed_gives_the_same_views(utterances, pipeline):
    one, again, other = (
        make_views(utterances, pipeline, Augmentation(views=1), np.random.default_rng(seed))[0] for seed in (0, 0, 1)
    )
    assert same(one, again) and not same(one, other)


def test_without_variation_all_views_are_the_first(utterances, pipeline):
    views, _ = make_views(utterances, pipeline, Augmentation(views=2, **PLAIN), np.random.default_rng(0))
    assert same(views[:1], views[1:2]) and same(views[:1], views[2:])


def test_a_speaker_has_one_voice_a_view_within_the_bounds(utterances):
    pipeline, views = heard(utterances, views=20, warp=0.2, speed=0.1)
    drawn = set()
    for view, warps in zip(views[1:], pipeline.warps[1:]):
        voices = {}
        for u, speed, warp in zip(utterances, view.speeds, warps):
            assert voices.setdefault(u.speaker, (speed, warp)) == (speed, warp)
        assert len(set(voices.values())) == 3
        drawn |= set(voices.values())
    speeds, warps = np.log(np.array(sorted(drawn))).T
    assert len(drawn) == 60 and 0.07 < np.abs(speeds).max() <= 0.1 and 0.15 < np.abs(warps).max() <= 0.2


def test_a_faster_voice_is_shorter_by_its_speed(utterances):
    pipeline, views = heard(utterances, views=4, speed=0.3, noisy=0.0)
    for view, audio in zip(views[1:], pipeline.audio[1:]):
        for speed, samples, u in zip(view.speeds, audio, utterances):
            assert len(samples) == pytest.approx(len(u.samples) / speed, rel=0.01)


def test_noise_lies_as_far_below_as_it_was_drawn():
    """The samples of a speaker in noise are the plain ones and something 20 dB below, give or take 1."""
    rng = np.random.default_rng(0)
    spoken = [Utterance(f"u{i}", f"s{i}", rng.normal(0, 0.1, 8000).astype(np.float32), 8000) for i in range(40)]
    pipeline, _ = heard(spoken, views=1, warp=0.0, speed=0.0, noisy=1.0, snr_db=(20.0, 20.0))
    ratios = [
        10 * np.log10(np.mean(u.samples**2) / np.mean((x - u.samples) ** 2)) for u, x in zip(spoken, pipeline.audio[1])
    ]
    assert abs(np.mean(ratios) - 20) < 4.5 / np.sqrt(40) and 0.5 < np.std(ratios) < 1.6


def test_silence_stays_silent():
    silent = Utterance("u", "s", np.zeros(800, np.float32), 8000)
    pipeline, _ = heard([silent], views=1, noisy=1.0)
    assert not pipeline.audio[1][0].any()


def test_a_share_of_the_speakers_gets_noise():
    rng = np.random.default_rng(0)
    spoken = [Utterance(f"u{i}", f"s{i}", rng.normal(0, 0.1, 80).astype(np.float32), 8000) for i in range(400)]
    pipeline, _ = heard(spoken, views=1, warp=0.0, speed=0.0, noisy=0.25)
    share = np.mean([not np.array_equal(x, u.samples) for u, x in zip(spoken, pipeline.audio[1])])
    assert abs(share - 0.25) < 4.5 * np.sqrt(0.25 * 0.75 / 400)


@pytest.mark.parametrize(
    ("speed", "frames", "length", "wanted"),
    [
        (1.0, 3, 3, [0, 1, 2]),
        (2.0, 3, 6, [1, 3, 5]),
        (0.5, 4, 2, [0, 0, 1, 1]),
        (2.0, 3, 5, [1, 3, 4]),
        (1.5, 1, 1, [0]),
    ],
)
def test_frames_take_the_label_of_where_they_come_from(speed, frames, length, wanted):
    view = View([torch.zeros(frames, 2)], [speed])
    assert view.frames_of(0, length).tolist() == wanted
    labels = np.arange(length) * 10
    assert labels_of(view, 0, labels).tolist() == [10 * i for i in wanted]


def test_the_loudest_frame_is_found_again(utterances):
    """A click moves with the tempo, and its frame keeps its label."""
    samples = np.zeros(8000, np.float32)
    samples[3000:3040] = 0.5
    loud = Utterance("u", "s", samples, 8000)
    energy = FeaturePipeline(kind="fbank", rate=8000, cmvn="none", deltas=0)
    views, _ = make_views(
        [loud], energy, Augmentation(views=6, warp=0.0, speed=0.3, noisy=0.0), np.random.default_rng(0)
    )
    place = int(views[0].features[0].sum(1).argmax())
    for view in views[1:]:
        labels = labels_of(view, 0, np.arange(len(views[0].features[0])))
        assert abs(int(labels[view.features[0].sum(1).argmax()]) - place) <= 2


def test_what_cannot_be_read_is_none_in_every_view_and_told_once(utterances, pipeline, tmp_path):
    bad = Utterance("bad", "s", path=str(tmp_path / "none.wav"))
    views, problems = make_views([utterances[0], bad], pipeline, Augmentation(views=2), np.random.default_rng(0))
    assert [p.id for p in problems] == ["bad"]
    assert all(v.features[0] is not None and v.features[1] is None for v in views)


def test_given_features_have_one_view_and_progress_counts_every_one(utterances, pipeline):
    told = []
    make_views(utterances, pipeline, Augmentation(views=2), np.random.default_rng(0), lambda *done: told.append(done))
    assert told == [(1, 3), (2, 3), (3, 3)]
    given = FeaturePipeline(kind="given", given_width=2, deltas=0, cmvn="none")
    spoken = [Utterance("u", features=np.ones((4, 2), np.float32))]
    assert len(make_views(spoken, given, Augmentation(views=5), np.random.default_rng(0))[0]) == 1


@pytest.mark.parametrize(
    ("settings", "shown"),
    [({"views": -1}, "views must be at least 0"), ({"speed": np.nan}, "speed"), ({"snr_db": (9.0, 3.0)}, "a range")],
)
def test_settings_that_are_not_usable(settings, shown):
    with pytest.raises(ValueError, match=shown):
        Augmentation(**settings)
