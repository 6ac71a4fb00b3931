"""Exact answers: by a structure's own argmax, or by trying everything where that is little."""

import math

import torch
from torch import Tensor

from hybridseq.inference.score_function import Scored

#: Outputs of an example that are tried at most.
MOST = 2**14


@torch.no_grad()
def exact_argmax(scored: Scored) -> Tensor:
    """The hard outputs (B, P) that F scores highest.

    Raises
    ------
    ValueError
        Where F has no structure, and an example more than 2¹⁴ outputs.

    Notes
    -----
    By ``structure.decode()`` where F has one; else every output is scored.
    """
    if scored.structure is not None:
        return scored.structure.decode()
    if not can_enumerate(scored):
        raise ValueError(
            f"{type(scored).__name__} has no exact argmax: no structure, and its space more than {MOST} outputs. "
            'Compare with the best that other searches find instead: exact=None (or "auto") with rivals=….'
        )
    return enumerate_argmax(scored)


def has_exact(scored: Scored) -> bool:
    """Whether :func:`exact_argmax` gives an answer."""
    return scored.structure is not None or can_enumerate(scored)


def can_enumerate(scored: Scored) -> bool:
    """Whether an example has few enough outputs to try them all."""
    space = scored.space
    return space.choices is not None and space.inside.shape[1] * math.log(space.choices) <= math.log(MOST) + 1e-9


@torch.no_grad()
def enumerate_argmax(scored: Scored) -> Tensor:
    """The best of all hard outputs (B, P), tried one by one."""
    space = scored.space
    steps, device = space.inside.shape[1], space.device
    digits = torch.arange(space.choices**steps, device=device)[:, None] // (
        space.choices ** torch.arange(steps, device=device)
    )
    every = digits % space.choices
    padded = space.draw(1)[0]
    best, best_score = padded, torch.full((space.batch,), -torch.inf, dtype=scored.dtype, device=device)
    # Outputs of all examples at once within 32 MB.
    at_once = max(1, min(1024, 2**22 // max(1, space.batch * steps)))
    for part in every.split(at_once):
        ys = torch.where(space.inside, part[:, None], padded)
        scores, which = scored.raw_hard_scores(ys).max(0)
        higher = scores > best_score
        best = torch.where(higher[:, None], ys[which, torch.arange(space.batch, device=device)], best)
        best_score = torch.maximum(scores, best_score)
    return best
