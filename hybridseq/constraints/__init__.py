"""A language of constraints over label names, compiled to what a structure can be restricted by.

>>> from hybridseq import constraints as C
>>> steady = C.scheme("BIO") & C.run("O", min=2)
>>> steady.accepts(["O", "O", "B-city"]), steady.accepts(["O", "B-city"])
(True, False)
"""

from hybridseq.constraints.automata import Automaton, StateBudgetError
from hybridseq.constraints.automata.regex import PatternError
from hybridseq.constraints.combine import Soft
from hybridseq.constraints.constraint import BUDGET, Constraint, Violation
from hybridseq.constraints.counting import count, segments
from hybridseq.constraints.dataset import DatasetReport
from hybridseq.constraints.durations import each, run
from hybridseq.constraints.errors import ConstraintError, InfeasibleError
from hybridseq.constraints.explain import Explanation
from hybridseq.constraints.linear import linear
from hybridseq.constraints.neighbours import first, last, transitions
from hybridseq.constraints.patterns import contains, implies, never, precedes, regex
from hybridseq.constraints.plan import AutomatonPlan, LinearPlan, PairPlan, Plan
from hybridseq.constraints.positions import allowed, anything, at, span, tokens
from hybridseq.constraints.scheme import SchemeConstraint, auto, scheme
from hybridseq.constraints.schemes import SCHEMES, Detection, Scheme, detect

__all__ = [
    "BUDGET",
    "SCHEMES",
    "Automaton",
    "AutomatonPlan",
    "Constraint",
    "ConstraintError",
    "DatasetReport",
    "Detection",
    "Explanation",
    "InfeasibleError",
    "LinearPlan",
    "PairPlan",
    "PatternError",
    "Plan",
    "Scheme",
    "SchemeConstraint",
    "Soft",
    "StateBudgetError",
    "Violation",
    "allowed",
    "anything",
    "at",
    "auto",
    "contains",
    "count",
    "detect",
    "each",
    "first",
    "implies",
    "last",
    "linear",
    "never",
    "precedes",
    "regex",
    "run",
    "scheme",
    "segments",
    "span",
    "tokens",
    "transitions",
]
