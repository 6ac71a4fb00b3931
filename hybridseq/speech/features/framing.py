"""Frames of a signal: how many there are, where they begin, and what stands beyond its ends."""

import math
from dataclasses import dataclass
from functools import lru_cache

import torch

WINDOWS = "povey", "hanning", "hamming", "sine", "blackman", "rectangular"


@dataclass(frozen=True)
class Framing:
    """How a signal is cut.

    Parameters
    ----------
    rate : int
        Samples a second.
    frame_length, frame_shift : float
        Milliseconds.
    snip_edges : bool
        Only frames that lie within the signal; otherwise frames are centred, one a shift, and the signal is mirrored at
        its ends.
    """

    rate: int
    frame_length: float = 25.0
    frame_shift: float = 10.0
    snip_edges: bool = True

    def __post_init__(self):
        if not 1 <= self.shift <= self.width:
            raise ValueError(
                "frame_shift must be at least one sample and at most frame_length; got a shift of "
                f"{self.frame_shift:g} ms and a length of {self.frame_length:g} ms at {self.rate} Hz."
            )

    @property
    def width(self) -> int:
        """Samples of a frame."""
        return int(self.rate * 0.001 * self.frame_length)

    @property
    def shift(self) -> int:
        """Samples from one frame's beginning to the next one's."""
        return int(self.rate * 0.001 * self.frame_shift)

    @property
    def before(self) -> int:
        """Samples that the first frame reaches back before the signal."""
        return 0 if self.snip_edges else self.width // 2 - self.shift // 2

    def count(self, samples):
        """Frames of so many samples: an int, or a tensor of them."""
        if not self.snip_edges:
            return (samples + self.shift // 2) // self.shift
        frames = (samples - self.width) // self.shift + 1
        return frames.clamp(min=0) if isinstance(frames, torch.Tensor) else max(frames, 0)

    def extend(self, samples, lengths, frames):
        """(B, N) with each row mirrored at its own ends, so that frame i begins at sample i · shift of the result."""
        if self.snip_edges:
            return samples
        total = (frames - 1) * self.shift + self.width
        place = torch.arange(total, device=samples.device) - self.before
        twice = 2 * lengths[:, None].clamp(min=1)
        place = place % twice
        place = torch.where(place * 2 >= twice, twice - 1 - place, place)
        return samples.gather(1, place)


@lru_cache(maxsize=32)
def window_function(name: str, width: int) -> torch.Tensor:
    """Weights (width,) of a frame's samples, float64. "povey" is hanning to the power 0.85, which is 0 at its ends."""
    place = torch.arange(width, dtype=torch.float64)
    turn = 2 * math.pi / max(width - 1, 1)
    if name == "rectangular":
        return torch.ones(width, dtype=torch.float64)
    if name == "sine":
        return torch.sin(0.5 * turn * place)
    if name == "hamming":
        return 0.54 - 0.46 * torch.cos(turn * place)
    if name == "blackman":
        return 0.42 - 0.5 * torch.cos(turn * place) + 0.08 * torch.cos(2 * turn * place)
    hanning = 0.5 - 0.5 * torch.cos(turn * place)
    return hanning if name == "hanning" else hanning**0.85
