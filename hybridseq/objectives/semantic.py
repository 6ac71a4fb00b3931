"""The price of breaking a constraint, exact under a structure's distribution."""


def semantic_loss(structure, constraint, labels=None):
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

    Returns
    -------
    (B,) tensor
        In nats, never negative; +inf where no label sequence satisfies the constraint, with no gradient.
    """
    return -structure.log_prob(constraint, labels)
