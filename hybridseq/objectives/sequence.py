"""Sequence training: a structure of what was said against one of all that could have been.

``numerator`` and ``denominator`` are structures over the same emissions and lengths, mostly a ``PathGraph`` of each
row's transcript and one of a grammar. ``on_infeasible`` says what becomes of rows whose numerator or denominator allows
no path, such as utterances with fewer frames than their transcript needs: None leaves them +inf; "raise" raises
``InfeasibleError``; "skip" gives 0 without gradient, and one warning that counts and names them. ``names`` is what
rows are called there, by default their numbers.
"""

import warnings

import torch

from hybridseq.constraints.errors import InfeasibleError
from hybridseq.objectives.infeasible import check_choice
from hybridseq.objectives.likelihood import marginal_likelihood
from hybridseq.objectives.losses import minimum_risk
from hybridseq.structures import checks


def settled(value, bad, on_infeasible, names):
    """The loss (B,) with bad rows treated as asked."""
    check_choice(on_infeasible, (None, "raise", "skip"))
    if names is not None and len(names) != len(value):
        raise ValueError(f"names must give each of the B = {len(value)} rows one; got {len(names)}.")
    value = torch.where(bad, torch.inf, value)
    if on_infeasible is None or not bad.any():
        return value
    rows = bad.nonzero()[:, 0].tolist()
    called = [str(row if names is None else names[row]) for row in rows]
    said = f"{len(rows)} of {len(bad)} rows allow no path ({', '.join(called[:10])}{', …' if len(rows) > 10 else ''})"
    if on_infeasible == "raise":
        raise InfeasibleError(
            f"{said}: mostly too few frames for the transcript. See the fewest that it needs, leave the rows out, or "
            "choose on_infeasible='skip'.",
            example=rows[0],
        )
    warnings.warn(f"{said} and are left out of the loss", stacklevel=3)
    return torch.where(bad, 0, value)


def _difference(numerator, high, on_infeasible, names):
    low = numerator.raw_log_partition()
    bad = (low == -torch.inf) | (high == -torch.inf)
    return settled((high - low).to(numerator.emissions.dtype), bad, on_infeasible, names)


def mmi(numerator, denominator, on_infeasible=None, names=None):
    r"""Maximum mutual information: denominator − numerator, −log p(words given audio) :cite:p:`bahl1986,povey2016`.

    With the graphs of a phone n-gram as denominator it is lattice-free MMI. The gradient by the emissions is the
    denominator's occupancies minus the numerator's.

    Parameters
    ----------
    numerator, denominator : Structure
    on_infeasible : None, "raise" or "skip"
    names : sequence of str, optional

    Returns
    -------
    (B,) tensor
        In nats. Not negative while the numerator's paths, with no larger weights, lie within the denominator's.
    """
    checks.check_same_positions(numerator, denominator)
    return _difference(numerator, denominator.raw_log_partition(), on_infeasible, names)


def boosted_mmi(numerator, denominator, cost, boost=0.1, on_infeasible=None, names=None):
    """MMI in which denominator paths count e^(boost · cost) times :cite:p:`povey2008`: softmax-margin for graphs.

    Parameters
    ----------
    numerator, denominator : Structure
    cost : (B, T, K) tensor
        Of each label at each frame, such as 1 where it is not the aligned one; 0 for silence if it shall not count.
    boost : float
        The cost's weight, at least 0; 0 is ``mmi``.
    on_infeasible : None, "raise" or "skip"
    names : sequence of str, optional

    Returns
    -------
    (B,) tensor
        In nats. Grows with ``boost`` where the cost is not negative.
    """
    checks.check_same_positions(numerator, denominator)
    checks.check_like_emissions("cost", cost, denominator.emissions)
    return _difference(numerator, denominator.augment(boost * cost).raw_log_partition(), on_infeasible, names)


def smbr(denominator, reference, on_infeasible=None, names=None):
    """State-level minimum Bayes risk: the expected number of wrong frames :cite:p:`kingsbury2009,vesely2013`.

    It is the frames minus the expected accuracy, the negative of what the literature maximises up to a constant.

    Parameters
    ----------
    denominator : Structure
    reference : (B, T) int64 tensor, or (B, T, K) float tensor
        The aligned label of each frame; or each label's accuracy, 1 where it counts as right.
    on_infeasible : None, "raise" or "skip"
        Rows whose denominator allows no path.
    names : sequence of str, optional

    Returns
    -------
    (B,) tensor
        In frames, from 0 to the row's length for accuracies from 0 to 1. Its gradient is minus the covariance of
        accuracy and occupancies.
    """
    checks.check_tensor("reference", reference, "(B, T) int64, or (B, T, K) float accuracies")
    if reference.is_floating_point():
        checks.check_like_emissions("reference", reference, denominator.emissions)
        value = denominator.expected_cost(1 - reference.to(denominator.emissions))
    else:
        value = minimum_risk(denominator, reference)
    with torch.no_grad():
        bad = denominator.raw_log_partition() == -torch.inf
    return settled(value, bad, on_infeasible, names)


def full_sum(numerator, on_infeasible=None, names=None):
    """−log p(audio, words), summed over all alignments: training without an alignment :cite:p:`rabiner1989`.

    The emissions are log-likelihoods up to a constant a frame, such as log p(state | frame) − log p(state). Unlike MMI
    nothing keeps the scores of other words down: fix the prior or the transitions, or the network says one state only.

    Parameters
    ----------
    numerator : Structure
    on_infeasible : None, "raise" or "skip"
    names : sequence of str, optional

    Returns
    -------
    (B,) tensor
        In nats. Its gradient is minus the numerator's occupancies.
    """
    value = marginal_likelihood(numerator)
    return settled(value, value == torch.inf, on_infeasible, names)
