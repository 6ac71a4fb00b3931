"""Audio files read as mono float32, segments only; resampling; what is odd about a signal."""

from fractions import Fraction
from os import PathLike, fspath
from pathlib import Path

import numpy as np

from hybridseq.speech.audio.errors import AudioError

Channel = int | str | None

#: Samples from here on count as full scale: the largest of 16 bits is 32767 / 32768.
FULL_SCALE = 0.9999
#: Share of the samples at full scale from which a signal counts as clipped.
CLIPPED_SHARE = 1e-3
#: Seconds from which a recording counts as very long.
VERY_LONG = 600.0
#: Bytes from which on a header tells that its writer did not know the length.
_UNKNOWN_LENGTH = 2**31 - 2**16
#: Seconds of one analysis window.
WINDOW = 0.025


def read_audio(
    path: str | PathLike,
    rate: int | None = None,
    start: float = 0.0,
    end: float | None = None,
    channel: Channel = None,
) -> tuple[np.ndarray, int]:
    """Samples of an audio file, or of a segment of it: nothing else is read.

    Parameters
    ----------
    path : path
        A file that libsndfile reads: WAV, FLAC, OGG, AIFF, SPHERE and others.
    rate : int, optional
        The sample rate that is expected, in Hz. Nothing is resampled here: see :func:`resample`.
    start, end : float
        The segment in seconds; ``end=None`` is the end of the file.
    channel : int or "mean", optional
        Which channel of several, counted from 0, or their mean. Needed where there is more than one.

    Returns
    -------
    samples : (N,) float32 array
        In [-1, 1].
    rate : int
        Of the file, in Hz.

    Raises
    ------
    AudioError
        Where the file is missing, unreadable or empty, has several channels and none is chosen, another rate than
        asked for, samples that are not finite, or ends before the segment does.
    """
    import soundfile

    name = fspath(path)
    with _opened(name) as file:
        if rate is not None and file.samplerate != rate:
            raise AudioError(
                f"{name}: has {file.samplerate} samples a second; expected {rate}. Read it without rate= and mend it: "
                f"resample(samples, {file.samplerate}, {rate}).",
                "rate",
            )
        check_channel(name, file.channels, channel)
        first, last = segment_bounds(name, file.frames, file.samplerate, start, end)
        try:
            file.seek(first)
            samples = file.read(last - first, dtype="float32", always_2d=True)
        except (soundfile.LibsndfileError, RuntimeError) as error:
            raise AudioError(f"{name}: cannot be read ({error}). Convert it to WAV again.", "unreadable") from error
        found = file.samplerate
    if len(samples) < last - first:
        raise AudioError(
            f"{name}: is cut short: its header promises {last} samples, {first + len(samples)} are there. Copy it "
            "again.",
            "unreadable",
        )
    samples = samples.mean(1) if channel == "mean" else samples[:, channel or 0]
    if not np.isfinite(samples).all():
        place = int(np.flatnonzero(~np.isfinite(samples))[0])
        raise AudioError(
            f"{name}: sample {first + place} is {samples[place]}; expected finite numbers in [-1, 1]. Mend or leave "
            "out the file.",
            "not_finite",
        )
    return np.ascontiguousarray(samples), found


def audio_info(path: str | PathLike) -> tuple[int, int, int]:
    """Samples, rate and channels that an audio file's header tells; the errors of :func:`read_audio`."""
    with _opened(fspath(path)) as file:
        return file.frames, file.samplerate, file.channels


def _opened(name):
    import soundfile

    path = Path(name)
    if not path.is_file():
        raise AudioError(f"{name}: there is no such file. Mend the path, or leave the recording out.", "missing")
    if not path.stat().st_size:
        raise AudioError(f"{name}: is empty (0 bytes). Record or copy it again, or leave it out.", "empty")
    try:
        file = soundfile.SoundFile(name)
    except (soundfile.LibsndfileError, RuntimeError, TypeError) as error:
        raise AudioError(
            f"{name}: is no audio file that libsndfile reads ({error}). Convert it to WAV.", "unreadable"
        ) from error
    if not file.frames:
        file.close()
        raise AudioError(f"{name}: has no samples. Record or copy it again, or leave it out.", "empty")
    return file


