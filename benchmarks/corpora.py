"""Real corpora, where they are: the folder that HYBRIDSEQ_DATA names, or shared/data beside the project."""

import os
import random
import sys
from pathlib import Path

from hybridseq.text import read_dataset

FOLDER = Path(os.environ.get("HYBRIDSEQ_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")


def _cut(X, y, share=0.1):
    """A seeded validation part of data that comes without one."""
    order = list(range(len(X)))
    random.Random(0).shuffle(order)
    held = int(share * len(X))
    pick = lambda ids: ([X[i] for i in ids], [y[i] for i in ids])  # noqa: E731
    return pick(order[held:]), pick(order[:held])


def load(name):
    """``(train, valid, test)``, each ``(X, y)``."""
    if not (FOLDER / name).is_dir():
        sys.exit(f"{FOLDER / name} is missing: set HYBRIDSEQ_DATA to the folder that holds {name}/.")
    columns = ("word", "pos", "tag") if name == "conll2000" else None
    read = lambda split: read_dataset(FOLDER / name / f"{split}.conll", columns)  # noqa: E731
    if name == "atis":
        return read("train"), read("valid"), read("test")
    return *_cut(*read("train")), read("test")
