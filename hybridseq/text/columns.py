"""Column files (CoNLL style) and plain sentences: read as a stream, written as a stream.

One token a line, fields split at spaces or tabs, the token first and the tag last, a blank line between
sentences. Files are UTF-8.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike, fspath
from typing import IO

from hybridseq.text.errors import DataError

#: A column of this name is read over.
IGNORED = "_"

Token = str | tuple[str, ...]


@dataclass(frozen=True)
class Sentence:
    """One sentence of a column file.

    Parameters
    ----------
    fields : dict of str to list of str
        The columns by name, in the order of the file; all of one length.
    line : int
        Where the sentence begins, counted from 1.
    tag : str or None
        The name of the tag column; None where there is none.
    """

    fields: dict[str, list[str]]
    line: int = 1
    tag: str | None = "tag"

    def __len__(self):
        return len(next(iter(self.fields.values())))

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(self.fields)

    @property
    def tokens(self) -> list[Token]:
        """What a tagger reads: strings, or tuples of strings where there are several input columns."""
        inputs = [values for name, values in self.fields.items() if name != self.tag]
        return list(inputs[0]) if len(inputs) == 1 else list(zip(*inputs, strict=True))

    @property
    def tags(self) -> list[str] | None:
        """The tag column; None where there is none."""
        return None if self.tag is None else self.fields[self.tag]


def iter_columns(
    source: str | PathLike | IO,
    columns: Sequence[str] | None = None,
    *,
    tag: bool | str = True,
    max_tokens: int = 1_000_000,
) -> Iterator[Sentence]:
    """Read a column file one sentence at a time.

    Parameters
    ----------
    source : path or stream
        A file's path, or an open stream of bytes or text.
    columns : sequence of str, optional
        The columns' names in order; one named ``_`` is left out. Without them the names are ``word``,
        ``column2``, … and ``tag`` for the last.
    tag : bool or "auto"
        Whether the last column is the tag. ``"auto"`` needs ``columns`` (the last of them the tag) and takes
        files with and without the tag column.
    max_tokens : int
        The longest sentence taken: a file without blank lines would otherwise fill the memory.

    Yields
    ------
    Sentence
        An empty file yields nothing.

    Raises
    ------
    DataError
        With file, line and remedy: a row with more or fewer fields than the rest, bytes that are not UTF-8, a
        sentence beyond ``max_tokens``.

    Notes
    -----
    Memory is that of one sentence. A line of the document marker ``-DOCSTART-`` ends a sentence and is left
    out.
    Only ASCII spaces and tabs part fields, so a no-break space may stand within a token.
    """
    # Checked here, not at the first sentence that is asked for.
    return _sentences(source, _checked(columns, tag), tag, max_tokens)


def _sentences(source, names, tag, max_tokens) -> Iterator[Sentence]:
    given = bool(names)
    kept: list[int] = []
    rows: list[list[str]] = []
    begin, width, first_line = 1, None, 1

    def sentence() -> Sentence:
        columns = list(zip(*rows, strict=True))
        fields = {names[i]: list(columns[i]) for i in kept}
        return Sentence(fields, begin, names[-1] if tag else None)

    with numbered_lines(source) as (lines, name):
        for number, line in lines:
            fields = _split(line)
            if not fields or fields[0] == "-DOCSTART-":
                if rows:
                    yield sentence()
                    rows = []
                continue
            if len(fields) != width:
                if width is not None:
                    raise DataError(_width_message(fields, width, first_line, names), name, number)
                width, first_line = len(fields), number
                try:
                    names, kept, tag = _named(names, given, width, tag)
                except ValueError as error:
                    raise DataError(str(error), name, number) from None
            if not rows:
                begin = number
            elif len(rows) >= max_tokens:
                raise DataError(
                    f"the sentence that begins on line {begin} has more than {max_tokens} tokens; "
                    "put a blank line between sentences, or raise max_tokens",
                    name,
                    number,
                )
            rows.append(fields)
    if rows:
        yield sentence()


def read_columns(
    source: str | PathLike | IO, columns: Sequence[str] | None = None, *, tag: bool | str = True
) -> list[Sentence]:
    """Read a whole column file; see :func:`iter_columns`.

    Raises
    ------
    DataError
        As :func:`iter_columns`, and where there is no sentence at all.
    """
    sentences = list(iter_columns(source, columns, tag=tag))
    if not sentences:
        raise DataError(
            "no sentence was found; expected one token a line and a blank line between sentences",
            _name(source),
        )
    return sentences


def read_dataset(
    source: str | PathLike | IO, columns: Sequence[str] | None = None, *, tag: bool = True
) -> tuple[list[list[Token]], list[list[str]] | None]:
    """Read a column file into what an estimator takes.

    Parameters
    ----------
    source, columns
        As in :func:`iter_columns`.
    tag : bool
        Whether the last column is the tag.

    Returns
    -------
    X : list of list of str, or of tuple of str
        The tokens of each sentence; tuples, in the order of the columns, where several are inputs.
    y : list of list of str, or None
        The tags; None without a tag column.

    Raises
    ------
    DataError
        As :func:`read_columns`.

    Examples
    --------
    >>> import io
    >>> read_dataset(io.StringIO("to O\\nRome B-city\\n"))
    ([['to', 'Rome']], [['O', 'B-city']])
    """
    sentences = read_columns(source, columns, tag=tag)
    return [s.tokens for s in sentences], [s.tags for s in sentences] if tag else None


def write_columns(
    stream: IO[str],
    tokens: Iterable[Sequence[Token]],
    tags: Iterable[Sequence[str]] | None = None,
    *,
    separator: str = "\t",
) -> int:
    """Write sentences as a column file, one at a time.

    Parameters
    ----------
    stream : text stream
        Where to write.
    tokens : iterable of sequences of str, or of tuples of str
        The sentences, as :func:`read_dataset` gives them; may be a generator.
    tags : iterable of sequences of str, optional
        Their tags, the last column.
    separator : str
        What stands between fields.

    Returns
    -------
    int
        How many sentences were written.

    Raises
    ------
    DataError
        Where tokens and tags differ in number, a sentence is empty, or a field is empty or holds white space:
        such a file could not be read back. Nothing of the sentence at fault is written.
    """
    tags = None if tags is None else iter(tags)
    count = 0
    missing = object()
    for count, sentence in enumerate(tokens, 1):
        rows = [(token,) if isinstance(token, str) else tuple(token) for token in sentence]
        if tags is not None:
            row_tags = next(tags, missing)
            if row_tags is missing:
                raise DataError(f"sentence {count - 1} has no tags; give as many tag lists as sentences")
            if len(row_tags) != len(rows):
                raise DataError(f"sentence {count - 1} has {len(rows)} tokens but {len(row_tags)} tags")
            rows = [(*row, label) for row, label in zip(rows, row_tags, strict=True)]
        if not rows:
            raise DataError(f"sentence {count - 1} is empty, which a column file cannot hold; leave it out")
        for position, row in enumerate(rows):
            for value in row:
                if _split(value) != [value] or "\n" in value or "\r" in value:
                    raise DataError(
                        f"sentence {count - 1}, position {position}: a field must be text without spaces, "
                        f"tabs or line ends; got {value!r}. Replace them before writing"
                    )
        stream.write("".join(separator.join(row) + "\n" for row in rows) + "\n")
    if tags is not None and next(tags, missing) is not missing:
        raise DataError(f"there are tags for more than the {count} sentences; give as many sentences as tag lists")
    return count


def iter_text(source: str | PathLike | IO) -> Iterator[list[str]]:
    """Read plain text one sentence a line, split at white space; blank lines are left out.

    Raises
    ------
    DataError
        With file and line, where bytes are not UTF-8.

    Notes
    -----
    Memory is that of one line.
    """
    with numbered_lines(source) as (lines, _):
        for _, line in lines:
            tokens = _split(line)
            if tokens:
                yield tokens


def _checked(columns, tag) -> list[str]:
    if columns is None:
        if tag == "auto":
            raise ValueError('tag="auto" needs columns=, the last of them the tag')
        return []
    if isinstance(columns, str):
        raise ValueError(f'columns must be a list of names, such as ("word", "pos", "tag"); got {columns!r}')
    names = list(columns)
    real = [name for name in names if name != IGNORED]
    twice = sorted({name for name in real if real.count(name) > 1})
    if twice:
        raise ValueError(f"columns must have distinct names; got {twice[0]!r} more than once")
    if len(real) < 1 + bool(tag) or (tag and names[-1] == IGNORED):
        need = "at least one input column, and the tag last" if tag else "at least one input column"
        raise ValueError(f"columns must name {need}; got {names}")
    return names


def _named(names, given, width, tag):
    """Names, kept indices and tag for rows of this width."""
    if tag == "auto":
        tag = width == len(names)
        if width == len(names) - 1:
            names = names[:-1]
    if not given:
        names = ["word", *(f"column{i}" for i in range(2, width + 1))]
        names[-1] = "tag" if tag else names[-1]
    if width != len(names):
        raise ValueError(
            f"the row has {width} fields but {len(names)} columns are named ({', '.join(names)}); "
            "name every column, _ for one to leave out"
        )
    if tag and width < 2:
        raise ValueError(
            "the row has 1 field, expected at least 2: the token first and its tag last, with a space or tab between"
        )
    return names, [i for i, name in enumerate(names) if name != IGNORED], bool(tag)


def _width_message(fields, width, first_line, names) -> str:
    shown = " ".join(fields)
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    if len(fields) < width:
        remedy = "add what is missing, or leave the line blank if it parts two sentences"
    else:
        remedy = "take out the surplus; a token must hold no space"
    return (
        f"got {len(fields)} field{'s' * (len(fields) != 1)} ({shown!r}), expected {width} "
        f"({', '.join(names)}) as on line {first_line}; {remedy}"
    )


def _split(line: str) -> list[str]:
    if line.isascii():
        return line.split()
    return [field for field in line.strip("\r\n").replace("\t", " ").split(" ") if field]


def _name(source) -> str:
    if isinstance(source, str | PathLike):
        return fspath(source)
    name = getattr(source, "name", None)
    return name if isinstance(name, str) else "<stream>"


@contextmanager
def numbered_lines(source):
    """Numbered lines as text, and the name of where they come from. Streams of the caller stay open."""
    name = _name(source)
    if isinstance(source, str | PathLike):
        with open(source, "rb") as stream:
            yield _decoded(stream, name), name
    else:
        # A text stream's own decoder could not tell the line of a bad byte.
        yield _decoded(getattr(source, "buffer", source), name), name


def _decoded(stream, name) -> Iterator[tuple[int, str]]:
    for number, raw in enumerate(stream, 1):
        if isinstance(raw, str):
            line = raw
        else:
            try:
                line = raw.decode("utf-8")
            except UnicodeDecodeError as error:
                utf16 = number == 1 and raw[:2] in (b"\xff\xfe", b"\xfe\xff")
                guess = "UTF-16" if utf16 else "ISO-8859-1"
                raise DataError(
                    f"the text is not UTF-8: byte 0x{raw[error.start]:02x} at column {error.start + 1}; "
                    f"convert it, for example with: iconv -f {guess} -t UTF-8",
                    name,
                    number,
                ) from None
        yield number, line.removeprefix("\ufeff") if number == 1 else line
