"""Word errors of hypotheses against references."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hybridseq.speech.lexicon import Text, words_of
from hybridseq.speech.scoring import bootstrap as boot
from hybridseq.text.errors import DataError

_COLUMNS = ("words", "substitutions", "deletions", "insertions")


@dataclass(frozen=True, eq=False, repr=False)
class WordErrors:
    """The errors of N utterances; made by :func:`score_words`.

    Parameters
    ----------
    counts : (N, 4) int64 array
        Of each utterance: words of the reference, substitutions, deletions, insertions.
    pairs : tuple of tuples
        Of each utterance its errors, as (reference word, hypothesis word); ``""`` for the side that has none.
    speakers : tuple of str, optional
        The speaker of each utterance.
    """

    counts: np.ndarray
    pairs: tuple[tuple[tuple[str, str], ...], ...]
    speakers: tuple[str, ...] | None = None

    @property
    def words(self) -> int:
        """Words in the references."""
        return int(self.counts[:, 0].sum())

    @property
    def substitutions(self) -> int:
        """Words that another one stands for."""
        return int(self.counts[:, 1].sum())

    @property
    def deletions(self) -> int:
        """Reference words that nothing stands for."""
        return int(self.counts[:, 2].sum())

    @property
    def insertions(self) -> int:
        """Hypothesis words that stand for nothing."""
        return int(self.counts[:, 3].sum())

    @property
    def errors(self) -> int:
        """Substitutions, deletions and insertions together."""
        return int(self.utterance_errors.sum())

    @property
    def wer(self) -> float:
        """Errors over reference words, a fraction that may exceed 1; NaN where the references hold no word."""
        return self.errors / self.words if self.words else math.nan

    @property
    def sentences(self) -> int:
        """How many utterances there are."""
        return len(self.counts)

    @property
    def sentence_errors(self) -> int:
        """Utterances with at least one error."""
        return int((self.utterance_errors > 0).sum())

    @property
    def utterance_words(self) -> np.ndarray:
        """(N,) reference words of each utterance."""
        return self.counts[:, 0]

    @property
    def utterance_errors(self) -> np.ndarray:
        """(N,) errors of each utterance."""
        return self.counts[:, 1:].sum(axis=1)

    @property
    def confusions(self) -> list[tuple[str, str, int]]:
        """Errors as (reference word, hypothesis word, count), the most frequent first, then by spelling.

        A deletion has ``""`` for the hypothesis, an insertion ``""`` for the reference.
        """
        counted = Counter(pair for pairs in self.pairs for pair in pairs)
        return [(*pair, n) for pair, n in sorted(counted.items(), key=lambda item: (-item[1], item[0]))]

    @property
    def by_speaker(self) -> dict[str, "WordErrors"]:
        """The errors of each speaker, in order of their names; empty where the speakers were not given."""
        rows: dict[str, list[int]] = {}
        for i, speaker in enumerate(self.speakers or ()):
            rows.setdefault(speaker, []).append(i)
        return {
            speaker: WordErrors(self.counts[at], tuple(self.pairs[i] for i in at), (speaker,) * len(at))
            for speaker, at in sorted(rows.items())
        }

    def bootstrap(
        self, n: int = 1000, level: float = 0.95, seed: int = 0, by: str = "utterance"
    ) -> tuple[float, float]:
        """The percentile bootstrap's interval of the word error rate :cite:p:`bisani2004`.

        Parameters
        ----------
        n : int
            Resamples.
        level : float
            Between 0 and 1.
        seed : int or numpy.random.Generator
            The randomness.
        by : {"utterance", "speaker"}
            What is drawn with replacement. Utterances of one speaker err alike: an interval that is to hold for
            other speakers needs ``"speaker"``.

        Returns
        -------
        low, high : float
            Fractions.

        Raises
        ------
        ValueError
            Where there are no reference words, or no speakers with ``by="speaker"``.

        Notes
        -----
        O(n N). Resamples without a reference word are left out.
        """
        boot.check(n, level)
        units = self._units(by)
        if not self.words:
            raise ValueError("the references hold no word, so there is no rate; give references with words")
        totals = np.stack([self.utterance_errors, self.utterance_words], axis=1)
        sums = np.concatenate(list(boot.resampled(_summed(totals, units), n, seed)))
        sums = sums[sums[:, 1] > 0]
        return boot.quantiles(sums[:, 0] / sums[:, 1], level)

    def compare(
        self, other: "WordErrors", n: int = 1000, level: float = 0.95, seed: int = 0, by: str = "utterance"
    ) -> boot.Comparison:
        """The paired bootstrap: the same utterances are drawn for both systems :cite:p:`bisani2004`.

        Parameters
        ----------
        other : WordErrors
            Another system's errors on the same references, in the same order.
        n, level, seed, by
            As in :meth:`bootstrap`.

        Returns
        -------
        Comparison
            The relative difference in errors with its interval, and how probable it is that the other is better.

        Raises
        ------
        ValueError
            Where the two are not of the same references, or no speakers are there with ``by="speaker"``.
        """
        boot.check(n, level)
        if not np.array_equal(self.utterance_words, other.utterance_words):
            raise ValueError(
                f"both must score the same references in the same order; got {self.sentences} utterances of "
                f"{self.words} words and {other.sentences} of {other.words}, or with other lengths. Score both anew"
            )
        totals = np.stack([self.utterance_errors, other.utterance_errors], axis=1)
        sums = np.concatenate(list(boot.resampled(_summed(totals, self._units(by)), n, seed)))
        own, others = sums[:, 0], sums[:, 1]
        low, high = boot.quantiles(boot.relative(own, others), level)
        better = float(((others < own) + 0.5 * (others == own)).mean())
        return boot.Comparison(float(boot.relative(*totals.sum(axis=0))), low, high, better, level)

    def to_dict(self, confusions: int = 20) -> dict:
        """The figures by name, for JSON: rates are fractions, or None where there are no reference words.

        Parameters
        ----------
        confusions : int
            How many of the most frequent to hold.
        """
        return {
            **self._figures(),
            "by_speaker": {speaker: errors._figures() for speaker, errors in self.by_speaker.items()},
            "confusions": [list(row) for row in self.confusions[:confusions]],
        }

    def table(self, confusions: int = 10):
        """A ``rich.table.Table`` to print: a line a speaker, the total, and the most frequent confusions below.

        Parameters
        ----------
        confusions : int
            How many to show.
        """
        from rich.table import Table
        from rich.text import Text as Plain

        shown = [f"{a or '∅'} → {b or '∅'} ({n})" for a, b, n in self.confusions[:confusions]]
        table = Table(caption=Plain(", ".join(shown)) if shown else None, caption_justify="left")
        table.add_column("speaker")
        for name in ("WER %", "errors", "sub", "del", "ins", "words", "sentences", "wrong"):
            table.add_column(name, justify="right")
        speakers = self.by_speaker
        for name, errors in speakers.items():
            table.add_row(Plain(name), *errors._row(), end_section=name == next(reversed(speakers)))
        table.add_row("all", *self._row(), style="bold")
        return table

    def __repr__(self):
        parts = ", ".join(f"{name}={getattr(self, name)}" for name in _COLUMNS[1:])
        return f"WordErrors(wer={self.wer:.4f}, words={self.words}, {parts}, sentences={self.sentences})"

    def _row(self) -> list[str]:
        rate = f"{100 * self.wer:.2f}" if self.words else "–"
        errors = (self.errors, self.substitutions, self.deletions, self.insertions)
        return [rate, *map(str, (*errors, self.words, self.sentences, self.sentence_errors))]

    def _figures(self) -> dict:
        names = ("errors", *_COLUMNS[1:], "words", "sentences", "sentence_errors")
        return {"wer": self.wer if self.words else None} | {name: getattr(self, name) for name in names}

    def _units(self, by: str) -> np.ndarray:
        """The number of each utterance's unit."""
        if by == "utterance":
            return np.arange(self.sentences)
        if by != "speaker":
            raise ValueError(f'by must be "utterance" or "speaker"; got {by!r}')
        if self.speakers is None:
            raise ValueError('by="speaker" needs the speakers; give them to score_words(..., speakers=)')
        return np.unique(self.speakers, return_inverse=True)[1]


