"""Sets of labels on Bibtex: example-F1 of every training, throughput of answers, spread over seeds.

Resumable run by run: each run's figures are a file under results/multilabel, and what is there is not run again. The
threshold and the epoch are chosen on a tenth of the training rows, which the seed draws; all settings are the
estimator's defaults, which were chosen on a part of Bibtex's and Yeast's training rows.

    python -m benchmarks.multilabel run --seeds 3
    python -m benchmarks.multilabel run --only "bibtex infnet" --seeds 10    # stability
    python -m benchmarks.multilabel table                                    # the tables from what is there
"""

import json
import statistics
import time
from functools import partial

import numpy as np
import scipy.sparse
import torch
import typer

from benchmarks import corpora, report
from benchmarks.ocr import file_of, keep
from hybridseq.adversarial.multilabel import BitGenerator, BitScore, LocalTerms
from hybridseq.adversarial.multilabel.ascent import entropic_ascent
from hybridseq.estimators import EnergyMultiLabel
from hybridseq.estimators.energy_rows import Rows
from hybridseq.inference.gradient_ascent import gradient_ascent

FOLDER = report.RESULTS / "multilabel"
TRAININGS = "cross_entropy", "spen", "infnet", "value"
#: Bibtex, example-F1 in percent: as published, as reproduced by others, and what is asked for.
KNOWN = {
    "cross_entropy": ("38.9", "38.9", 38.5),
    "spen": ("42.2", "41.6", None),
    "infnet": ("42.2", "42.2", 42.2),
    "value": ("44.7", "44.9", 44.5),
}
app = typer.Typer(add_completion=False, help=__doc__)


def load(name):
    """``(X_train, Y_train, X_test, Y_test)``; Yeast's features with mean 0 and deviation 1 in training."""
    with np.load(corpora.folder(name) / f"{name}.npz") as data:
        parts = [data[key] for key in ("X_train", "Y_train", "X_test", "Y_test")]
    if name == "yeast":
        mean, deviation = parts[0].mean(0), parts[0].std(0)
        parts[0], parts[2] = (parts[0] - mean) / deviation, (parts[2] - mean) / deviation
    return parts


def measure(name, training, seed):
    """One training, by its defaults."""
    X, Y, X_test, Y_test = load(name)
    model = EnergyMultiLabel(training, random_state=seed, verbose=0)
    began = time.perf_counter()
    model.fit(X, Y)
    seconds = time.perf_counter() - began
    began = time.perf_counter()
    f1 = model.score(X_test, Y_test)
    rows_per_second = len(X_test) / (time.perf_counter() - began)
    exact = float((model.predict(X_test) == Y_test).all(1).mean())
    return {
        "f1": f1,
        "exact": exact,
        "held_out": model.best_score_,
        "threshold": model.threshold_,
        "seconds": seconds,
        "rows_per_second": rows_per_second,
    }


def fastest(function, seconds=2.0):
    """The least seconds of a call, of at least three."""
    best, began = float("inf"), time.perf_counter()
    for count in range(1000):
        start = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - start)
        if count >= 2 and time.perf_counter() - began > seconds:
            break
    return best


@torch.no_grad()
def throughput(seed):
    """Rows a second at Bibtex's size: an answering network against ascents of F, for single rows and for batches.

    Features of x are computed once in every ascent. Weights are random: they do not change what there is to compute.
    """
    X = load("bibtex")[2][:512].astype(np.float32)
    model = EnergyMultiLabel()
    torch.manual_seed(seed)
    local = LocalTerms(X.shape[1], 159, model.hidden_sizes, model.dropout)
    score, generator = BitScore(local, model.num_patterns).eval(), BitGenerator(local).eval()
    steps, rate = model.inference_steps, model.inference_rate
    ways = {
        "one pass": generator,
        f"mirror ascent in closed form, {steps} steps": lambda x: entropic_ascent(score.at(x), steps, rate),
        "gradient_ascent, 50 steps": lambda x: gradient_ascent(score.at(x), steps=50),
    }
    dense, sparse = Rows(X), Rows(scipy.sparse.csr_matrix(X))
    batches = {
        f"{size} {kind}": next(Rows(rows.X[:size]).in_order())
        for kind, rows in (("dense", dense), ("sparse", sparse))
        for size in (1, 512)
    }
    return {
        way: {name: x.shape[0] / fastest(partial(answer, x)) for name, x in batches.items()}
        for way, answer in ways.items()
    }


def runs():
    """name -> function of a seed that gives the run's figures."""
    named = {f"{name} {t}": partial(measure, name, t) for name in ("bibtex", "yeast") for t in TRAININGS}
    return {**named, "throughput": throughput}


@app.command()
def run(seeds: int = 1, only: str = "", threads: int = 1):
    """Run what is not there yet."""
    torch.set_num_threads(threads)
    for seed in range(seeds):
        for name, function in runs().items():
            path = file_of(FOLDER, name, seed)
            if only not in name or path.exists():
                continue
            result = {**function(seed), "threads": threads}
            keep(path, result)
            print(name, seed, result, flush=True)


def results(name, seeds=10):
    """What is there of a run, seed by seed."""
    paths = [file_of(FOLDER, name, seed) for seed in range(seeds)]
    return [json.loads(path.read_text()) for path in paths if path.exists()]


def spread(values, unit=100.0, digits=1):
    """Mean, and the lowest and highest where there are several."""
    mean = f"{unit * statistics.mean(values):.{digits}f}"
    return mean if len(values) == 1 else f"{mean} ({unit * min(values):.{digits}f} to {unit * max(values):.{digits}f})"


@app.command()
def table():
    """Print the tables of the runs that are there."""
    for name in ("bibtex", "yeast"):
        lines = []
        for training in TRAININGS:
            found = results(f"{name} {training}")
            if not found:
                continue
            published, reproduced, target = KNOWN[training] if name == "bibtex" else ("", "", None)
            mean = 100 * statistics.mean(r["f1"] for r in found)
            reached = "" if target is None else "reached" if mean >= target else "missed"
            figures = [spread([r[key] for r in found]) for key in ("f1", "exact")]
            seconds = spread([r["seconds"] for r in found], 1, 0)
            lines.append([training, len(found), *figures, published, reproduced, target or "", reached, seconds])
        columns = ["training", "seeds", "test F1, %", "exact sets, %", "published", "by others", "at least", "", "s"]
        report.show(f"{name}: F1 an example, mean (lowest to highest)", columns, lines)
    if found := results("throughput"):
        ways = [way for way in found[0] if way != "threads"]
        sizes = list(found[0][ways[0]])
        best = {way: {size: max(r[way][size] for r in found) for size in sizes} for way in ways}
        lines = [
            [way, *(f"{best[way][size]:.0f} ({best[ways[0]][size] / best[way][size]:.1f})" for size in sizes)]
            for way in ways
        ]
        columns = ["rows a second (one pass is faster, times)", *sizes]
        report.show("throughput at Bibtex's size", columns, lines)


if __name__ == "__main__":
    app()
