"""F(x, ·) of bits: a score of each bit, and a network that sees all of them."""

import torch
from torch import Tensor
from torch.nn import functional

from hybridseq.adversarial.multilabel.spaces import COSTS
from hybridseq.inference.score_function import Scored


class BitEnergy(Scored):
    r"""The score of bits with a global term :cite:p:`belanger2016`.

    .. math::

       s(y) = b·y + w·\mathrm{softplus}(C y + c) + a, \qquad F(y) = s(y) \text{ or } σ(s(y))

    Parameters
    ----------
    local : (B, L) tensor
        b, the bits' own scores.
    patterns : (M, L) tensor
        C, what each unit of the global term looks for.
    shift : (M,) or (B, M) tensor
        c.
    weights : (M,) tensor
        w.
    bias : () tensor, optional
        a; 0 by default.
    bounded : bool
        Whether F = σ(s), a value between 0 and 1.
    cost : {"hamming", "f1"}
        Δ of the space.

    Notes
    -----
    O(B·L·M), as is the gradient.
    """

    def __init__(
        self,
        local: Tensor,
        patterns: Tensor,
        shift: Tensor,
        weights: Tensor,
        bias: Tensor | None = None,
        bounded: bool = False,
        cost: str = "hamming",
    ):
        self.local, self.patterns, self.shift, self.weights, self.bias = local, patterns, shift, weights, bias
        self.bounded, self.cost, self.dtype = bounded, cost, local.dtype
        self.space = COSTS[cost](*local.shape, local.device)

    @classmethod
    def independent(cls, local: Tensor) -> "BitEnergy":
        """F(y) = b·y: no global term."""
        nothing = local.new_zeros(0)
        return cls(local, local.new_zeros(0, local.shape[1]), nothing, nothing)

    def margin(self, y: Tensor) -> Tensor:
        """s (B,) of relaxed bits: the score before it is bounded."""
        units = functional.softplus(y @ self.patterns.T + self.shift)
        found = (self.local * y).sum(1) + units @ self.weights
        return found if self.bias is None else found + self.bias

    def raw_score(self, y: Tensor) -> Tensor:
        return self.margin(y).sigmoid() if self.bounded else self.margin(y)

    def raw_gains(self, ys, places, candidates=None):
        """As of any score, by what the units gain where one bit turns: O(n·B·m·M) for m places."""
        bits = ys.to(self.dtype)
        inner = (bits @ self.patterns.T + self.shift)[:, :, None]
        turn = 1 - 2 * bits[:, :, places]
        opened = functional.softplus(inner + turn[..., None] * self.patterns.T[places]) - functional.softplus(inner)
        gained = turn * self.local[:, places] + opened @ self.weights
        if self.bounded:
            now = torch.stack([self.margin(y) for y in bits])[:, :, None]
            gained = (now + gained).sigmoid() - now.sigmoid()
        return torch.zeros(*gained.shape, 2, dtype=self.dtype, device=ys.device).scatter_(
            3, 1 - ys[:, :, places, None], gained[..., None]
        )

    def margin_slope(self, y: Tensor) -> Tensor:
        """∂s/∂y (B, L) at relaxed bits: b + Cᵀ (w ∘ σ(C y + c)); differentiable itself."""
        open_units = (y @ self.patterns.T + self.shift).sigmoid()
        return self.local + (open_units * self.weights) @ self.patterns

    @torch.no_grad()
    def gradient(self, y: Tensor) -> Tensor:
        """∂F/∂y (B, L) of relaxed bits, in closed form."""
        slope = self.margin_slope(y)
        if not self.bounded:
            return slope
        value = self.raw_score(y)
        return (value * (1 - value))[:, None] * slope

    def detached(self) -> "BitEnergy":
        """The same function, without gradients to its parameters."""
        return BitEnergy(*(None if p is None else p.detach() for p in self._parts), self.bounded, self.cost)

    def rows(self, index: Tensor) -> "BitEnergy":
        shift = self.shift if self.shift.dim() == 1 else self.shift[index]
        return BitEnergy(self.local[index], self.patterns, shift, self.weights, self.bias, self.bounded, self.cost)

    def double(self) -> "BitEnergy":
        return BitEnergy(
            *(None if p is None else p.detach().to(torch.float64) for p in self._parts), self.bounded, self.cost
        )

    @property
    def _parts(self):
        return self.local, self.patterns, self.shift, self.weights, self.bias
