"""Tables on the screen and results on disk."""

import json
import os
import platform
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).resolve().parent.parent / "results"


def show(title, columns, rows):
    """Print one table."""
    table = Table(title=title)
    for i, column in enumerate(columns):
        table.add_column(column, justify="left" if i == 0 else "right")
    for row in rows:
        table.add_row(*map(str, row))
    Console(width=140).print(table)


def machine():
    """What the figures were measured on."""
    return {"processor": platform.processor() or platform.machine(), "threads": torch.get_num_threads()}


def save(name, results):
    """Write results as JSON, whole or not at all."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps({"machine": machine(), "results": results}, indent=1))
    os.replace(temporary, path)
    return path
