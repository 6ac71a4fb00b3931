"""Words and their pronunciations."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from os import PathLike

from hybridseq.text.columns import numbered_lines
from hybridseq.text.errors import DataError

#: A transcript: one string, split at white space, or its words.
Text = str | Sequence[str]

_VARIANT = re.compile(r"(.+)\((\d+)\)")
_FORMATS = ("plain", "cmu", "kaldi")


def words_of(text: Text) -> list[str]:
    """The words of a transcript, which is a string (split at white space) or already a sequence of words."""
    return text.split() if isinstance(text, str) else list(text)


@dataclass(frozen=True)
class Pronunciation:
    """One way to say a word.

    Parameters
    ----------
    phones : tuple of str
        The phones in order; at least one.
    weight : float
        Its probability relative to the word's likeliest variant, above 0 and at most 1.
    """

    phones: tuple[str, ...]
    weight: float = 1.0


class OutOfLexiconError(DataError):
    """Words that the lexicon does not hold.

    Attributes
    ----------
    words : dict of str to int
        The words, the most frequent first, and how often each occurs.
    """

    def __init__(self, words: Mapping[str, int], size: int):
        self.words, self.size = dict(words), size
        shown = ", ".join(f"{word!r} ({count}×)" for word, count in list(self.words.items())[:10])
        more = f" and {len(self.words) - 10} more" if len(self.words) > 10 else ""
        what = "1 word is" if len(self.words) == 1 else f"{len(self.words)} words are"
        super().__init__(
            f"{what} not among the {size} of the lexicon: {shown}{more}. "
            "Add their pronunciations, mend their spelling, or leave out the utterances that hold them"
        )

    def __reduce__(self):
        return type(self), (self.words, self.size)


class Lexicon:
    """Each word's pronunciations, with weights. Immutable.

    Parameters
    ----------
    entries : mapping
        Word to what is said for it: a string of phones (``"R EH D"``), a list of phones (``["R", "EH", "D"]``), or
        several variants: a list of :class:`Pronunciation`, of lists of phones and of pairs ``(phones, weight)``, or
        a mapping from strings of phones to weights (``{"R EH D": 1.0, "R IY D": 0.4}``).
    silence : str
        The name of the phone that may stand between words. It need not occur in a pronunciation.

    Attributes
    ----------
    words : tuple of str
        All words, sorted.
    phones : tuple of str
        All phones, sorted, without the silence.
    silence : str

    Raises
    ------
    DataError
        No word at all; an empty pronunciation; a word or phone that is empty or holds white space; a weight that is
        not a positive number.

    Notes
    -----
    A word's weights are scaled so that its likeliest variant has 1. They then sum to more than 1, so they are not
    the probabilities of a generative model; but a decoder keeps the best path only, and with a sum of 1 a word would
    be the less likely the more variants it lists :cite:p:`chen2015pronunciation`. Identical variants are merged, and
    the larger weight stays.

    Examples
    --------
    >>> lexicon = Lexicon({"READ": [["R", "IY", "D"], (["R", "EH", "D"], 0.4)], "A": "AH"})
    >>> lexicon.phones
    ('AH', 'D', 'EH', 'IY', 'R')
    >>> lexicon.pronunciations("READ")[1]
    Pronunciation(phones=('R', 'EH', 'D'), weight=0.4)
    """

    def __init__(self, entries: Mapping, silence: str = "SIL"):
        if not isinstance(entries, Mapping):
            raise DataError(f"entries must be a mapping from word to phones; got {type(entries).__name__}")
        if not entries:
            raise DataError("a lexicon must have at least one word; got none")
        _check_name(silence, "silence")
        self.silence = silence
        self._entries = {word: _merged(word, _variants(word, given)) for word, given in sorted(entries.items())}
        self.words = tuple(self._entries)
        used = {phone for variants in self._entries.values() for variant in variants for phone in variant.phones}
        self.phones = tuple(sorted(used - {silence}))

    @classmethod
    def whole_words(cls, words: Iterable[str], silence: str = "SIL") -> "Lexicon":
        """Every word is its own single phone, for whole-word models; a DataError where a word is the silence."""
        words = set(words)
        if silence in words:
            raise DataError(f"the word {silence!r} is also the name of the silence; give another name with silence=")
        return cls({word: [word] for word in words}, silence)

    @classmethod
    def read(cls, path: str | PathLike, format: str | None = None, silence: str = "SIL") -> "Lexicon":
        """Read a lexicon file: a word and its phones a line, split at white space.

        Parameters
        ----------
        path : path
            A UTF-8 text file. Blank lines and those that begin with ``;;;`` are left out. A word may have several
            lines, one a variant.
        format : {"plain", "cmu", "kaldi"}, optional
            ``"plain"``: ``WORD PH PH``. ``"cmu"``: further variants are marked ``WORD(2)``, and a lone ``#`` begins a
            remark. ``"kaldi"``: ``lexiconp.txt``, with the weight after the word. By default it is found out: kaldi
            where every line has a number above 0 and at most 1 as its second of at least three fields, and one of
            them a decimal point; cmu where a word is marked as a variant of another that is there; else plain.
        silence : str
            As in the class.

        Returns
        -------
        Lexicon

        Raises
        ------
        DataError
            With file and line: a word without phones, a weight that is none; or a file without a word.
        """
        if format not in (None, *_FORMATS):
            raise ValueError(f"format must be one of {_FORMATS} or None; got {format!r}")
        with numbered_lines(path) as (lines, name):
            rows = [(number, fields) for number, line in lines if (fields := line.split()) and fields[0][:3] != ";;;"]
        if not rows:
            raise DataError("no word was found; expected a word and its phones a line", name)
        format = format or _detected([fields for _, fields in rows])
        entries: dict[str, list[Pronunciation]] = {}
        for number, fields in rows:
            word, weight, phones = _parsed(fields, format, name, number)
            entries.setdefault(word, []).append(Pronunciation(phones, weight))
        return cls(entries, silence)

    def write(self, path: str | PathLike, format: str = "kaldi") -> None:
        """Write a file that :meth:`read` reads.

        Parameters
        ----------
        path : path
            The file; it is replaced.
        format : {"kaldi", "plain", "cmu"}
            As in :meth:`read`. Only ``"kaldi"`` holds weights.

        Raises
        ------
        DataError
            Weights other than 1 in a format that cannot hold them, or a word that would be read as something else.
        """
        if format not in _FORMATS:
            raise ValueError(f"format must be one of {_FORMATS}; got {format!r}")
        lines = []
        for word, variants in self._entries.items():
            if word.startswith(";;;") or (format == "cmu" and _VARIANT.fullmatch(word)):
                raise DataError(f"the word {word!r} cannot be read back from the format {format!r}; rename it")
            for i, variant in enumerate(variants, 1):
                if format != "kaldi" and variant.weight != 1:
                    raise DataError(
                        f"{word!r} has a variant of weight {variant.weight:g}, which the format {format!r} cannot "
                        'hold; use format="kaldi"'
                    )
                mark = f"{word}({i})" if format == "cmu" and i > 1 else word
                lines.append(" ".join([mark, *([repr(variant.weight)] if format == "kaldi" else []), *variant.phones]))
        with open(path, "w", encoding="utf-8", newline="\n") as stream:
            stream.write("\n".join(lines) + "\n")

    def pronunciations(self, word: str) -> tuple[Pronunciation, ...]:
        """The variants of a word, in the order given; an :class:`OutOfLexiconError` where it is not there."""
        if word not in self._entries:
            raise OutOfLexiconError({word: 1}, len(self))
        return self._entries[word]

    def missing(self, words: Iterable[str]) -> dict[str, int]:
        """The words outside the lexicon and how often each occurs, the most frequent first, then by spelling."""
        counts = Counter(word for word in words if word not in self._entries)
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    def check(self, texts: Iterable[Text]) -> None:
        """See that every word of some transcripts is there.

        Parameters
        ----------
        texts : iterable of str, or of sequences of str
            The transcripts: strings are split at white space.

        Raises
        ------
        OutOfLexiconError
            Which names the words that are not, with counts.
        """
        missing = self.missing(word for text in texts for word in words_of(text))
        if missing:
            raise OutOfLexiconError(missing, len(self))

    def to_dict(self) -> dict:
        """A dictionary that JSON can hold, and :meth:`from_dict` reads."""
        words = {word: [[list(v.phones), v.weight] for v in variants] for word, variants in self._entries.items()}
        return {"silence": self.silence, "words": words}

    @classmethod
    def from_dict(cls, data: Mapping) -> "Lexicon":
        """The lexicon that :meth:`to_dict` wrote; a DataError says what is missing or wrong."""
        if not isinstance(data, Mapping) or not isinstance(data.get("words"), Mapping) or "silence" not in data:
            raise DataError(
                "the data of a Lexicon must hold 'words', a mapping, and 'silence'; write it with to_dict()"
            )
        return cls(data["words"], data["silence"])

    def __len__(self):
        return len(self._entries)

    def __contains__(self, word):
        return word in self._entries

    def __iter__(self):
        return iter(self.words)

    def __eq__(self, other):
        if not isinstance(other, Lexicon):
            return NotImplemented
        return (self.silence, self._entries) == (other.silence, other._entries)

    def __hash__(self):
        return hash((self.silence, tuple(self._entries.items())))

    def __repr__(self):
        return f"Lexicon({len(self)} words, {len(self.phones)} phones, silence={self.silence!r})"


def _check_name(name, what: str) -> None:
    if not isinstance(name, str) or name.split() != [name]:
        raise DataError(f"{what} must be text without white space; got {name!r}")


def _variants(word, given) -> list[tuple[Sequence[str], float]]:
    """Pairs of phones and weight, from any of the accepted forms."""
    _check_name(word, "a word")
    if isinstance(given, str):
        return [(given.split(), 1.0)]
    if isinstance(given, Mapping):
        return [(phones.split(), weight) for phones, weight in given.items()]
    if isinstance(given, Pronunciation):
        return [(given.phones, given.weight)]
    given = list(given)
    if all(isinstance(item, str) for item in given):
        spaced = next((phone for phone in given if len(phone.split()) > 1), None)
        if spaced:
            raise DataError(
                f"word {word!r}: a list of strings is one pronunciation, phone by phone, but {spaced!r} holds white "
                f"space. For several variants give a list of lists, such as [{spaced.split()}, ...]"
            )
        return [(given, 1.0)]
    return [_variant(word, item) for item in given]


def _variant(word, item) -> tuple[Sequence[str], float]:
    if isinstance(item, Pronunciation):
        return item.phones, item.weight
    if isinstance(item, list | tuple):
        if len(item) == 2 and not isinstance(item[1], str):
            phones, weight = item
            return (phones.split() if isinstance(phones, str) else phones), weight
        return item, 1.0
    raise DataError(
        f"word {word!r}: a variant must be a Pronunciation, a list of phones, or a pair (phones, weight); got {item!r}"
    )


def _merged(word, variants) -> tuple[Pronunciation, ...]:
    """Checked, each once, the largest weight 1."""
    weights: dict[tuple[str, ...], float] = {}
    for phones, weight in variants:
        phones = tuple(phones)
        if not phones:
            raise DataError(f"word {word!r}: a pronunciation must have at least one phone; got none")
        for phone in phones:
            _check_name(phone, f"word {word!r}: a phone")
        if isinstance(weight, bool) or not isinstance(weight, Real) or not 0 < weight < math.inf:
            raise DataError(f"word {word!r}: a weight must be a positive number; got {weight!r}")
        weights[phones] = max(float(weight), weights.get(phones, 0.0))
    if not weights:
        raise DataError(f"word {word!r} has no pronunciation; give at least one")
    top = max(weights.values())
    return tuple(Pronunciation(phones, weight / top) for phones, weight in weights.items())


def _number(field: str) -> float | None:
    try:
        return float(field)
    except ValueError:
        return None


def _detected(rows: list[list[str]]) -> str:
    weights = [_number(fields[1]) if len(fields) > 2 else None for fields in rows]
    # A decimal point, for a phone may well be named 1.
    if all(weight is not None and 0 < weight <= 1 for weight in weights) and any("." in row[1] for row in rows):
        return "kaldi"
    words = {fields[0] for fields in rows}
    marked = (_VARIANT.fullmatch(word) for word in words)
    return "cmu" if any(match and match[1] in words for match in marked) else "plain"


def _parsed(fields, format, name, number) -> tuple[str, float, tuple[str, ...]]:
    word, weight, phones = fields[0], 1.0, fields[1:]
    if format == "cmu":
        marked = _VARIANT.fullmatch(word)
        word = marked[1] if marked else word
        phones = phones[: phones.index("#")] if "#" in phones else phones
    elif format == "kaldi":
        shown = phones[0] if phones else None
        weight = _number(shown) if phones else None
        if weight is None or not 0 < weight < math.inf:
            raise DataError(
                f"after the word {word!r} there must be a weight, a number above 0; got {shown!r}. "
                'Give it, or read the file with format="plain"',
                name,
                number,
            )
        phones = phones[1:]
    if not phones:
        raise DataError(f"the word {word!r} has no phones; expected {_shape(format)}", name, number)
    return word, weight, tuple(phones)


def _shape(format) -> str:
    return "WORD WEIGHT PHONE PHONE ..." if format == "kaldi" else "WORD PHONE PHONE ..."
