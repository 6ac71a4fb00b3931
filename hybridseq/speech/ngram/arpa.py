"""ARPA files."""

import gzip
import math
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike, fspath

from hybridseq.speech.ngram.model import END, NGram, NGramModel, misplaced
from hybridseq.text.columns import numbered_lines
from hybridseq.text.errors import DataError

#: Stands for the logarithm of 0 in the files.
_ZERO = -99.0
_LN10 = math.log(10)
_COUNT = re.compile(r"ngram\s+(\d+)\s*=\s*(\d+)")
_SECTION = re.compile(r"\\(\d+)-grams:")
_UNKNOWN = ("<unk>", "<UNK>")


def read_arpa(path: str | PathLike) -> NGramModel:
    r"""Read a model from an ARPA file.

    Parameters
    ----------
    path : path
        A UTF-8 text file, or one packed by gzip. What stands before ``\data\`` is left out.

    Returns
    -------
    NGramModel
        Its ``unknown`` is ``<unk>`` or ``<UNK>`` where the file lists one. Logarithms of −99 and below become −inf.

    Raises
    ------
    DataError
        With file and line: a file cut short, counts that differ from the header's, a field that is no number, a
        probability above 1, an n-gram that is listed twice or whose history or words are not, no ``\data\``.

    Notes
    -----
    Probabilities are taken as they stand; :meth:`NGramModel.total` tells whether they sum to 1.
    """
    with _opened(path) as (lines, name):
        rows = _Rows(lines, name)
        counts = _header(rows)
        logprobs: dict[NGram, float] = {}
        backoffs: dict[NGram, float] = {}
        for size, count in enumerate(counts, 1):
            _section(rows, size, count, len(counts), logprobs, backoffs)
        if rows.line != "\\end\\":
            raise rows.error(rf"expected \end\ after the {len(counts)}-grams; got {_shown(rows.line)}")
    if (END,) not in logprobs:
        raise DataError(f"the 1-grams do not list {END}, so no sentence could end; add it with its probability", name)
    return NGramModel(logprobs, backoffs, next((word for word in _UNKNOWN if (word,) in logprobs), None))


def write_arpa(model: NGramModel, path: str | PathLike) -> None:
    """Write a model as an ARPA file, logarithms to base 10 with nine digits.

    Parameters
    ----------
    model : NGramModel
        Probabilities below 1e-99 are written as 0.
    path : path
        The file; it is replaced. One whose name ends in ``.gz`` is packed.
    """
    opened = gzip.open if fspath(path).endswith(".gz") else open
    sections = [sorted(ngram for ngram in model.logprobs if len(ngram) == size + 1) for size in range(model.order)]
    with opened(path, "wt", encoding="utf-8", newline="\n") as stream:
        stream.write("\\data\\\n")
        stream.writelines(f"ngram {size}={len(ngrams)}\n" for size, ngrams in enumerate(sections, 1))
        for size, ngrams in enumerate(sections, 1):
            stream.write(f"\n\\{size}-grams:\n")
            for ngram in ngrams:
                backoff = f"\t{_log10(model.backoffs[ngram])}" if ngram in model.backoffs else ""
                stream.write(f"{_log10(model.logprobs[ngram])}\t{' '.join(ngram)}{backoff}\n")
        stream.write("\n\\end\\\n")


class _Rows:
    """The lines that are not blank, with the number of the present one."""

    def __init__(self, lines: Iterator[tuple[int, str]], name: str):
        self.lines, self.name = lines, name
        self.number, self.line = 0, None

    def next(self) -> str | None:
        """The next line, None at the end."""
        for number, raw in self.lines:
            self.number, self.line = number, raw.strip()
            if self.line:
                return self.line
        self.line = None
        return None

    def error(self, message: str) -> DataError:
        if self.line is None:
            message += "; the file is cut short: copy or write it anew"
        return DataError(message, self.name, self.number or None)


@contextmanager
def _opened(path):
    """Numbered lines of a plain or packed file."""
    with open(path, "rb") as stream:
        packed = stream.read(2) == b"\x1f\x8b"
    if not packed:
        with numbered_lines(path) as opened:
            yield opened
        return
    try:
        with gzip.open(path) as stream, numbered_lines(stream) as (lines, _):
            yield lines, fspath(path)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        message = f"cannot be unpacked ({error}); the file is cut short or damaged: copy it anew"
        raise DataError(message, fspath(path)) from None


def _header(rows: _Rows) -> list[int]:
    while rows.next() not in ("\\data\\", None):
        pass
    if rows.line is None:
        raise DataError(r"there is no line \data\, with which an ARPA file begins; is it one?", rows.name)
    counts: list[int] = []
    while (line := rows.next()) and (found := _COUNT.fullmatch(line)):
        if int(found[1]) != len(counts) + 1:
            raise rows.error(f"expected the count of {len(counts) + 1}-grams; got {line!r}")
        counts.append(int(found[2]))
    if not counts:
        raise rows.error(rf"expected 'ngram 1=COUNT' after \data\; got {_shown(line)}")
    return counts


def _section(rows, size, count, order, logprobs, backoffs) -> None:
    heading = _SECTION.fullmatch(rows.line or "")
    if not heading or int(heading[1]) != size:
        raise rows.error(rf"expected \{size}-grams:; got {_shown(rows.line)}")
    seen = 0
    # A word may begin with a backslash, but a line begins with a number.
    while (line := rows.next()) and not line.startswith("\\"):
        fields = line.split()
        if not size + 1 <= len(fields) <= size + 2:
            raise rows.error(
                f"expected a number, {size} word{'s' * (size > 1)} and perhaps a backoff weight; got {_shown(line)}"
            )
        ngram = tuple(fields[1 : size + 1])
        value = _number(rows, fields[0])
        if value > 1e-6:
            raise rows.error(f"the logarithm of a probability must be at most 0; got {fields[0]}")
        if ngram in logprobs:
            raise rows.error(f"{' '.join(ngram)!r} is listed twice; take one out")
        logprobs[ngram] = min(value, 0.0)
        problem = misplaced(ngram, logprobs)
        if problem:
            raise rows.error(problem)
        seen += 1
        if len(fields) == size + 2:
            backoff = _number(rows, fields[-1])
            if size < order and ngram[-1] != END:
                backoffs[ngram] = backoff
    if seen != count:
        raise rows.error(f"the header promises {count} {size}-grams, but {seen} are listed")


def _number(rows: _Rows, field: str) -> float:
    """A logarithm to base 10, in nats."""
    try:
        value = float(field)
    except ValueError:
        value = math.nan
    if math.isnan(value) or value == math.inf:
        raise rows.error(f"expected a number; got {field!r}")
    return value * _LN10 if value > _ZERO else -math.inf


def _log10(value: float) -> str:
    return f"{max(value / _LN10, _ZERO):.9g}"


def _shown(line: str | None) -> str:
    if line is None:
        return "the end of the file"
    return repr(line if len(line) <= 60 else line[:57] + "...")
