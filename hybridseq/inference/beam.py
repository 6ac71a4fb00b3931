"""Beam search from place to place, the places ahead filled from a start."""

import torch
from torch import Tensor

from hybridseq.inference.score_function import Scored
from hybridseq.inference.starts import better, check_candidates, check_places, start_or_default
from hybridseq.structures.checks import check_count


@torch.no_grad()
def beam(
    scored: Scored,
    start: Tensor | None = None,
    *,
    width: int = 8,
    backward: bool = False,
    candidates: int | None = None,
) -> Tensor:
    """Beam search: one place after the other, only the best hypotheses are kept.

    A hypothesis is scored as a whole output, the places that are not decided yet as in the start. Where F says how far
    its parts reach, hypotheses that agree on as many last places have the same future, and only the best of them is
    kept: with a width of K a chain's beam is the Viterbi algorithm.

    Parameters
    ----------
    scored : Scored
        F(x, ·) over labels or bits; needs no gradient unless F says that it is multilinear.
    start : tensor, optional
        Hard or relaxed outputs; by default :func:`argmax_per_token`.
    width : int
        Hypotheses that are kept.
    backward : bool
        From the last place to the first.
    candidates : int, optional
        Where F is not multilinear: only so many choices of a place are scored, those that F's slope speaks for. By
        default all, and no gradient is needed.

    Returns
    -------
    tensor
        Hard outputs, never scored below their start.

    Notes
    -----
    Costs the gains of ``width`` outputs at every place: O(B·T·K·width) for a chain.
    """
    check_places(scored, "beam")
    check_count("width", width)
    check_candidates(candidates)
    first = start_or_default(scored, start)
    inside = scored.space.inside
    ys, scores = first[None], scored.raw_hard_score(first)[None]
    places = range(inside.shape[1])
    for done, place in enumerate(reversed(places) if backward else places):
        used = inside[:, place]
        gains = scored.raw_gains(ys, inside.new_tensor([place], dtype=torch.int64), candidates)[:, :, 0]
        # A place that is not in use has one choice.
        alone = torch.full_like(gains, -torch.inf)
        alone[..., 0] = 0
        totals = scores[..., None] + torch.where(used[:, None], gains, alone)
        step = 1 if backward else -1
        past = [place + step * i for i in range(1, min(scored.reach or 0, done + 1))]
        if scored.reach is not None:
            totals = _without_dominated(totals, ys[..., past])
        count = min(width, totals.shape[0] * totals.shape[2])
        scores, chosen = totals.movedim(0, 1).flatten(1).topk(count)
        parents, choices = (chosen // totals.shape[2]).T, (chosen % totals.shape[2]).T
        scores = scores.T
        ys = ys.gather(0, parents[..., None].expand(-1, -1, ys.shape[2]))
        ys[..., place] = torch.where(used, choices, ys[..., place])
    best = ys[scores.argmax(0), torch.arange(len(first), device=first.device)]
    return better(scored, first, best)


def _without_dominated(totals, past):
    """−inf for hypotheses (n, B, C) beside a better one of the same choice and the same past (n, B, r)."""
    if past.shape[2] == 0:
        best = totals.argmax(0, keepdim=True)
        ranks = torch.arange(len(totals), device=totals.device)[:, None, None]
        return totals.masked_fill(ranks != best, -torch.inf)
    kept = totals.clone()
    for i, own in enumerate(past):
        same = (past == own).all(2)
        same[i] = False
        rivals = totals.masked_fill(~same[..., None], -torch.inf)
        # Of equals the first stays.
        before, after = rivals[:i], rivals[i + 1 :]
        lost = (before >= totals[i]).any(0) | (after > totals[i]).any(0)
        kept[i].masked_fill_(lost, -torch.inf)
    return kept
