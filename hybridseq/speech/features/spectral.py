"""What filter banks and cepstra share: frames in blocks, rows of unlike lengths, streams."""

from abc import ABC, abstractmethod

import torch
from torch import nn

from hybridseq.speech.features.framing import WINDOWS, Framing, window_function
from hybridseq.speech.features.mel import mel_bank
from hybridseq.speech.features.streaming import FeatureStream

#: The smallest energy whose logarithm is taken.
SMALLEST = 1.1920928955078125e-07


class Spectral(nn.Module, ABC):
    """Base of :class:`Fbank` and :class:`MFCC`, which say what is made of the frames' mel energies.

    A subclass sets ``width``, the number of columns, and writes ``_columns``.
    """

    width: int

    def __init__(
        self,
        rate: int,
        num_mels: int,
        frame_length: float,
        frame_shift: float,
        window: str,
        preemphasis: float,
        low: float,
        high: float,
        snip_edges: bool,
        remove_dc: bool,
        use_power: bool,
        use_energy: bool,
        raw_energy: bool,
        energy_floor: float,
        dither: float,
        generator: torch.Generator | None,
        frames_a_block: int,
        floor_db: float | None,
        floor_past: bool,
    ):
        super().__init__()
        if window not in WINDOWS:
            raise ValueError(f"window must be one of {', '.join(WINDOWS)}; got {window!r}.")
        for name, value in (("rate", rate), ("num_mels", num_mels), ("frames_a_block", frames_a_block)):
            if isinstance(value, bool) or int(value) != value or value < 1:
                raise ValueError(f"{name} must be a whole number of at least 1; got {value!r}.")
        self.framing = Framing(rate, frame_length, frame_shift, snip_edges)
        self.rate, self.num_mels, self.window, self.preemphasis = rate, num_mels, window, preemphasis
        self.low, self.high, self.remove_dc, self.use_power = low, high, remove_dc, use_power
        self.use_energy, self.raw_energy, self.energy_floor = use_energy, raw_energy, energy_floor
        self.dither, self.generator, self.frames_a_block = dither, generator, frames_a_block
        if floor_db is not None and not 0 < floor_db < float("inf"):
            raise ValueError(f"floor_db must be above 0 dB, or None for no floor; got {floor_db!r}.")
        self.floor_db, self.floor_past = floor_db, floor_past
        self.fft = 1 << (self.framing.width - 1).bit_length()
        self._bank(1.0)

    def extra_repr(self):
        return f"rate={self.rate}, num_mels={self.num_mels}, width={self.width}"

    def forward(self, samples: torch.Tensor, lengths: torch.Tensor | None = None, warp=1.0, loudness: bool = False):
        """Features of one signal or of a batch.

        Parameters
        ----------
        samples : (N,) or (B, N) tensor
            Audio, float32 or float64.
        lengths : (B,) int64 tensor, optional
            Samples of each row of a batch; what stands beyond them is ignored. All of them by default.
        warp : float or (B,) of them
            Vocal tract length factor, one for all rows or one a row; see :func:`warp_frequency`.
        loudness : bool
            Return also how loud frames are.

        Returns
        -------
        features : (T, D) tensor
            For one signal (N,).
        features, frames : (B, T, D) tensor and (B,) int64 tensor
            For a batch (B, N): each row's frames, then zeros. A row that is shorter than a frame has 0 of them.
        loudness : (B, T) or (T,) tensor
            With ``loudness``, last: decibels of each frame's loudest mel energy below the row's loudest; at most 0.

        Notes
        -----
        Frames are worked on in blocks, so that beside the result (and where no gradients are asked for) memory does not
        grow with the length of the signal.
        """
        _check_samples(samples)
        if samples.dim() == 1:
            if lengths is not None:
                raise ValueError("lengths belong to a batch (B, N); got them beside one signal (N,).")
            features, _, *rest = self(samples[None], warp=warp, loudness=loudness)
            return (features[0], rest[0][0]) if loudness else features[0]
        if lengths is not None:
            lengths = _checked_lengths(lengths, samples)
            inside = torch.arange(samples.shape[1], device=samples.device) < lengths[:, None]
            samples = torch.where(inside, samples, 0)
        else:
            lengths = torch.full((len(samples),), samples.shape[1], device=samples.device)
        frames = self.framing.count(lengths)
        most = int(frames.max()) if len(frames) else 0
        if not most:
            nothing = samples.new_zeros(len(samples), 0, self.width)
            return (nothing, frames, nothing[..., 0]) if loudness else (nothing, frames)
        signal = self.framing.extend(samples, lengths, most)
        inside = torch.arange(most, device=samples.device) < frames[:, None]
        features, _, loud = self._features(signal, most, self._banks(warp, samples), inside)
        features = torch.where(inside[..., None], features, 0)
        if not loudness:
            return features, frames
        loud = torch.where(inside, loud, 0).clamp(min=SMALLEST).log10()
        return features, frames, torch.where(inside, 10 * (loud - loud.amax(1, keepdim=True)), 0)

    def stream(self, warp: float = 1.0) -> FeatureStream:
        """Features while the audio comes in: an object with ``accept(samples)`` and ``finish()``."""
        if self.floor_db is not None and not self.floor_past:
            raise ValueError(
                "a stream does not know the loudest energy to come: set floor_past=True, or floor_db=None."
            )
        return FeatureStream(self, warp)

    def _features(self, signal, count, banks, inside=None, peak=None):
        """Of a signal (B, N) whose frame i begins at sample i · shift: (B, count, D), the loudest energy (B, 1) so far,
        and the loudest of each frame, (B, count).

        ``inside`` (B, count) marks the frames that are the row's own; ``peak`` (B, 1) is the loudest of those before.
        """
        frames = signal.unfold(1, self.framing.width, self.framing.shift)[:, :count]
        block = max(1, self.frames_a_block // len(signal))
        parts = [self._block(part, banks) for part in frames.split(block, 1)]
        energies, energy = (x[0] if len(x) == 1 or x[0] is None else torch.cat(x, 1) for x in zip(*parts))
        loud = energies.amax(2)
        if self.floor_db is not None:
            loudest = loud if inside is None else torch.where(inside, loud, 0)
            loudest = loudest if peak is None else torch.cat([peak, loudest], 1)
            peak = loudest.amax(1, keepdim=True)
            past = loudest.cummax(1).values[:, -count:] if self.floor_past else peak
            energies = energies + (10 ** (-self.floor_db / 10) * past)[..., None]
        return self._columns(energies, energy), peak, loud

    def _block(self, frames, banks):
        """Mel energies (B, T, num_mels) and log energy (B, T) or None."""
        if self.dither:
            noise = torch.randn(frames.shape, generator=self.generator, dtype=frames.dtype, device=frames.device)
            frames = frames + self.dither * noise
        if self.remove_dc:
            frames = frames - frames.mean(-1, keepdim=True)
        energy = self._log_energy(frames) if self.use_energy and self.raw_energy else None
        if self.preemphasis:
            frames = frames - self.preemphasis * torch.cat([frames[..., :1], frames[..., :-1]], -1)
        frames = frames * window_function(self.window, self.framing.width).to(frames)
        if self.use_energy and not self.raw_energy:
            energy = self._log_energy(frames)
        spectrum = torch.fft.rfft(frames, self.fft)
        power = spectrum.real.square() + spectrum.imag.square()
        if not self.use_power:
            # The slope of a root is infinite at 0.
            power = torch.where(power > 0, power, 1).sqrt() * (power > 0)
        return power @ banks, energy

    def _log_energy(self, frames):
        energy = frames.square().sum(-1).clamp(min=SMALLEST).log()
        if self.energy_floor > 0:
            energy = energy.clamp(min=torch.tensor(self.energy_floor, dtype=torch.float64).log().item())
        return energy

    @abstractmethod
    def _columns(self, energies, energy):
        """Features (B, T, width) of mel energies (B, T, num_mels) and the frames' log energy (B, T) or None."""

    def _bank(self, warp):
        return mel_bank(self.num_mels, self.rate, self.fft, float(self.low), float(self.high), float(warp))

    def _banks(self, warp, samples):
        """(F, M) for one warp, (B, F, M) for one a row."""
        warps = warp.tolist() if isinstance(warp, torch.Tensor) else warp
        if isinstance(warps, int | float):
            return self._bank(warps).to(samples)
        if len(warps) != len(samples):
            raise ValueError(
                f"warp must be one number or one for each of the {len(samples)} rows; got {len(warps)} of them."
            )
        return torch.stack([self._bank(value) for value in warps]).to(samples)


def _check_samples(samples):
    if not isinstance(samples, torch.Tensor) or not samples.is_floating_point():
        got = samples.dtype if isinstance(samples, torch.Tensor) else type(samples).__name__
        raise TypeError(
            f"samples must be a floating-point tensor, (N,) or (B, N); got {got}. Convert it: torch.as_tensor(array), "
            "and whole numbers of 16 bits by / 32768."
        )
    if samples.dim() not in (1, 2):
        raise ValueError(f"samples must have shape (N,) or (B, N); got {tuple(samples.shape)}.")


def _checked_lengths(lengths, samples):
    rows, most = samples.shape
    lengths = torch.as_tensor(lengths, device=samples.device)
    if lengths.is_floating_point() or tuple(lengths.shape) != (rows,):
        raise ValueError(
            f"lengths must be whole numbers of shape (B,) = ({rows},), samples a row; got {lengths.dtype} of shape "
            f"{tuple(lengths.shape)}."
        )
    if rows and (int(lengths.min()) < 0 or int(lengths.max()) > most):
        raise ValueError(f"lengths must be 0 to N = {most}; got {lengths.tolist()}.")
    return lengths.long()
