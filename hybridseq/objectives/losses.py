"""The named losses: each is one row of the table in the theory page, and returns one value an example.

``labels`` are (B, T) int64. ``cost`` is None for Hamming, a (K, K) table ``[gold, predicted]``, or a (B, T, K) tensor.
"""

from hybridseq.objectives.contrast import contrast, cost_of
from hybridseq.structures import checks


def log_loss(structure, labels):
    """Negative log-likelihood: log-partition − score :cite:p:`lafferty2001`.

    Parameters
    ----------
    structure : Structure
    labels : (B, T) int64 tensor, or (B, T, K) bool tensor
        The gold labels, or the set of allowed ones at each position (partial labels): then the loss is −log of the
        probability that all of them hold :cite:p:`tsuboi2008`.

    Returns
    -------
    (B,) tensor
        In nats, never negative; +inf where the reference is impossible.
    """
    return contrast(structure, labels, "log_partition")


def structured_hinge(structure, labels, cost=None):
    """max over y of (F(y) + Δ(y)) − F(gold): margin rescaling :cite:p:`taskar2004,tsochantaridis2005`.

    An upper bound of the cost of the decoded output, in the cost's unit.
    """
    return contrast(structure, labels, "max", cost_of(structure, labels, cost))


def perceptron(structure, labels):
    """max over y of F(y) − F(gold) :cite:p:`collins2002`: 0 where the gold output is the best one."""
    return contrast(structure, labels, "max")


def softmax_margin(structure, labels, cost=None):
    """log Σ exp(F(y) + Δ(y)) − F(gold) :cite:p:`gimpel2010`: an upper bound of log loss and of the structured hinge."""
    return contrast(structure, labels, "log_partition", cost_of(structure, labels, cost))


def minimum_risk(structure, labels, cost=None):
    """Expected cost Σ p(y) Δ(y) :cite:p:`smith2006`: the derivative of softmax-margin in the cost's weight at 0.

    Its gradient is the covariance of cost and parts.
    """
    delta = cost_of(structure, labels, cost)
    checks.check_label_range(labels, structure)
    return structure.expected_cost(delta)


OBJECTIVES = {f.__name__: f for f in (log_loss, structured_hinge, perceptron, softmax_margin, minimum_risk)}
