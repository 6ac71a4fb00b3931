"""The likelihood of locally normalised models: the row of the table whose upper value is 0."""

from hybridseq.objectives.contrast import lower_value


def marginal_likelihood(structure, labels=None):
    r"""−log p(x), the labels summed out: what unsupervised training of an HMM minimises :cite:p:`rabiner1989`.

    For the chain of an HMM (:class:`~hybridseq.nn.HMM` over log p(x | state)) the log-partition is log p(x), and by
    Fisher's identity the gradient of this loss is minus the expected counts of the Baum-Welch algorithm: gradient
    descent and EM have the same stationary points.

    Parameters
    ----------
    structure : Structure
        Of a model whose scores are log-probabilities; for any other the value has no lower bound.
    labels : (B, T) int64 tensor, or (B, T, K) bool tensor, optional
        What is known of the labels: all of them (then −log p(x, y)), or the set of allowed ones at each position. Not
        given: nothing.

    Returns
    -------
    (B,) tensor
        In nats; +inf where nothing is possible. Negative values are right where emissions are densities.

    Notes
    -----
    Unlike the contrasts, it changes when a constant is added to emissions. O(B·T·K²).
    """
    value = structure.raw_log_partition() if labels is None else lower_value(structure, labels)
    return -value.to(structure.emissions.dtype)
