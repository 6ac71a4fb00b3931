"""Gradient ascent over relaxed bits: the inference step of energy networks and of value networks."""

import torch
from torch import Tensor
from torch.nn.functional import softplus

from hybridseq.adversarial.multilabel.energy import BitEnergy


@torch.no_grad()
def projected_ascent(energy: BitEnergy, start: Tensor, steps: int = 20, rate: float = 0.5) -> Tensor:
    """Climb F in y itself and clip to [0, 1] after every step :cite:p:`gygli2017`.

    Parameters
    ----------
    energy : BitEnergy
    start : (B, L) tensor
        Relaxed bits.
    steps : int
    rate : float
        What gradients are multiplied by.

    Returns
    -------
    (B, L) tensor
        Of the answers on the way, start included, the one with the highest F, for each example.
    """
    y, best = start, start
    best_score = energy.raw_score(start)
    for _ in range(steps):
        y = (y + rate * energy.gradient(y)).clamp(0, 1)
        score = energy.raw_score(y)
        higher = score > best_score
        best_score = torch.where(higher, score, best_score)
        best = torch.where(higher[:, None], y, best)
    return best


def entropic_ascent(energy: BitEnergy, steps: int = 10, rate: float = 0.5) -> list[Tensor]:
    r"""Climb s(y) + H(y), the unbounded score plus the entropy of independent bits, in logits.

    .. math::

       \ell ← (1 − r)\,\ell + r\,∂s/∂y\,(σ(\ell))

    Mirror ascent :cite:p:`belanger2017`; with r = 1, mean-field updates of all bits at once. Without a global term one
    step with r = 1 gives the logistic regression b(x).

    Returns
    -------
    list of (B, L) tensors
        The logits after every step; the first start from the local scores. Differentiable in the energy's parts.
    """
    logits, passed = energy.local, []
    for _ in range(steps):
        logits = (1 - rate) * logits + rate * energy.margin_slope(logits.sigmoid())
        passed.append(logits)
    return passed


@torch.no_grad()
def best_nested(energy: BitEnergy, relaxed: Tensor, most: int) -> Tensor:
    """Of the sets of the 0, 1, …, ``most`` bits that are most in, the one with the highest F.

    Parameters
    ----------
    energy : BitEnergy
    relaxed : (B, L) tensor
        Whose order counts; bits that are equally in, as at 0, come in the order of their local scores.
    most : int

    Returns
    -------
    (B, L) int64 tensor
        Hard bits.

    Notes
    -----
    O(B·most·M): sums of the units' inputs go from one set to the next.
    """
    order = energy.local.argsort(1, descending=True)
    again = relaxed.gather(1, order).sort(dim=1, descending=True, stable=True).indices
    order = order.gather(1, again)[:, :most]
    shift = energy.shift if energy.shift.dim() == 2 else energy.shift.expand(len(order), -1)
    inner = torch.cat([shift[:, None], shift[:, None] + energy.patterns.T[order].cumsum(1)], 1)
    own = energy.local.gather(1, order).cumsum(1)
    margins = torch.cat([own.new_zeros(len(own), 1), own], 1) + softplus(inner) @ energy.weights
    size = margins.argmax(1)
    chosen = (torch.arange(order.shape[1], device=order.device) < size[:, None]).long()
    return torch.zeros_like(relaxed, dtype=torch.int64).scatter_(1, order, chosen)
