"""Problem 3, training: losses that compare two inference values of a structure."""

from hybridseq.objectives.costs import hamming_cost, label_cost
from hybridseq.objectives.infeasible import feasible_rows
from hybridseq.objectives.likelihood import marginal_likelihood
from hybridseq.objectives.losses import (
    OBJECTIVES,
    log_loss,
    minimum_risk,
    perceptron,
    softmax_margin,
    structured_hinge,
)
from hybridseq.objectives.semantic import semantic_loss

__all__ = [
    "OBJECTIVES",
    "feasible_rows",
    "hamming_cost",
    "label_cost",
    "log_loss",
    "marginal_likelihood",
    "minimum_risk",
    "perceptron",
    "semantic_loss",
    "softmax_margin",
    "structured_hinge",
]
