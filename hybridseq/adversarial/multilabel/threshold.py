"""From relaxed bits to hard ones."""

import torch
from torch import Tensor

from hybridseq.adversarial.multilabel.oracle import relaxed_f1

#: Thresholds that are tried.
GRID = tuple(i / 100 for i in range(1, 100))


@torch.no_grad()
def best_threshold(relaxed: Tensor, gold: Tensor) -> tuple[float, float]:
    """The threshold, one for all bits, whose hard bits have the highest mean F1 an example; and that F1.

    Parameters
    ----------
    relaxed, gold : (B, L) tensors
        Relaxed bits, and what they should be; of one floating-point dtype.

    Notes
    -----
    Tries hundredths; of equal ones the one nearest to ½. O(100·B·L).
    """
    tried = [(float(relaxed_f1((relaxed > t).to(gold.dtype), gold).mean()), -abs(t - 0.5), t) for t in GRID]
    score, _, threshold = max(tried)
    return threshold, score
