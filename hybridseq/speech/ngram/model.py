"""An n-gram model with backoff weights."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from hybridseq.speech.lexicon import Text, words_of
from hybridseq.text.errors import DataError

START, END = "<s>", "</s>"

NGram = tuple[str, ...]


@dataclass(frozen=True)
class NGramModel:
    """Probabilities of words given the words before them, with backoff. Immutable.

    With h′ for the history h without its first word,

        log p(w | h) = logprobs[h w]                    where the n-gram is listed,
                       backoffs[h] + log p(w | h′)      else

    :cite:p:`katz1987`; a history that is not listed has backoff weight 0.

    Parameters
    ----------
    logprobs : mapping of tuple of str to float
        Natural logarithms of the probability of each n-gram's last word given the others. ``-inf`` is impossible.
        Must hold ``("</s>",)``, the end of a sentence; its beginning ``"<s>"`` stands in histories only.
    backoffs : mapping of tuple of str to float
        Natural logarithms of the histories' backoff weights.
    unknown : str, optional
        The word that stands for every word outside the vocabulary; it belongs to the vocabulary.

    Attributes
    ----------
    order : int
        The length of the longest n-gram.
    vocabulary : tuple of str
        The words, sorted; without ``<s>`` and ``</s>``.

    Raises
    ------
    DataError
        A probability above 1 or NaN, an n-gram whose history or whose words are not listed, no ``</s>``, a word that
        is empty or holds white space.

    Examples
    --------
    >>> model = NGramModel.word_loop(["yes", "no"])
    >>> round(math.exp(model.score("yes no")), 4)
    0.037
    """

    logprobs: Mapping[NGram, float] = field(repr=False)
    backoffs: Mapping[NGram, float] = field(default_factory=dict, repr=False)
    unknown: str | None = None
    order: int = field(init=False)
    vocabulary: tuple[str, ...] = field(init=False, repr=False)

    def __post_init__(self):
        logprobs = {tuple(ngram): float(value) for ngram, value in self.logprobs.items()}
        backoffs = {tuple(history): float(value) for history, value in self.backoffs.items()}
        logprobs.setdefault((START,), -math.inf)
        _check(logprobs, backoffs, self.unknown)
        object.__setattr__(self, "logprobs", logprobs)
        object.__setattr__(self, "backoffs", backoffs)
        object.__setattr__(self, "order", max(map(len, logprobs)))
        words = {ngram[0] for ngram in logprobs if len(ngram) == 1}
        object.__setattr__(self, "vocabulary", tuple(sorted(words - {START, END})))

    @classmethod
    def word_loop(cls, words: Iterable[str]) -> "NGramModel":
        """The simplest model: every word, and the end, is equally likely at every place."""
        events = {*words, END}
        if len(events) == 1:
            raise DataError("a word loop needs at least one word; got none")
        return cls({(word,): -math.log(len(events)) for word in events})

    @classmethod
    def single_word(cls, words: Iterable[str]) -> "NGramModel":
        """Sentences of exactly one word, all equally likely: for isolated words."""
        words = sorted(set(words))
        if not words:
            raise DataError("a model of single words needs at least one word; got none")
        logprobs = {(word,): -math.log(len(words) + 1) for word in (*words, END)}
        backoffs = {(word,): -math.inf for word in (*words, START)}
        for word in words:
            logprobs[START, word], logprobs[word, END] = -math.log(len(words)), 0.0
        return cls({(START,): -math.inf, **logprobs}, backoffs)

    def logprob(self, word: str, history: Text = ()) -> float:
        """log p(word | history) in nats.

        Parameters
        ----------
        word : str
            A word, or ``"</s>"``. One outside the vocabulary is read as ``unknown``, and is impossible (``-inf``)
            where there is none.
        history : str or sequence of str
            The words before it, the nearest last; ``"<s>"`` marks the beginning. Only the last order − 1 matter.

        Returns
        -------
        float

        Notes
        -----
        O(order).
        """
        return self._logprob(self._known(word), self._history([self._known(other) for other in words_of(history)]))

    def score(self, sentence: Text) -> float:
        """log p(sentence) in nats, from ``<s>`` to ``</s>`` inclusive; ``-inf`` where it is impossible."""
        history, total = (START,), 0.0
        for word in (*map(self._known, words_of(sentence)), END):
            total += self._logprob(word, self._history(history))
            history = (*history, word)[-self.order :]
        return total

    def perplexity(self, texts: Iterable[Text]) -> float:
        """exp of the mean negative log probability a word, the ends of sentences counted as words.

        Parameters
        ----------
        texts : iterable of str, or of sequences of str

        Returns
        -------
        float
            Infinite where a sentence is impossible.

        Raises
        ------
        DataError
            Where there is no text.
        """
        total, count = 0.0, 0
        for text in texts:
            words = words_of(text)
            total += self.score(words)
            count += len(words) + 1
        if not count:
            raise DataError("perplexity needs at least one text; got none")
        return math.exp(-total / count) if total > -math.inf else math.inf

    def total(self, history: Text = ()) -> float:
        """Σ p(w | history) over the vocabulary and ``</s>``: 1 unless the model is not normalised; O(V)."""
        history = words_of(history)
        return math.fsum(math.exp(self.logprob(word, history)) for word in (*self.vocabulary, END))

    def _known(self, word: str) -> str:
        return word if self.unknown is None or (word,) in self.logprobs else self.unknown

    def _history(self, words: Sequence[str]) -> NGram:
        return tuple(words[max(0, len(words) - self.order + 1) :])

    def _logprob(self, word: str, history: NGram) -> float:
        weight = 0.0
        for cut in range(len(history) + 1):
            listed = self.logprobs.get((*history[cut:], word))
            if listed is not None:
                return weight + listed
            weight += self.backoffs.get(history[cut:], 0.0)
        return -math.inf


def _check(logprobs, backoffs, unknown) -> None:
    if (END,) not in logprobs:
        raise DataError(f"{END!r} is not listed, so no sentence could end; give it a probability")
    if unknown is not None and (unknown,) not in logprobs:
        raise DataError(f"the unknown word {unknown!r} is not listed; give it a probability, or unknown=None")
    for ngram, value in logprobs.items():
        if not value <= 0:
            raise DataError(f"the log-probability of {' '.join(ngram)!r} must be at most 0; got {value}")
        problem = misplaced(ngram, logprobs)
        if problem:
            raise DataError(problem)
    for history, value in backoffs.items():
        if math.isnan(value) or value == math.inf or history not in logprobs:
            raise DataError(
                f"the backoff weight of {' '.join(history)!r} must be a number and its n-gram listed; got {value}"
            )
    for (word,) in (ngram for ngram in logprobs if len(ngram) == 1):
        if not isinstance(word, str) or word.split() != [word]:
            raise DataError(f"a word must be text without white space; got {word!r}")


def misplaced(ngram: NGram, logprobs: Mapping[NGram, float]) -> str | None:
    """What is wrong with an n-gram among those listed; None where nothing is."""
    shown = " ".join(map(str, ngram))
    if not ngram:
        return "an n-gram must have at least one word; got none"
    if START in ngram[1:] or END in ngram[:-1]:
        return f"{shown!r}: {START} can only stand first and {END} only last; take the n-gram out"
    stranger = next((word for word in ngram if (word,) not in logprobs), None)
    if stranger is not None:
        return f"{shown!r}: the word {stranger!r} is not among the 1-grams; list it there"
    if len(ngram) > 1 and ngram[:-1] not in logprobs:
        history = " ".join(ngram[:-1])
        return f"{shown!r}: its history {history!r} is not among the {len(ngram) - 1}-grams; list it, with its backoff"
    return None
