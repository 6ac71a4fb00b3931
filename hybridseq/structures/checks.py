"""Checks at the public boundary of the structures. Each error says what was got, what was expected, and the remedy."""

from numbers import Integral

import numpy as np
import torch

from hybridseq.kernels.errors import InvalidLabel


class ShapeError(ValueError):
    """Tensors whose shapes do not agree."""


def shape_of(tensor):
    return tuple(tensor.shape)


def check_tensor(name, value, wanted):
    if not isinstance(value, torch.Tensor):
        raise TypeError(
            f"{name} must be a tensor, {wanted}; got {type(value).__name__}. Convert it: torch.as_tensor(…)."
        )


def check_count(name, value):
    if not isinstance(value, Integral | torch.SymInt) or isinstance(value, bool):
        raise TypeError(f"{name} must be a whole number; got {value!r}.")
    if value < 1:
        raise ValueError(f"{name} must be at least 1; got {value}.")


def check_emissions(emissions):
    if not isinstance(emissions, torch.Tensor) or not emissions.is_floating_point():
        got = emissions.dtype if isinstance(emissions, torch.Tensor) else type(emissions).__name__
        raise TypeError(f"emissions must be a floating-point tensor of shape (B, T, K); got {got}.")
    if emissions.dim() != 3 or 0 in emissions.shape:
        raise ShapeError(
            f"emissions must have shape (B, T, K) with at least one row, position and label; got {shape_of(emissions)}."
            " A single sequence needs a batch axis: emissions[None]."
        )


def check_transitions(transitions, emissions):
    check_tensor("transitions", transitions, "(K, K) or (B, T-1, K, K)")
    batch, steps, labels = emissions.shape
    expected = (labels, labels), (batch, steps - 1, labels, labels)
    if transitions.shape not in expected:
        raise ShapeError(
            f"transitions must have shape (K, K) = {expected[0]} or (B, T-1, K, K) = {expected[1]} beside emissions of "
            f"shape {shape_of(emissions)}; got {shape_of(transitions)}."
        )


def check_vector(name, vector, labels):
    check_tensor(name, vector, "(K,)")
    if shape_of(vector) != (labels,):
        raise ShapeError(f"{name} must have shape (K,) = ({labels},); got {shape_of(vector)}.")


def check_integers(name, tensor, wanted):
    """Raise a TypeError unless a tensor of whole numbers is given: rounding would hide a mistake."""
    check_tensor(name, tensor, wanted)
    if tensor.is_floating_point() or tensor.dtype == torch.bool:
        raise TypeError(f"{name} must hold integers, {wanted} (int64); got {tensor.dtype}.")


def check_mask(mask, emissions):
    check_tensor("mask", mask, "(B, T) bool")
    if mask.dtype != torch.bool:
        raise TypeError(
            f"mask must be of bool, True where a token has a label; got {mask.dtype}. Convert it: mask.bool()."
        )
    if mask.shape != emissions.shape[:2]:
        raise ShapeError(f"mask must have shape (B, T) = {shape_of(emissions)[:2]}; got {shape_of(mask)}.")


def check_allowed(allowed, emissions):
    check_like_emissions("allowed", allowed, emissions)
    if allowed.dtype != torch.bool:
        raise TypeError(f"allowed must be of bool, True where a label may stand; got {allowed.dtype}.")


def holds_automaton(plan):
    """Whether a plan runs on a graph of states. Its class is asked: the graph is built when first used."""
    return hasattr(type(plan), "graph")


def holds_budgets(plan):
    """Whether a plan bounds sums over the sequence."""
    return hasattr(plan, "coefficients")


def soft_parts(plan):
    """How many soft constraints a plan has."""
    return len(getattr(plan.base if holds_budgets(plan) else plan, "weights", ()))


def as_plan(what, names, labels, allow_empty=False):
    """The plan itself, or the constraint compiled for the names; raises unless it is over as many labels.

    ``allow_empty``: also a constraint that nothing satisfies.
    """
    if hasattr(what, "compile"):
        if names is None:
            raise TypeError(
                f"{what!r} is a constraint over label names: give constraint.compile(label_names), or the names beside "
                f"it, labels=[the K = {labels} names in the order of the indices]."
            )
        what = what.compile(names, allow_empty=allow_empty)
    elif names is not None and hasattr(what, "labels") and what.labels != tuple(names):
        raise TypeError(f"labels= belongs to a constraint that is not compiled yet; got it beside {what!r}.")
    if not (hasattr(what, "labels") and (hasattr(what, "penalties") or holds_automaton(what) or holds_budgets(what))):
        raise TypeError(
            "a restriction is constraint.compile(label_names), a constraint with labels=[names], or a (B, T, K) bool "
            f"tensor of allowed labels; got {what!r}."
        )
    if len(what.labels) != labels:
        raise ShapeError(
            f"the plan was compiled for {len(what.labels)} labels, but the chain has K = {labels}; "
            "compile the constraint with the labels of this chain, in their order."
        )
    return what


