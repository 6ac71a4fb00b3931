"""A fitted multi-label model: what answers, and what scores answers."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from hybridseq.adversarial.multilabel import BitEnergy, BitGenerator, BitScore, LocalTerms, ValueNetwork
from hybridseq.adversarial.multilabel.ascent import best_nested, entropic_ascent, projected_ascent

#: How a model is trained, which says also how it answers.
TRAININGS = "cross_entropy", "infnet", "spen", "value"
#: How relaxed bits become hard ones: at a threshold, or as the set of the first bits in their order that F likes best.
DECISIONS = "auto", "threshold", "score"


@dataclass
class Model:
    """A generator or a score function or both, and the search that goes with them.

    Attributes
    ----------
    training : str
        One of ``TRAININGS``.
    generator : BitGenerator or None
        Answers, of ``"cross_entropy"`` and ``"infnet"``.
    score : BitScore or None
        F, of all but ``"cross_entropy"``.
    steps, rate : int, float
        Of gradient ascent, of ``"spen"`` and ``"value"``.
    decision : str
        One of ``DECISIONS``, but for ``"auto"``.
    """

    training: str
    generator: BitGenerator | None
    score: BitScore | None
    steps: int
    rate: float
    decision: str

    @torch.no_grad()
    def answer(self, x: Tensor) -> Tensor:
        """Relaxed bits (B, L)."""
        return self.generator(x) if self.generator is not None else self._climb(self.score.at(x))

    @torch.no_grad()
    def decide(self, x: Tensor, threshold: float | None, most: int) -> Tensor:
        """Hard bits (B, L), of at most so many ones where F decides; see ``DECISIONS``."""
        if self.decision == "threshold":
            return (self.answer(x) > threshold).long()
        energy = self.energy(x)
        relaxed = self.generator(x) if self.generator is not None else self._climb(energy)
        return best_nested(energy, relaxed, most)

    def _climb(self, energy):
        if self.training == "value":
            return projected_ascent(energy, torch.zeros_like(energy.local), self.steps, self.rate)
        return entropic_ascent(energy, self.steps, self.rate)[-1].sigmoid()

    @torch.no_grad()
    def energy(self, x: Tensor) -> BitEnergy:
        """F(x, ·)."""
        return BitEnergy.independent(self.generator.logits(x)) if self.score is None else self.score.at(x)

    def modules(self) -> nn.ModuleDict:
        """The networks by name."""
        found = {"generator": self.generator, "score": self.score}
        return nn.ModuleDict({name: module for name, module in found.items() if module is not None})


def build_local(parameters, num_features: int, num_bits: int) -> LocalTerms:
    """The classifier that every training begins with."""
    return LocalTerms(num_features, num_bits, tuple(parameters.hidden_sizes), parameters.dropout)


def build_model(parameters, local: LocalTerms) -> Model:
    """The model around it; parts that it needs beside are new."""
    training, generator, score = parameters.training, None, None
    if training in ("cross_entropy", "infnet"):
        generator = BitGenerator(local, two_heads=training == "infnet" and parameters.two_heads)
    if training == "value":
        score = ValueNetwork(local, parameters.num_patterns, parameters.conditional)
    elif training != "cross_entropy":
        score = BitScore(local, parameters.num_patterns, parameters.conditional, cost=parameters.cost)
    decision = parameters.decision
    if decision == "auto":
        decision = "score" if training == "value" else "threshold"
    return Model(training, generator, score, parameters.inference_steps, parameters.inference_rate, decision)
