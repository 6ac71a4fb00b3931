"""How good an answer is: F1 of each example's bits."""

from torch import Tensor


def relaxed_f1(y: Tensor, gold: Tensor) -> Tensor:
    r"""F1 (B,) of relaxed bits (B, L) against gold ones of the same dtype :cite:p:`gygli2017`.

    2·y·g / (Σ y + Σ g), of hard bits the F1; 1 where both are empty. Differentiable in y.
    """
    total = y.sum(1) + gold.sum(1)
    nothing = total == 0
    return (2 * (y * gold).sum(1) + nothing.to(y.dtype)) / (total + nothing.to(y.dtype))
