"""``hybridseq asr train``."""

import json
import shutil
import time
from pathlib import Path
from typing import Annotated

import typer

from hybridseq.cli.asr.data import read_data, told_warnings
from hybridseq.cli.asr.options import Channel, Data, Strict
from hybridseq.cli.asr.settings import make_recognizer, read_settings
from hybridseq.cli.errors import INTERRUPTED, UsageError, one_line_errors, tell
from hybridseq.cli.options import Quiet
from hybridseq.cli.train_command import _interruptible, check_place


def train(
    data: Data,
    model: Annotated[Path, typer.Option(metavar="DIR", help="Where the model goes: a new folder, or an older model.")],
    lexicon: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Words and their phones. (default: every word is a model of its own)"),
    ] = None,
    lm: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|N",
            help="An ARPA file, or the order of a model that is estimated from the texts. "
            "(default: any word may follow any other)",
        ),
    ] = None,
    dev: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="A data folder of held-out recordings, to tune the word penalty on."),
    ] = None,
    acoustic: Annotated[str | None, typer.Option(help="hybrid, a network on an HMM, or gmm. (default: hybrid)")] = None,
    encoder: Annotated[str | None, typer.Option(help="The network: tdnn, cnn, dnn, bilstm. (default: tdnn)")] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the data.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same number gives the same model. (default: 0)")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Any parameter of hybridseq.SpeechRecognizer, such as hidden_size=100 or lm=2; repeatable. "
            "An unknown key lists them all.",
        ),
    ] = None,
    restart: Annotated[
        bool, typer.Option("--restart", help="Begin anew where an interrupted training could be taken up again.")
    ] = False,
    channel: Channel = None,
    strict: Strict = False,
    quiet: Quiet = False,
):
    """Train a recogniser on a data folder and save it.

    Ctrl-C ends training early and saves the model so far. The state after each pass is kept in DIR.training until
    training is over: the same command takes it up again. A training that fails leaves an older model as it was.

    Example: hybridseq asr train --data train --model my-model
    """
    with one_line_errors():
        options = {
            "lexicon": None if lexicon is None else str(lexicon),
            "lm": int(lm) if lm is not None and lm.isdigit() else lm,
            "acoustic": acoustic,
            "encoder": encoder,
            "epochs": epochs,
            "random_state": seed,
        }
        chosen = {"random_state": 0, **({"verbose": 0} if quiet else {}), **read_settings(settings, options)}
        recognizer = make_recognizer(chosen)
        check_place(model)
        kept = model.with_name(f"{model.name}.training")
        if restart:
            _remove(kept)
        utterances = read_data(data, strict=strict, quiet=quiet, channel=channel, words=True)
        held_out = None if dev is None else read_data(dev, strict=strict, quiet=quiet, channel=channel, words=True)
        if "features" not in chosen and all(u.path is None for u in utterances):
            recognizer.set_params(features="given")
        recognizer.set_params(checkpoint=str(kept))
        began = time.perf_counter()
        with _interruptible() as interrupted, told_warnings(quiet):
            try:
                recognizer.fit(utterances, strict=strict)
            except KeyboardInterrupt:
                tell("error: stopped before the first pass was over; nothing was saved")
                raise typer.Exit(INTERRUPTED) from None
            except FloatingPointError as error:
                raise ValueError(str(error)) from None
        if held_out is not None and not interrupted:
            with told_warnings(quiet):
                recognizer.tune(held_out)
        recognizer.set_params(checkpoint=None)
        recognizer.save(model)
        if recognizer.interrupted_:
            then = f"; the same command goes on from {kept}" if kept.exists() else ""
            tell(f"stopped after {len(recognizer.history_)} passes of the network{then}")
        else:
            _remove(kept)
        if not quiet:
            tell(f"saved to {model}; next: hybridseq asr decode --model {model} --data DIR")
        print(json.dumps(_result(recognizer, model, utterances, time.perf_counter() - began)))


def _result(recognizer, model, utterances, seconds):
    history = recognizer.history_
    return {
        "model": str(model),
        "utterances": len(utterances) - len(recognizer.left_out_),
        "left_out": len(recognizer.left_out_),
        "vocabulary": len(recognizer.vocabulary_),
        "states": recognizer.recognizer_.units.num_labels,
        "passes": len(history),
        "loss": history[-1]["loss"] if history else None,
        "interrupted": recognizer.interrupted_,
        "seconds": round(seconds, 2),
    }


def _remove(kept):
    """Delete a checkpoint's folder, and nothing else."""
    from hybridseq.speech.acoustic.checkpoint import PART

    if not kept.exists():
        return
    strangers = [path.name for path in kept.iterdir() if path.suffix not in {".safetensors", PART}]
    if strangers:
        raise UsageError(f"{kept}: holds {sorted(strangers)[0]!r}, which is no checkpoint; move it away")
    shutil.rmtree(kept)
