"""The one protocol of F(x, y): a score of whole outputs, hard or relaxed."""

import math
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
    multilinear : bool
        Whether F is linear in every place's distribution while the others are held, as in sums over parts in which no
        place comes twice. One gradient then tells what every change of one place gains.
    reach : int or None
        Places farther apart than this never meet in a part of F, so that they can be changed at the same time; 1 in
        a chain. None: any two may meet.
    """

    space: OutputSpace
    structure: Structure | None = None
    dtype: torch.dtype = torch.float32
    multilinear: bool = False
    reach: int | None = None

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
            Where y is of another shape, or hard and outside the set. Numbers of relaxed outputs are taken as they are,
            see :meth:`OutputSpace.check`.
        """
        return self.raw_hard_score(y) if self.space.is_hard(y) else self.raw_score(y)

    def raw_hard_score(self, y: Tensor) -> Tensor:
        """F (B,) of hard outputs."""
        return self.raw_score(self.space.vertices(y, self.dtype))

    def raw_hard_scores(self, ys: Tensor) -> Tensor:
        """F (n, B) of n hard outputs for every example, (n, B, …)."""
        flat, index = ys.flatten(0, 1), torch.arange(self.space.batch, device=ys.device).repeat(len(ys))
        parts = zip(flat.split(self._rows_at_once), index.split(self._rows_at_once))
        return torch.cat([self.rows(rows).raw_hard_score(y) for y, rows in parts]).view(len(ys), -1)

    def raw_gains(self, ys: Tensor, places: Tensor, candidates: int | None = None) -> Tensor:
        """What F gains where one place of a hard output is changed, for places (m,) and outputs (n, B, P).

        (n, B, m, C): F with choice c at the place, minus F as it is; 0 for the choice that stands there. What is given
        for places that are not in use means nothing. One gradient for a multilinear F, else n·m·(C − 1) scores; or
        one gradient and n·m·``candidates`` scores, those of the choices that F's slope speaks for, and −inf for others.
        """
        now = self._standing(ys, places)
        if self.multilinear:
            slopes = self._slopes(ys, places)
            return slopes - slopes.gather(3, now)
        choices = self.space.choices
        if candidates is None or candidates >= choices - 1:
            tried = (now + torch.arange(1, choices, device=ys.device)) % choices
        else:
            tried = self._slopes(ys, places).scatter(3, now, -torch.inf).topk(candidates).indices
        standing = self.raw_hard_scores(ys)[..., None]
        gains = standing.new_full((*now.shape[:3], choices), -torch.inf).scatter_(3, now, 0)
        for i, place in enumerate(places.tolist()):
            changed = ys.repeat(tried.shape[3], 1, 1, 1)
            changed[..., place] = tried[:, :, i].movedim(2, 0)
            changed = torch.where(self.space.inside, changed, ys)
            scores = self.raw_hard_scores(changed.flatten(0, 1)).unflatten(0, (-1, len(ys))).movedim(0, 2)
            gains[:, :, i].scatter_(2, tried[:, :, i], scores - standing)
        return gains

    def _slopes(self, ys, places):
        """∂F/∂y of every choice at places (m,), at hard outputs (n, B, P): (n, B, m, C)."""
        flat, index = ys.flatten(0, 1), torch.arange(self.space.batch, device=ys.device).repeat(len(ys))
        parts = []
        for y, rows in zip(flat.split(self._rows_at_once), index.split(self._rows_at_once)):
            many = self.rows(rows)
            parts.append(many.space.table(many.gradient(many.space.vertices(y, self.dtype)))[:, places])
        return torch.cat(parts).unflatten(0, ys.shape[:2])

    def gradient(self, y: Tensor) -> Tensor:
        """∂F/∂y of relaxed outputs, of their shape; the parameters' gradients are left alone.

        Raises
        ------
        ValueError
            Where F does not depend on relaxed outputs in a differentiable way.
        """
        with torch.enable_grad():
            y = y.detach().requires_grad_()
            total = self.raw_score(y).sum()
            slopes = torch.autograd.grad(total, y, allow_unused=True)[0] if total.requires_grad else None
        if slopes is None:
            raise ValueError(
                f"{type(self).__name__} gives no gradient with respect to relaxed outputs, which this search needs. "
                "Let raw_score be differentiable in y (no argmax, no detach, no NumPy), or take a search that only "
                "scores hard outputs: icm or beam, from a start."
            )
        return slopes

    @property
    def _rows_at_once(self):
        """Rows whose numbers stay within 32 MB in float64."""
        return max(1, 2**22 // max(1, math.prod(self.space.shape[1:])))

    def _standing(self, ys, places):
        """The choices (n, B, m, 1) of places, 0 where they are not in use."""
        return torch.where(self.space.inside, ys, 0)[:, :, places, None]

    def double(self) -> "Scored":
        """The same function in float64, without gradients to its parameters: to compare values that are close."""
        raise TypeError(f"{type(self).__name__} cannot be computed in float64: it defines no double().")


class ScoreFunction(nn.Module):
    """F(x, y) with parameters. A concrete one defines :meth:`at`."""

    def parameter_groups(self, rate: float) -> list[dict]:
        """What an optimiser is given to train F at a learning rate."""
        return [{"params": list(self.parameters()), "lr": rate}]

    def at(self, x) -> Scored:
        """F(x, ·) for a batch of inputs."""
        raise TypeError(f"{type(self).__name__} must define at(x), which gives F(x, ·) as a Scored.")

    def score(self, x, y: Tensor) -> Tensor:
        """F(x, y), (B,)."""
        return self.at(x).score(y)

    def forward(self, x, y: Tensor) -> Tensor:
        """F(x, y), (B,)."""
        return self.score(x, y)
