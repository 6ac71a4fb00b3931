"""Triangles on the mel scale, with the frequency axis stretched for a speaker's vocal tract."""

import math
from functools import lru_cache

import torch


def mel(hertz):
    """1127 ln(1 + f / 700)."""
    return 1127.0 * torch.log1p(hertz / 700.0)


def _hertz(mels):
    return 700.0 * torch.expm1(mels / 1127.0)


@lru_cache(maxsize=256)
def mel_bank(num_mels: int, rate: int, fft: int, low: float, high: float, warp: float = 1.0) -> torch.Tensor:
    """Weights (fft / 2 + 1, num_mels) of a power spectrum's bins, float64.

    Triangles with corners at equal distances on the mel scale, 1 at their tips. The bin at half the rate has no weight.

    Parameters
    ----------
    num_mels, rate, fft : int
        Triangles, samples a second, length of the Fourier transform.
    low, high : float
        The first and the last corner in Hz; ``high`` at or below 0 counts from half the rate.
    warp : float
        The corners are moved by :func:`warp_frequency`.
    """
    half = rate / 2
    top = high if high > 0 else half + high
    if not 0 <= low < top <= half:
        raise ValueError(
            f"mel filters need 0 <= low < high <= {half:g} Hz, half the rate; got low = {low:g} and high = {top:g}."
        )
    ends = mel(torch.tensor([low, top], dtype=torch.float64))
    corners = ends[0] + torch.arange(num_mels + 2, dtype=torch.float64) * (ends[1] - ends[0]) / (num_mels + 1)
    if warp != 1:
        corners = mel(warp_frequency(_hertz(corners), warp, low=low, high=top, rate=rate))
    left, centre, right = corners[:-2], corners[1:-1], corners[2:]
    place = mel(torch.arange(fft // 2 + 1, dtype=torch.float64) * (rate / fft))[:, None]
    weights = torch.minimum((place - left) / (centre - left), (right - place) / (right - centre)).clamp(min=0)
    weights[-1] = 0
    if not (weights.sum(0) > 0).all():
        empty = int((weights.sum(0) == 0).nonzero()[0])
        raise ValueError(
            f"mel filter {empty} of {num_mels} lies between two bins of the Fourier transform ({fft} points at {rate} "
            "Hz). Use fewer num_mels or a longer frame."
        )
    return weights


def warp_frequency(
    hertz: torch.Tensor,
    warp: float,
    *,
    low: float,
    high: float,
    rate: int,
    bend_low: float = 100.0,
    bend_high: float = -500.0,
):
    """Frequencies divided by ``warp``, between bends beyond which straight lines lead to the fixed ends.

    The piecewise linear warp of vocal tract length normalisation :cite:p:`wegmann1996speaker` as Kaldi has it.

    Parameters
    ----------
    hertz : float tensor
    warp : float
        Above 1 for a longer vocal tract than the average, below 1 for a shorter one; 0.8 to 1.2 as a rule.
    low, high : float
        Frequencies that stay where they are, in Hz.
    rate : int
        Samples a second.
    bend_low, bend_high : float
        Where the line bends, in Hz; ``bend_high`` below 0 counts from half the rate.
    """
    top = bend_high if bend_high > 0 else rate / 2 + bend_high
    first, last = bend_low * max(1.0, warp), top * min(1.0, warp)
    if not (
        math.isfinite(warp) and warp > 0 and low < first < last < high and low < first / warp and last / warp < high
    ):
        raise ValueError(
            f"a warp of {warp:g} puts the bends at {first:g} Hz and {last:g} Hz, which do not lie within the filters' "
            f"{low:g} Hz to {high:g} Hz. Use a warp nearer to 1, or filters over a wider range."
        )
    below = low + (first / warp - low) / (first - low) * (hertz - low)
    above = high + (high - last / warp) / (high - last) * (hertz - high)
    inner = torch.where(hertz < first, below, torch.where(hertz < last, hertz / warp, above))
    return torch.where((hertz < low) | (hertz > high), hertz, inner)
