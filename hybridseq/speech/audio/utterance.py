"""One utterance: audio or features, who spoke, and what was said."""

from dataclasses import dataclass, replace

import numpy as np

from hybridseq.speech.audio.errors import AudioError
from hybridseq.speech.audio.read import Channel, check_channel, read_audio, segment_bounds


@dataclass(frozen=True, eq=False, repr=False)
class Utterance:
    """What was spoken once: audio in memory or in a file, or features, with the words where they are known.

    Parameters
    ----------
    id : str
        Its name, unique in a data set, without white space.
    speaker : str
        Who spoke; "" is nobody in particular.
    samples : (N,) float array, optional
        Audio in memory, in [-1, 1]; kept as float32.
    rate : int, optional
        Samples a second. Needed beside ``samples``; beside ``path`` it is the rate that the file must have.
    features : (T, D) float array, optional
        Features that were computed elsewhere; kept as float32.
    words : sequence of str, or str, optional
        The transcript; a string is split at white space.
    path : path, optional
        An audio file, read when :meth:`load` is called.
    start, end : float
        The part of the audio in seconds; ``end=None`` is its end.
    source : str
        Where the utterance was described, ``file:line``, for messages.
    channel : int or "mean", optional
        Which channel of a file that has several.
    """

    id: str
    speaker: str = ""
    samples: np.ndarray | None = None
    rate: int | None = None
    features: np.ndarray | None = None
    words: tuple[str, ...] | None = None
    path: str | None = None
    start: float = 0.0
    end: float | None = None
    source: str = ""
    channel: Channel = None

    def __post_init__(self):
        if not isinstance(self.id, str) or not self.id or self.id.split() != [self.id]:
            raise ValueError(f"an utterance's id must be a string without white space, not empty; got {self.id!r}.")
        if self.samples is not None:
            self._keep("samples", 1, "(N,)")
            if self.rate is None:
                raise ValueError(f"utterance {self.id}: samples need their rate in Hz: rate=16000, say.")
        if self.features is not None:
            self._keep("features", 2, "(T, D)")
        if self.words is not None:
            words = self.words.split() if isinstance(self.words, str) else self.words
            object.__setattr__(self, "words", tuple(words))

    def _keep(self, name, axes, shape):
        given = getattr(self, name)
        value = np.asarray(given)
        if value.ndim != axes or value.dtype.kind != "f":
            raise ValueError(
                f"utterance {self.id}: {name} must be floats of shape {shape}; got {value.dtype} of shape "
                f"{value.shape}." + (" Whole numbers of 16 bits: divide by 32768." if value.dtype.kind in "iu" else "")
            )
        object.__setattr__(self, name, value.astype(np.float32, copy=False))

    def load(self) -> tuple[np.ndarray, int]:
        """The samples (N,) float32, of the segment only, and their rate.

        Raises
        ------
        AudioError
            Where there is no audio, or :func:`read_audio` cannot read it.
        """
        if self.samples is not None:
            check_channel(self.id, 1, self.channel)
            if not len(self.samples):
                raise AudioError(f"utterance {self.id}: has no samples. Leave it out.", "empty")
            first, last = segment_bounds(f"utterance {self.id}", len(self.samples), self.rate, self.start, self.end)
            samples = self.samples[first:last]
            if not np.isfinite(samples).all():
                raise AudioError(
                    f"utterance {self.id}: has samples that are not finite; expected numbers in [-1, 1].", "not_finite"
                )
            return samples, self.rate
        if self.path is None:
            raise AudioError(
                f"utterance {self.id}: has no audio"
                + (", only features." if self.features is not None else ".")
                + " Give samples= and rate=, or path=.",
                "missing",
            )
        return read_audio(self.path, self.rate, self.start, self.end, self.channel)

    def with_words(self, words) -> "Utterance":
        """The same utterance with another transcript; None takes it away."""
        return replace(self, words=words)

    def __repr__(self):
        parts = [repr(self.id)]
        if self.speaker:
            parts.append(f"speaker={self.speaker!r}")
        if self.samples is not None:
            parts.append(f"{len(self.samples)} samples at {self.rate} Hz")
        if self.path is not None:
            parts.append(f"path={str(self.path)!r}")
        if self.start or self.end is not None:
            parts.append(f"{self.start:g} s to " + ("the end" if self.end is None else f"{self.end:g} s"))
        if self.features is not None:
            parts.append("features {} × {}".format(*self.features.shape))
        if self.words is not None:
            shown = " ".join(self.words[:6]) + (" …" if len(self.words) > 6 else "")
            parts.append(f"words={shown!r}")
        return f"Utterance({', '.join(parts)})"
