"""Mean and variance normalisation over an utterance or over all that a speaker says."""

from dataclasses import dataclass

import torch

#: Deviations below this share of the mean's size are rounding: such a column is constant and becomes 0.
_ROUNDING = 1e-5
_TINY = 1e-10
_FALLBACKS = "raise", "global", "utterance"


def utterance_cmvn(features: torch.Tensor, lengths: torch.Tensor | None = None, variance: bool = True) -> torch.Tensor:
    """Each column less its mean over the utterance, divided by its standard deviation.

    Parameters
    ----------
    features : (T, D) or (B, T, D) tensor
    lengths : (B,) int64 tensor, optional
        Frames of each row of a batch.
    variance : bool
        Also divide; the variance is over T, as in Kaldi. A constant column becomes 0, never NaN.

    Returns
    -------
    tensor like ``features``
        Zeros beyond a row's length. It uses the whole utterance, what is still to come included.
    """
    if features.dim() == 2:
        if lengths is not None:
            raise ValueError("lengths belong to a batch (B, T, D); got them beside one utterance (T, D).")
        return utterance_cmvn(features[None], variance=variance)[0]
    steps = features.shape[1]
    if lengths is None:
        lengths = torch.full((len(features),), steps, device=features.device)
    inside = (torch.arange(steps, device=features.device) < lengths.to(features.device)[:, None])[..., None]
    count = inside.sum(1, keepdim=True).clamp(min=1)
    mean = torch.where(inside, features, 0).sum(1, keepdim=True) / count
    centred = torch.where(inside, features - mean, 0)
    if not variance:
        return centred
    spread = centred.square().sum(1, keepdim=True) / count
    return centred / _deviation(mean, spread)


def _deviation(mean, variance):
    """Standard deviations, and for constant columns something that does not blow up rounding."""
    least = (_ROUNDING * mean.abs() + _TINY).square()
    return torch.maximum(variance, least).sqrt()


@dataclass
class Moments:
    """Count, sum (D,) and sum of squares (D,) of frames, in float64."""

    count: float
    sum: torch.Tensor
    squares: torch.Tensor

    @classmethod
    def of(cls, features: torch.Tensor) -> "Moments":
        """Of frames (T, D)."""
        features = torch.as_tensor(features).detach().to("cpu", torch.float64)
        return cls(float(len(features)), features.sum(0), features.square().sum(0))

    def __add__(self, other: "Moments") -> "Moments":
        if self.sum.shape != other.sum.shape:
            raise ValueError(f"features must keep their width: got {len(other.sum)} columns after {len(self.sum)}.")
        return Moments(self.count + other.count, self.sum + other.sum, self.squares + other.squares)

    def apply(self, features: torch.Tensor, variance: bool = True) -> torch.Tensor:
        """Features (…, D) less the mean, divided by the standard deviation where ``variance``."""
        mean = self.sum / max(self.count, 1.0)
        result = features - mean.to(features)
        if not variance:
            return result
        spread = self.squares / max(self.count, 1.0) - mean.square()
        return result / _deviation(mean, spread).to(features)

    def to_dict(self) -> dict:
        """What JSON holds; floats come back exactly."""
        return {"count": self.count, "sum": self.sum.tolist(), "squares": self.squares.tolist()}

    @classmethod
    def from_dict(cls, saved: dict) -> "Moments":
        """The moments that :meth:`to_dict` wrote."""
        sums = (torch.tensor(saved[name], dtype=torch.float64) for name in ("sum", "squares"))
        return cls(float(saved["count"]), *sums)


class SpeakerCMVN:
    """Mean and variance normalisation with the statistics of all that a speaker said.

    Parameters
    ----------
    variance : bool
        Also divide by the standard deviation.
    unknown : {"raise", "global", "utterance"}
        For a speaker without statistics: an error, the statistics of all speakers together, or those of the features
        at hand.

    Notes
    -----
    Statistics of a test speaker come from test audio: say so where figures are given.
    """

    def __init__(self, variance: bool = True, unknown: str = "raise"):
        if unknown not in _FALLBACKS:
            raise ValueError(f"unknown must be one of {', '.join(_FALLBACKS)}; got {unknown!r}.")
        self.variance, self.unknown = variance, unknown
        self._speakers: dict[str, Moments] = {}

    @property
    def speakers(self) -> tuple[str, ...]:
        """Who has statistics."""
        return tuple(self._speakers)

    def moments(self, speaker: str | None = None) -> Moments:
        """Statistics of a speaker; None: of all together."""
        if speaker is not None:
            return self._speakers[speaker]
        if not self._speakers:
            raise ValueError("there are no statistics yet; call add(speaker, features) first.")
        first, *others = self._speakers.values()
        return sum(others, first)

    def add(self, speaker: str, features: torch.Tensor) -> "SpeakerCMVN":
        """Count features (T, D) among what a speaker said; returns itself."""
        moments = Moments.of(features)
        known = next(iter(self._speakers.values()), None)
        if known is not None:
            # Widths must agree between speakers too.
            known + moments
        self._speakers[speaker] = self._speakers[speaker] + moments if speaker in self._speakers else moments
        return self

    def apply(self, speaker: str, features: torch.Tensor, unknown: str | None = None) -> torch.Tensor:
        """Features (T, D) normalised as the speaker's. Raises a ValueError for an unknown one unless told otherwise."""
        if speaker in self._speakers:
            return self._speakers[speaker].apply(features, self.variance)
        unknown = self.unknown if unknown is None else unknown
        if unknown == "global":
            return self.moments().apply(features, self.variance)
        if unknown == "utterance":
            return utterance_cmvn(features, variance=self.variance)
        raise ValueError(
            f"there are no statistics of speaker {speaker!r}, only of {len(self._speakers)} others. Call "
            'add(speaker, features), or choose unknown="global" or "utterance".'
        )

    def to_dict(self) -> dict:
        """What JSON holds."""
        speakers = {name: moments.to_dict() for name, moments in self._speakers.items()}
        return {"variance": self.variance, "unknown": self.unknown, "speakers": speakers}

    @classmethod
    def from_dict(cls, saved: dict) -> "SpeakerCMVN":
        """What :meth:`to_dict` wrote."""
        result = cls(saved["variance"], saved["unknown"])
        result._speakers = {name: Moments.from_dict(moments) for name, moments in saved["speakers"].items()}
        return result