def check_channel(name, channels, channel):
    """Raise an AudioError unless a channel is chosen where there are several, and exists."""
    if channel == "mean" or (channels == 1 and channel is None):
        return
    if channel is None:
        raise AudioError(
            f"{name}: got {channels} channels; expected 1. Choose one, channel=0 to {channels - 1}, or their mean, "
            'channel="mean".',
            "channels",
        )
    if isinstance(channel, bool) or not isinstance(channel, int) or not 0 <= channel < channels:
        raise AudioError(f'{name}: channel must be 0 to {channels - 1}, "mean" or None; got {channel!r}.', "channels")


def segment_bounds(name, frames, rate, start, end):
    """The first sample of a segment and the one after its last; raises an AudioError where it is out of range."""
    # Half a frame of tolerance: seconds in files are rounded.
    slack = 0.005
    length = frames / rate
    last = length if end is None else end
    if not (0 <= start < last <= length + slack):
        raise AudioError(
            f"{name}: a segment from {start:g} s to {last:g} s does not lie within its {length:g} s, in order. Mend "
            "the times.",
            "segment",
        )
    first, after = round(start * rate), min(round(last * rate), frames)
    if after <= first:
        raise AudioError(
            f"{name}: the segment from {start:g} s to {last:g} s holds no sample. Mend the times.", "segment"
        )
    return first, after


def resample(samples: np.ndarray, rate: int, new_rate: int) -> np.ndarray:
    """A signal (N,) at another sample rate: (ceil(N · new_rate / rate),) float32, by a polyphase low-pass filter."""
    from scipy.signal import resample_poly

    if rate < 1 or new_rate < 1:
        raise ValueError(f"rates must be whole numbers of at least 1 Hz; got {rate} and {new_rate}.")
    ratio = Fraction(int(new_rate), int(rate))
    samples = np.asarray(samples, np.float32)
    if ratio == 1:
        return samples.copy()
    return resample_poly(samples, ratio.numerator, ratio.denominator).astype(np.float32)


def diagnose(samples: np.ndarray, rate: int) -> list[tuple[str, str]]:
    """What is odd about a signal although it can be read: a list of (kind, message), empty where nothing is.

    Kinds: "too_short" (less than a window of 25 ms), "too_long" (more than 10 minutes), "silence" (no sample differs
    from the mean by a step of 16 bits), "clipping" (a thousandth of the samples or more at full scale; the message
    gives the share).
    """
    samples = np.asarray(samples)
    return odd_length(len(samples) / rate) + odd_sound(samples)


def odd_file(path: str | PathLike) -> list[tuple[str, str]]:
    """What is odd about a file that can be read: a WAV file that was cut short, as (kind, message).

    libsndfile reads what there is. Recorders that write into a pipe do not know the length and put 2 GiB or more into
    the header, which is not odd.
    """
    with open(path, "rb") as stream:
        head = stream.read(12)
    promised, there = int.from_bytes(head[4:8], "little") + 8, Path(path).stat().st_size
    if head[:4] != b"RIFF" or head[8:] != b"WAVE" or not there < promised < _UNKNOWN_LENGTH:
        return []
    return [("cut_short", f"its header promises {promised} bytes, {there} are there: cut short. Copy it again")]


def odd_length(seconds: float) -> list[tuple[str, str]]:
    """Of :func:`diagnose`, what the length tells."""
    if seconds < WINDOW:
        return [("too_short", f"{1000 * seconds:.1f} ms are less than one window of {1000 * WINDOW:g} ms")]
    if seconds > VERY_LONG:
        return [("too_long", f"{seconds / 60:.1f} minutes are very long for one utterance; cut it into segments")]
    return []


def odd_sound(samples: np.ndarray) -> list[tuple[str, str]]:
    """Of :func:`diagnose`, what the samples tell."""
    if not len(samples):
        return []
    if np.abs(samples - samples.mean()).max() < 1 / 32768:
        return [("silence", "silence only: the samples do not vary")]
    share = float(np.mean(np.abs(samples) >= FULL_SCALE))
    if share >= CLIPPED_SHARE:
        return [("clipping", f"{share:.2%} of the samples are at full scale: the recording clips")]
    return []
