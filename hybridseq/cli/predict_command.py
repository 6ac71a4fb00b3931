"""``hybridseq predict``: a stream of sentences in, a stream of tagged sentences out."""

import os
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from hybridseq.cli.errors import UsageError, one_line_errors, tell
from hybridseq.cli.loading import load_tagger
from hybridseq.cli.options import Columns, Model, Quiet, columns_of
from hybridseq.cli.stream import CHUNK_TOKENS, Format, read, tag_stream, writer


def predict(
    model: Model,
    file: Annotated[Path | None, typer.Argument(help="What to tag; standard input if not given, or -.")] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Written as a whole or not at all. (default: standard output)"
        ),
    ] = None,
    format: Annotated[
        Format,
        typer.Option(
            help="columns: one token a line, with or without a tag. text: one sentence a line, blanks between tokens."
        ),
    ] = Format.columns,
    probability: Annotated[
        bool, typer.Option("--probability", help="Add each tag's probability, given the sentence, as the last column.")
    ] = False,
    columns: Columns = None,
    max_tokens: Annotated[int, typer.Option(min=1, help="The longest sentence taken.")] = 100_000,
    quiet: Quiet = False,
):
    """Tag sentences: column text out, one token a line, the predicted tag last, a blank line between sentences.

    A tag that the input has is replaced. Input of any size passes in little memory, in its order.

    Example: echo "leave Taipei on Monday" | hybridseq predict --model my-model --format text
    """
    with one_line_errors():
        tagger = load_tagger(model)
        names = columns_of(tagger, columns)
        if format is Format.text and len(tagger.input_.columns):
            raise UsageError(
                f"the model reads {1 + len(tagger.input_.columns)} columns a token, which plain text has not; "
                "give a column file"
            )
        source, interactive = _source(file)
        if interactive and not quiet:
            tell("reading from the keyboard; end with Ctrl-D")
        sentences = read(source, format, names, max_tokens)
        limit = 1 if interactive else CHUNK_TOKENS
        begin = time.perf_counter()
        try:
            with writer(output) as stream:
                count, tokens = tag_stream(tagger, sentences, stream, limit=limit, probability=probability)
        except BrokenPipeError:
            # The reader (such as head) has seen enough. What is left must not fail once more when Python ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None
        if not quiet:
            rate = tokens / max(time.perf_counter() - begin, 1e-9)
            tell(f"{count:,} sentences, {tokens:,} tokens, {rate:,.0f} tokens a second")


def _source(file):
    """What to read, and whether somebody types it."""
    if file is not None and str(file) != "-":
        if file.is_dir():
            raise UsageError(f"{file}: is a folder; name a file")
        file.stat()
        return file, False
    return sys.stdin, sys.stdin.isatty()
