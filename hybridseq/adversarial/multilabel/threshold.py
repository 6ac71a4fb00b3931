"""From relaxed bits to hard ones."""

import math

import torch
from torch import Tensor

from hybridseq.adversarial.multilabel.oracle import relaxed_f1

#: Thresholds that are tried: ½, and 70 below and above it, as dense near 0 and 1 as logits see them.
GRID = tuple(1 / (1 + math.exp(-step / 10)) for step in range(-70, 71))


@torch.no_grad()
def best_threshold(relaxed: Tensor, gold: Tensor) -> tuple[float, float]:
    """The threshold, one for all bits, whose hard bits have the highest mean F1 an example; and that F1.

    Parameters
    ----------
    relaxed, gold : (B, L) tensors
        Relaxed bits, and what they should be; of one floating-point dtype.

    Notes
    -----
    Tries ``GRID``; of equal ones the one nearest to ½. O(141·B·L).
    """
    tried = [(float(relaxed_f1((relaxed > t).to(gold.dtype), gold).mean()), -abs(t - 0.5), t) for t in GRID]
    score, _, threshold = max(tried)
    return threshold, score
