"""Mel-frequency cepstral coefficients."""

import math
from functools import lru_cache

import torch

from hybridseq.speech.features.spectral import SMALLEST, Spectral


class MFCC(Spectral):
    """Mel-frequency cepstral coefficients :cite:p:`davis1980comparison`, equal to Kaldi's :cite:p:`povey2011kaldi`.

    The orthonormal cosine transform of log mel energies, its first ``num_ceps`` coefficients weighted by the lifter
    1 + (Q / 2) sin(π i / Q).

    Parameters
    ----------
    num_ceps : int
        Coefficients, the 0th among them; at most ``num_mels``.
    lifter : float
        Q; 0: none.
    use_energy : bool
        The frame's log energy in place of the 0th coefficient.
    rate, num_mels, frame_length, frame_shift, window, preemphasis, low, high, snip_edges, remove_dc, raw_energy, \
energy_floor, dither, generator, frames_a_block, floor_db, floor_past
        As for :class:`Fbank`.

    Notes
    -----
    Differentiable in the samples. ``width`` is the number of columns.

    Examples
    --------
    >>> import torch
    >>> features, frames = MFCC(rate=8000)(torch.zeros(2, 8000), torch.tensor([8000, 4000]))
    >>> features.shape, frames.tolist()
    (torch.Size([2, 98, 13]), [98, 48])
    """

    def __init__(
        self,
        rate: int = 16000,
        num_mels: int = 23,
        num_ceps: int = 13,
        *,
        lifter: float = 22.0,
        frame_length: float = 25.0,
        frame_shift: float = 10.0,
        window: str = "povey",
        preemphasis: float = 0.97,
        low: float = 20.0,
        high: float = 0.0,
        snip_edges: bool = True,
        remove_dc: bool = True,
        use_energy: bool = False,
        raw_energy: bool = True,
        energy_floor: float = 0.0,
        dither: float = 0.0,
        generator: torch.Generator | None = None,
        frames_a_block: int = 4096,
        floor_db: float | None = None,
        floor_past: bool = False,
    ):
        super().__init__(
            rate, num_mels, frame_length, frame_shift, window, preemphasis, low, high, snip_edges, remove_dc, True,
            use_energy, raw_energy, energy_floor, dither, generator, frames_a_block,
            floor_db, floor_past,
        )  # fmt: skip
        if not 1 <= num_ceps <= num_mels:
            raise ValueError(f"num_ceps must be 1 to num_mels = {num_mels}; got {num_ceps}.")
        self.num_ceps, self.lifter = num_ceps, lifter
        self.width = num_ceps

    def _columns(self, energies, energy):
        cepstra = energies.clamp(min=SMALLEST).log() @ _transform(self.num_mels, self.num_ceps, self.lifter).to(
            energies
        )
        return cepstra if energy is None else torch.cat([energy[..., None], cepstra[..., 1:]], -1)


@lru_cache(maxsize=32)
def _transform(num_mels, num_ceps, lifter):
    """(num_mels, num_ceps) float64: the cosine transform and the lifter."""
    order = torch.arange(num_ceps, dtype=torch.float64)
    place = (torch.arange(num_mels, dtype=torch.float64) + 0.5)[:, None]
    cosines = torch.cos(math.pi / num_mels * place * order) * math.sqrt(2 / num_mels)
    cosines[:, 0] = math.sqrt(1 / num_mels)
    return cosines * (1 + 0.5 * lifter * torch.sin(math.pi * order / lifter)) if lifter else cosines
