"""Constraints as JSON, and back; reading runs no code."""

from hybridseq.constraints.automata.regex import parse
from hybridseq.constraints.combine import And, Not, Or, Soft, Star, Then
from hybridseq.constraints.constraint import Constraint
from hybridseq.constraints.counting import Count
from hybridseq.constraints.durations import Run
from hybridseq.constraints.errors import ConstraintError
from hybridseq.constraints.linear import Linear
from hybridseq.constraints.neighbours import Edge, Transitions
from hybridseq.constraints.patterns import Contains, Implies, Precedes, Regex
from hybridseq.constraints.positions import Anything, At, Span, Tokens
from hybridseq.constraints.scheme import SchemeConstraint

#: What each kind holds, in the order of its constructor.
_FIELDS = {
    And: ("members",),
    Anything: (),
    At: ("position", "labels"),
    Contains: ("pattern", "wanted"),
    Count: ("of_segments", "labels", "min", "max"),
    Edge: ("end", "labels"),
    Implies: ("condition", "consequence"),
    Linear: ("coefficients", "min", "max"),
    Not: ("member",),
    Or: ("members",),
    Precedes: ("before", "after"),
    Regex: ("pattern",),
    Run: ("labels", "min", "max", "multiple_of"),
    SchemeConstraint: ("name", "labels"),
    Soft: ("member", "weight", "learn"),
    Span: ("start", "end", "label"),
    Star: ("member",),
    Then: ("members",),
    Tokens: ("entries",),
    Transitions: ("pairs", "forbids"),
}
_KINDS = {kind.__name__: kind for kind in _FIELDS}


def to_json(constraint: Constraint):
    """What JSON can hold, or None for a constraint that is not of the language's own kinds, such as a mask."""
    try:
        return _plain(constraint)
    except TypeError:
        return None


def _plain(value):
    if isinstance(value, Constraint):
        if type(value) not in _FIELDS:
            raise TypeError(type(value))
        return {"kind": type(value).__name__, **{name: _plain(getattr(value, name)) for name in _FIELDS[type(value)]}}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, str | bool | int | float) else str(value)


def from_json(data) -> Constraint:
    """The constraint that :func:`to_json` described.

    Raises
    ------
    ConstraintError
        Where the description is of no known kind or lacks a field.
    """
    try:
        kind = _KINDS[data["kind"]]
        return kind(*(_read(name, data[name]) for name in _FIELDS[kind]))
    except (KeyError, TypeError) as error:
        raise ConstraintError(f"this is no description of a constraint ({error!r}): {data!r}") from None


def _read(name, value):
    if name == "pattern":
        return parse(value)
    return _tuples(value)


def _tuples(value):
    if isinstance(value, dict):
        return from_json(value)
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
