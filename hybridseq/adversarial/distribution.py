"""What a generator's logits say as a distribution over hard outputs: independent places."""

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, logsigmoid

from hybridseq.inference.spaces import BitSpace, LabelSpace, OutputSpace


def anchor_loss(logits: Tensor, gold: Tensor, space: OutputSpace) -> Tensor:
    """The generator's own loss (B,) beside gold outputs: cross-entropy a place in nats, or mean squared error."""
    if isinstance(space, LabelSpace):
        target = torch.where(space.inside, gold, -100)
        lost = cross_entropy(logits.transpose(1, 2), target, reduction="none")
        return lost.sum(1) / space.lengths
    if isinstance(space, BitSpace):
        return binary_cross_entropy_with_logits(logits, gold.to(logits.dtype), reduction="none").mean(1)
    return (space.squash(logits) - gold).square().flatten(1).mean(1)


def entropy(logits: Tensor, space: OutputSpace) -> Tensor:
    """Entropy a place, (B,), in nats.

    Raises
    ------
    TypeError
        For pixels, whose distribution logits do not tell.
    """
    if isinstance(space, LabelSpace):
        logs = logits.log_softmax(2)
        return -((logs.exp() * logs).sum(2) * space.inside).sum(1) / space.lengths
    _check_discrete(space)
    p = logits.sigmoid()
    return -(p * logsigmoid(logits) + (1 - p) * logsigmoid(-logits)).mean(1)


def draw(logits: Tensor, space: OutputSpace, n: int, generator: torch.Generator | None = None) -> Tensor:
    """n hard outputs a row, (n, B, …)."""
    _check_discrete(space)
    noise = torch.rand((n, *logits.shape), generator=generator, dtype=logits.dtype, device=logits.device)
    if isinstance(space, LabelSpace):
        # The maximum of scores with Gumbel noise is a draw of their softmax.
        scores = logits - torch.log(-torch.log(noise.clamp(min=torch.finfo(noise.dtype).tiny)))
        return torch.where(space.inside, scores.argmax(-1), -100)
    return (noise < logits.sigmoid()).long()


def log_prob(logits: Tensor, y: Tensor, space: OutputSpace) -> Tensor:
    """Log-probability (B,) of hard outputs."""
    _check_discrete(space)
    places = space.lengths if isinstance(space, LabelSpace) else logits.shape[1]
    return -anchor_loss(logits, y, space) * places


def _check_discrete(space):
    if not isinstance(space, LabelSpace | BitSpace):
        raise TypeError(
            f"this needs outputs that are labels or bits, whose logits are a distribution; got {type(space).__name__}."
        )
