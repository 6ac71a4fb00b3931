"""``hybridseq asr decode``."""

import json
import math
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from hybridseq.cli.asr.data import load_recognizer, read_report, told_warnings, with_language
from hybridseq.cli.asr.options import Channel, Data, Grammar, Lexicon, Model, Seed, Strict
from hybridseq.cli.asr.settings import SEARCH, read_settings
from hybridseq.cli.errors import UsageError, one_line_errors, tell
from hybridseq.cli.options import Quiet
from hybridseq.cli.stream import writer


def decode(
    data: Data,
    model: Model,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Hypotheses, an id and its words a line. (default: standard output)"),
    ] = None,
    lexicon: Lexicon = None,
    lm: Grammar = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="How to search: word_penalty, acoustic_scale, grammar_scale, beam, max_active, backend; repeatable.",
        ),
    ] = None,
    seed: Seed = 0,
    channel: Channel = None,
    strict: Strict = False,
    quiet: Quiet = False,
):
    """Recognise the recordings of a data folder.

    Where the folder has transcripts, the last line of standard output is a JSON object: wer (a fraction), errors,
    substitutions, deletions, insertions, words, utterances, unreadable (recordings that cannot be used: they have a
    line without words, and their words count as deleted), seconds_of_audio and real_time_factor (seconds of work a
    second of audio, reading and features included).

    Example: hybridseq asr decode --model my-model --data test --out hypotheses
    """
    with one_line_errors():
        chosen = read_settings(settings, {}, SEARCH)
        recognizer = _with(with_language(load_recognizer(model), lexicon, lm), chosen)
        report = read_report(data, strict=strict, quiet=quiet, channel=channel)
        utterances = report.utterances
        with told_warnings(quiet=True):
            recognizer.decode(utterances[:1])  # loads the compiled kernels
        began = time.perf_counter()
        with told_warnings(quiet):
            found = recognizer.decode(utterances, strict=strict)
        seconds = time.perf_counter() - began
        with writer(out) as stream:
            for utterance, hypothesis in zip(utterances, found):
                words = () if hypothesis is None else hypothesis.words
                stream.write(" ".join([utterance.id, *words]) + "\n")
            stream.writelines(f"{id}\n" for id in report.left_out)
        if all(u.words is None for u in utterances):
            return
        figures = _figures(recognizer, utterances, found, report.left_out, seconds)
        if not quiet:
            tell(
                f"{data}: WER {figures['wer']:.2%} ({figures['errors']} errors in {figures['words']} words), "
                f"{figures['real_time_factor']:.4f} of real time"
            )
        print(json.dumps(figures))


def _with(model, chosen):
    """The model that searches otherwise."""
    if not chosen:
        return model
    scales = {SEARCH[name]: value for name, value in chosen.items() if SEARCH[name]}
    fields = {name: value for name, value in chosen.items() if not SEARCH[name]}
    wrong = next((n for n, v in chosen.items() if n != "backend" and v is not None and not _is_number(v)), None)
    if wrong is not None:
        raise UsageError(f"--set {wrong}: must be a number; got {chosen[wrong]!r}")
    model.recognizer_ = replace(model.recognizer_.with_scales(**scales), **fields)
    try:
        model.recognizer_.decoder()
    except ValueError as error:
        raise UsageError(str(error)) from None
    return model


def _is_number(value):
    return isinstance(value, int | float) and not isinstance(value, bool)


def _figures(recognizer, utterances, found, left_out, seconds):
    from hybridseq.speech import score_words
    from hybridseq.speech import seconds as length

    shift = recognizer.recognizer_.pipeline.frame_shift / 1000
    read = [(u, h) for u, h in zip(utterances, found) if h is not None]
    lengths = [length(u) for u, _ in read]
    audio = sum(len(h.labels) * shift if math.isnan(s) else s for s, (_, h) in zip(lengths, read))
    said = [(u.words, () if h is None else h.words) for u, h in zip(utterances, found)]
    said += [(words, ()) for words in left_out.values()]
    known = [pair for pair in said if pair[0] is not None]
    errors = score_words([reference for reference, _ in known], [words for _, words in known])
    figures = {
        name: getattr(errors, name) for name in ("wer", "errors", "substitutions", "deletions", "insertions", "words")
    }
    return {
        **figures,
        "utterances": len(said),
        "unreadable": sum(h is None for h in found) + len(left_out),
        "seconds_of_audio": round(audio, 3),
        "real_time_factor": round(seconds / audio, 6) if audio else None,
    }
