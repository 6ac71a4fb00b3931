"""Costs Δ(gold, predicted) of whole outputs that add up over positions, as (B, T, K) tensors for ``augment``."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor


def hamming_cost(labels: Int64[Tensor, "B T"], num_labels: int, dtype=torch.float32) -> Float[Tensor, "B T K"]:
    """1 for every wrong label: the number of wrong tokens. Positions that hold −100 cost nothing."""
    return label_cost(labels, 1 - torch.eye(num_labels, dtype=dtype, device=labels.device))


def label_cost(labels: Int64[Tensor, "B T"], weights: Float[Tensor, "K K"]) -> Float[Tensor, "B T K"]:
    """``weights[gold, predicted]`` at every position, for label-weighted errors.

    Raises
    ------
    ValueError
        Where ``weights`` is not square or charges a right label (a diagonal that is not 0).
    """
    if weights.dim() != 2 or weights.shape[0] != weights.shape[1]:
        raise ValueError(f"weights must have shape (K, K), [gold, predicted]; got {tuple(weights.shape)}.")
    if not torch.compiler.is_compiling() and weights.diagonal().any():
        raise ValueError("weights[y, y] must be 0: a right label has no cost.")
    known = labels >= 0
    return weights[torch.where(known, labels, 0).clamp(max=len(weights) - 1)] * known[:, :, None]
