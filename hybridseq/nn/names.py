"""Choosing by name."""

import difflib
from collections.abc import Mapping
from typing import TypeVar

Value = TypeVar("Value")


def choose(what: str, name: object, known: Mapping[str, Value]) -> Value:
    """The entry of a name; a ValueError lists the known names and suggests the nearest."""
    if isinstance(name, str) and name in known:
        return known[name]
    parts = [key for key in known if str(name) and str(name) in str(key)]
    near = difflib.get_close_matches(str(name), list(known), n=1) or parts
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    raise ValueError(f"{what} must be one of {', '.join(map(repr, known))}; got {name!r}{hint}")
