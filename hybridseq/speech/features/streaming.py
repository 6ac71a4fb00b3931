"""Features while the audio comes in."""

import torch


class FeatureStream:
    """Frames of a signal that arrives in pieces: together they equal the features of the whole signal.

    Made by the ``stream()`` of :class:`Fbank` and :class:`MFCC`. (With dither the noise differs, since it is drawn
    piece by piece.)

    Parameters
    ----------
    features : Fbank or MFCC
    warp : float
        Vocal tract length factor.
    """

    def __init__(self, features, warp: float = 1.0):
        self._features, self._warp = features, warp
        # From the beginning of the next frame on; before the first frame, from the beginning of the signal.
        self._rest: torch.Tensor | None = None
        self._received = self._emitted = 0
        self._finished = False
        self._peak: torch.Tensor | None = None

    def accept(self, samples: torch.Tensor) -> torch.Tensor:
        """The frames (T, D) that further samples (N,) complete; often none."""
        if self._finished:
            raise ValueError("the stream is finished; begin another one for further samples.")
        if samples.dim() != 1:
            raise ValueError(f"a stream takes one signal, (N,); got {tuple(samples.shape)}.")
        self._received += len(samples)
        self._rest = samples.clone() if self._rest is None else torch.cat([self._rest, samples])
        framing = self._features.framing
        if not self._emitted:
            if self._received < framing.width - framing.before:
                return samples.new_zeros(0, self._features.width)
            self._rest = torch.cat([self._rest[: framing.before].flip(0), self._rest])
        return self._emit(max((len(self._rest) - framing.width) // framing.shift + 1, 0))

    def finish(self) -> torch.Tensor:
        """The frames (T, D) that were still to come when the signal ended."""
        self._finished = True
        if self._rest is None:
            return torch.zeros(0, self._features.width)
        if not self._emitted:
            return self._features(self._rest, warp=self._warp)
        framing = self._features.framing
        left = framing.count(self._received) - self._emitted
        missing = (left - 1) * framing.shift + framing.width - len(self._rest)
        if left > 0:
            self._rest = torch.cat([self._rest, self._rest[len(self._rest) - missing :].flip(0)])
        return self._emit(left)

    def _emit(self, count):
        features = self._features
        if not count:
            return self._rest.new_zeros(0, features.width)
        signal = self._rest[None]
        result, self._peak, _ = features._features(signal, count, features._banks(self._warp, signal), peak=self._peak)
        result = result[0]
        self._rest = self._rest[count * features.framing.shift :]
        self._emitted += count
        return result
