"""Sentences as a stream: read, tagged and written chunk by chunk."""

import io
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum

from hybridseq.cli.errors import UsageError

#: Sentences are tagged together until they have so many tokens: enough for full batches, little to hold.
CHUNK_TOKENS = 20_000


class Format(StrEnum):
    """What comes in."""

    columns = "columns"
    text = "text"


def read(source, format, names, max_tokens) -> Iterator[list]:
    """Sentences as a tagger takes them, one at a time."""
    from hybridseq.text import DataError, iter_columns, iter_text

    if format == Format.columns:
        for sentence in iter_columns(source, names, tag="auto", max_tokens=max_tokens):
            yield sentence.tokens
        return
    for number, tokens in enumerate(iter_text(source), 1):
        if len(tokens) > max_tokens:
            raise DataError(
                f"sentence {number} has {len(tokens)} tokens, more than {max_tokens}; write one sentence a line, "
                "or raise --max-tokens",
                str(getattr(source, "name", source)),
            )
        yield tokens


def chunks(sentences: Iterable[list], limit: int) -> Iterator[list[list]]:
    """Sentences together until they have ``limit`` tokens; holds one chunk, never more."""
    chunk, tokens = [], 0
    for sentence in sentences:
        chunk.append(sentence)
        tokens += len(sentence)
        if tokens >= limit:
            yield chunk
            chunk, tokens = [], 0
    if chunk:
        yield chunk


def tag_stream(tagger, sentences, stream, *, limit=CHUNK_TOKENS, probability=False) -> tuple[int, int]:
    """Tag sentences as they come and write them as column text, chunk by chunk.

    Parameters
    ----------
    tagger : SequenceTagger
        Fitted.
    sentences : iterable of sentences
        May be endless.
    stream : text stream
        Where to write; flushed after each chunk.
    limit : int
        Tokens of a chunk.
    probability : bool
        Whether each tag's probability follows it.

    Returns
    -------
    int, int
        Sentences and tokens written.
    """
    from hybridseq.text import write_columns

    count = tokens = 0
    index = {label: i for i, label in enumerate(tagger.classes_.tolist())}
    for chunk in chunks(sentences, limit):
        # A sentence that nothing satisfies may be skipped: nothing is found in it.
        tags = [["O"] * len(x) if row is None else row for x, row in zip(chunk, tagger.predict(chunk))]
        if probability:
            marginals = tagger.predict_marginals(chunk)
            last = [
                ["nan"] * len(row) if rows is None else [f"{rows[t, index[tag]]:.4f}" for t, tag in enumerate(row)]
                for rows, row in zip(marginals, tags, strict=True)
            ]
            chunk = [
                [((token,) if isinstance(token, str) else token) + (tag,) for token, tag in zip(sentence, row)]
                for sentence, row in zip(chunk, tags)
            ]
            tags = last
        write_columns(stream, chunk, tags)
        stream.flush()
        count += len(chunk)
        tokens += sum(map(len, chunk))
    return count, tokens


@contextmanager
def writer(output):
    """A UTF-8 stream: standard output, or a file that takes its name when all is written."""
    if output is None or str(output) == "-":
        stream = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="\n")
        try:
            yield stream
        finally:
            stream.detach()
        return
    place = output.resolve()
    if place.exists() and not place.is_file():
        if place.is_dir():
            raise UsageError(f"{output}: is a folder; name a file")
        with open(place, "w", encoding="utf-8", newline="\n") as stream:  # a device or a pipe
            yield stream
        return
    if not place.parent.is_dir():
        raise UsageError(f"{output}: the folder {place.parent} is not there; make it, or name another place")
    handle, temporary = tempfile.mkstemp(prefix=f".{place.name}-", dir=place.parent)
    try:
        with open(handle, "w", encoding="utf-8", newline="\n") as stream:
            yield stream
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, place)
    except BaseException:
        os.unlink(temporary)
        raise
