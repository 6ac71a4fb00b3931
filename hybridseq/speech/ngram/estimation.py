"""Smoothed estimates from text."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence

from hybridseq.speech.lexicon import Text, words_of
from hybridseq.speech.ngram.model import END, START, NGram, NGramModel
from hybridseq.text.errors import DataError

#: Where the counts of counts tell no discount.
_DISCOUNT = 0.75

# From the counts of a history's followers: each one's own share, and what is left for the shorter history.
Shares = Callable[[Sequence[int]], tuple[list[float], float]]


def estimate(
    texts: Iterable[Text],
    order: int = 3,
    smoothing: str = "kneser_ney",
    vocabulary: Iterable[str] | None = None,
    unknown: str | None = None,
) -> NGramModel:
    """Estimate a model from transcripts.

    Every order is interpolated with the one below, the lowest with the uniform distribution over the vocabulary and
    ``</s>``: no word is impossible, and the probabilities after every history sum to 1.

    Parameters
    ----------
    texts : iterable of str, or of sequences of str
        One sentence each; strings are split at white space. An empty one counts as an empty sentence.
    order : int
        The length of the longest n-grams, at least 1.
    smoothing : {"kneser_ney", "witten_bell"}
        ``"kneser_ney"``: interpolated, modified Kneser-Ney, with three discounts an order
        :cite:p:`kneser1995,chen1999`. ``"witten_bell"``: as many new words are expected after a history as distinct
        ones followed it :cite:p:`witten1991`; the steadier choice where texts are made by a few patterns.
    vocabulary : iterable of str, optional
        The words; by default those of the texts.
    unknown : str, optional
        The word that stands for every word outside the vocabulary, such as ``"<unk>"``. It is added to the
        vocabulary.

    Returns
    -------
    NGramModel

    Raises
    ------
    DataError
        No text; a word outside ``vocabulary`` without an ``unknown``; ``<s>`` or ``</s>`` within a text.
    ValueError
        An order below 1, or a smoothing that does not exist.

    Notes
    -----
    Kneser-Ney's discounts D₁, D₂, D₃₊ of an order come from n₁ … n₄, the numbers of its n-grams that are seen once to
    four times :cite:p:`chen1999` (eq. 26). A small corpus may leave one of the four at 0, or a discount outside
    0 < Dᵢ < i: the order then has one discount n₁/(n₁ + 2n₂), and 0.75 where that is 0 or 1.

    Below the highest order an n-gram counts as often as distinct words precede it; one that begins with ``<s>``,
    which nothing precedes, keeps its own count. O(order · words) in time and memory.

    Examples
    --------
    >>> model = estimate(["one two", "two one two"], order=2)
    >>> model.logprob("two", "one") > model.logprob("one", "one")
    True
    """
    if order < 1:
        raise ValueError(f"order must be at least 1; got {order}")
    if smoothing not in _SMOOTHINGS:
        raise ValueError(f"smoothing must be one of {tuple(_SMOOTHINGS)}; got {smoothing!r}")
    sentences, words = _prepared(texts, vocabulary, unknown)
    tables, shares = _SMOOTHINGS[smoothing](_counts(sentences, order))

    events = sorted(words | {END})
    lower = dict.fromkeys(((word,) for word in events), 1 / len(events))
    logprobs: dict[NGram, float] = {}
    backoffs: dict[NGram, float] = {}
    for table, share in zip(tables, shares, strict=True):
        followers: dict[NGram, list[NGram]] = defaultdict(list)
        for ngram in table:
            followers[ngram[:-1]].append(ngram)
        probabilities: dict[NGram, float] = {}
        for history, ngrams in followers.items():
            own, rest = share([table[ngram] for ngram in ngrams])
            if not history:
                probabilities.update({event: rest * p for event, p in lower.items()})
                probabilities.update({ngram: part + rest * lower[ngram] for ngram, part in zip(ngrams, own)})
            else:
                probabilities.update({ngram: part + rest * lower[ngram[1:]] for ngram, part in zip(ngrams, own)})
                backoffs[history] = math.log(rest)
        logprobs.update({ngram: min(0.0, math.log(p)) for ngram, p in probabilities.items()})
        lower = probabilities
    return NGramModel(logprobs, backoffs, unknown)


def _prepared(texts, vocabulary, unknown) -> tuple[list[list[str]], set[str]]:
    """Sentences over the vocabulary, and the vocabulary."""
    sentences = [words_of(text) for text in texts]
    if not sentences:
        raise DataError("a language model needs at least one text; got none")
    counts = Counter(word for sentence in sentences for word in sentence)
    words = set(counts) if vocabulary is None else set(vocabulary)
    if unknown is not None:
        words.add(unknown)
    reserved = sorted({START, END} & {*words, *counts})
    if reserved:
        raise DataError(f"{reserved[0]!r} is added to every sentence; take it out of the texts and the vocabulary")
    if not words:
        raise DataError("a language model needs at least one word; got empty texts only. Give vocabulary=")
    outside = sorted((-counts[word], word) for word in counts if word not in words)
    if outside and unknown is None:
        shown = ", ".join(f"{word!r} ({-count}×)" for count, word in outside[:10])
        more = f" and {len(outside) - 10} more" if len(outside) > 10 else ""
        raise DataError(
            f"{len(outside)} words of the texts are not in the vocabulary: {shown}{more}. "
            'Add them, or name a word that stands for them, such as unknown="<unk>"'
        )
    return [[word if word in words else unknown for word in sentence] for sentence in sentences], words


def _counts(sentences, order) -> list[Counter[NGram]]:
    """How often each n-gram occurs, by order; none of them is ``<s>`` alone."""
    tables: list[Counter[NGram]] = [Counter() for _ in range(order)]
    for sentence in sentences:
        padded = (START, *sentence, END)
        for end in range(2, len(padded) + 1):
            for size in range(1, min(order, end) + 1):
                tables[size - 1][padded[end - size : end]] += 1
    return tables


def _kneser_ney(raw: list[Counter[NGram]]) -> tuple[list[Counter[NGram]], list[Shares]]:
    tables = []
    for table, above in zip(raw, [*raw[1:], None]):
        if above is None:
            tables.append(table)
            continue
        preceded = Counter({ngram: count for ngram, count in table.items() if ngram[0] == START})
        preceded.update(ngram[1:] for ngram in above)
        tables.append(preceded)
    return tables, [_discounting(_discounts(table.values())) for table in tables]


def _discounts(counts: Iterable[int]) -> tuple[float, float, float]:
    """D₁, D₂, D₃₊ of an order."""
    of = Counter(counts)
    n1, n2, n3, n4 = (of[i] for i in range(1, 5))
    if n1 and n2 and n3 and n4:
        ratio = n1 / (n1 + 2 * n2)
        found = (1 - 2 * ratio * n2 / n1, 2 - 3 * ratio * n3 / n2, 3 - 4 * ratio * n4 / n3)
        if all(0 < discount < i for i, discount in enumerate(found, 1)):
            return found
    single = n1 / (n1 + 2 * n2) if n1 and n2 else _DISCOUNT
    return single, single, single


def _discounting(discounts: tuple[float, float, float]) -> Shares:
    def shares(counts):
        total = sum(counts)
        taken = [discounts[min(count, 3) - 1] for count in counts]
        return [(count - less) / total for count, less in zip(counts, taken)], sum(taken) / total

    return shares


def _witten_bell(raw: list[Counter[NGram]]) -> tuple[list[Counter[NGram]], list[Shares]]:
    def shares(counts):
        total = sum(counts) + len(counts)
        return [count / total for count in counts], len(counts) / total

    return raw, [shares] * len(raw)


_SMOOTHINGS = {"kneser_ney": _kneser_ney, "witten_bell": _witten_bell}
