"""What a plan asks of a structure, part by part: positions, then label pairs, an automaton, budgets."""

import torch

from hybridseq.structures import checks


def allowed(positions, lengths, like):
    """The labels (B, T, K) that a position mask allows in rows of these lengths."""
    mask = positions.resolve(lengths.cpu().numpy(), like.shape[1])
    return torch.from_numpy(mask).to(like.device)


def apply(structure, plan, weights=None):
    """The structure restricted by a checked plan, which it remembers."""
    return structure._record(_restricted(structure, plan, weights), plan, weights)


def _restricted(structure, plan, weights):
    if plan.positions is not None:
        structure = structure.restrict(allowed(plan.positions, structure.lengths, structure.emissions))
    if checks.holds_budgets(plan):
        return _restricted(structure, plan.base, weights).restrict_budgets(plan.coefficients, plan.low, plan.high)
    if checks.holds_automaton(plan):
        return structure.restrict_automaton(plan, weights)
    checks.check_weights(weights, 0)
    return structure.restrict_pairs(plan)
