"""Speed, loudness and noise changed by chance, so that a model sees more than was recorded."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from hybridseq.speech.audio import Utterance, resample

_NOISES = "white", "pink"


def change_speed(samples: np.ndarray, factor: float) -> np.ndarray:
    """A signal (N,) played ``factor`` times as fast: about N / factor samples, float32.

    Pitch and formants move along, as on a tape; the signal keeps its nominal rate :cite:p:`ko2015`. The factor is
    taken as the nearest fraction with a denominator of at most 100.
    """
    if not 0.1 <= factor <= 10:
        raise ValueError(f"factor must be between 0.1 and 10; got {factor}.")
    ratio = Fraction(factor).limit_denominator(100)
    return resample(samples, ratio.numerator, ratio.denominator)


def change_volume(samples: np.ndarray, decibels: float) -> np.ndarray:
    """A signal made louder, or softer below 0; nothing is clipped."""
    return (np.asarray(samples) * 10 ** (decibels / 20)).astype(np.float32)


def make_noise(n: int, kind: str = "white", random_state: int | np.random.Generator | None = None) -> np.ndarray:
    """Gaussian noise (n,) float32 with a root mean square of about 1.

    Parameters
    ----------
    n : int
    kind : {"white", "pink"}
        The same power at all frequencies, or power that falls as 1 / f.
    random_state : int or numpy Generator, optional
        The seed.
    """
    if kind not in _NOISES:
        raise ValueError(f"kind must be one of {', '.join(_NOISES)}; got {kind!r}.")
    white = np.random.default_rng(random_state).standard_normal(n)
    if kind == "white" or n < 2:
        return white.astype(np.float32)
    spectrum = np.fft.rfft(white)
    place = np.arange(len(spectrum))
    weight = np.where(place > 0, 1 / np.sqrt(np.maximum(place, 1)), 0)
    # So that the expected power stays 1; bins other than the first and the last count twice.
    twice = np.where((place == 0) | (2 * place == n), 1, 2)
    return np.fft.irfft(spectrum * weight * np.sqrt(n / np.sum(twice * weight**2)), n).astype(np.float32)


def mix(samples: np.ndarray, other: np.ndarray, snr_db: float, offset: int = 0) -> np.ndarray:
    """A signal with another one below it.

    Parameters
    ----------
    samples : (N,) float array
    other : (M,) float array
        Repeated where it is shorter than the signal.
    snr_db : float
        Decibels from the mean power of ``samples``, over its whole length, down to that of what is added.
    offset : int
        Where in ``other`` to begin.

    Returns
    -------
    (N,) float32 array
        Not clipped.

    Raises
    ------
    ValueError
        Where one of them is silent: a ratio to nothing means nothing.
    """
    samples, other = np.asarray(samples, np.float32), np.asarray(other, np.float32)
    if not len(other):
        raise ValueError("other must have samples; got none.")
    added = other[(offset + np.arange(len(samples))) % len(other)]
    powers = [float(np.mean(np.square(x, dtype=np.float64))) if len(x) else 0.0 for x in (samples, added)]
    if not all(powers):
        silent = "the signal" if not powers[0] else "what is to be added"
        raise ValueError(f"{silent} is silent, so that a signal-to-noise ratio has no meaning. Leave it as it is.")
    return samples + added * np.float32(np.sqrt(powers[0] / powers[1] * 10 ** (-snr_db / 10)))


def add_noise(
    samples: np.ndarray,
    snr_db: float,
    noise: str | np.ndarray = "white",
    random_state: int | np.random.Generator | None = None,
) -> np.ndarray:
    """A signal (N,) with noise at a signal-to-noise ratio, over its whole length, as :func:`mix` measures it.

    ``noise``: "white", "pink", or a recording (M,), of which a random stretch is taken.
    """
    random = np.random.default_rng(random_state)
    if isinstance(noise, str):
        return mix(samples, make_noise(len(samples), noise, random), snr_db)
    return mix(samples, noise, snr_db, int(random.integers(max(len(noise), 1))))


@dataclass(frozen=True)
class Perturbation:
    """Random changes of utterances.

    Parameters
    ----------
    speeds : sequence of float
        One is drawn; 1 leaves the speed as it is.
    volume_db : (float, float)
        Range of the change of loudness.
    snr_db : (float, float), optional
        Range of the signal-to-noise ratio; None: no noise.
    noise : {"white", "pink"}
    """

    speeds: Sequence[float] = (0.9, 1.0, 1.1)
    volume_db: tuple[float, float] = (0.0, 0.0)
    snr_db: tuple[float, float] | None = None
    noise: str = "white"

    def __call__(self, utterance: Utterance, random_state: int | np.random.Generator | None = None) -> Utterance:
        """The utterance with changed audio, in memory; silence gets no noise. Errors are those of its ``load()``."""
        random = np.random.default_rng(random_state)
        samples, rate = utterance.load()
        samples = change_speed(samples, self.speeds[random.integers(len(self.speeds))])
        samples = change_volume(samples, random.uniform(*self.volume_db))
        if self.snr_db is not None and samples.any():
            samples = add_noise(samples, random.uniform(*self.snr_db), self.noise, random)
        return replace(
            utterance, samples=samples, rate=rate, path=None, start=0.0, end=None, channel=None, features=None
        )
