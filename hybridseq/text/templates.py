"""Feature templates: what a linear model sees of the tokens of a sentence, as strings."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from functools import lru_cache, partial
from numbers import Integral

from hybridseq.text.columns import Token
from hybridseq.text.errors import DataError
from hybridseq.text.template_program import Program, Term, parse, word_function, written


@dataclass(frozen=True)
class TokenTemplates:
    """The features of tokens: words, affixes and shapes in a window, further columns, and conjunctions.

    A template is written as its features are: ``w[-1]`` is the word before, ``w[-1]|w[0]`` the two together, and the
    features read ``w[-1]=to`` and ``w[-1]|w[0]=to|Rome``. Beyond the sentence's ends a value is empty (``w[-1]=``).

    Parameters
    ----------
    window : int
        Words up to so many positions away.
    bigrams : int
        Pairs of neighbouring words up to so many positions away; 0: none.
    prefixes, suffixes : tuple of int
        Lengths of the word's beginnings and endings, in lower case; only those shorter than the word are features.
    shapes : int or None
        Shapes of words (see :func:`~hybridseq.text.word_shape`) up to so many positions away; None: none.
    column_window : int
        Values of each further column up to so many positions away.
    column_ngrams : int
        Up to so many neighbouring values of a column, within its window, are taken together.
    before : int
        Words among so many before the token, wherever they stand (``before=arriving``); 0: none. They help where a
        word further to the left decides, as in slot filling (*arriving* in Boston, *leaving* Boston). A CRF's L2
        penalty keeps them harmless where neighbours tell all; for a perceptron on such data take 0.
    columns : tuple of str
        Names of the further columns, in their order; those beyond are ``c2``, ``c3``, … for the second and third
        member of a token.
    extra : tuple of str
        Further templates, of terms ``name[offset]`` joined by ``|``. A name is ``w`` (the word), ``lower`` (the word in
        lower case, digits as 0), ``shape``, ``prefix3`` or ``suffix2`` (of any length), or a column's.

    Notes
    -----
    Tokens are strings, or tuples (word, column, …). By default the templates are much as those of a chunker
    :cite:p:`sha2003`, with affixes and shapes for words that training did not show. Immutable. O(features), some
    0.4 µs each; what depends on one word is made once a distinct word.

    Examples
    --------
    >>> templates = TokenTemplates(window=1, bigrams=0, prefixes=(), suffixes=(2,), shapes=None)
    >>> templates([("to", "TO"), ("Rome", "NNP")])[1][:4]
    ['w[0]=Rome', 'suffix2[0]=me', 'w[-1]=to', 'w[1]=']
    >>> TokenTemplates(window=0, extra=("w[0]|c2[1]",)).templates(1)[-1]
    'w[0]|c2[1]'
    """

    window: int = 2
    bigrams: int = 1
    prefixes: tuple[int, ...] = (1, 2, 3, 4)
    suffixes: tuple[int, ...] = (1, 2, 3, 4)
    shapes: int | None = 1
    column_window: int = 2
    column_ngrams: int = 3
    before: int = 6
    columns: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()

    def __post_init__(self):
        set_ = partial(object.__setattr__, self)
        for name in ("prefixes", "suffixes", "columns", "extra"):
            value = getattr(self, name)
            if isinstance(value, str) or not isinstance(value, Iterable):
                raise ValueError(f"{name} must be a tuple; got {value!r}. Write ({value!r},)")
            set_(name, tuple(value))
        for name in ("window", "bigrams", "shapes", "column_window", "column_ngrams", "before"):
            if name != "shapes" or self.shapes is not None:
                set_(name, _whole_number(name, getattr(self, name), least=int(name == "column_ngrams")))
        for name in ("prefixes", "suffixes"):
            set_(name, tuple(_whole_number(f"a length in {name}", length, 1) for length in getattr(self, name)))
        for name in self.columns:
            if not isinstance(name, str) or not re.fullmatch(r"[^\W\d]\w*", name):
                raise ValueError(f"columns must be names of letters, digits and _; got {name!r}")
            if word_function(name) is not None or self.columns.count(name) > 1:
                raise ValueError(f"columns: the name {name!r} is taken; choose another")
        set_("extra", tuple("|".join(f"{name}[{offset}]" for name, offset in parse(one)) for one in self.extra))

    def templates(self, num_columns: int = 0) -> tuple[str, ...]:
        """The templates of tokens with so many columns beside the word, written as their features begin.

        Those of ``before`` are not among them.

        Raises
        ------
        ValueError
            Where ``extra`` names a column that is not there.
        """
        return tuple(map(written, self._terms(num_columns)))

    def __call__(self, sentence: Sequence[Token]) -> list[list[str]]:
        """The features of one sentence: a list of strings a token."""
        return self.transform([sentence])[0]

    def transform(self, sentences: Iterable[Sequence[Token]]) -> list[list[list[str]]]:
        """The features of sentences.

        Parameters
        ----------
        sentences : iterable of lists of str, or of tuples of str
            The first member of a tuple is the word.

        Returns
        -------
        list of list of list of str
            For each sentence a list of features a token, ready for :class:`~hybridseq.LinearCRF`, and for CRFsuite.

        Raises
        ------
        DataError
            Where a token is no string (or tuple of strings as long as the first token's), or lacks a column that has
            a name; names the place.
        """
        width, results = None, []
        for i, sentence in enumerate(sentences):
            if isinstance(sentence, str):
                raise DataError(f"sentence {i} is the string {sentence[:40]!r}; give a list of tokens")
            if not len(sentence):
                results.append([])
                continue
            if width is None:
                width = len(sentence[0]) if isinstance(sentence[0], tuple | list) else 0
                if len(self.columns) > max(width, 1) - 1:
                    raise DataError(
                        f"sentence {i}, position 0: got {sentence[0]!r}, but the templates name the columns "
                        f"{self.columns} beside the word; give them, or templates without columns"
                    )
                program = _program(self, max(width, 1) - 1)
            results.append(program(_columns(sentence, width, i)))
        return results

    def to_json(self) -> dict:
        """A dictionary that JSON can hold, and :meth:`from_json` reads."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, data: dict) -> "TokenTemplates":
        """What :meth:`to_json` wrote; a ValueError names what is not known."""
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(data) - known)
        if unknown:
            raise ValueError(f"the data of a TokenTemplates has {unknown[0]!r}, which this version does not know")
        return cls(**data)

    def _terms(self, num_columns):
        """The templates, each a tuple of terms."""
        names = [*self.columns, *(f"c{i + 2}" for i in range(len(self.columns), num_columns))]
        wanted = _window("w", self.window)
        wanted += [f"prefix{n}[0]" for n in self.prefixes] + [f"suffix{n}[0]" for n in self.suffixes]
        wanted += [] if self.shapes is None else _window("shape", self.shapes)
        wanted += _ngrams("w", 2, self.bigrams)
        for name in names:
            wanted += _window(name, self.column_window)
            for n in range(2, self.column_ngrams + 1):
                wanted += _ngrams(name, n, self.column_window)
        places = {name: i for i, name in enumerate(names, 1)}
        terms = []
        for template in dict.fromkeys([*wanted, *self.extra]):
            found = []
            for name, offset in parse(template):
                function = str if name in places else word_function(name)
                if function is None:
                    raise ValueError(
                        f"the template {template!r} speaks of {name!r}; known are 'w', 'lower', 'shape', 'prefix1', "
                        f"'suffix1' (and other lengths) and the columns beside the word: {names or 'none'}"
                    )
                found.append(Term(name, offset, places.get(name, 0), function))
            terms.append(tuple(found))
        return terms


