"""The criteria of sequence training by name: what each compares, and what it needs."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from hybridseq import objectives


@dataclass(frozen=True)
class Criterion:
    """A criterion of ``objectives.sequence``.

    Attributes
    ----------
    loss : callable
        ``(numerator, denominator, cost (B, T, P), boost) -> (B,)`` in nats; what it does not use may be None.
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


def _mmi(numerator, denominator, cost, boost):
    return objectives.mmi(numerator, denominator)


def _boosted_mmi(numerator, denominator, cost, boost):
    return objectives.boosted_mmi(numerator, denominator, cost, boost)


def _smbr(numerator, denominator, cost, boost):
    return objectives.smbr(denominator, 1 - cost)


def _full_sum(numerator, denominator, cost, boost):
    return objectives.full_sum(numerator)


CRITERIA: dict[str, Criterion] = {
    "mmi": Criterion(_mmi, competes=True),
    "boosted_mmi": Criterion(_boosted_mmi, competes=True, aligned=True),
    "smbr": Criterion(_smbr, competes=True, aligned=True),
    "lfmmi": Criterion(_mmi, competes=True),
    "full_sum": Criterion(_full_sum),
    "ctc": Criterion(_full_sum, divides=False),
}


def unit_costs(units):
    """1 for every state of another unit, a phone or a word: (P, P) float tensor, [right, taken].

    Where within a unit its states change then counts for nothing :cite:p:`povey2008`; by costs of states a criterion
    mostly learns the boundaries of the alignment.
    """
    member = torch.zeros(len(units.names), units.num_labels)
    for row, columns in zip(member, units.columns.values()):
        row[list(columns)] = 1
    return 1 - (member.T @ member).clamp(max=1)
