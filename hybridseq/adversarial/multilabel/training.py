"""What the models of bit vectors go down: cross-entropy, unrolled inference, regression to the value of an answer."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from hybridseq.adversarial.multilabel.ascent import entropic_ascent, projected_ascent
from hybridseq.adversarial.multilabel.energy import BitEnergy
from hybridseq.adversarial.multilabel.features import LocalTerms
from hybridseq.adversarial.multilabel.oracle import relaxed_f1
from hybridseq.adversarial.multilabel.scores import BitScore, ValueNetwork
from hybridseq.adversarial.objectives import value_regression


def bit_cross_entropy(logits: Tensor, gold: Tensor) -> Tensor:
    """Cross-entropy (B,) of independent bits, in nats an example."""
    return binary_cross_entropy_with_logits(logits, gold.to(logits.dtype), reduction="none").sum(1)


def cross_entropy_loss(local: LocalTerms) -> Callable:
    """``(x, y) -> (loss, told)`` of local terms as a classifier of every bit by itself."""

    def loss_of(x, y):
        return bit_cross_entropy(local(x)[1], y).mean(), {}

    return loss_of


def unrolled_loss(score: BitScore, steps: int, rate: float) -> Callable:
    """``(x, y) -> (loss, told)``: cross-entropy of every step of entropic ascent, the later the more weight.

    End-to-end training of the energy through its own inference :cite:p:`belanger2017`; step t of T weighs t.
    """
    weights = torch.arange(1.0, steps + 1) / (steps * (steps + 1) / 2)

    def loss_of(x, y):
        passed = entropic_ascent(score.at(x), steps, rate)
        return sum(w * bit_cross_entropy(logits, y).mean() for w, logits in zip(weights.tolist(), passed)), {}

    return loss_of


def value_loss(
    value: ValueNetwork, steps: int, rate: float, gold_share: float = 0.5, adversarial_share: float = 0.0
) -> Callable:
    """``(x, y) -> (loss, told)``: cross-entropy between F and the F1 of an answer to x :cite:p:`gygli2017`.

    The answer to each example is drawn: the gold bits; one about which F is as wrong as can be, see
    :func:`adversarial_answers`; else one on the way of inference from the empty set, after 1 to ``steps`` steps, made
    hard at a random threshold, as the answers are that F is asked about in the end.
    """

    def loss_of(x, y):
        energy = value.at(x)
        gold = y.to(energy.dtype)
        fixed = energy.detached()
        found = projected_ascent(fixed, torch.zeros_like(gold), int(torch.randint(1, steps + 1, ())), rate)
        draw = torch.rand(len(y), 1).to(gold.device)
        hard = (found > torch.rand(len(y), 1).to(gold.device)).to(gold.dtype)
        answer = torch.where(draw < gold_share, gold, hard)
        if adversarial_share:
            start = torch.where(torch.rand(len(y), 1).to(gold.device) < 0.5, gold, found)
            wrong = adversarial_answers(fixed, start, gold, int(torch.randint(1, 4, ())), rate)
            answer = torch.where((draw >= gold_share) & (draw < gold_share + adversarial_share), wrong, answer)
        worth = relaxed_f1(answer, gold)
        told = {"answer_f1": float(relaxed_f1(found, gold).mean())}
        return value_regression(energy.margin(answer), worth).mean(), told

    return loss_of


def adversarial_answers(energy: BitEnergy, start: Tensor, gold: Tensor, steps: int, rate: float) -> Tensor:
    """Relaxed bits (B, L) by steps up the loss of F as an estimate of their F1."""
    y = start
    for _ in range(steps):
        with torch.enable_grad():
            y = y.detach().requires_grad_()
            lost = value_regression(energy.margin(y), relaxed_f1(y, gold)).sum()
            (slope,) = torch.autograd.grad(lost, y)
        y = (y + rate * slope).clamp(0, 1)
    return y.detach()


def freeze(module: nn.Module) -> None:
    """Take a module's parameters out of training."""
    for parameter in module.parameters():
        parameter.requires_grad_(False)
