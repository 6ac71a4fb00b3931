"""Synthesised digits: seeded, aligned, with voices that keep to their names."""

import time

import numpy as np
import pytest

from hybridseq.datasets import DIGIT_PHONES, make_aligned_digits, make_spoken_digits


@pytest.fixture(scope="module")
def digits():
    return make_aligned_digits(120, rate=16000, speakers=["ann", "bob", "eve"], noise_db=40, random_state=0)


def test_shapes_and_counts():
    recordings, words, speakers = make_spoken_digits(60, speakers=3, random_state=0)
    assert all(x.dtype == np.float32 and x.ndim == 1 and np.abs(x).max() < 1 for x in recordings)
    assert {word: words.count(word) for word in DIGIT_PHONES} == dict.fromkeys(DIGIT_PHONES, 6)
    pairs = set(zip(words, speakers, strict=True))
    assert len(pairs) == 30 and {s for _, s in pairs} == {"voice0", "voice1", "voice2"}
    assert 0.3 < np.mean([len(x) / 8000 for x in recordings]) < 0.9


def test_the_seed_decides():
    one, same, other = (make_spoken_digits(5, random_state=seed) for seed in (1, 1, 2))
    assert one[1:] == same[1:] and all(np.array_equal(a, b) for a, b in zip(one[0], same[0], strict=True))
    assert not any(len(a) == len(b) and np.array_equal(a, b) for a, b in zip(one[0], other[0], strict=True))


def test_phones_tile_the_recording_and_spell_the_word(digits):
    for digit in digits:
        names, starts, ends = zip(*digit.phones, strict=True)
        assert names == ("SIL", *DIGIT_PHONES[digit.word], "SIL")
        assert starts[0] == 0 and starts[1:] == ends[:-1]
        assert ends[-1] == pytest.approx(len(digit.samples) / digit.rate)
        assert all(b > a for a, b in zip(starts, ends, strict=True))


def stretches(digits, phone):
    """The middle halves of a phone, as samples."""
    for digit in digits:
        for name, start, end in digit.phones:
            if name == phone:
                first, last = (start + share * (end - start) for share in (0.25, 0.75))
                yield digit.samples[round(first * digit.rate) : round(last * digit.rate)]


def level(digits, phone):
    return np.median([10 * np.log10(np.mean(x**2)) for x in stretches(digits, phone)])


def share_above(digits, phone, hertz, rate=16000):
    """Share of a phone's power above a frequency."""
    shares = []
    for x in stretches(digits, phone):
        power = np.abs(np.fft.rfft(x * np.hanning(len(x)))) ** 2
        shares.append(power[int(len(x) * hertz / rate) :].sum() / power.sum())
    return np.median(shares)


def test_sounds_stand_where_the_boundaries_say(digits):
    silence = level(digits, "SIL")
    for phone in ("IY", "AY", "OW", "AO", "EH"):
        assert level(digits, phone) > silence + 25
        assert share_above(digits, phone, 3500) < 0.05
    for phone in ("S", "F", "TH", "N", "Z"):
        assert level(digits, phone) > silence + 3
    assert share_above(digits, "S", 3000) > 0.7
    assert share_above(digits, "N", 1000) < 0.2


def peak(digits, phone, low, high, rate=16000):
    """The frequency of the most power within a range, in Hz, smoothed over harmonics."""
    peaks = []
    for x in stretches(digits, phone):
        power = np.abs(np.fft.rfft(x * np.hanning(len(x)), 4096)) ** 2
        smooth = np.convolve(power, np.hanning(2 * int(4096 * 220 / rate)), "same")
        first = int(4096 * low / rate)
        peaks.append((first + smooth[first : int(4096 * high / rate)].argmax()) * rate / 4096)
    return np.median(peaks)


def test_vowels_have_their_formants(digits):
    assert peak(digits, "IY", 1200, 3200) > 1900 > peak(digits, "AO", 700, 2200)
    assert peak(digits, "IY", 100, 900) < peak(digits, "AH", 100, 900)


def pitch(recording, rate):
    """The median pitch in Hz, by autocorrelation of the loudest 50 ms."""
    size = int(0.05 * rate)
    energy = np.convolve(recording**2, np.ones(size), "valid")
    piece = recording[energy.argmax() :][:size]
    correlation = np.correlate(piece, piece, "full")[size - 1 :]
    shortest, longest = rate // 300, rate // 70
    return rate / (shortest + correlation[shortest:longest].argmax())


def test_a_name_keeps_its_voice():
    names = [f"person{i}" for i in range(12)]

    def pitches(seed):
        recordings, _, speakers = make_spoken_digits(240, speakers=names, random_state=seed)
        found = {name: [] for name in names}
        for x, name in zip(recordings, speakers, strict=True):
            found[name].append(pitch(x, 8000))
        return np.array([np.median(found[name]) for name in names])

    one, other = pitches(0), pitches(1)
    assert np.corrcoef(one, other)[0, 1] > 0.9
    assert one.max() / one.min() > 1.3


def test_noise_lies_so_far_below():
    pairs = zip(*(make_spoken_digits(4, noise_db=db, random_state=3)[0] for db in (None, 15.0)), strict=True)
    for clean, noisy in pairs:
        clean = clean.astype(float)
        # A recording may have been scaled down as a whole.
        noise = noisy * (clean @ clean) / (noisy @ clean) - clean
        assert 10 * np.log10(np.mean(clean**2) / np.mean(noise**2)) == pytest.approx(15, abs=0.5)


def nearest_word_errors(noise_db):
    """Share of errors of the nearest mean of 12 stretches of a coarse log spectrum: a crude recogniser."""

    def table(seed):
        recordings, words, _ = make_spoken_digits(200, noise_db=noise_db, random_state=seed)
        rows = []
        for x in recordings:
            frames = np.lib.stride_tricks.sliding_window_view(x, 200)[::80] * np.hanning(200)
            bands = np.log(np.abs(np.fft.rfft(frames, 256))[:, :128].reshape(len(frames), 16, 8).mean(2) + 1e-4)
            rows.append(np.stack([part.mean(0) for part in np.array_split(bands - bands.mean(), 12)]).ravel())
        return np.array(rows), np.array(words)

    (X, y), (Z, truth) = table(0), table(1)
    names = list(DIGIT_PHONES)
    means = np.stack([X[y == name].mean(0) for name in names])
    guess = np.array(names)[((Z[:, None] - means) ** 2).sum(2).argmin(1)]
    return np.mean(guess != truth)


def test_words_can_be_told_apart_but_not_without_effort():
    quiet, loud = nearest_word_errors(30.0), nearest_word_errors(0.0)
    assert 0.005 < quiet < 0.3 and quiet < loud


def test_it_is_fast():
    make_spoken_digits(2)
    start = time.process_time()
    make_spoken_digits(100)
    assert time.process_time() - start < 3


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"rate": 4000}, "rate must be at least 8000"),
        ({"n": -1}, "n must be at least 0"),
        ({"speakers": 0}, "speakers must be a number of at least 1"),
        ({"speakers": "ann"}, "a sequence of names; got 'ann'"),
    ],
)
def test_settings_that_do_not_fit(arguments, message):
    with pytest.raises(ValueError, match=message):
        make_spoken_digits(**{"n": 1, **arguments})
