"""The command line: ``hybridseq train``, ``evaluate``, ``predict`` and ``info``, one file each; speech in ``asr``.

Results and JSON go to standard output, progress and errors to standard error. An error is one line and exit code 1, or
2 where the command itself was wrong.
"""

from typing import Annotated

import typer

import hybridseq
from hybridseq.cli.asr import app as asr
from hybridseq.cli.evaluate_command import evaluate
from hybridseq.cli.info_command import info
from hybridseq.cli.predict_command import predict
from hybridseq.cli.train_command import train

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


def _version(wanted: bool):
    if wanted:
        print(hybridseq.__version__)
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
):
    """Tag the tokens of sentences: train a model on labelled text, measure it, and use it.

    Labelled text is a UTF-8 column file: one token a line with its tag last, a blank line between sentences.
    Speech recognition: hybridseq asr.
    """


for command in (train, evaluate, predict, info):
    app.command()(command)
app.add_typer(asr, name="asr")
