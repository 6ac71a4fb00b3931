"""Handwritten words by a convolutional encoder under a chain, trained together; and letter by letter beside it.

Resumable run by run; a run takes some minutes on one core. The settings were chosen on a part of the words outside
fold 0.

    python -m benchmarks.recipes.ocr_cnn run --seeds 3
    python -m benchmarks.recipes.ocr_cnn run --only unseen
    python -m benchmarks.recipes.ocr_cnn table
"""

import json
import time

import torch
import typer

import hybridseq as hs
from benchmarks import report
from benchmarks.ocr import CUTS, file_of, keep, load, percent, shares, splits

FOLDER = report.RESULTS / "ocr_cnn"
SETTINGS = {"max_epochs": 12, "learning_rate": 3e-3, "dropout": 0.1, "constraint": None, "valid_fraction": 0}
OBJECTIVES = {"letter by letter": "cross_entropy", "as a whole": "log_loss"}
app = typer.Typer(add_completion=False, help=__doc__)


def encoder(input_size):
    """A 16 × 8 image at each position, each by itself: what neighbours tell is the chain's business."""
    return hs.nn.ImageEncoder((16, 8), channels=(32, 64, 128), output_size=256, dropout=0.3)


def trainings(words):
    """name -> whether each word trains; the large training set is everything but fold 0."""
    named = splits(words)
    return {
        "fold 0 is the test": ~named["fold 0 trains"],
        "UIC": named["UIC"],
        **{name: train for name, train in named.items() if name.startswith("unseen words")},
    }


def run_one(words, train, objective, seed):
    """Fit on the training words, read the test words."""
    X, y = words.pick(train)
    tagger = hs.SequenceTagger(encoder=encoder, objective=objective, random_state=seed, verbose=0, **SETTINGS)
    begin = time.perf_counter()
    tagger.fit(X, y)
    seconds = time.perf_counter() - begin
    X_test, y_test = words.pick(~train)
    return {**shares(y_test, tagger.predict(X_test)), "seconds": seconds, "threads": torch.get_num_threads()}


@app.command()
def run(seeds: int = 1, only: str = "", threads: int = 2):
    """Run what is not there yet."""
    torch.set_num_threads(threads)
    words = load()
    for seed in range(seeds):
        for split, train in trainings(words).items():
            for way, objective in OBJECTIVES.items():
                path = file_of(FOLDER, split, way, seed)
                if only not in f"{split} {way}" or path.exists():
                    continue
                result = run_one(words, train, objective, seed)
                keep(path, result)
                print(split, way, seed, result, flush=True)


@app.command()
def table():
    """Print the table of the runs that are there."""
    groups = {
        "fold 0 is the test": ["fold 0 is the test"],
        "UIC": ["UIC"],
        "words never seen in training": [f"unseen words {k}" for k in range(CUTS)],
    }
    rows = []
    for title, members in groups.items():
        for way in OBJECTIVES:
            files = [file_of(FOLDER, split, way, seed) for split in members for seed in range(10)]
            found = [json.loads(path.read_text()) for path in files if path.exists()]
            if found:
                figures = [percent([one[what] for one in found]) for what in ("letters", "words")]
                rows.append([title, way, len(found), *figures])
    report.show(
        "convolutional encoder: letters and words right, %", ["split", "read", "runs", "letters", "words"], rows
    )


if __name__ == "__main__":
    app()