def _whole_number(name, value, least):
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}; got {value!r}")
    return int(value)


@lru_cache(maxsize=4)
def _program(templates, num_columns):
    """Kept, so that sentences given one by one cost as little as all at once."""
    return Program(templates._terms(num_columns), templates.before)


def _window(name, reach):
    """A name at the offsets 0, -1, 1, -2, 2, …"""
    return [f"{name}[{offset}]" for d in range(reach + 1) for offset in ((-d, d) if d else (0,))]


def _ngrams(name, n, reach):
    """The runs of n neighbours that lie within ``reach`` of the token."""
    return ["|".join(f"{name}[{d + i}]" for i in range(n)) for d in range(-reach, reach - n + 2)]


def _columns(sentence, width, i):
    """The columns of a sentence, the word first; checks its tokens."""
    if not width:
        if all(isinstance(token, str) for token in sentence):
            return [list(sentence)]
    elif all(isinstance(token, tuple | list) and len(token) == width for token in sentence):
        columns = [list(column) for column in zip(*sentence)]
        if all(isinstance(value, str) for column in columns for value in column):
            return columns
    kind = f"a tuple of {width} strings, as the first is" if width else "a string, as the first is"
    for position, token in enumerate(sentence):
        right = isinstance(token, tuple | list) and len(token) == width and all(isinstance(v, str) for v in token)
        if not (right if width else isinstance(token, str)):
            raise DataError(f"sentence {i}, position {position}: a token must be {kind}; got {token!r}")
    raise AssertionError("unreachable")
