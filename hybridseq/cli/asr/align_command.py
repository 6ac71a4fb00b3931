"""``hybridseq asr align``."""

import sys
import tempfile
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from hybridseq.cli.asr.data import load_recognizer, read_data, told_warnings, with_language
from hybridseq.cli.asr.options import Channel, Data, Lexicon, Model, Seed, Strict
from hybridseq.cli.errors import UsageError, one_line_errors, tell
from hybridseq.cli.options import Quiet


class Format(StrEnum):
    """What comes out."""

    ctm = "ctm"
    textgrid = "textgrid"


class Level(StrEnum):
    """What a CTM file tells."""

    words = "words"
    phones = "phones"


def align(
    data: Data,
    model: Model,
    out: Annotated[
        Path | None,
        typer.Option(metavar="PLACE", help="A CTM file, or a folder of TextGrids. (default: CTM on standard output)"),
    ] = None,
    format: Annotated[Format, typer.Option(help="ctm: one file; textgrid: one file an utterance, for Praat.")] = (
        Format.ctm
    ),
    level: Annotated[Level, typer.Option(help="Of a CTM file; TextGrids hold both.")] = Level.words,
    lexicon: Lexicon = None,
    seed: Seed = 0,
    channel: Channel = None,
    strict: Strict = False,
    quiet: Quiet = False,
):
    """Find when the words of transcripts are said.

    Utterances that cannot be aligned are named and left out.

    Example: hybridseq asr align --model my-model --data test --out test.ctm
    """
    with one_line_errors():
        from hybridseq.speech import write_ctm, write_textgrid

        if format is Format.textgrid and out is None:
            raise UsageError("--format textgrid writes a file an utterance: name a folder with --out")
        if format is Format.textgrid and out.exists() and not out.is_dir():
            raise UsageError(f"{out}: is a file; --format textgrid needs a folder")
        if out is not None and not out.absolute().parent.is_dir():
            raise UsageError(f"{out}: the folder {out.absolute().parent} is not there; make it, or name another place")
        recognizer = with_language(load_recognizer(model), lexicon, None)
        if format is Format.ctm and level is Level.phones and recognizer.recognizer_.lexicon is None:
            raise UsageError(f"--level phones: {model} models whole words and has no phones; train with --lexicon")
        utterances = read_data(data, strict=strict, quiet=quiet, channel=channel, words=True)
        with told_warnings(quiet):
            found = [a for a in recognizer.align(utterances, strict=strict) if a is not None]
        if format is Format.textgrid:
            out.mkdir(exist_ok=True)
            for alignment in found:
                write_textgrid(alignment, out / f"{quote(alignment.id, safe='')}.TextGrid")
        elif out is not None:
            write_ctm(found, out, level.value)
        else:
            with tempfile.TemporaryDirectory() as room:
                write_ctm(found, Path(room, "ctm"), level.value)
                sys.stdout.write(Path(room, "ctm").read_text(encoding="utf-8"))
        if not quiet:
            tell(f"{data}: {len(found)} of {len(utterances)} utterances aligned")
