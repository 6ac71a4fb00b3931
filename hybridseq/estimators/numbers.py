"""Checks of numeric parameters, in one grammar."""

import math
from numbers import Integral, Real


def check_number(name, value, *, least=None, above=None, below=None, whole=False, optional=False):
    """Raise a ValueError unless a parameter is a number in its range (or None, where that is allowed)."""
    if value is None and optional:
        return
    fits = isinstance(value, Integral if whole else Real) and not isinstance(value, bool) and math.isfinite(value)
    fits = fits and (least is None or value >= least) and (above is None or value > above)
    if fits and (below is None or value < below):
        return
    parts = [
        f"{words} {bound}"
        for words, bound in (("of at least", least), ("above", above), ("below", below))
        if bound is not None
    ]
    kind = "a whole number" if whole else "a number"
    none = ", or None" if optional else ""
    raise ValueError(f"{name} must be {kind} {' and '.join(parts)}{none}; got {value!r}")
