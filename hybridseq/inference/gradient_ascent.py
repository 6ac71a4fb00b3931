"""Gradient ascent on logits of relaxed outputs, which keeps the best hard output it passes."""

import torch
from torch import Tensor

from hybridseq.inference.score_function import Scored
from hybridseq.inference.starts import check_logits, check_scored
from hybridseq.structures.checks import check_count


@torch.no_grad()
def gradient_ascent(
    scored: Scored,
    start: Tensor | None = None,
    *,
    logits: Tensor | None = None,
    steps: int = 50,
    learning_rate: float = 0.5,
    softness: float = 0.1,
) -> Tensor:
    """Climb F(x, squash(logits)) with Adam, and keep the best hard output on the way :cite:p:`belanger2016`.

    Parameters
    ----------
    scored : Scored
        F(x, ·), differentiable in relaxed outputs.
    start : tensor, optional
        Hard or relaxed outputs to start from (a warm start, a generator's answer say). Neither this nor ``logits``: a
        cold start, all choices alike.
    logits : tensor of the relaxed shape, optional
        The same as unbounded numbers.
    steps : int
        Gradients.
    learning_rate : float
        Adam's, in logits.
    softness : float
        From 0 to below 1: the share by which a start is moved to the centre, as a vertex has no finite logits.

    Returns
    -------
    tensor
        Hard outputs, or pixels within their bounds, never scored below the start's.

    Raises
    ------
    ValueError
        Where F has no gradient.

    Notes
    -----
    One gradient and one hard score a step. Every example climbs by itself, whatever else is in the batch.
    """
    check_scored(scored, "gradient_ascent")
    space = scored.space
    check_count("steps", steps)
    if start is not None and logits is not None:
        raise ValueError("give a start or logits, not both.")
    if not 0 <= softness < 1:
        raise ValueError(f"softness must be from 0 to below 1; got {softness}.")
    best = None
    if start is not None:
        space.check(start)
        relaxed = space.relaxed(start, scored.dtype).to(scored.dtype)
        best = space.harden(start)
        logits = space.unsquash(relaxed, max(softness, 1e-6))
    elif logits is None:
        logits = torch.zeros(space.shape, dtype=scored.dtype, device=space.device)
    else:
        check_logits(space, logits)
    logits = logits.detach().to(scored.dtype).clone().requires_grad_()
    if best is None:
        best = space.harden(space.squash(logits))
    best_score = scored.score(best)
    adam = torch.optim.Adam([logits], lr=learning_rate)
    for _ in range(steps):
        with torch.enable_grad():
            relaxed = space.squash(logits)
        slopes = scored.gradient(relaxed)
        logits.grad = -torch.autograd.grad(relaxed, logits, slopes)[0]
        adam.step()
        found = space.harden(space.squash(logits))
        score = scored.score(found)
        higher = score > best_score
        best_score = torch.where(higher, score, best_score)
        best = torch.where(higher.view(-1, *[1] * (best.dim() - 1)), found, best)
    return best