def score_words(
    references: Sequence[Text], hypotheses: Sequence[Text], speakers: Sequence[str] | None = None
) -> WordErrors:
    """Align hypotheses with references, with the fewest errors, and count.

    Parameters
    ----------
    references, hypotheses : sequence of str, or of sequences of str
        One an utterance; strings are split at white space. Either may be empty: then every word of the other is an
        insertion or a deletion.
    speakers : sequence of str, optional
        The speaker of each utterance.

    Returns
    -------
    WordErrors

    Raises
    ------
    DataError
        No utterance; numbers that differ; a word that is empty or holds white space.

    Notes
    -----
    The alignment is jiwer's: unit costs, so where several alignments have as few errors, which of them are
    substitutions is jiwer's choice. Case matters. O(N L²/64) for N utterances of L words.

    Examples
    --------
    >>> errors = score_words(["one two three"], ["one too three four"])
    >>> errors.substitutions, errors.deletions, errors.insertions
    (1, 0, 1)
    >>> errors.confusions
    [('', 'four', 1), ('two', 'too', 1)]
    """
    for name, given in (("references", references), ("hypotheses", hypotheses)):
        if isinstance(given, str):
            raise DataError(f"{name} must be a list with one text an utterance; got one string. Put it in a list")
    truth, found = _split(references, "reference"), _split(hypotheses, "hypothesis")
    speakers = None if speakers is None else tuple(speakers)
    for name, given in (("hypotheses", found), ("speakers", speakers)):
        if given is not None and len(given) != len(truth):
            raise DataError(
                f"there are {len(truth)} references but {len(given)} {name}; give one an utterance, an empty text "
                "where nothing was recognised"
            )
    if not truth:
        raise DataError("there is no utterance to score; give at least one")

    import jiwer

    output = jiwer.process_words([" ".join(words) for words in truth], [" ".join(words) for words in found])
    counts = np.zeros((len(truth), 4), dtype=np.int64)
    counts[:, 0] = [len(words) for words in truth]
    pairs: list[tuple[tuple[str, str], ...]] = []
    for i, chunks in enumerate(output.alignments):
        errors: list[tuple[str, str]] = []
        for chunk in chunks:
            old = truth[i][chunk.ref_start_idx : chunk.ref_end_idx]
            new = found[i][chunk.hyp_start_idx : chunk.hyp_end_idx]
            if chunk.type == "substitute":
                counts[i, 1] += len(old)
                errors += zip(old, new, strict=True)
            elif chunk.type == "delete":
                counts[i, 2] += len(old)
                errors += [(word, "") for word in old]
            elif chunk.type == "insert":
                counts[i, 3] += len(new)
                errors += [("", word) for word in new]
        pairs.append(tuple(errors))
    counts.flags.writeable = False
    return WordErrors(counts, tuple(pairs), speakers)


def _split(texts: Sequence[Text], what: str) -> list[list[str]]:
    out = []
    for i, text in enumerate(texts):
        words = words_of(text)
        wrong = next((word for word in words if not isinstance(word, str) or word.split() != [word]), None)
        if wrong is not None:
            raise DataError(
                f"{what} {i}: a word must be text without white space; got {wrong!r}. "
                "Give whole texts as strings, or split every word off"
            )
        out.append(words)
    return out


def _summed(totals: np.ndarray, units: np.ndarray) -> np.ndarray:
    """The rows of each unit added up."""
    out = np.zeros((int(units.max()) + 1, totals.shape[1]), dtype=np.int64)
    np.add.at(out, units, totals)
    return out
