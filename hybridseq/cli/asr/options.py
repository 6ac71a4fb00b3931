"""Options that the commands of speech recognition share."""

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[
    Path, typer.Option(metavar="DIR", help="A data folder: wav.scp, text, utt2spk, and perhaps segments or feats.npz.")
]

Model = Annotated[Path, typer.Option(metavar="DIR", help="The model's folder, as 'hybridseq asr train' wrote it.")]

Strict = Annotated[
    bool, typer.Option("--strict", help="Fail at the first recording that cannot be used, instead of leaving it out.")
]

Channel = Annotated[
    str | None, typer.Option(metavar="N", help="Which channel of files that have several: 0, 1, ... or mean.")
]

Lexicon = Annotated[Path | None, typer.Option(metavar="FILE", help="Words and their phones, instead of the model's.")]

Grammar = Annotated[Path | None, typer.Option(metavar="FILE", help="An ARPA file, instead of the model's.")]

Seed = Annotated[int, typer.Option(help="Taken as by the other commands; nothing here is random.")]
