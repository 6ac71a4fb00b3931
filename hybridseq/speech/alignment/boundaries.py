"""How far found word boundaries are from the true ones."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from hybridseq.speech.alignment.segments import Alignment
from hybridseq.text.errors import DataError


@dataclass(frozen=True, eq=False)
class BoundaryErrors:
    """Absolute errors of word boundaries, in seconds; made by :func:`boundary_errors`.

    Parameters
    ----------
    starts, ends : (W,) float64 arrays
        Of each word, in the order of the truth.
    utterances : int
        How many were compared.
    left_out : tuple of str
        The names of the utterances whose words are not those of the truth.
    """

    starts: np.ndarray = field(repr=False)
    ends: np.ndarray = field(repr=False)
    utterances: int
    left_out: tuple[str, ...] = ()

    @property
    def errors(self) -> np.ndarray:
        """(2 W,) starts and ends together."""
        return np.concatenate([self.starts, self.ends])

    @property
    def mean(self) -> float:
        """Seconds; NaN where no word was compared."""
        return float(self.errors.mean()) if len(self.starts) else float("nan")

    @property
    def percentile_95(self) -> float:
        """Seconds; NaN where no word was compared."""
        return float(np.percentile(self.errors, 95)) if len(self.starts) else float("nan")

    def to_dict(self) -> dict:
        """The figures by name, for JSON; None where no word was compared."""
        found = {"mean": self.mean, "percentile_95": self.percentile_95} if len(self.starts) else {}
        counts = {"words": len(self.starts), "utterances": self.utterances, "left_out": len(self.left_out)}
        return {"mean": None, "percentile_95": None} | found | counts


def boundary_errors(found: Iterable[Alignment], truth: Iterable[Alignment]) -> BoundaryErrors:
    """Compare the words' starts and ends with true ones.

    Parameters
    ----------
    found, truth : iterable of Alignment
        Matched by the utterances' names, in any order.

    Returns
    -------
    BoundaryErrors
        Over the utterances whose words agree; the others are left out, and named.

    Raises
    ------
    DataError
        Utterances that only one of the two has, or that come twice.
    """
    found, truth = _named(found, "found"), _named(truth, "truth")
    for these, others, where in ((found, truth, "truth"), (truth, found, "found")):
        alone = [utterance for utterance in these if utterance not in others]
        if alone:
            raise DataError(f"{len(alone)} utterances are not in {where}, such as {alone[0]!r}; give the same in both")
    differences, left_out = [np.zeros((0, 2))], []
    for utterance, true in truth.items():
        words = found[utterance].words
        if [word.label for word in words] != [word.label for word in true.words]:
            left_out.append(utterance)
        elif words:
            pairs = zip(words, true.words)
            differences.append(np.array([(one.start - other.start, one.end - other.end) for one, other in pairs]))
    errors = np.abs(np.concatenate(differences))
    return BoundaryErrors(errors[:, 0], errors[:, 1], len(truth) - len(left_out), tuple(left_out))


def _named(alignments: Iterable[Alignment], where: str) -> dict[str, Alignment]:
    out: dict[str, Alignment] = {}
    for alignment in alignments:
        if alignment.id in out:
            raise DataError(f"utterance {alignment.id!r} comes twice in {where}; give each one name of its own")
        out[alignment.id] = alignment
    return out
