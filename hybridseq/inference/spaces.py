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
    choices : int or None
        C, what every place of a hard output (B, P) chooses from: labels, or 0 and 1. None: there are no places.
    inside : (B, P) bool tensor
        Places in use, where there are places.
    device : torch.device or None
        Where outputs are drawn.
    bounds : (float, float)
        Of the numbers of relaxed outputs.
    """

    batch: int
    shape: tuple
    choices: int | None = None
    inside: Tensor
    device: torch.device | None = None
    bounds: tuple = (0.0, 1.0)

    @abstractmethod
    def is_hard(self, y: Tensor) -> bool:
        """Whether a batch of outputs is hard. Raises where it is neither hard nor relaxed, or of another shape."""

    def check(self, y: Tensor) -> None:
        """Raise where outputs are of another shape, labels or bits outside the set, or numbers outside their range."""
        if self.is_hard(y):
            self.vertices(y)
            return
        low, high = self.bounds
        slack = 1e-4 * (high - low)
        if not ((y >= low - slack) & (y <= high + slack)).all():
            raise ValueError(
                f"outputs must be from {low:g} to {high:g}; got {float(y.min()):g} to {float(y.max()):g}. Of unbounded "
                "numbers, such as logits, give space.squash(…)."
            )

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
    def unsquash(self, y: Tensor, softness: float = 0.0) -> Tensor:
        """Numbers that :meth:`squash` brings back to relaxed outputs, moved by a share ``softness`` to the centre."""

    @abstractmethod
    def draw(self, count: int, generator: torch.Generator | None = None) -> Tensor:
        """Outputs (count, B, …) at random, all alike in probability: hard, or pixels."""

    def table(self, numbers: Tensor) -> Tensor:
        """Numbers of the relaxed shape, such as logits or gradients, as one for every place and choice, (B, P, C)."""
        raise TypeError(f"{type(self).__name__} has no places that choose from a few values.")

    def probabilities(self, y: Tensor) -> Tensor:
        """Relaxed outputs as probabilities (B, P, C) of every place's choices, 0 where a place is not in use."""
        raise TypeError(f"{type(self).__name__} has no places that choose from a few values.")

    def of_probabilities(self, table: Tensor) -> Tensor:
        """Probabilities (B, P, C) of every place's choices as relaxed outputs."""
        raise TypeError(f"{type(self).__name__} has no places that choose from a few values.")

    @abstractmethod
    def cost(self, y: Tensor, gold: Tensor) -> Tensor:
        """Δ (B,): how far outputs, hard or relaxed, are from hard ones; differentiable in relaxed ones."""

    @abstractmethod
    def rows(self, index: Tensor) -> "OutputSpace":
        """The space of the rows (B',) that an index names, of which any may come several times."""

    def taken_over(self, y: Tensor, space: "OutputSpace") -> Tensor:
        """Hard outputs of another space of the same shape as outputs of this one, row by row."""
        return y

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
        if steps is None and len(lengths) == 0:
            raise ValueError("lengths is empty: give at least one sequence, or steps.")
        self.lengths = lengths
        self.num_labels = self.choices = num_labels
        self.device = lengths.device
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

    def unsquash(self, y, softness=0.0):
        logits = ((1 - softness) * y + softness / self.num_labels).log()
        return torch.where(self.inside[:, :, None], logits, 0)

    def draw(self, count, generator=None):
        y = torch.randint(self.num_labels, (count, *self.shape[:2]), generator=generator, device=self.device)
        return torch.where(self.inside, y, NO_LABEL)

    def table(self, numbers):
        return numbers

    def probabilities(self, y):
        return y

    def of_probabilities(self, table):
        return table * self.inside[:, :, None].to(table.dtype)

    def cost(self, y, gold):
        """Hamming: the number of wrong labels."""
        if self.is_hard(y):
            return ((y != gold) & self.inside).sum(1).to(torch.float32)
        right = y.gather(2, torch.where(self.inside, gold, 0)[:, :, None])[:, :, 0]
        return ((1 - right) * self.inside.to(y.dtype)).sum(1)

    def taken_over(self, y, space):
        """Label sequences cut to these lengths, or gone through again from the start."""
        places = torch.arange(self.shape[1], device=y.device) % space.lengths[:, None]
        return torch.where(self.inside, y.gather(1, places), NO_LABEL)

    def rows(self, index):
        return LabelSpace(self.lengths[index], self.num_labels, self.shape[1])


class BitSpace(OutputSpace):
    """Vectors of bits: hard (B, L) int64 0 or 1; relaxed (B, L) within [0, 1].

    Parameters
    ----------
    batch, num_bits : int
        B and L.
    device : torch.device, optional
        Where outputs are drawn.
    """

    choices = 2

    def __init__(self, batch: int, num_bits: int, device=None):
        self.batch, self.num_bits = batch, num_bits
        self.shape, self.device = (batch, num_bits), device
        self.inside = torch.ones(self.shape, dtype=torch.bool, device=device)

    def is_hard(self, y):
        self._check(y, "(B, L)", False)
        return not y.is_floating_point()

    def vertices(self, y, dtype=torch.float32):
        if ((y != 0) & (y != 1)).any():
            raise ValueError(f"bits must be 0 or 1; got values from {int(y.min())} to {int(y.max())}.")
        return y.to(dtype)

    def harden(self, y):
        return y.long() if self.is_hard(y) else (y > 0.5).long()

    def squash(self, logits):
        return logits.sigmoid()

    def unsquash(self, y, softness=0.0):
        return ((1 - softness) * y + softness / 2).logit()

    def draw(self, count, generator=None):
        return torch.randint(2, (count, *self.shape), generator=generator, device=self.device)

    def table(self, numbers):
        return torch.stack([torch.zeros_like(numbers), numbers], 2)

    def probabilities(self, y):
        return torch.stack([1 - y, y], 2)

    def of_probabilities(self, table):
        return table[:, :, 1]

    def cost(self, y, gold):
        """Hamming: the number of wrong bits."""
        gold = gold.to(y.dtype if y.is_floating_point() else torch.float32)
        return (y + gold - 2 * y * gold).sum(1).to(gold.dtype)

    def rows(self, index):
        return BitSpace(len(index), self.num_bits, self.device)


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
    device : torch.device, optional
        Where outputs are drawn.
    """

    def __init__(self, batch: int, shape: tuple, low: float = -1.0, high: float = 1.0, device=None):
        self.batch, self.low, self.high, self.device = batch, low, high, device
        self.shape, self.bounds = (batch, *shape), (low, high)

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

    def unsquash(self, y, softness=0.0):
        return ((1 - softness) * (y - self.low) / (self.high - self.low) + softness / 2).logit()

    def draw(self, count, generator=None):
        return self.low + (self.high - self.low) * torch.rand(
            (count, *self.shape), generator=generator, device=self.device
        )

    def cost(self, y, gold):
        """Mean squared difference."""
        return (y - gold).square().flatten(1).mean(1)

    def rows(self, index):
        return PixelSpace(len(index), self.shape[1:], self.low, self.high, self.device)
