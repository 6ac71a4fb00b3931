"""The named losses: each is one row of the table in the theory page, and returns one value an example.

``labels`` are (B, T) int64. ``cost`` is None for Hamming, a (K, K) table ``[gold, predicted]``, or a (B, T, K) tensor.
``on_infeasible`` says what becomes of rows whose labels the structure forbids, see ``infeasible.handled``.
"""

from hybridseq.objectives.contrast import contrast, cost_of
from hybridseq.objectives.infeasible import handled
from hybridseq.structures import checks


def log_loss(structure, labels, on_infeasible=None):
    """Negative log-likelihood: log-partition − score :cite:p:`lafferty2001`.

    Parameters
    ----------
    structure : Structure
    labels : (B, T) int64 tensor, or (B, T, K) bool tensor
        The gold labels, or the set of allowed ones at each position (partial labels): then the loss is −log of the
        probability that all of them hold :cite:p:`tsuboi2008`.
    on_infeasible : None, "raise", "skip", "unconstrained" or "relax"
        What becomes of rows whose reference is impossible. None: +inf. "raise": ``InfeasibleError``. "skip": 0 without
        gradient, and one warning that counts them (``feasible_rows`` tells which). "unconstrained": scored without the
        structure's plans. "relax": scored without those parts of its plans that the labels break; needs int64 labels.

    Returns
    -------
    (B,) tensor
        In nats, never negative; +inf where the reference is impossible.
    """
    return handled(lambda s: contrast(s, labels, "log_partition"), structure, labels, on_infeasible)


def structured_hinge(structure, labels, cost=None, on_infeasible=None):
    """max over y of (F(y) + Δ(y)) − F(gold): margin rescaling :cite:p:`taskar2004,tsochantaridis2005`.

    An upper bound of the cost of the decoded output, in the cost's unit.
    """
    delta = cost_of(structure, labels, cost)
    return handled(lambda s: contrast(s, labels, "max", delta), structure, labels, on_infeasible)


def perceptron(structure, labels, on_infeasible=None):
    """max over y of F(y) − F(gold) :cite:p:`collins2002`: 0 where the gold output is the best one."""
    return handled(lambda s: contrast(s, labels, "max"), structure, labels, on_infeasible)


def softmax_margin(structure, labels, cost=None, on_infeasible=None):
    """log Σ exp(F(y) + Δ(y)) − F(gold) :cite:p:`gimpel2010`: an upper bound of log loss and of the structured hinge."""
    delta = cost_of(structure, labels, cost)
    return handled(lambda s: contrast(s, labels, "log_partition", delta), structure, labels, on_infeasible)


def minimum_risk(structure, labels, cost=None, on_infeasible=None):
    """Expected cost Σ p(y) Δ(y) :cite:p:`smith2006`: the derivative of softmax-margin in the cost's weight at 0.

    Its gradient is the covariance of cost and parts. It stays finite where the labels are impossible, so that
    ``on_infeasible=None`` only leaves them be.
    """
    delta = cost_of(structure, labels, cost)
    checks.check_label_range(labels, structure)
    return handled(lambda s: s.expected_cost(delta), structure, labels, on_infeasible)


OBJECTIVES = {f.__name__: f for f in (log_loss, structured_hinge, perceptron, softmax_margin, minimum_risk)}
