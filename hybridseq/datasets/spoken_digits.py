"""Spoken digits out of nothing: a small formant synthesiser whose phone boundaries are known."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

#: The synthesiser's lexicon: word -> phones, as in American English.
DIGIT_PHONES = {
    "zero": ("Z", "IH", "R", "OW"),
    "one": ("W", "AH", "N"),
    "two": ("T", "UW"),
    "three": ("TH", "R", "IY"),
    "four": ("F", "AO", "R"),
    "five": ("F", "AY", "V"),
    "six": ("S", "IH", "K", "S"),
    "seven": ("S", "EH", "V", "AH", "N"),
    "eight": ("EY", "T"),
    "nine": ("N", "AY", "N"),
}
#: The name of what is no phone, before and after a word.
SILENCE = "SIL"


@dataclass(frozen=True)
class _Phone:
    """Duration (s); formants 1 to 3 (Hz) where it begins and ends; voice; hiss with its centre and width (Hz).

    ``closure``: the share of a stop that is silent before its burst. ``damping``: how much wider the formants are.
    """

    duration: float
    begin: tuple[float, float, float]
    end: tuple[float, float, float] | None = None
    voice: float = 1.0
    hiss: float = 0.0
    centre: float = 3000.0
    spread: float = 2000.0
    closure: float = 0.0
    damping: float = 1.0


# Vowels near the averages of Peterson and Barney (1952); consonants by their usual loci.
_PHONES = {
    "AH": _Phone(0.11, (640, 1190, 2390)),
    "AO": _Phone(0.15, (570, 840, 2410), (500, 900, 2200)),
    "AY": _Phone(0.20, (720, 1220, 2500), (400, 2000, 2600)),
    "EH": _Phone(0.11, (530, 1840, 2480)),
    "EY": _Phone(0.17, (480, 1950, 2560), (330, 2200, 2700)),
    "IH": _Phone(0.09, (390, 1990, 2550)),
    "IY": _Phone(0.17, (280, 2250, 2950)),
    "OW": _Phone(0.19, (540, 1000, 2350), (370, 820, 2300)),
    "UW": _Phone(0.18, (320, 1250, 2250), (300, 950, 2240)),
    "R": _Phone(0.09, (350, 1150, 1550), voice=0.7),
    "W": _Phone(0.08, (300, 650, 2200), voice=0.6),
    "N": _Phone(0.09, (270, 1500, 2500), voice=0.45, damping=2.5),
    "V": _Phone(0.07, (260, 1100, 2200), voice=0.35, hiss=0.03, centre=2500, spread=3000, damping=1.8),
    "Z": _Phone(0.09, (270, 1600, 2500), voice=0.3, hiss=0.12, centre=4200, spread=1200, damping=1.8),
    "F": _Phone(0.11, (350, 1100, 2200), voice=0.0, hiss=0.05, centre=2600, spread=4000),
    "TH": _Phone(0.09, (350, 1400, 2500), voice=0.0, hiss=0.04, centre=3400, spread=3000),
    "S": _Phone(0.13, (350, 1700, 2600), voice=0.0, hiss=0.25, centre=4600, spread=1200),
    "T": _Phone(0.10, (350, 1750, 2650), voice=0.0, hiss=0.2, centre=3500, spread=1800, closure=0.45),
    "K": _Phone(0.09, (320, 2000, 2400), voice=0.0, hiss=0.18, centre=2000, spread=700, closure=0.55),
}
_SILENT = _Phone(0.06, (450, 1450, 2450), voice=0.0)
_NEUTRAL = np.array([500.0, 1500.0, 2500.0])
#: Seconds from one set of filters to the next.
_HOP = 0.005


@dataclass(frozen=True, eq=False)
class SpokenDigit:
    """One synthesised word.

    Parameters
    ----------
    samples : (N,) float32 array
        In [-1, 1].
    rate : int
        Samples a second.
    word, speaker : str
    phones : tuple of (str, float, float)
        The true phones with their beginnings and ends in seconds; silence (:data:`SILENCE`) first and last, no gaps.
    """

    samples: np.ndarray
    rate: int
    word: str
    speaker: str
    phones: tuple[tuple[str, float, float], ...]


def make_spoken_digits(
    n: int,
    *,
    rate: int = 8000,
    speakers: int | Sequence[str] = 6,
    noise_db: float | None = 30.0,
    random_state: int | None = 0,
) -> tuple[list[np.ndarray], list[str], list[str]]:
    """Recordings of "zero" to "nine" by synthetic voices.

    Parameters
    ----------
    n : int
        How many recordings; words and speakers come equally often, in random order.
    rate : int
        Samples a second, 8000 at least.
    speakers : int or sequence of str
        How many voices, or their names. A name always has the same voice, whatever the seed: so can others say the
        training words again, and new names be unseen speakers. ``speakers=2`` names them "voice0" and "voice1".
    noise_db : float or None
        How far white noise lies below the recording's mean power, in decibels; None: no noise.
    random_state : int, optional
        The seed of everything but the voices; the same one gives the same words at any ``noise_db``.

    Returns
    -------
    recordings : list of (N,) float32 arrays
        In [-1, 1], with 30 to 120 ms before and after the word.
    words : list of str
    speakers : list of str

    Notes
    -----
    Some milliseconds a recording. :func:`make_aligned_digits` also tells the phones' boundaries.

    Examples
    --------
    >>> recordings, words, speakers = make_spoken_digits(20, speakers=["ann", "bob"])
    >>> words.count("nine"), speakers.count("ann"), recordings[0].dtype
    (2, 10, dtype('float32'))
    """
    digits = make_aligned_digits(n, rate=rate, speakers=speakers, noise_db=noise_db, random_state=random_state)
    return [d.samples for d in digits], [d.word for d in digits], [d.speaker for d in digits]


def make_aligned_digits(
    n: int,
    *,
    rate: int = 8000,
    speakers: int | Sequence[str] = 6,
    noise_db: float | None = 30.0,
    random_state: int | None = 0,
) -> list[SpokenDigit]:
    """The recordings of :func:`make_spoken_digits`, with the true boundaries of their phones.

    Parameters
    ----------
    n, rate, speakers, noise_db, random_state
        As of :func:`make_spoken_digits`.

    Returns
    -------
    list of SpokenDigit

    Notes
    -----
    A source, band-limited pulses of the voice and noise of the breath, passes resonators in cascade, as in Klatt's
    synthesiser :cite:p:`klatt1980software`; hiss and bursts are noise through a band of their own. Formants move along
    straight lines from target to target; between two phones they are half way at the boundary. Voices differ in the
    length of the vocal tract, pitch, speed, breathiness, loudness and vowels; each word in speed, loudness and pitch,
    in how far it reaches its targets, and in the strength of each phone.
    """
    if rate < 8000:
        raise ValueError(f"rate must be at least 8000 Hz; got {rate}.")
    if n < 0:
        raise ValueError(f"n must be at least 0; got {n}.")
    if isinstance(speakers, int):
        speakers = [f"voice{i}" for i in range(speakers)]
    if not speakers or isinstance(speakers, str):
        raise ValueError(f"speakers must be a number of at least 1, or a sequence of names; got {speakers!r}.")
    random = np.random.default_rng(random_state)
    # Of its own, so that the same seed gives the same words whatever the noise.
    noise = random.spawn(1)[0]
    voices = {name: _Voice(name) for name in speakers}
    words = list(DIGIT_PHONES)
    result = []
    for i in random.permutation(n):
        name, word = speakers[i % len(speakers)], words[i // len(speakers) % len(words)]
        result.append(_say(word, voices[name], rate, noise_db, random, noise))
    return result


class _Voice:
    """What a name decides."""

    def __init__(self, name):
        random = np.random.default_rng(zlib.crc32(name.encode()))
        low = random.random() < 0.5
        self.name = name
        self.stretch = random.normal(1.0 if low else 1.16, 0.055)
        self.pitch = random.normal(115, 14) if low else random.normal(200, 22)
        self.speed = np.exp(random.normal(0, 0.15))
        self.breath = random.uniform(0.02, 0.12)
        self.loudness = np.clip(np.exp(random.normal(0, 0.4)), 0.4, 2.2)
        self.tilt = random.uniform(0.82, 0.94)
        self.hiss = np.exp(random.normal(0, 0.3))
        self.vowels = {phone: np.exp(random.normal(0, 0.06, 3)) for phone in _PHONES}


def _say(word, voice, rate, noise_db, random, noise):
    names = (SILENCE, *DIGIT_PHONES[word], SILENCE)
    phones = [_PHONES.get(name, _SILENT) for name in names]
    durations = np.array([phone.duration for phone in phones])
    durations *= np.exp(random.normal(0, 0.25, len(phones))) * np.exp(random.normal(0, 0.18)) / voice.speed
    durations[[0, -1]] = random.uniform(0.03, 0.12, 2)
    # The last phone is drawn out.
    durations[-2] *= 1.25
    ends = np.round(np.cumsum(durations) * rate).astype(int)
    bounds = np.concatenate([[0], ends])
    times = np.arange(0, ends[-1] / rate + _HOP, _HOP)
    clean = _render(names, phones, bounds / rate, times, voice, rate, random)[: ends[-1]]
    clean *= 0.07 * voice.loudness * np.exp(random.normal(0, 0.2)) / np.sqrt(np.mean(clean**2))
    if noise_db is not None:
        power = np.mean(clean**2) * 10 ** (-noise_db / 10)
        clean = clean + np.sqrt(power) * noise.standard_normal(len(clean))
    clean /= max(1.0, np.abs(clean).max() / 0.99)
    spans = tuple(
        (name, float(a / rate), float(b / rate)) for name, a, b in zip(names, bounds[:-1], bounds[1:], strict=True)
    )
    return SpokenDigit(clean.astype(np.float32), rate, word, voice.name, spans)


def _render(names, phones, bounds, times, voice, rate, random):
    """The sound: sources in overlapping windows, each through the filters of its moment."""
    formants, damping = _formants(names, phones, bounds, times, voice, random)
    voicing, hiss, centre, spread = _levels(phones, bounds, times, random)
    hop = round(_HOP * rate)
    samples = len(times) * hop
    breath = voice.breath * rate**0.5 / 90 * random.standard_normal(samples)
    tone = np.repeat(voicing, hop) * (_pulses(times, samples, voice, rate, random) + breath)
    noise = np.repeat(voice.hiss * hiss, hop) * random.standard_normal(samples)
    # Long enough for the resonators to die away.
    fft = 1 << int(np.ceil(np.log2(0.06 * rate)))
    turn = np.exp(-2j * np.pi * np.arange(fft // 2 + 1) / fft).astype(np.complex64)
    out = np.zeros(samples + fft + hop, np.float32)
    _add(out, tone, hop, fft, lambda on: _tract(formants[on], damping[on], voice, rate, turn))
    _add(out, noise, hop, fft, lambda on: _band(centre[on] * voice.stretch, spread[on], rate, turn))
    return out[hop:].astype(np.float64)


def _add(out, source, hop, fft, responses):
    """Add a source to the sound, through the responses (n, bins) of the moments (n,) where there is any of it."""
    from scipy.fft import irfft, rfft

    pieces = _windows(source.astype(np.float32), hop)
    on = np.flatnonzero(np.abs(pieces).max(1))
    if not len(on):
        return
    window = np.hanning(2 * hop + 1)[:-1].astype(np.float32)
    parts = irfft(rfft(pieces[on] * window, fft) * responses(on), fft)
    for i, part in zip(on, parts, strict=True):
        out[i * hop : i * hop + fft] += part


def _windows(source, hop):
    """(frames, 2 · hop): what surrounds each moment."""
    padded = np.concatenate([np.zeros(hop), source, np.zeros(hop)])
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * hop)[::hop][: len(source) // hop]


def _formants(names, phones, bounds, times, voice, random):
    """Formants (frames, 3) in Hz and how damped they are (frames,)."""
    at, targets = [], []
    undershoot = random.uniform(0.0, 0.4)
    for name, phone, start, end in zip(names, phones, bounds[:-1], bounds[1:], strict=True):
        # How far the word is from the voice's usual targets, on top of what the voice makes of them.
        own = voice.vowels.get(name, 1.0) * np.exp(random.normal(0, 0.06, 3)) * voice.stretch
        move = min(0.35 * (end - start), 0.04)
        for place, target in ((start + move, phone.begin), (end - move, phone.end or phone.begin)):
            at.append(place)
            targets.append(((1 - undershoot) * np.array(target) + undershoot * _NEUTRAL) * own)
    targets = np.array(targets)
    # Silence has no targets of its own.
    targets[:2], targets[-2:] = targets[2], targets[-3]
    tracks = np.stack([np.interp(times, at, targets[:, i]) for i in range(3)], 1)
    damping = np.interp(times, at, np.repeat([phone.damping for phone in phones], 2))
    return tracks, damping


def _levels(phones, bounds, times, random):
    """Voice and hiss, both (frames,), with the hiss's centre and width (frames,)."""
    at, voicing, hiss = [], [], []
    for phone, start, end in zip(phones, bounds[:-1], bounds[1:], strict=True):
        edge = min(0.006, (end - start) / 4)
        burst = start + phone.closure * (end - start)
        loud, strength = np.exp(random.normal(0, (0.3, 0.5)))
        strength *= phone.hiss
        if phone.closure:
            # Silence, a burst, and breath that dies away.
            at += [start + edge, burst - 0.001, burst + 0.004, burst + 0.02, end - edge]
            hiss += [0.0, 0.0, strength, 0.4 * strength, 0.08 * strength]
            voicing += [0.0, 0.0, 0.0, 0.0, 0.1]
        else:
            at += [start + edge, end - edge]
            hiss += [strength] * 2
            voicing += [phone.voice * loud] * 2
    index = np.clip(np.searchsorted(bounds, times, "right") - 1, 0, len(phones) - 1)
    centre, spread = (np.array([getattr(p, name) for p in phones])[index] for name in ("centre", "spread"))
    return np.interp(times, at, voicing), np.interp(times, at, hiss), centre, spread


