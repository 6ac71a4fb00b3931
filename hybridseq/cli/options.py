"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Model = Annotated[Path, typer.Option(metavar="DIR", help="The model's folder, as 'hybridseq train' wrote it.")]

Columns = Annotated[
    str | None,
    typer.Option(
        metavar="NAMES",
        help="Names of the file's columns in order, such as word,pos,tag: the token first, the tag last. "
        "A column called _ is left out. Not needed unless there is one to leave out.",
    ),
]

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Nothing on standard error but errors.")]


def column_names(columns: str | None) -> list[str] | None:
    """The names that ``--columns`` lists."""
    return None if columns is None else [name.strip() for name in columns.split(",")]


def columns_of(tagger, columns: str | None) -> list[str]:
    """The columns of a file that a model reads, the tag last: those given, else as many as the model was trained on.

    Raises
    ------
    ValueError
        Where the names given are not as many as the model's, or the model reads vectors instead of text.
    """
    vocabularies = getattr(tagger.input_, "columns", None)
    if vocabularies is None:
        raise ValueError("the model reads vectors, which a text file cannot hold; use it from Python with hs.load")
    names = column_names(columns)
    if names is None:
        return ["word", *(f"column{i + 2}" for i in range(len(vocabularies))), "tag"]
    inputs = [name for name in names[:-1] if name != "_"]
    if len(inputs) != 1 + len(vocabularies):
        raise ValueError(
            f"--columns names {len(inputs)} input column(s) before the tag, {', '.join(inputs) or 'none'}; "
            f"the model was trained on {1 + len(vocabularies)}. Name those, and _ for each to leave out"
        )
    return names
