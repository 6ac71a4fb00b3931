"""``hybridseq asr prepare``."""

import json
import os
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

from hybridseq.cli.asr.data import channel_of, load_recognizer, tell_problems
from hybridseq.cli.asr.options import Channel, Data, Seed, Strict
from hybridseq.cli.asr.settings import make_recognizer, read_settings
from hybridseq.cli.errors import UsageError, one_line_errors, tell
from hybridseq.cli.options import Quiet


def prepare(
    data: Data,
    model: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where training puts its model. If one is there, its features and rate."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where features go. (default: feats.npz in the data folder)")
    ] = None,
    features: Annotated[str | None, typer.Option(help="mfcc or fbank. (default: mfcc)")] = None,
    rate: Annotated[int | None, typer.Option(help="Samples a second. (default: what most recordings have)")] = None,
    check_only: Annotated[bool, typer.Option("--check", help="Compute no features.")] = False,
    seed: Seed = 0,
    channel: Channel = None,
    strict: Strict = False,
    quiet: Quiet = False,
):
    """Check a data folder, all audio included, and cache its features.

    What is wrong is told by file and line. Features are kept before normalisation; 'hybridseq asr train --set
    features=given' trains on them. Training needs no preparation, and without it varies the audio.

    Example: hybridseq asr prepare --data train
    """
    with one_line_errors():
        kind = {**_kind_of(model), **{k: v for k, v in (("features", features), ("rate", rate)) if v is not None}}
        recognizer = make_recognizer(read_settings([], {**kind, "normalize": "none"}))
        from hybridseq.speech import check_folder
        from hybridseq.text import DataError

        report = check_folder(data, channel_of(channel), samples=True)
        tell_problems(data, report, limit=None)
        if not quiet:
            for warning in report.warnings:
                tell(f"warning: {data / str(warning)}")
            tell(f"{data}: {len(report.utterances)} usable utterances, {len(report.problems)} problems")
        if strict and report.problems:
            raise DataError(f"has {len(report.problems)} problems, see above", str(data))
        if not report.utterances:
            raise DataError("has no usable utterance, see above", str(data))
        result = {
            "utterances": len(report.utterances),
            "problems": len(report.problems),
            "warnings": len(report.warnings),
        }
        if not check_only:
            result |= _cache(recognizer, report.utterances, out or data / "feats.npz")
        print(json.dumps(result))


def _kind_of(folder):
    """Features and rate of the model in a folder; nothing where there is none yet."""
    if folder is None or not folder.exists():
        return {}
    pipeline = load_recognizer(folder).recognizer_.pipeline
    if pipeline.kind == "given":
        raise UsageError(f"{folder}: the model takes features that were computed elsewhere; compute them there")
    return {"features": pipeline.kind, "rate": pipeline.rate}


def _cache(model, utterances, place):
    """Write the features of utterances; a file takes its name when it is whole."""
    from hybridseq.estimators.speech_parameters import make_pipeline
    from hybridseq.speech.audio.write import _write_features

    pipeline = make_pipeline(model, utterances)
    began = time.perf_counter()
    found, problems = pipeline.extract(utterances)
    for problem in problems:
        tell(f"left out: {problem.id}: {problem.message}")
    arrays = {u.id: x.numpy() for u, x in zip(utterances, found) if x is not None}
    if not arrays:
        raise ValueError(f"{place}: there is no recording whose features could be computed, see above")
    handle, temporary = tempfile.mkstemp(prefix=f".{place.name}-", dir=place.resolve().parent)
    os.close(handle)
    try:
        _write_features(arrays, temporary)
        os.chmod(temporary, 0o644)
        os.replace(temporary, place)
    except BaseException:
        os.unlink(temporary)
        raise
    seconds = time.perf_counter() - began
    frames = sum(len(x) for x in arrays.values())
    return {
        "features": str(place),
        "frames": frames,
        "width": pipeline.width,
        "rate": pipeline.rate,
        "seconds_of_audio": round(frames * pipeline.frame_shift / 1000, 2),
        "real_time_factor": round(seconds / (frames * pipeline.frame_shift / 1000), 6),
    }
