"""Mean and variance normalisation that uses the past only."""

import torch

from hybridseq.speech.features.cmvn import Moments

#: Frames that are worked on at a time: bounds the memory.
_BLOCK = 4096


class OnlineCMVN:
    """Normalises each frame with the statistics of the frames before it and its own: never of what is still to come.

    Where the past is short, statistics gathered beforehand help out: the prior counts as ``prior_frames`` frames, and
    with a window only as long as that is not full (as in Kaldi's online normalisation :cite:p:`povey2011kaldi`).

    Parameters
    ----------
    window : int or None
        Frames of the past that count, the frame itself among them; None: all of them.
    variance : bool
        Also divide by the standard deviation.
    prior : Moments, optional
        Statistics gathered beforehand: ``SpeakerCMVN.moments()``, or ``Moments.of(features)``. Without them the first
        frames are poorly normalised: the very first becomes 0.
    prior_frames : int
        Their weight.
    """

    def __init__(
        self, window: int | None = 600, variance: bool = True, prior: Moments | None = None, prior_frames: int = 200
    ):
        if window is not None and window < 1:
            raise ValueError(f"window must be at least 1 frame, or None; got {window}.")
        if prior_frames < 0:
            raise ValueError(f"prior_frames must be at least 0; got {prior_frames}.")
        self.window, self.variance, self.prior, self.prior_frames = window, variance, prior, prior_frames

    def __call__(self, features: torch.Tensor) -> torch.Tensor:
        """Features (T, D) of an utterance, normalised; the same as its frames streamed."""
        return self.stream().accept(features)

    def stream(self) -> "OnlineCMVNStream":
        """For the frames of one utterance as they come: an object with ``accept(frames)``."""
        return OnlineCMVNStream(self)

    def to_dict(self) -> dict:
        """What JSON holds."""
        prior = None if self.prior is None else self.prior.to_dict()
        return {
            "window": self.window,
            "variance": self.variance,
            "prior": prior,
            "prior_frames": self.prior_frames,
        }

    @classmethod
    def from_dict(cls, saved: dict) -> "OnlineCMVN":
        """What :meth:`to_dict` wrote."""
        prior = None if saved["prior"] is None else Moments.from_dict(saved["prior"])
        return cls(saved["window"], saved["variance"], prior, saved["prior_frames"])


class OnlineCMVNStream:
    """The state of :class:`OnlineCMVN` within one utterance."""

    def __init__(self, settings: OnlineCMVN):
        self._settings = settings
        # Frames that are still in the window; with none, the running sums instead.
        self._past: torch.Tensor | None = None
        self._count = 0

    def accept(self, frames: torch.Tensor) -> torch.Tensor:
        """The next frames (T, D), normalised; any number of them."""
        return torch.cat([self._block(block) for block in frames.split(_BLOCK)])

    def _block(self, frames):
        settings = self._settings
        new = frames.detach().to("cpu", torch.float64)
        count, sums, squares = self._windows(torch.stack([new, new.square()], 1))
        if settings.prior is not None and settings.prior.count:
            weight = torch.full_like(count, settings.prior_frames)
            if settings.window is not None:
                weight = torch.minimum(weight, settings.window - count)
            share = weight / settings.prior.count
            count, sums = count + weight, sums + share * settings.prior.sum
            squares = squares + share * settings.prior.squares
        return Moments(1.0, sums / count, squares / count).apply(new, settings.variance).to(frames)

    def _windows(self, new):
        """Counts (T, 1), sums (T, D) and sums of squares (T, D) over each frame's window, of new (T, 2, D)."""
        window = self._settings.window
        if self._past is None:
            self._past = new.new_zeros(1 if window is None else 0, *new.shape[1:])
        place = self._count + torch.arange(1, len(new) + 1, dtype=torch.float64)[:, None]
        self._count += len(new)
        joined = torch.cat([self._past, new])
        totals = joined.cumsum(0)
        if window is None:
            self._past = totals[-1:]
            sums = totals[1:]
        else:
            kept = len(self._past)
            upper = torch.arange(kept, kept + len(new))
            totals = torch.cat([totals.new_zeros(1, *totals.shape[1:]), totals])
            sums = totals[upper + 1] - totals[(upper + 1 - window).clamp(min=0)]
            self._past = joined[max(len(joined) - window + 1, 0) :]
            place = place.clamp(max=window)
        return place, sums[:, 0], sums[:, 1]
