"""From an answer to a better one: gradient ascent, single changes, and beams both ways around it."""

from numbers import Integral

import torch
from torch import Tensor

from hybridseq.inference.beam import beam
from hybridseq.inference.gradient_ascent import gradient_ascent
from hybridseq.inference.icm import icm
from hybridseq.inference.score_function import Scored
from hybridseq.inference.starts import check_candidates, check_places, start_or_default
from hybridseq.structures.checks import check_count


@torch.no_grad()
def refine(
    scored: Scored,
    start: Tensor | None = None,
    *,
    steps: int = 20,
    width: int = 4,
    rounds: int = 3,
    candidates: int | None = 4,
    learning_rate: float = 0.5,
    softness: float = 0.1,
) -> Tensor:
    """Raise an answer's score: gradient ascent, then single changes and narrow beams until these find nothing more.

    Parameters
    ----------
    scored : Scored
        F(x, ·) over labels or bits.
    start : tensor, optional
        Hard or relaxed outputs, a generator's answer say; by default :func:`argmax_per_token`.
    steps : int
        Of :func:`gradient_ascent`; 0 leaves it out. An F without gradients wants 0, a start, and ``candidates=None``.
    width : int
        Of the beams, one from the left and one from the right in every round, each around the best answer so far:
        they find changes that pay only together, such as all labels of a span.
    rounds : int
        The most rounds; 0 leaves the beams out. An example is finished when a round changes nothing.
    candidates : int or None
        Where F is not multilinear: only so many choices of a place are scored, those that F's slope speaks for.
    learning_rate, softness : float
        Of the gradient ascent.

    Returns
    -------
    tensor
        Hard outputs, never scored below their start.

    Notes
    -----
    On a chain a round costs O(B·T·K·width), where the Viterbi algorithm costs O(B·T·K²); on an F that is neither a
    chain nor multilinear, 2·P·candidates·width scores and 2·P·width gradients.
    """
    check_places(scored, "refine")
    for name, value in {"steps": steps, "rounds": rounds}.items():
        if not isinstance(value, Integral) or isinstance(value, bool) or value < 0:
            raise ValueError(f"{name} must be a whole number, at least 0; got {value!r}.")
    check_count("width", width)
    check_candidates(candidates)
    y = start_or_default(scored, start)
    if steps:
        ascent = {"steps": steps, "learning_rate": learning_rate, "softness": softness}
        y = gradient_ascent(scored, y if start is None else start, **ascent)
    y = icm(scored, y, candidates=candidates)
    around = {"width": width, "candidates": candidates}
    live, index = scored, torch.arange(len(y), device=y.device)
    for _ in range(rounds):
        old = y[index]
        new = icm(live, beam(live, old, **around), candidates=candidates)
        new = icm(live, beam(live, new, **around, backward=True), candidates=candidates)
        y[index] = new
        moved = (new != old).any(1)
        if not moved.any():
            break
        index = index[moved]
        live = scored.rows(index)
    return y
