"""Log energies of mel filters."""

import torch

from hybridseq.speech.features.spectral import SMALLEST, Spectral


class Fbank(Spectral):
    """Log mel filter-bank energies, equal to Kaldi's :cite:p:`povey2011kaldi`.

    Feed it the numbers that you would feed Kaldi: samples are not scaled here, and Kaldi's are whole numbers of 16
    bits. The two scales differ by a constant, 2 ln 32768, where energies are not at the floor.

    Parameters
    ----------
    rate : int
        Samples a second.
    num_mels : int
        Mel filters.
    frame_length, frame_shift : float
        Milliseconds.
    window : {"povey", "hanning", "hamming", "sine", "blackman", "rectangular"}
    preemphasis : float
        Each sample less so much of the one before it.
    low, high : float
        The filters' range in Hz; ``high`` at or below 0 counts from half the rate.
    snip_edges : bool
        Only frames that lie within the signal; otherwise one a shift, with the signal mirrored at its ends.
    remove_dc : bool
        Subtract each frame's mean.
    use_power : bool
        Energies; otherwise magnitudes.
    log : bool
        The logarithm, of at least 2⁻²³.
    use_energy : bool
        The frame's log energy as a first column.
    raw_energy : bool
        That energy before preemphasis and window.
    energy_floor : float
        Its least value before the logarithm; 0: none.
    dither : float
        Standard deviation of noise that is added to each frame.
    generator : torch.Generator, optional
        Of that noise.
    frames_a_block : int
        Frames that are worked on at a time: bounds the memory, changes no number.
    floor_db : float, optional
        So far below the signal's loudest mel energy lies an even background that is added to all of it: recordings
        with other noise below it look alike. None: nothing is added.
    floor_past : bool
        The loudest up to each frame instead, which a stream knows.

    Notes
    -----
    Differentiable in the samples. ``width`` is the number of columns.

    Examples
    --------
    >>> import torch
    >>> Fbank(rate=8000)(torch.zeros(8000)).shape
    torch.Size([98, 40])
    """

    def __init__(
        self,
        rate: int = 16000,
        num_mels: int = 40,
        *,
        frame_length: float = 25.0,
        frame_shift: float = 10.0,
        window: str = "povey",
        preemphasis: float = 0.97,
        low: float = 20.0,
        high: float = 0.0,
        snip_edges: bool = True,
        remove_dc: bool = True,
        use_power: bool = True,
        log: bool = True,
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
            rate, num_mels, frame_length, frame_shift, window, preemphasis, low, high, snip_edges, remove_dc, use_power,
            use_energy, raw_energy, energy_floor, dither, generator, frames_a_block,
            floor_db, floor_past,
        )  # fmt: skip
        self.log = log
        self.width = num_mels + use_energy

    def _columns(self, energies, energy):
        if self.log:
            energies = energies.clamp(min=SMALLEST).log()
        return energies if energy is None else torch.cat([energy[..., None], energies], -1)
