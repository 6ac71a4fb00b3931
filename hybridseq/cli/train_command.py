"""``hybridseq train``."""

import json
import os
import signal
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from hybridseq.cli.errors import INTERRUPTED, UsageError, one_line_errors, tell
from hybridseq.cli.options import Columns, Quiet, column_names
from hybridseq.cli.settings import make_tagger, read_settings


def train(
    train: Annotated[Path, typer.Option("--train", metavar="FILE", help="Labelled sentences to learn from.")],
    model: Annotated[Path, typer.Option(metavar="DIR", help="Where the model goes: a new folder, or an older model.")],
    dev: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Labelled sentences to choose the best epoch by. (default: a tenth of --train)"
        ),
    ] = None,
    encoder: Annotated[
        str | None,
        typer.Option(help="The network that reads the sentence: bilstm, bigru, cnn, ... (default: bilstm)"),
    ] = None,
    objective: Annotated[
        str | None,
        typer.Option(
            help="What training minimises: log_loss (CRF), structured_hinge (structured SVM), perceptron, ... "
            "(default: log_loss)"
        ),
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the data. (default: by its size)")] = None,
    seed: Annotated[int | None, typer.Option(help="The same number gives the same model. (default: 0)")] = None,
    columns: Columns = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Any parameter of hybridseq.SequenceTagger, such as hidden_size=100 or constraint=null; repeatable. "
            "An unknown key lists them all.",
        ),
    ] = None,
    quiet: Quiet = False,
):
    """Train a model on a column file and save it.

    Ctrl-C ends training early and saves the best model so far. A training that fails leaves an older model as it was.

    Example: hybridseq train --train train.txt --dev dev.txt --model my-model
    """
    with one_line_errors():
        options = {"encoder": encoder, "objective": objective, "max_epochs": epochs, "random_state": seed}
        chosen = read_settings(settings or [], options)
        tagger = make_tagger({"random_state": 0, **({"verbose": 0} if quiet else {}), **chosen})
        check_place(model)
        X, y = _read(train, columns)
        held_out = (None, None) if dev is None else _read(dev, columns)
        if not quiet:
            tell(f"{train}: {len(X):,} sentences, {sum(map(len, X)):,} tokens")
        with _interruptible() as interrupted:
            tagger.fit(X, y, *held_out)
        finished = [row for row in tagger.history_ if "dur" in row]
        if interrupted and not finished:
            tell("error: stopped before the first epoch was over; nothing was saved")
            raise typer.Exit(INTERRUPTED)
        tagger.save(model)
        if interrupted:
            tell(f"stopped after {len(finished)} epochs; the best model so far is kept")
        if not quiet:
            tell(f"saved to {model}; next: hybridseq evaluate --model {model} --data FILE")
        result = {
            "model": str(model),
            "labels": len(tagger.classes_),
            "epochs": len(finished),
            "best_epoch": tagger.best_epoch_,
            "held_out_score": tagger.best_score_,
            "metric": "span_f1" if tagger.scheme_ else "token_accuracy",
        }
        print(json.dumps(result))


def check_place(model: Path) -> None:
    """Raise a UsageError where a model could not be saved, before hours are spent on training it."""
    if model.is_dir():
        strangers = sorted({path.name for path in model.iterdir()} - {"model.json", "model.safetensors"})
        if strangers:
            raise UsageError(f"{model}: is no model folder, it holds {strangers[0]!r}; name a new folder")
    elif model.exists() or model.is_symlink():
        raise UsageError(f"{model}: is a file, not a folder; name a new folder")
    parent = next(place for place in model.absolute().parents if place.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise UsageError(f"{model}: {parent} cannot be written to; name a folder elsewhere")


def _read(path, columns):
    from hybridseq.text import read_dataset

    return read_dataset(path, column_names(columns))


@contextmanager
def _interruptible():
    """A list that is no longer empty once Ctrl-C was pressed; fitting itself takes the interruption as its end."""
    pressed = []

    def press(number, frame):
        pressed.append(number)
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGINT, press)
    except ValueError:  # only the main thread may
        yield pressed
        return
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)
