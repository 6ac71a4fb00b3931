"""Where searches start: the argmax of every place by itself, and checks of what a caller gives."""

import torch
from torch import Tensor

from hybridseq.inference.score_function import Scored
from hybridseq.structures.checks import check_count


@torch.no_grad()
def argmax_per_token(scored: Scored, logits: Tensor | None = None) -> Tensor:
    """The best choice of every place by itself, hard: the answer that knows no structure.

    Parameters
    ----------
    scored : Scored
        F(x, ·).
    logits : tensor of the relaxed shape, optional
        Scores of the choices: a chain's emissions, a generator's logits. By default the gradient of F at its centre,
        where all choices are alike: for a multilinear F what a choice scores on average over all else.

    Raises
    ------
    TypeError, ValueError
        Where the space has no places, or F no gradient.
    """
    space = scored.space
    check_places(scored, "argmax_per_token")
    if logits is None:
        logits = scored.gradient(space.squash(torch.zeros(space.shape, dtype=scored.dtype, device=space.device)))
    else:
        check_logits(space, logits)
    return space.harden(space.squash(logits))


def check_places(scored: Scored, search: str) -> None:
    """Raises where outputs have no places with a few choices."""
    check_scored(scored, search)
    if scored.space.choices is None:
        raise TypeError(
            f"{search} tries the choices of every place, and a {type(scored.space).__name__} has none. "
            "Search it by gradient_ascent."
        )


def check_scored(scored: Scored, search: str) -> None:
    """Raises where something else than F(x, ·) is given."""
    if not isinstance(scored, Scored):
        raise TypeError(f"{search} searches F(x, ·), a Scored; got {type(scored).__name__}. Give score_function.at(x).")


def check_logits(space, logits: Tensor) -> None:
    """Raises where logits are not of the shape of relaxed outputs."""
    if not isinstance(logits, Tensor):
        raise TypeError(f"logits must be a tensor; got {type(logits).__name__}. Convert them: torch.as_tensor(…).")
    if tuple(logits.shape) != tuple(space.shape):
        raise ValueError(f"logits must have the shape of relaxed outputs, {space.shape}; got {tuple(logits.shape)}.")


def check_candidates(candidates) -> None:
    """Raises where candidates are neither None nor a number of them."""
    if candidates is not None:
        check_count("candidates", candidates)


def start_or_default(scored: Scored, start: Tensor | None) -> Tensor:
    """A start as hard outputs that are valid; by default the argmax of every place by itself."""
    if start is None:
        return argmax_per_token(scored)
    scored.space.check(start)
    return scored.space.harden(start)


def classes(scored: Scored) -> list[Tensor]:
    """The places in groups that can be changed at the same time, as no two of a group meet in a part of F."""
    places = torch.arange(scored.space.inside.shape[1], device=scored.space.device)
    count = len(places) if scored.reach is None else scored.reach + 1
    return [group for first in range(min(count, len(places))) if len(group := places[first::count])]


def better(scored: Scored, one: Tensor, other: Tensor) -> Tensor:
    """For every example the output with the higher score; the first where they are equal."""
    higher = scored.raw_hard_score(other) > scored.raw_hard_score(one)
    return torch.where(higher.view(-1, *[1] * (one.dim() - 1)), other, one)
