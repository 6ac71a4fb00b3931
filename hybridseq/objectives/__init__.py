"""Problem 3, training: losses that compare two inference values of a structure."""

from hybridseq.objectives.costs import hamming_cost, label_cost
from hybridseq.objectives.ctc import ctc, ctc_paths
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
from hybridseq.objectives.sequence import boosted_mmi, full_sum, mmi, smbr

__all__ = [
    "OBJECTIVES",
    "boosted_mmi",
    "ctc",
    "ctc_paths",
    "feasible_rows",
    "full_sum",
    "hamming_cost",
    "label_cost",
    "log_loss",
    "marginal_likelihood",
    "minimum_risk",
    "mmi",
    "perceptron",
    "semantic_loss",
    "smbr",
    "softmax_margin",
    "structured_hinge",
]
