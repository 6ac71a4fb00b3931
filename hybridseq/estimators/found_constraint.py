"""The constraint that a model keeps to: given, or found in its training labels."""

from dataclasses import dataclass

import hybridseq.constraints as constraint_language
from hybridseq.constraints.combine import And
from hybridseq.constraints.dataset import check_dataset
from hybridseq.constraints.positions import Tokens

_WHAT_BROKEN = {
    "skip": "{} of {} label sequences break it and are left out",
    "unconstrained": "{} of {} label sequences break it and are trained on without it",
    "relax": "{} of {} label sequences break it and are trained on without the parts that they break",
}


@dataclass(frozen=True)
class Found:
    """The constraint that a tagger keeps to."""

    constraint: object
    scheme: str | None
    message: str
    broken: tuple[int, ...] = ()


def check_constraint(constraint, X, y, on_infeasible="raise") -> list[int]:
    """The sentences whose labels break the constraint; raises where they must not.

    Raises
    ------
    InfeasibleError
        Where labels break it and ``on_infeasible`` is "raise": names the first place, and counts by part.
    """
    if constraint is None:
        return []
    report = check_dataset(constraint, y, X)
    if report.broken and on_infeasible == "raise":
        i, violation = report.examples[0]
        raise constraint_language.InfeasibleError(
            f"sentence {i} breaks the constraint {constraint!r} at position {violation.position}: {violation.reason}. "
            f"{report}\nMend the labels, choose another constraint, or set on_infeasible to "
            '"skip", "unconstrained" or "relax"',
            example=i,
            position=violation.position,
            parts=[part for part, count in report.by_part.items() if count],
        )
    return list(report.broken)


def find_constraint(wanted, X, y, on_infeasible="raise") -> Found:
    """What ``constraint=wanted`` comes to for these sentences and label sequences.

    Raises
    ------
    InfeasibleError
        As :func:`check_constraint`.
    """
    detected = constraint_language.detect(y)
    scheme = detected.name
    if wanted == "auto":
        constraint = None if scheme is None else constraint_language.scheme(scheme)
        message = (
            f"labels follow {scheme} ({detected.reason}); illegal label pairs are impossible"
            if scheme
            else f"no tag scheme was found ({detected.reason}); every label sequence is possible"
        )
    elif wanted is None:
        constraint, message = None, "no constraint; every label sequence is possible"
    elif isinstance(wanted, str):
        constraint, message = constraint_language.scheme(wanted), f"labels must keep {wanted}"
    else:
        constraint, message = wanted, f"labels must keep {wanted!r}"
    broken = () if wanted == "auto" else check_constraint(constraint, X, y, on_infeasible)
    if len(broken) == len(y) and on_infeasible == "skip":
        check_constraint(constraint, X, y)
    if broken:
        message += f"; {_WHAT_BROKEN[on_infeasible].format(len(broken), len(y))}"
    return Found(constraint, scheme, message, tuple(broken))


def trained_part(constraint):
    """The constraint while training: without what speaks of tokens, which batches do not hold."""
    if constraint is None:
        return None
    parts = [part for part in constraint.parts if not isinstance(part, Tokens)]
    return And.of_parts(*parts) if parts else None
