"""The one form of every loss: an upper inference value against a lower one, with a cost in the upper."""

import torch

from hybridseq.objectives.costs import hamming_cost, label_cost
from hybridseq.structures import checks

UPPER = {
    "log_partition": lambda structure: structure.raw_log_partition(),
    "max": lambda structure: structure.raw_max_score(),
}


def _cost_tensor(structure, labels, cost):
    if cost is None:
        return hamming_cost(
            torch.where(checks.inside(structure), labels, -100), structure.emissions.shape[2], structure.emissions.dtype
        )
    checks.check_tensor("cost", cost, "(K, K) or (B, T, K)")
    if cost.dim() == 2:
        checks.check_cost_table(cost, structure.emissions)
        return label_cost(labels, cost.to(structure.emissions.dtype))
    checks.check_like_emissions("cost", cost, structure.emissions)
    return cost.to(structure.emissions.dtype)


def cost_of(structure, labels, cost=None):
    """The cost of every label at every position, (B, T, K).

    ``cost`` is None (Hamming), a (K, K) table [gold, predicted], or a (B, T, K) tensor.
    """
    checks.check_labels(labels, structure.emissions)
    return _cost_tensor(structure, labels, cost)


def lower_value(structure, reference):
    """Score of the reference labels (B, T), or log-sum over the sequences that a (B, T, K) bool mask allows."""
    if reference.dtype == torch.bool:
        return structure.restrict(reference).raw_log_partition()
    checks.check_labels(reference, structure.emissions)
    return structure.raw_score(reference)


def contrast(structure, reference, upper, cost=None):
    """``upper(F + Δ) − lower(F | reference)``, (B,); its gradient is the difference of the two values' parts.

    +inf where the reference is impossible. Never negative: the upper value contains the lower, and rounding is removed.
    """
    checks.check_reference(reference)
    if cost is None and upper == "log_partition" and reference.dtype != torch.bool:
        # The same difference, which structures compute at one go.
        checks.check_labels(reference, structure.emissions)
        return -structure.raw_log_prob(reference).to(structure.emissions.dtype)
    augmented = structure if cost is None else structure.augment(cost)
    high, low = UPPER[upper](augmented), lower_value(structure, reference)
    value = torch.where(low > -torch.inf, high - low, torch.inf)
    # Below 0 only by rounding, where the gradient is as good as 0 too.
    return value.clamp(min=0).to(augmented.emissions.dtype)
