"""Connectionist temporal classification on the engine that runs all automata."""

import functools

import torch
from jaxtyping import Float, Int
from torch import Tensor

from hybridseq.kernels.arcs.graph import Graph
from hybridseq.objectives.sequence import full_sum
from hybridseq.structures import PathGraph, checks


def _targets(log_probs, targets, target_lengths, blank):
    batch, _, labels = log_probs.shape
    checks.check_integers("targets", targets, "(B, U)")
    if targets.dim() != 2 or len(targets) != batch:
        raise checks.ShapeError(f"targets must have shape (B, U) with B = {batch}; got {checks.shape_of(targets)}.")
    if not 0 <= blank < labels:
        raise ValueError(f"blank must be a column of the K = {labels}; got {blank}.")
    width = targets.shape[1]
    if target_lengths is None:
        target_lengths = torch.full((batch,), width, device=targets.device)
    checks.check_integers("target_lengths", target_lengths, "(B,)")
    if checks.shape_of(target_lengths) != (batch,):
        raise checks.ShapeError(
            f"target_lengths must have shape (B,) = ({batch},); got {checks.shape_of(target_lengths)}."
        )
    inside = torch.arange(width, device=targets.device) < target_lengths[:, None]
    if not torch.compiler.is_compiling():
        _check_targets(targets, target_lengths, inside, labels, blank)
    return torch.where(inside, targets.to(torch.int64), blank), target_lengths


def _check_targets(targets, target_lengths, inside, labels, blank):
    width = targets.shape[1]
    if ((target_lengths < 0) | (target_lengths > width)).any():
        raise ValueError(f"target_lengths must be numbers from 0 to U = {width}; got {target_lengths.tolist()}.")
    bad = inside & ((targets < 0) | (targets >= labels) | (targets == blank))
    if bad.any():
        row, place = bad.nonzero()[0].tolist()
        raise ValueError(
            f"targets[{row}, {place}] is {int(targets[row, place])}; targets are columns 0 to {labels - 1} other than "
            f"the blank, {blank}."
        )


# Under torch.compile it runs eagerly.
@torch.compiler.disable
@functools.lru_cache(64)
def _graph(width):
    """2 · width + 1 states, blank and symbol in turn; the last moves skip a blank."""
    states = torch.arange(2 * width + 1)
    skips = states[1:-2:2]
    source, target = torch.cat([states, states[:-1], skips]), torch.cat([states, states[1:], skips + 2])
    return Graph.from_arcs(states, source, target)


def ctc_paths(log_probs, targets, lengths=None, target_lengths=None, blank=0, backend=None):
    """The distribution over the frame labellings that CTC collapses to each row's target.

    Its labels are places in the target with blanks around: 2u is the blank before symbol u, 2u + 1 the symbol. All
    rows share one graph, so that eight rows run in step.

    Parameters
    ----------
    log_probs, targets, lengths, target_lengths, blank, backend
        As of ``ctc``.

    Returns
    -------
    PathGraph
        Over emissions (B, T, 2U + 1). ``decode`` aligns the target with the frames.
    """
    checks.check_emissions(log_probs)
    targets, target_lengths = _targets(log_probs, targets, target_lengths, blank)
    (batch, steps, _), width = log_probs.shape, targets.shape[1]
    labels = torch.full((batch, 2 * width + 1), blank, device=targets.device)
    labels[:, 1::2] = targets
    emissions = log_probs.gather(2, labels[:, None].expand(-1, steps, -1))
    graph = _graph(width)
    moves = emissions.new_zeros(batch, graph.num_moves)
    if width > 1:
        # A blank must stand between equal symbols.
        moves[:, 1 - width :].masked_fill_(targets[:, 1:] == targets[:, :-1], -torch.inf)
    ends = emissions.new_full((2, batch, 2 * width + 1), -torch.inf)
    ends[0, :, :2] = 0
    last = 2 * target_lengths.to(torch.int64)[:, None]
    ends[1].scatter_(1, last, 0).scatter_(1, (last - 1).clamp(min=0), 0)
    return PathGraph(emissions, graph, moves, *ends, lengths, backend)


def ctc(
    log_probs: Float[Tensor, "..."],
    targets: Int[Tensor, "..."],
    lengths: Int[Tensor, "..."] | None = None,
    target_lengths: Int[Tensor, "..."] | None = None,
    blank: int = 0,
    on_infeasible: str | None = None,
    names=None,
    backend: str | None = None,
) -> Float[Tensor, "B"]:
    """Connectionist temporal classification: −log p(target), summed over its alignments :cite:p:`graves2006`.

    Parameters
    ----------
    log_probs : (B, T, K) tensor
        A network's log-softmax. Any scores will do; then the value is no negative log-probability.
    targets : (B, U) int64 tensor
        Columns other than the blank; beyond a row's ``target_lengths`` ignored.
    lengths, target_lengths : (B,) int64 tensors, optional
        Frames and symbols of each row; by default all. A target may be empty.
    blank : int
        The blank's column.
    on_infeasible : None, "raise" or "skip"
        What becomes of rows with fewer frames than symbols, and blanks between equal ones, need. None: +inf. "raise":
        ``InfeasibleError``. "skip": 0 without gradient, and one warning that names them.
    names : sequence of str, optional
        What rows are called there.
    backend : str, optional
        As of ``PathGraph``.

    Returns
    -------
    (B,) tensor
        In nats; ``torch.nn.CTCLoss(reduction="none")`` of the transposed ``log_probs``. O(B·T·U).
    """
    return full_sum(ctc_paths(log_probs, targets, lengths, target_lengths, blank, backend), on_infeasible, names)
