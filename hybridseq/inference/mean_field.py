"""Mean field: the best distribution under which all places are independent."""

from dataclasses import dataclass

import torch
from torch import Tensor

from hybridseq.inference.score_function import Scored
from hybridseq.inference.starts import check_places, classes
from hybridseq.structures.checks import check_count


@dataclass(frozen=True)
class MeanField:
    """A distribution of independent places.

    Attributes
    ----------
    probabilities : tensor
        Relaxed outputs q.
    value : (B,) tensor
        F(x, q) + temperature · entropy(q), in nats. Where F is multilinear, F(x, q) is the expected score, and the
        value a lower bound of temperature · log Σ exp(F / temperature).
    converged : (B,) bool tensor
        Whether the last pass moved no probability by more than the tolerance.
    """

    probabilities: Tensor
    value: Tensor
    converged: Tensor


@torch.no_grad()
def fit_mean_field(
    scored: Scored,
    start: Tensor | None = None,
    *,
    temperature: float = 1.0,
    schedule: str = "coordinate",
    damping: float = 0.5,
    sweeps: int = 50,
    tolerance: float = 1e-4,
) -> MeanField:
    r"""Mean-field inference: q_p ∝ exp(∂F/∂q_p / temperature), until nothing moves :cite:p:`wainwright2008`.

    Parameters
    ----------
    scored : Scored
        F(x, ·) over labels or bits, differentiable in relaxed outputs.
    start : tensor, optional
        Hard or relaxed outputs; by default all choices alike.
    temperature : float
        Above 0. Towards 0 it becomes iterated conditional modes.
    schedule : {"coordinate", "parallel"}
        One place after the other (those that never meet in F together), whose value never falls where F is
        multilinear; or all at once, damped, which is one gradient a sweep, and may swing.
    damping : float
        With ``"parallel"``: the share of the old probabilities that stays, from 0 to below 1.
    sweeps : int
        The most passes over all places; an example is finished when a pass moves nothing.
    tolerance : float
        An example is finished when none of its probabilities moves by more.
    """
    check_places(scored, "mean_field")
    check_count("sweeps", sweeps)
    if not temperature > 0:
        raise ValueError(f"temperature must be above 0; got {temperature}.")
    if schedule not in ("coordinate", "parallel"):
        raise ValueError(f"schedule must be 'coordinate' or 'parallel'; got {schedule!r}.")
    if not 0 <= damping < 1:
        raise ValueError(f"damping must be from 0 to below 1; got {damping}.")
    space = scored.space
    if start is None:
        q = space.squash(torch.zeros(space.shape, dtype=scored.dtype, device=space.device))
    else:
        space.check(start)
        q = space.of_probabilities(space.probabilities(space.relaxed(start, scored.dtype).to(scored.dtype)))
    every = torch.arange(space.inside.shape[1], device=q.device)
    groups, stays = (classes(scored), 0.0) if schedule == "coordinate" else ([every], damping)
    live = q.new_ones(len(q), dtype=torch.bool)
    for _ in range(sweeps):
        old = q
        for places in groups:
            table = space.table(scored.gradient(q))[:, places] / temperature
            new = space.probabilities(q).clone()
            new[:, places] = table.softmax(2)
            q = stays * q + (1 - stays) * space.of_probabilities(new)
        moved = (q - old).abs().flatten(1).amax(1)
        # What has converged stays, so that an example's result does not hang on the others.
        q = torch.where(live.view(-1, *[1] * (q.dim() - 1)), q, old)
        live = live & (moved > tolerance)
        if not live.any():
            break
    value = scored.raw_score(q) + temperature * entropy(space, q)
    return MeanField(q, value, ~live)


def mean_field(scored: Scored, start: Tensor | None = None, **options) -> Tensor:
    """The most probable hard outputs under :func:`fit_mean_field`, whose options it takes."""
    return scored.space.harden(fit_mean_field(scored, start, **options).probabilities)


def entropy(space, q: Tensor) -> Tensor:
    """Entropy (B,) in nats of relaxed outputs over places in use."""
    return torch.special.entr(space.probabilities(q)).sum((1, 2))
