"""Constraints over label names, which compile to what a structure can be restricted by."""

from hybridseq.constraints.plan import PairPlan
from hybridseq.constraints.scheme import ConstraintError, SchemeConstraint, Violation, auto, scheme
from hybridseq.constraints.schemes import SCHEMES, Detection, Scheme, detect

__all__ = [
    "SCHEMES",
    "ConstraintError",
    "Detection",
    "PairPlan",
    "Scheme",
    "SchemeConstraint",
    "Violation",
    "auto",
    "detect",
    "scheme",
]
