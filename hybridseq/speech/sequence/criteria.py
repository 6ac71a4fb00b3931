"""The criteria of sequence training by name: what each compares, and what it needs."""

from collections.abc import Callable
from dataclasses import dataclass

from hybridseq import objectives
from hybridseq.objectives.costs import hamming_cost


@dataclass(frozen=True)
class Criterion:
    """A criterion of ``objectives.sequence``.

    Attributes
    ----------
    loss : callable
        ``(numerator, denominator, labels (B, T), boost) -> (B,)`` in nats; what it does not use may be None.
    competes : bool
        Whether it needs a denominator.
    aligned : bool
        Whether it needs an alignment.
    divides : bool
        Whether the scores are posteriors divided by priors; else posteriors.
    """

    loss: Callable
    competes: bool = False
    aligned: bool = False
    divides: bool = True


def _mmi(numerator, denominator, labels, boost):
    return objectives.mmi(numerator, denominator)


def _boosted_mmi(numerator, denominator, labels, boost):
    cost = hamming_cost(labels, denominator.num_labels, denominator.emissions.dtype)
    return objectives.boosted_mmi(numerator, denominator, cost, boost)


def _smbr(numerator, denominator, labels, boost):
    return objectives.smbr(denominator, labels)


def _full_sum(numerator, denominator, labels, boost):
    return objectives.full_sum(numerator)


CRITERIA: dict[str, Criterion] = {
    "mmi": Criterion(_mmi, competes=True),
    "boosted_mmi": Criterion(_boosted_mmi, competes=True, aligned=True),
    "smbr": Criterion(_smbr, competes=True, aligned=True),
    "lfmmi": Criterion(_mmi, competes=True),
    "full_sum": Criterion(_full_sum),
    "ctc": Criterion(_full_sum, divides=False),
}
