"""Perturbed audio has the length, the level and the noise that were asked for, and the seed decides."""

import numpy as np
import pytest

from hybridseq.speech.audio import Utterance
from hybridseq.speech.features import Perturbation, add_noise, change_speed, change_volume, make_noise, mix


def tone(n=8000, hertz=400, rate=8000):
    return (0.3 * np.sin(2 * np.pi * hertz * np.arange(n) / rate)).astype(np.float32)


def decibels(signal, noise):
    return 10 * np.log10(np.mean(signal.astype(float) ** 2) / np.mean(noise.astype(float) ** 2))


@pytest.mark.parametrize("factor", [0.9, 1.0, 1.1, 1.25])
def test_speed_changes_length_and_pitch(factor):
    fast = change_speed(tone(), factor)
    assert len(fast) == int(np.ceil(8000 / factor)) and fast.dtype == np.float32
    peak = np.abs(np.fft.rfft(fast)).argmax() * 8000 / len(fast)
    assert peak == pytest.approx(400 * factor, abs=2)


def test_volume_is_in_decibels():
    assert decibels(change_volume(tone(), 6), tone()) == pytest.approx(6, abs=1e-4)


@pytest.mark.parametrize("snr", [-5.0, 10.0, 30.0])
@pytest.mark.parametrize("noise", ["white", "pink", tone(777, 1234)])
def test_noise_lies_so_far_below_the_signal(snr, noise):
    noisy = add_noise(tone(), snr, noise, 0)
    assert decibels(tone(), noisy - tone()) == pytest.approx(snr, abs=0.01)


def test_pink_noise_has_the_same_power_in_each_octave():
    power = np.mean([np.abs(np.fft.rfft(make_noise(4096, "pink", seed))) ** 2 for seed in range(40)], 0)
    octaves = [power[2**i : 2 ** (i + 1)].sum() for i in range(3, 11)]
    assert max(octaves) / min(octaves) < 1.4
    assert np.mean([make_noise(4096, "pink", seed) ** 2 for seed in range(40)]) == pytest.approx(1, abs=0.1)


def test_a_short_noise_is_repeated():
    mixed = mix(tone(10), np.array([1.0, -1.0]), 0.0, offset=1)
    added = mixed - tone(10)
    np.testing.assert_allclose(added, np.abs(added[1]) * np.tile([-1, 1], 5), atol=1e-7)


def test_the_seed_decides_and_inputs_stay():
    signal = tone()
    utterance = Utterance("a", samples=signal, rate=8000, words="x", speaker="s", features=np.ones((3, 2)), start=0.1)
    change = Perturbation(volume_db=(-6, 6), snr_db=(10, 20), noise="pink")
    one, same, other = (change(utterance, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.samples, same.samples)
    assert len(one.samples) != len(other.samples) or not np.array_equal(one.samples, other.samples)
    assert (one.id, one.words, one.speaker, one.features) == ("a", ("x",), "s", None)
    np.testing.assert_array_equal(signal, tone())
    speeds = {round(7200 / len(change(utterance, seed).samples), 2) for seed in range(20)}
    assert speeds == {0.9, 1.0, 1.1}


def test_silence():
    with pytest.raises(ValueError, match="the signal is silent"):
        add_noise(np.zeros(100), 10)
    with pytest.raises(ValueError, match="what is to be added is silent"):
        mix(tone(), np.zeros(100), 10)
    silent = Perturbation(snr_db=(10, 10))(Utterance("a", samples=np.zeros(100), rate=8000), 0)
    assert not silent.samples.any()


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: change_speed(tone(), 0), "factor must be between"),
        (lambda: make_noise(3, "brown"), "one of white, pink; got 'brown'"),
        (lambda: mix(tone(), np.zeros(0), 3), "other must have samples"),
    ],
)
def test_settings_that_do_not_fit(call, message):
    with pytest.raises(ValueError, match=message):
        call()
