"""Speech recognition on the command line: ``hybridseq asr prepare | train | align | decode | score``, one file each."""

import typer

from hybridseq.cli.asr.align_command import align
from hybridseq.cli.asr.decode_command import decode
from hybridseq.cli.asr.prepare_command import prepare
from hybridseq.cli.asr.score_command import score
from hybridseq.cli.asr.train_command import train

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)


@app.callback()
def asr():
    """Recognise speech: train a hybrid of a neural network and an HMM on a folder of recordings, and use it.

    A data folder is Kaldi's: wav.scp (id, path), text (id, words), utt2spk (id, speaker), and perhaps segments.
    """


for command in (prepare, train, align, decode, score):
    app.command()(command)
