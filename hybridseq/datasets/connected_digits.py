"""Recordings of single words joined into strings whose word boundaries are known."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class ConnectedString:
    """Several words in one signal.

    Parameters
    ----------
    samples : (N,) float32 array
        In [-1, 1].
    rate : int
        Samples a second.
    words : tuple of str
    speaker : str
        "" where speakers were not given.
    boundaries : tuple of (float, float)
        Where each word's recording begins and ends, in seconds.
    """

    samples: np.ndarray
    rate: int
    words: tuple[str, ...]
    speaker: str
    boundaries: tuple[tuple[float, float], ...]


def make_connected_digits(
    recordings: Sequence[np.ndarray],
    words: Sequence[str],
    speakers: Sequence[str] | None = None,
    *,
    n: int,
    rate: int,
    count: tuple[int, int] = (3, 7),
    gap: tuple[float, float] = (0.0, 0.3),
    snr_db: float | None = 30.0,
    random_state: int | None = 0,
) -> list[ConnectedString]:
    """Strings of recordings, each string of one speaker, with gaps between them and noise over all.

    Parameters
    ----------
    recordings : sequence of (N,) float arrays
        Single words, in [-1, 1]; not only digits.
    words : sequence of str
        What each says.
    speakers : sequence of str, optional
        Who speaks in each; strings then keep to one speaker, drawn with like probability. A recording may come
        again.
    n : int
        How many strings.
    rate : int
        Samples a second of all recordings.
    count : (int, int)
        The least and the most words of a string.
    gap : (float, float)
        The shortest and the longest gap in seconds: between words, before the first and after the last. There is
        nothing in them but the noise.
    snr_db : float or None
        White noise is added to the whole string, so far below its mean power, gaps included, in decibels; None: none,
        and gaps are zeros.
    random_state : int, optional
        The seed; the same one gives the same strings at any ``snr_db``.

    Returns
    -------
    list of ConnectedString
        Words stay as loud as they were recorded; only a string that would leave [-1, 1] is scaled down as a whole.

    Examples
    --------
    >>> from hybridseq.datasets import make_spoken_digits
    >>> recordings, words, speakers = make_spoken_digits(30)
    >>> string = make_connected_digits(recordings, words, speakers, n=1, rate=8000)[0]
    >>> len(string.words) == len(string.boundaries)
    True
    """
    recordings = [np.asarray(x) for x in recordings]
    _check(recordings, words, speakers, count, gap)
    random = np.random.default_rng(random_state)
    # Of its own, so that the same seed gives the same strings whatever the noise.
    noise = random.spawn(1)[0]
    names = [""] * len(recordings) if speakers is None else list(speakers)
    by_speaker: dict[str, list[int]] = {}
    for i, name in enumerate(names):
        by_speaker.setdefault(name, []).append(i)
    order = sorted(by_speaker)
    result = []
    for _ in range(n):
        speaker = order[random.integers(len(order))]
        drawn = random.choice(by_speaker[speaker], random.integers(count[0], count[1] + 1))
        samples, boundaries = _join([recordings[i] for i in drawn], gap, rate, random)
        if snr_db is not None:
            power = np.mean(samples**2) * 10 ** (-snr_db / 10)
            samples = samples + np.sqrt(power) * noise.standard_normal(len(samples))
        samples = samples / max(1.0, np.abs(samples).max())
        said = tuple(words[i] for i in drawn)
        result.append(ConnectedString(samples.astype(np.float32), rate, said, speaker, boundaries))
    return result


def _join(recordings, gap, rate, random):
    pieces, boundaries, place = [], [], 0
    gaps = np.round(random.uniform(*gap, len(recordings) + 1) * rate).astype(int).tolist()
    for silence, recording in zip(gaps, recordings, strict=False):
        pieces += [np.zeros(silence), recording]
        start = place + silence
        place = start + len(recording)
        boundaries.append((start / rate, place / rate))
    return np.concatenate([*pieces, np.zeros(gaps[-1])]), tuple(boundaries)


def _check(recordings, words, speakers, count, gap):
    if not recordings:
        raise ValueError("recordings must hold at least one; got none.")
    for name, given in (("words", words), ("speakers", speakers)):
        if given is not None and (isinstance(given, str) or len(given) != len(recordings)):
            raise ValueError(f"{name} must be one for each of the {len(recordings)} recordings; got {len(given)}.")
    for i, recording in enumerate(recordings):
        if recording.ndim != 1 or not len(recording) or recording.dtype.kind != "f":
            raise ValueError(
                f"recordings[{i}] must be floats in [-1, 1] of shape (N,), not empty; got {recording.dtype} of shape "
                f"{recording.shape}."
            )
    if not 1 <= count[0] <= count[1]:
        raise ValueError(f"count must be (least, most) words, at least 1; got {count}.")
    if not 0 <= gap[0] <= gap[1]:
        raise ValueError(f"gap must be (shortest, longest) in seconds, at least 0; got {gap}.")
