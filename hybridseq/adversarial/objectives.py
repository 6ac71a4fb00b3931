"""The contrast of the table with a learned upper value: F at a generator's answer against F at the gold output.

A structured SVM finds the upper value max over y of F(x, y) + Δ(y) by search; here the answer of a generator stands for
the maximiser. The critic goes down the value, the generator up :cite:p:`tu2018,tu2020joint`. Every function returns one
value an example.
"""

import torch
from torch import Tensor


def margin_rescaled(gold: Tensor, answer: Tensor, cost: Tensor) -> Tensor:
    """F(x, ŷ) + Δ(ŷ) − F(x, y), (B,) from F of the gold output, F of the answer, and the answer's cost."""
    return answer + cost - gold


def slack_rescaled(gold: Tensor, answer: Tensor, cost: Tensor) -> Tensor:
    """Δ(ŷ) · (1 + F(x, ŷ) − F(x, y)), (B,)."""
    return cost * (1 + answer - gold)


def contrastive(gold: Tensor, answer: Tensor, cost: Tensor) -> Tensor:
    """1 + F(x, ŷ) − F(x, y), (B,): a margin that is the same for every answer; the cost is not used."""
    return 1 + answer - gold


def perceptron(gold: Tensor, answer: Tensor, cost: Tensor) -> Tensor:
    """F(x, ŷ) − F(x, y), (B,): no margin; the cost is not used."""
    return answer - gold


#: name -> value of (F(x, y), F(x, ŷ), Δ(ŷ)).
CONTRASTS = {f.__name__: f for f in (margin_rescaled, slack_rescaled, contrastive, perceptron)}


def truncated(value: Tensor, at_zero: bool) -> Tensor:
    """The value, or its hinge max(0, value).

    The hinge belongs to the critic: an example whose margin holds should not move it. For the generator that same 0
    would mean no gradient wherever it has not yet found an answer that breaks the margin :cite:p:`tu2018`.
    """
    return value.clamp(min=0) if at_zero else value


def value_regression(score: Tensor, value: Tensor) -> Tensor:
    """Cross-entropy between the value v ∈ [0, 1] of an output and σ(F(x, y)), (B,) :cite:p:`gygli2017`.

    Least where σ(F) = v: F learns how good an output is, not only which is best.
    """
    if ((value < 0) | (value > 1)).any():
        raise ValueError(f"values must lie from 0 to 1; got {float(value.min()):g} to {float(value.max()):g}.")
    return torch.nn.functional.binary_cross_entropy_with_logits(score, value.to(score.dtype), reduction="none")


def nce_ranking(gold: Tensor, drawn: Tensor, gold_log_q: Tensor, drawn_log_q: Tensor) -> Tensor:
    """−log of the probability that the gold output is told from k draws of a distribution q :cite:p:`ma2018`.

    Parameters
    ----------
    gold, gold_log_q : (B,) tensors
        F and log q of the gold output.
    drawn, drawn_log_q : (B, k) tensors
        F and log q of the draws.

    Returns
    -------
    (B,) tensor
        In nats, never negative. With F = log p + c(x) it is least: F need not be normalised.
    """
    ratios = torch.cat([(gold - gold_log_q)[:, None], drawn - drawn_log_q], 1)
    return ratios.logsumexp(1) - ratios[:, 0]
