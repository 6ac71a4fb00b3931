"""The price of breaking a constraint, exact under a structure's distribution."""

import torch

from hybridseq.objectives.infeasible import check_choice, settle


def semantic_loss(structure, constraint, labels=None, on_infeasible=None):
    """−log of the probability that the output satisfies a constraint :cite:p:`xu2018`, eq. 1.

    It needs no gold labels: a term for unlabelled examples, or beside another loss.

    Parameters
    ----------
    structure : Structure
        One that the constraint does not restrict already: there the loss is 0.
    constraint : plan, constraint or (B, T, K) bool tensor
        What ``structure.restrict`` takes. Soft parts do not count.
    labels : sequence of str, optional
        The K label names, where the constraint is not compiled yet.
    on_infeasible : None, "raise" or "skip"
        What becomes of rows in which no label sequence satisfies the constraint, as in the other losses.

    Returns
    -------
    (B,) tensor
        In nats, never negative; +inf where no label sequence satisfies the constraint, with no gradient.
    """
    check_choice(on_infeasible, (None, "raise", "skip"))
    value = -structure.log_prob(constraint, labels)
    return settle(value, value.detach() == torch.inf, on_infeasible)
