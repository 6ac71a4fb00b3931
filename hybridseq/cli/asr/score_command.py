"""``hybridseq asr score``."""

import json
from pathlib import Path
from typing import Annotated

import typer

from hybridseq.cli.asr.data import load_recognizer, read_data, told_warnings
from hybridseq.cli.errors import UsageError, one_line_errors, tell
from hybridseq.cli.options import Quiet


def score(
    hypotheses: Annotated[
        Path | None, typer.Option("--hypotheses", "--hyp", metavar="FILE", help="An id and its words a line.")
    ] = None,
    data: Annotated[Path | None, typer.Option(metavar="DIR", help="A data folder with text, and utt2spk.")] = None,
    references: Annotated[
        Path | None, typer.Option("--references", "--ref", metavar="FILE", help="Instead of --data: its text alone.")
    ] = None,
    model: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Instead of --hypotheses: the model that recognises --data.")
    ] = None,
    speakers: Annotated[
        Path | None, typer.Option(metavar="FILE", help="An id and its speaker a line. (default: utt2spk of --data)")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the resamples of the interval.")] = 0,
    quiet: Quiet = False,
):
    """Compare hypotheses with references: word errors, by speaker, with a 95% interval (bootstrap).

    The last line of standard output is a JSON object: wer, its interval, errors, words, and the same by speaker.
    An utterance without a hypothesis counts as deleted.

    Example: hybridseq asr score --data test --hypotheses hypotheses
    """
    with one_line_errors():
        from hybridseq.speech import score_words

        if (data is None) == (references is None):
            raise UsageError("give the references: --data DIR or --references FILE, one of them")
        if (model is None) == (hypotheses is None) or (model is not None and data is None):
            raise UsageError("give what was recognised: --hypotheses FILE, or --model DIR with --data DIR")
        truth = _read(references or data / "text")
        found = _read(hypotheses) if model is None else _recognise(model, data, quiet)
        who = speakers or (data / "utt2spk" if data is not None and (data / "utt2spk").is_file() else None)
        owners = None if who is None else _read(who)
        _compare(truth, found, hypotheses or data, quiet)
        if owners is not None and (missing := [id for id in truth if id not in owners]):
            raise ValueError(f"{who}: {len(missing)} utterances have no speaker, the first is {missing[0]}; add them")
        errors = score_words(
            list(truth.values()), [found.get(id, "") for id in truth], owners and [owners[id] for id in truth]
        )
        low, high = errors.bootstrap(seed=seed) if errors.words else (None, None)
        if not quiet:
            _show(errors, low, high)
        print(json.dumps({**errors.to_dict(), "interval": [low, high], "level": 0.95}))


def _recognise(model, data, quiet):
    """What a model hears in a data folder, by id."""
    recognizer, utterances = load_recognizer(model), read_data(data, quiet=quiet)
    with told_warnings(quiet):
        return dict(zip([u.id for u in utterances], recognizer.predict(utterances)))


def _read(path):
    """What a file says of each id."""
    from hybridseq.speech.audio.tables import read_table
    from hybridseq.text import DataError

    def fail(file, line, kind, message, id):
        raise DataError(message, str(path), line or None)

    if not path.is_file():
        raise DataError("there is no such file", str(path))
    table = {id: value for id, (value, _) in read_table(path, fail, empty=True).items()}
    if not table:
        raise DataError("has no line; expected an id and its words a line", str(path))
    return table


def _compare(truth, found, path, quiet):
    missing, strange = [id for id in truth if id not in found], [id for id in found if id not in truth]
    if len(missing) == len(truth):
        raise ValueError(f"{path}: has none of the {len(truth)} ids of the references, such as {missing[0]}")
    for ids, what in ((missing, "have no hypothesis and count as deleted"), (strange, "have no reference; left out")):
        if ids and not quiet:
            tell(f"warning: {path}: {len(ids)} utterances {what}: {', '.join(ids[:5])}{', ...' if ids[5:] else ''}")


def _show(errors, low, high):
    from rich.console import Console

    console = Console(stderr=True, highlight=False, markup=False)
    console.print(errors.table())
    if low is not None:
        console.print(f"WER {errors.wer:.2%}, 95% interval {low:.2%} to {high:.2%}")
