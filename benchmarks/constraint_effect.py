"""What constraints are worth on real slots: no constraint, in decoding alone, and in training too.

Resumable run by run: each run's figures are a file under results/constraint_effect.

    python -m benchmarks.constraint_effect run --seeds 3
    python -m benchmarks.constraint_effect table
"""

import json
import os
import statistics
import time

import torch
import typer

import hybridseq as hs
from benchmarks import corpora, report
from hybridseq import constraints as C
from hybridseq import metrics

CORPORA = ("atis", "mit_restaurant")
FOLDER = report.RESULTS / "constraint_effect"
app = typer.Typer(add_completion=False, help=__doc__)


def _figures(tagger, X, y, **options):
    result = metrics.summary(y, tagger.predict(X, **options))
    return {"f1": result["f1"], "illegal": result["illegal_transitions"]}


def _runs(corpus, seed, trained):
    """Figures of the models fitted with (``trained``) or without the constraint."""
    (X, y), valid, (X_test, y_test) = corpora.load(corpus)
    options = {"random_state": seed, "unseen_labels": "miss", "verbose": 0}
    begin = time.perf_counter()
    tagger = hs.SequenceTagger(constraint="auto" if trained else None, **options).fit(X, y, *valid)
    found = {"seconds": time.perf_counter() - begin, "valid_f1": tagger.best_score_}
    if trained:
        return {**found, "in training": _figures(tagger, X_test, y_test)}
    rule = C.auto(y)
    return {
        **found,
        "none": _figures(tagger, X_test, y_test),
        "in decoding": _figures(tagger, X_test, y_test, constraint=rule),
    }


@app.command()
def run(seeds: int = 3, threads: int = 2, only: str = ""):
    """Run what is not there yet."""
    torch.set_num_threads(threads)
    FOLDER.mkdir(parents=True, exist_ok=True)
    for seed in range(seeds):
        for corpus in CORPORA:
            for trained in (False, True):
                path = FOLDER / f"{corpus}-{'trained' if trained else 'free'}-{seed}.json"
                if only not in path.name or path.exists():
                    continue
                result = _runs(corpus, seed, trained)
                temporary = path.with_suffix(f".{os.getpid()}")
                temporary.write_text(json.dumps(result))
                os.replace(temporary, path)
                print(path.stem, result, flush=True)


@app.command()
def table():
    """Print the table of the runs that are there."""
    rows = []
    for corpus in CORPORA:
        for way in ("none", "in decoding", "in training"):
            kind = "trained" if way == "in training" else "free"
            runs = [json.loads(path.read_text())[way] for path in sorted(FOLDER.glob(f"{corpus}-{kind}-*.json"))]
            if runs:
                f1 = [100 * run["f1"] for run in runs]
                illegal = statistics.mean(run["illegal"] for run in runs)
                rows.append(
                    [
                        corpus,
                        way,
                        len(runs),
                        f"{statistics.mean(f1):.2f}",
                        f"{min(f1):.2f} to {max(f1):.2f}",
                        f"{illegal:.1f}",
                    ]
                )
    report.show(
        "the scheme's constraint", ["corpus", "constraint", "seeds", "test F1", "spread", "illegal pairs"], rows
    )


if __name__ == "__main__":
    app()
