"""How a generator's logits become an answer that F can score and gradients can pass.

A softmax is smooth, but softer than any gold output, so that a critic may tell the two by softness alone. The
straight-through answers are one-hot, as gold outputs are.
"""

import torch
from torch import Tensor


def softmax(logits: Tensor, temperature: float = 1.0) -> Tensor:
    """Probabilities; what is not a label's place is the caller's to take out."""
    return (logits / temperature).softmax(-1)


def straight_through(logits: Tensor, temperature: float = 1.0) -> Tensor:
    """The best label's one-hot vector, with the gradient of the softmax :cite:p:`bengio2013`."""
    soft = softmax(logits, temperature)
    return _hard(soft)


def gumbel(logits: Tensor, temperature: float = 1.0) -> Tensor:
    """The softmax of logits with Gumbel noise: near one-hot at low temperatures :cite:p:`jang2017,maddison2017`."""
    return softmax(logits + _noise(logits), temperature)


def gumbel_straight_through(logits: Tensor, temperature: float = 1.0) -> Tensor:
    """A draw of the softmax, one-hot, with the gradient of the Gumbel softmax :cite:p:`jang2017`."""
    return _hard(gumbel(logits, temperature))


def _noise(logits):
    # Minus the logarithm of an exponential draw.
    return -torch.empty_like(logits).exponential_().clamp(min=torch.finfo(logits.dtype).tiny).log()


def _hard(soft):
    hard = torch.zeros_like(soft).scatter_(-1, soft.argmax(-1, keepdim=True), 1.0)
    return hard + soft - soft.detach()


#: By name.
RELAXATIONS = {f.__name__: f for f in (softmax, straight_through, gumbel, gumbel_straight_through)}
