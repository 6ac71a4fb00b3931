"""Joined strings: the recordings lie where the boundaries say, with the noise that was asked for."""

import numpy as np
import pytest

from hybridseq.datasets import make_connected_digits

RATE = 8000


@pytest.fixture(scope="module")
def material():
    """Recordings that can be told apart: 30 of them, of three speakers."""
    random = np.random.default_rng(0)
    recordings = [random.uniform(-0.3, 0.3, random.integers(800, 3000)).astype(np.float32) for _ in range(30)]
    return recordings, [f"w{i}" for i in range(30)], [f"s{i % 3}" for i in range(30)]


def make(material, **options):
    return make_connected_digits(*material, **{"n": 40, "rate": RATE, **options})


def test_recordings_lie_at_their_boundaries(material):
    recordings, words, _ = material
    for string in make(material, snr_db=None):
        covered = np.zeros(len(string.samples), bool)
        for word, (start, end) in zip(string.words, string.boundaries, strict=True):
            first, last = round(start * RATE), round(end * RATE)
            np.testing.assert_array_equal(string.samples[first:last], recordings[words.index(word)])
            covered[first:last] = True
        assert not string.samples[~covered].any()


def test_a_string_has_one_speaker(material):
    _, words, speakers = material
    strings = make(material)
    for string in strings:
        assert {speakers[words.index(word)] for word in string.words} == {string.speaker}
    assert {string.speaker for string in strings} == {"s0", "s1", "s2"}
    everyone = make_connected_digits(*material[:2], n=20, rate=RATE)
    assert {string.speaker for string in everyone} == {""}
    assert any(len({speakers[words.index(word)] for word in string.words}) > 1 for string in everyone)


def test_counts_and_gaps_stay_within_their_ranges(material):
    strings = make(material, n=200, count=(2, 5), gap=(0.1, 0.2))
    assert {len(string.words) for string in strings} == {2, 3, 4, 5}
    gaps = []
    for string in strings:
        edges = [0.0, *np.ravel(string.boundaries), len(string.samples) / RATE]
        gaps += [b - a for a, b in zip(edges[::2], edges[1::2], strict=True)]
    assert 0.0999 < min(gaps) < 0.11 and 0.19 < max(gaps) < 0.2001


@pytest.mark.parametrize("snr", [0.0, 10.0, 30.0])
def test_noise_lies_so_far_below_the_whole_string(material, snr):
    for noisy, clean in zip(make(material, n=5, snr_db=snr), make(material, n=5, snr_db=None), strict=True):
        assert noisy.words == clean.words and noisy.boundaries == clean.boundaries
        x = clean.samples.astype(float)
        # A string may have been scaled down as a whole.
        scale = (noisy.samples @ x) / (x @ x)
        noise = noisy.samples / scale - x
        assert 10 * np.log10(np.mean(x**2) / np.mean(noise**2)) == pytest.approx(snr, abs=0.4)


def test_strings_stay_within_full_scale_and_keep_their_proportions():
    loud = [np.full(500, 0.99, np.float32), np.full(500, 0.33, np.float32)]
    for string in make_connected_digits(loud, ["a", "b"], n=20, rate=RATE, snr_db=3, random_state=1):
        assert np.abs(string.samples).max() <= 1
        means = {
            word: string.samples[round(a * RATE) : round(b * RATE)].mean()
            for word, (a, b) in zip(string.words, string.boundaries, strict=True)
        }
        if len(means) == 2:
            assert means["a"] / means["b"] == pytest.approx(3, rel=0.35)


def test_the_seed_decides_and_inputs_stay(material):
    before = [x.copy() for x in material[0]]
    one, same, other = (make(material, n=3, random_state=seed) for seed in (1, 1, 2))
    for a, b in zip(one, same, strict=True):
        assert a.words == b.words and a.boundaries == b.boundaries and np.array_equal(a.samples, b.samples)
    assert [a.words for a in one] != [a.words for a in other]
    assert all(np.array_equal(a, b) for a, b in zip(before, material[0], strict=True))


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"recordings": []}, "at least one; got none"),
        ({"words": ["a", "b"]}, "words must be one for each of the 1 recordings; got 2"),
        ({"speakers": "s"}, "speakers must be one for each"),
        ({"recordings": [np.zeros(0)]}, r"recordings\[0\] must be floats .* not empty"),
        ({"recordings": [np.zeros(9, int)]}, "got int64"),
        ({"count": (0, 3)}, "count must be"),
        ({"count": (4, 3)}, "count must be"),
        ({"gap": (-0.1, 0.3)}, "gap must be"),
    ],
)
def test_settings_that_do_not_fit(arguments, message):
    given = {"recordings": [np.zeros(9)], "words": ["a"], "n": 1, "rate": RATE}
    with pytest.raises(ValueError, match=message):
        make_connected_digits(**{**given, **arguments})