def _pulses(times, samples, voice, rate, random):
    """Band-limited pulses (samples,) that fall in pitch, with jitter, and with less energy the higher the frequency."""
    from scipy.signal import lfilter

    place = np.linspace(0, 1, len(times))
    fall = random.uniform(0.05, 0.25)
    bend = random.normal(0, 0.05)
    pitch = voice.pitch * np.exp(random.normal(0, 0.06) - fall * place + bend * np.sin(np.pi * place))
    pitch = pitch * np.exp(random.normal(0, 0.012, len(times)))
    pitch = np.interp(np.arange(samples), np.linspace(0, samples, len(times)), pitch)
    phase = 2 * np.pi * np.cumsum(pitch) / rate + random.uniform(0, 2 * np.pi)
    harmonics = int(0.48 * rate / pitch.max())
    half = np.sin(phase / 2)
    half = np.where(np.abs(half) < 1e-6, 1e-6, half)
    train = np.sin((harmonics + 0.5) * phase) / (2 * half) - 0.5
    return lfilter([1 - voice.tilt], [1, -voice.tilt], train)


def _tract(formants, damping, voice, rate, turn):
    """Responses (frames, bins) of resonators in cascade: three that move, and those above that stay."""
    widths = np.array([60.0, 90.0, 140.0]) * damping[:, None]
    moving = _resonators(formants.T, widths.T, rate, turn)
    above = np.array([[3500.0, 200.0], [4500.0, 280.0], [5500.0, 350.0], [6500.0, 450.0]])
    above = above[above[:, 0] * voice.stretch < 0.47 * rate]
    return moving * _resonators(above[:, :1] * voice.stretch, above[:, 1:], rate, turn)


def _band(centre, spread, rate, turn):
    """Responses (frames, bins) of one resonator, with a mean power of 1."""
    response = _resonators(np.minimum(centre, 0.44 * rate)[None], spread[None], rate, turn)
    return response / np.sqrt(np.mean(np.abs(response) ** 2, 1, keepdims=True))


def _resonators(centres, widths, rate, turn):
    """Responses (frames, bins) of resonators of second order in cascade, each (n, frames), 1 at frequency 0."""
    radius = np.exp(-np.pi * widths / rate)
    first = (2 * radius * np.cos(2 * np.pi * centres / rate)).astype(np.float32)[..., None]
    second = (-(radius**2)).astype(np.float32)[..., None]
    below = np.ones(1, np.complex64)
    for a, b in zip(first, second, strict=True):
        below = below * (1 - (a + b * turn) * turn)
    return np.prod(1 - first - second, 0) / below
