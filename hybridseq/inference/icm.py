"""Iterated conditional modes: change one place at a time while F rises."""

import torch
from torch import Tensor

from hybridseq.inference.score_function import Scored
from hybridseq.inference.starts import better, check_candidates, check_places, classes, start_or_default
from hybridseq.structures.checks import check_count


@torch.no_grad()
def icm(scored: Scored, start: Tensor | None = None, *, sweeps: int = 50, candidates: int | None = None) -> Tensor:
    """Iterated conditional modes :cite:p:`besag1986`: every place in turn takes its best choice given all others.

    Parameters
    ----------
    scored : Scored
        F(x, ·) over labels or bits; needs no gradient unless F says that it is multilinear.
    start : tensor, optional
        Hard or relaxed outputs; by default :func:`argmax_per_token`.
    sweeps : int
        The most passes over all places; an example is finished when a pass changes nothing.

    candidates : int, optional
        Where F is not multilinear: only so many choices of a place are scored, those that F's slope speaks for. By
        default all, and no gradient is needed.

    Returns
    -------
    tensor
        Hard outputs, never scored below their start. No single change that was tried scores higher, unless the sweeps
        ran out.

    Notes
    -----
    A sweep costs the gains of every place once: O(B·T·K) for a chain, a gradient a place for a multilinear F, else
    P·(C − 1) scores, or P·``candidates`` and a gradient a place. Places that never meet in F (``reach``) are changed
    together: in a chain every second one.
    """
    check_places(scored, "icm")
    check_count("sweeps", sweeps)
    check_candidates(candidates)
    first = start_or_default(scored, start)
    y = first.clone()
    live, index = scored, torch.arange(len(y), device=y.device)
    for _ in range(sweeps):
        old = y[index]
        new = old.clone()
        for places in classes(live):
            gains, choices = live.raw_gains(new[None], places, candidates)[0].max(2)
            moved = (gains > 0) & live.space.inside[:, places]
            new[:, places] = torch.where(moved, choices, new[:, places])
        y[index] = new
        moved = (new != old).any(1)
        if not moved.any():
            break
        index = index[moved]
        live = scored.rows(index)
    return better(scored, first, y)