def check_weights(weights, soft):
    """Raise unless weights are left out, or as many as a plan's soft parts."""
    if weights is None:
        return
    check_tensor("weights", weights, "(n,), one for each soft part of the plan")
    if not weights.is_floating_point():
        raise TypeError(f"weights must be a floating-point tensor; got {weights.dtype}.")
    if shape_of(weights) != (soft,):
        raise ShapeError(
            f"weights must have shape ({soft},), one for each soft part of the plan; got {shape_of(weights)}."
        )


def budgets(coefficients, low, high, labels):
    """Coefficients (R, K) and bounds (R,) as float64 arrays."""
    coefficients, low, high = (
        np.asarray(x.detach().cpu() if isinstance(x, torch.Tensor) else x, np.float64)
        for x in (coefficients, low, high)
    )
    count = len(low) if low.ndim else 0
    if coefficients.shape != (count, labels) or low.shape != (count,) or high.shape != (count,) or not count:
        raise ShapeError(
            f"budgets are coefficients (R, K) with K = {labels} and bounds low, high (R,), at least one; got "
            f"{coefficients.shape}, {low.shape}, {high.shape}."
        )
    if not np.isfinite(coefficients).all() or np.isnan(low).any() or np.isnan(high).any():
        raise ValueError("the budgets' coefficients must be finite, and their bounds numbers; −inf or inf is no bound.")
    return coefficients, low, high


def check_lengths(lengths, emissions):
    batch, steps, _ = emissions.shape
    if shape_of(lengths) != (batch,):
        raise ShapeError(f"lengths must have shape (B,) = ({batch},); got {shape_of(lengths)}.")
    if torch.compiler.is_compiling():
        return
    values = lengths.tolist()
    if min(values) < 1 or max(values) > steps:
        row = next(i for i, n in enumerate(values) if not 1 <= n <= steps)
        raise ValueError(
            f"lengths[{row}] is {values[row]}; every row needs 1 to T = {steps} positions. Leave empty sequences "
            "out of the batch."
        )


def check_labels(labels, emissions):
    check_tensor("labels", labels, "(B, T) int64")
    if shape_of(labels) != shape_of(emissions)[:2]:
        raise ShapeError(f"labels must have shape (B, T) = {shape_of(emissions)[:2]}; got {shape_of(labels)}.")
    if labels.is_floating_point() or labels.dtype == torch.bool:
        raise TypeError(f"labels must hold integers 0 to K-1 (int64); got {labels.dtype}.")


def check_reference(labels):
    check_tensor("labels", labels, "(B, T) int64, or (B, T, K) bool where several are allowed")


def inside(structure):
    """(B, T) bool: the positions that have a label."""
    if hasattr(structure, "mask"):
        return structure.mask
    steps = structure.emissions.shape[1]
    return torch.arange(steps, device=structure.lengths.device) < structure.lengths[:, None]


def check_label_range(labels, structure):
    """For what never asks for the labels' score, which checks them."""
    if torch.compiler.is_compiling():
        return
    count = structure.emissions.shape[2]
    bad = inside(structure) & ((labels < 0) | (labels >= count))
    if bad.any():
        row, position = bad.nonzero()[0].tolist()
        raise InvalidLabel((row, position), int(labels[row, position]), count)


def check_cost_table(cost, emissions):
    labels = emissions.shape[2]
    if shape_of(cost) != (labels, labels):
        raise ShapeError(
            f"a cost table must have shape (K, K) = ({labels}, {labels}), [gold, predicted]; got {shape_of(cost)}."
        )


def check_like_emissions(name, tensor, emissions):
    check_tensor(name, tensor, "(B, T, K)")
    if shape_of(tensor) != shape_of(emissions):
        raise ShapeError(f"{name} must have shape (B, T, K) = {shape_of(emissions)}; got {shape_of(tensor)}.")


def check_same_positions(ours, theirs):
    """Two structures to compare must cover the same positions."""
    check_like_emissions("the other structure's emissions", theirs.emissions, ours.emissions)
    if torch.compiler.is_compiling():
        return
    for name in ("lengths", "mask"):
        mine, other = getattr(ours, name, None), getattr(theirs, name, None)
        same = mine is other or (mine is not None and other is not None and torch.equal(mine, other))
        if not same:
            raise ValueError(f"the structures' {name} differ; build both over the same positions.")
