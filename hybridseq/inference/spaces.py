"""What outputs look like: label sequences, bits or pixels, as hard answers and as points between them."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from hybridseq.structures.checks import ShapeError, check_integers
from hybridseq.structures.structure import NO_LABEL


class OutputSpace(ABC):
    """The outputs of a batch: hard ones, and the relaxed ones that contain them as vertices.

    Attributes
    ----------
    batch : int
        B.
    shape : tuple of int
        Of a relaxed batch, (B, …).
    """

    batch: int
    shape: tuple

    @abstractmethod
    def is_hard(self, y: Tensor) -> bool:
        """Whether a batch of outputs is hard. Raises where it is neither hard nor relaxed, or of another shape."""

    @abstractmethod
    def vertices(self, y: Tensor, dtype=torch.float32) -> Tensor:
        """Hard outputs as relaxed ones."""

    @abstractmethod
    def harden(self, y: Tensor) -> Tensor:
        """The hard outputs nearest to relaxed ones; hard ones as they are."""

    @abstractmethod
    def squash(self, logits: Tensor) -> Tensor:
        """Relaxed outputs from unbounded numbers of the same shape."""

    @abstractmethod
    def cost(self, y: Tensor, gold: Tensor) -> Tensor:
        """Δ (B,): how far outputs, hard or relaxed, are from hard ones; differentiable in relaxed ones."""

    @abstractmethod
    def rows(self, index: Tensor) -> "OutputSpace":
        """The space of the rows (B',) that an index names, of which any may come several times."""

    def relaxed(self, y: Tensor, dtype=torch.float32) -> Tensor:
        """Outputs, hard or relaxed, as relaxed ones."""
        return self.vertices(y, dtype) if self.is_hard(y) else y

    def _check(self, y, dims, whole):
        if not isinstance(y, Tensor):
            raise TypeError(
                f"outputs must be a tensor, {dims}; got {type(y).__name__}. Convert it: torch.as_tensor(…)."
            )
        wanted = self.shape[: y.dim()] if whole else self.shape
        if tuple(y.shape) != tuple(wanted) or y.dim() < 2:
            raise ShapeError(f"outputs must have shape {dims} = {self._shapes()}; got {tuple(y.shape)}.")

    def _shapes(self):
        return str(self.shape)


class LabelSpace(OutputSpace):
    """Label sequences: hard (B, T) int64, padded with −100; relaxed (B, T, K), rows of the simplex, padded with 0.

    Parameters
    ----------
    lengths : (B,) int64 tensor
    num_labels : int
        K.
    steps : int, optional
        T; by default the greatest length.
    """

    def __init__(self, lengths: Tensor, num_labels: int, steps: int | None = None):
        check_integers("lengths", lengths, "(B,)")
        self.lengths = lengths
        self.num_labels = num_labels
        self.batch = len(lengths)
        self.shape = self.batch, int(lengths.max()) if steps is None else steps, num_labels
        self.inside = torch.arange(self.shape[1], device=lengths.device) < lengths[:, None]

    def _shapes(self):
        return f"{self.shape[:2]} (int64) or {self.shape} (floating point)"

    def is_hard(self, y):
        self._check(y, "(B, T) or (B, T, K)", not (isinstance(y, Tensor) and y.is_floating_point()))
        if y.is_floating_point():
            return False
        check_integers("outputs", y, "(B, T)")
        return True

    def vertices(self, y, dtype=torch.float32):
        inside = self.inside
        bad = inside & ((y < 0) | (y >= self.num_labels))
        if bad.any():
            row, place = bad.nonzero()[0].tolist()
            raise ValueError(
                f"outputs[{row}, {place}] is {int(y[row, place])}; expected a label from 0 to {self.num_labels - 1} "
                "within the row's length."
            )
        hot = torch.zeros(self.shape, dtype=dtype, device=y.device)
        return hot.scatter_(2, torch.where(inside, y, 0)[:, :, None], inside[:, :, None].to(dtype))

    def harden(self, y):
        return y if self.is_hard(y) else torch.where(self.inside, y.argmax(2), NO_LABEL)

    def squash(self, logits):
        return logits.softmax(2) * self.inside[:, :, None].to(logits.dtype)

    def cost(self, y, gold):
        """Hamming: the number of wrong labels."""
        if self.is_hard(y):
            return ((y != gold) & self.inside).sum(1).to(torch.float32)
        right = y.gather(2, torch.where(self.inside, gold, 0)[:, :, None])[:, :, 0]
        return ((1 - right) * self.inside.to(y.dtype)).sum(1)

    def rows(self, index):
        return LabelSpace(self.lengths[index], self.num_labels, self.shape[1])


class BitSpace(OutputSpace):
    """Vectors of bits: hard (B, L) int64 0 or 1; relaxed (B, L) within [0, 1].

    Parameters
    ----------
    batch, num_bits : int
        B and L.
    """

    def __init__(self, batch: int, num_bits: int):
        self.batch, self.num_bits = batch, num_bits
        self.shape = batch, num_bits

    def is_hard(self, y):
        self._check(y, "(B, L)", False)
        return not y.is_floating_point()

    def vertices(self, y, dtype=torch.float32):
        if ((y != 0) & (y != 1)).any():
            raise ValueError(f"bits must be 0 or 1; got values from {int(y.min())} to {int(y.max())}.")
        return y.to(dtype)

    def harden(self, y):
        return y if self.is_hard(y) else (y > 0.5).long()

    def squash(self, logits):
        return logits.sigmoid()

    def cost(self, y, gold):
        """Hamming: the number of wrong bits."""
        gold = gold.to(y.dtype if y.is_floating_point() else torch.float32)
        return (y + gold - 2 * y * gold).sum(1).to(gold.dtype)

    def rows(self, index):
        return BitSpace(len(index), self.num_bits)


class PixelSpace(OutputSpace):
    """Images or other arrays (B, …) of numbers within bounds; there is nothing between hard and relaxed.

    Parameters
    ----------
    batch : int
        B.
    shape : tuple of int
        Of one output.
    low, high : float
        The bounds.
    """

    def __init__(self, batch: int, shape: tuple, low: float = -1.0, high: float = 1.0):
        self.batch, self.low, self.high = batch, low, high
        self.shape = batch, *shape

    def is_hard(self, y):
        self._check(y, "(B, …)", False)
        if not y.is_floating_point():
            raise TypeError(f"outputs must be floating-point numbers from {self.low} to {self.high}; got {y.dtype}.")
        return False

    def vertices(self, y, dtype=torch.float32):
        return y.to(dtype)

    def harden(self, y):
        return y.clamp(self.low, self.high)

    def squash(self, logits):
        return self.low + (self.high - self.low) * logits.sigmoid()

    def cost(self, y, gold):
        """Mean squared difference."""
        return (y - gold).square().flatten(1).mean(1)

    def rows(self, index):
        return PixelSpace(len(index), self.shape[1:], self.low, self.high)
