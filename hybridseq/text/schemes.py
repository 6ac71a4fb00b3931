"""Tag schemes: detection, and the spans that a tag sequence means."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from hybridseq.constraints.schemes import SCHEMES, Detection, Scheme, detect, split_label

__all__ = [
    "SCHEMES",
    "Detection",
    "Scheme",
    "Span",
    "detect",
    "detect_scheme",
    "explain_scheme",
    "spans",
    "tags_of",
]


class Span(NamedTuple):
    """A labelled stretch of tokens: ``type`` over the half-open range ``start:end``."""

    type: str
    start: int
    end: int


def detect_scheme(labels: Iterable[str] | Iterable[Sequence[str]]) -> str | None:
    """The name of the scheme that labels (names, or better whole sequences) follow, or None; O(labels)."""
    return detect(labels).name


def explain_scheme(labels: Iterable[str] | Iterable[Sequence[str]]) -> str:
    """Why :func:`detect_scheme` chose what it chose, in one line."""
    return detect(labels).reason


def spans(tags: Sequence[str]) -> list[Span]:
    """The spans of one sentence's IOB tags, from left to right.

    Parameters
    ----------
    tags : sequence of str
        IOB2 tags. Illegal ones are read as conlleval reads them: an ``I-X`` that continues nothing opens a
        span.

    Returns
    -------
    list of Span

    Raises
    ------
    ValueError
        Where a tag is neither ``O`` nor ``B-X`` nor ``I-X``.

    Notes
    -----
    O(T).

    Examples
    --------
    >>> spans(["O", "B-date", "I-date", "B-date"])
    [Span(type='date', start=1, end=3), Span(type='date', start=3, end=4)]
    """
    found: list[Span] = []
    kind, start = "", 0
    for i, tag in enumerate(tags):
        if not SCHEMES["BIO"].admits(tag):
            raise ValueError(f"tags must be 'O', 'B-X' or 'I-X'; got {tag!r} at position {i}")
        prefix, this = split_label(tag)
        if prefix == "I" and this == kind:
            continue
        if kind:
            found.append(Span(kind, start, i))
        kind, start = this, i
    if kind:
        found.append(Span(kind, start, len(tags)))
    return found


def tags_of(spans: Iterable[Span], length: int) -> list[str]:
    """The IOB2 tags of disjoint spans over ``length`` tokens: the inverse of :func:`spans`; O(length).

    Raises
    ------
    ValueError
        Where spans overlap, are empty or reach beyond ``length``.
    """
    tags = ["O"] * length
    for kind, start, end in spans:
        if not 0 <= start < end <= length:
            raise ValueError(f"a span must lie within the {length} tokens and not be empty; got {start}:{end}")
        if any(tag != "O" for tag in tags[start:end]):
            raise ValueError(f"spans must not overlap; {kind!r} at {start}:{end} meets an earlier one")
        tags[start:end] = [f"B-{kind}"] + [f"I-{kind}"] * (end - start - 1)
    return tags
