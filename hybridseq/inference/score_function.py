"""The one protocol of F(x, y): a score of whole outputs, hard or relaxed."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from hybridseq.inference.spaces import OutputSpace
from hybridseq.structures.structure import Structure


class Scored(ABC):
    """F(x, ·) for a batch of inputs: what depends on x alone has been computed.

    Attributes
    ----------
    space : OutputSpace
        What the outputs are.
    structure : Structure or None
        The same scores as a structure, whose argmax is exact; None where there is none.
    dtype : torch.dtype
        Of the scores.
    """

    space: OutputSpace
    structure: Structure | None = None
    dtype: torch.dtype = torch.float32

    @abstractmethod
    def raw_score(self, y: Tensor) -> Tensor:
        """F (B,) of relaxed outputs, unchecked; differentiable."""

    @abstractmethod
    def rows(self, index: Tensor) -> "Scored":
        """F of the rows (B',) that an index names, of which any may come several times."""

    def score(self, y: Tensor) -> Tensor:
        """F(x, y), (B,), of hard or relaxed outputs; equal where a relaxed output is a vertex.

        Raises
        ------
        ShapeError, TypeError, ValueError
            Where y is not of the space.
        """
        return self.raw_hard_score(y) if self.space.is_hard(y) else self.raw_score(y)

    def raw_hard_score(self, y: Tensor) -> Tensor:
        """F (B,) of hard outputs."""
        return self.raw_score(self.space.vertices(y, self.dtype))

    def double(self) -> "Scored":
        """The same function in float64, without gradients to its parameters: to compare values that are close."""
        raise TypeError(f"{type(self).__name__} cannot be computed in float64: it defines no double().")


class ScoreFunction(nn.Module):
    """F(x, y) with parameters. A concrete one defines :meth:`at`."""

    def at(self, x) -> Scored:
        """F(x, ·) for a batch of inputs."""
        raise TypeError(f"{type(self).__name__} must define at(x), which gives F(x, ·) as a Scored.")

    def score(self, x, y: Tensor) -> Tensor:
        """F(x, y), (B,)."""
        return self.at(x).score(y)

    def forward(self, x, y: Tensor) -> Tensor:
        """F(x, y), (B,)."""
        return self.score(x, y)
