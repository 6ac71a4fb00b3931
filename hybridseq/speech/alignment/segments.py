"""What an alignment is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from hybridseq.text.errors import DataError

#: Seconds by which neighbours may overlap: what rounding of times does.
ROUNDING = 1e-6


@dataclass(frozen=True)
class Segment:
    """A labelled stretch of time.

    Parameters
    ----------
    start, end : float
        Seconds from the beginning of the utterance; ``0 <= start <= end``.
    label : str
        The word or phone; not empty, and without white space around it.
    confidence : float, optional
        The probability that the label is right.

    Raises
    ------
    DataError
        Times, a confidence or a label that cannot be.
    """

    start: float
    end: float
    label: str
    confidence: float | None = None

    def __post_init__(self):
        if not isinstance(self.label, str) or not self.label or self.label.strip() != self.label:
            raise DataError(f"a segment's label must be text without white space around it; got {self.label!r}")
        if not 0 <= self.start <= self.end < math.inf:
            raise DataError(
                f"the segment {self.label!r} must have 0 <= start <= end, in seconds; got {self.start} to {self.end}"
            )
        if self.confidence is not None and not 0 <= self.confidence <= 1:
            raise DataError(f"the confidence of {self.label!r} must lie between 0 and 1; got {self.confidence}")

    @property
    def duration(self) -> float:
        """Seconds from start to end."""
        return self.end - self.start


@dataclass(frozen=True)
class Alignment:
    """The words of an utterance in time, and its phones where they are known.

    Parameters
    ----------
    id : str
        The utterance's name.
    words : sequence of Segment
        In order of time, without overlap. Silence is what no segment covers.
    phones : sequence of Segment, optional
        Likewise.
    duration : float, optional
        The utterance's length in seconds; by default where its last segment ends.

    Raises
    ------
    DataError
        Segments that overlap or are out of order, or that end after ``duration``.
    """

    id: str
    words: Sequence[Segment]
    phones: Sequence[Segment] | None = None
    duration: float | None = None

    def __post_init__(self):
        object.__setattr__(self, "words", list(self.words))
        object.__setattr__(self, "phones", None if self.phones is None else list(self.phones))
        tiers = [self.words, self.phones or []]
        last = max((segment.end for tier in tiers for segment in tier), default=0.0)
        if self.duration is None:
            object.__setattr__(self, "duration", last)
        elif not last - ROUNDING <= self.duration < math.inf:
            raise DataError(f"utterance {self.id!r}: its last segment ends at {last} s, after its {self.duration} s")
        for tier in tiers:
            for before, after in pairwise(tier):
                if after.start < before.end - ROUNDING:
                    raise DataError(
                        f"utterance {self.id!r}: {after.label!r} starts at {after.start} s, before {before.label!r} "
                        f"ends at {before.end} s; segments must be in order of time and must not overlap"
                    )
