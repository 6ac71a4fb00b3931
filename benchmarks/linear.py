"""Linear models on hand-made features beside CRFsuite: training to the same objective, passes, tagging, memory, F1.

Each contender trains in a process of its own, in turn, so that memory and threads are its own. Resumable: a figure that
is there is not measured again.

    python -m benchmarks.linear run                # everything
    python -m benchmarks.linear run --only atis    # what has "atis" in its name
    python -m benchmarks.linear table
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import typer

import hybridseq as hs
from benchmarks import corpora, report
from hybridseq.text import TokenTemplates

FOLDER = report.RESULTS / "linear"
ITERATIONS = 200
_WORDS_AND_POS = ("w[0]|c2[0]", "w[0]|c2[-1]", "w[0]|c2[1]", "w[-1]|c2[0]", "w[1]|c2[0]")
#: Templates and penalties (c1, c2) of the F1 table, chosen on valid.
CHOSEN = {
    "atis": (TokenTemplates(before=12), 0.0, 0.1),
    "conll2000": (TokenTemplates(extra=_WORDS_AND_POS), 0.0, 1.0),
    "mit_restaurant": (TokenTemplates(), 0.0, 0.5),
}
app = typer.Typer(add_completion=False, help=__doc__)


def features(sentences):
    """One list of strings a token, the same for both."""
    return TokenTemplates().transform(sentences)


def dictionaries(sentences):
    """What sklearn-crfsuite's users build: a dictionary a token."""
    rows = []
    for sentence in sentences:
        words = ["<s>", "<s>", *(t if isinstance(t, str) else t[0] for t in sentence), "</s>", "</s>"]
        rows.append([_one(words, i) for i in range(2, len(words) - 2)])
    return rows


def _one(words, i):
    word = words[i]
    return {
        "bias": 1.0,
        "word": word,
        "lower": word.lower(),
        "suffix3": word[-3:],
        "suffix2": word[-2:],
        "prefix3": word[:3],
        "digit": word.isdigit(),
        "title": word.istitle(),
        "-1": words[i - 1],
        "+1": words[i + 1],
        "-2": words[i - 2],
        "+2": words[i + 2],
        "-1 0": f"{words[i - 1]} {word}",
        "0 +1": f"{word} {words[i + 1]}",
    }


def _memory(field):
    """Kilobytes of this process: VmRSS now, VmHWM at most since the last call of ``_forget_peak``."""
    status = Path("/proc/self/status").read_text()
    return int(status.split(field + ":")[1].split()[0])


def _forget_peak():
    Path("/proc/self/clear_refs").write_text("5")


def _ours_lbfgs(X, y):
    warm = hs.LinearCRF(max_iterations=2, verbose=0).fit(X[:400], y[:400])
    del warm
    before = _start()
    model = hs.LinearCRF(max_iterations=ITERATIONS, verbose=0)
    model.fit(X, y)
    seconds, grown = _end(before)
    # What precedes the first iteration (reading features) belongs to every point of the curve.
    lag = seconds - model.history_[-1]["seconds"]
    curve = [(lag + entry["seconds"], entry["objective"]) for entry in model.history_]
    return {"seconds": seconds, "megabytes": grown, "curve": curve, "features": len(model.coef_)}


class _Watched:
    """A trainer of CRFsuite that notes when each iteration ended."""

    def __init__(self, algorithm, params):
        import pycrfsuite

        outer = self
        self.curve = []

        class Trainer(pycrfsuite.Trainer):
            def on_iteration(self, log, info):
                outer.curve.append((time.perf_counter(), info.get("loss")))

            def message(self, message):
                super().message(message)

        self.trainer = Trainer(algorithm, params, verbose=True)
        # verbose=True parses each line, which is how iterations are seen; what it prints is of no use here.
        for name in ("on_start", "on_featgen_progress", "on_featgen_end", "on_prepared", "on_prepare_error"):
            setattr(Trainer, name, lambda self, *rest: None)
        Trainer.on_optimization_end = Trainer.on_end = lambda self, *rest: None

    def train(self, X, y):
        for rows, labels in zip(X, y):
            self.trainer.append(rows, labels)
        with tempfile.TemporaryDirectory() as folder:
            self.trainer.train(str(Path(folder) / "model"))


def _peer_lbfgs(X, y):
    _Watched("lbfgs", {"max_iterations": 2}).train(X[:400], y[:400])
    before = _start()
    watched = _Watched("lbfgs", {"c1": 0.0, "c2": 1.0, "max_iterations": ITERATIONS})
    begin = time.perf_counter()
    watched.train(X, y)
    seconds, grown = _end(before)
    curve = [(at - begin, loss) for at, loss in watched.curve]
    return {"seconds": seconds, "megabytes": grown, "curve": curve}


def _start():
    _forget_peak()
    return time.perf_counter(), _memory("VmRSS")


def _end(before):
    seconds = time.perf_counter() - before[0]
    return seconds, (_memory("VmHWM") - before[1]) / 1024


def _ours_perceptron(X, y):
    hs.StructuredPerceptron(1, verbose=0, random_state=0).fit(X[:400], y[:400])
    model = hs.StructuredPerceptron(10, verbose=0, random_state=0).fit(X, y)
    times = [entry["seconds"] for entry in model.history_]
    return {"pass": statistics.median(b - a for a, b in pairwise(times))}


def _peer_perceptron(X, y):
    watched = _Watched("averaged-perceptron", {"max_iterations": 10})
    watched.train(X, y)
    times = [at for at, _ in watched.curve]
    return {"pass": statistics.median(b - a for a, b in pairwise(times))}


def _tagging(X, y):
    """Tokens a second of both from the same dictionaries, in turn."""
    import pycrfsuite

    ours = hs.LinearCRF(max_iterations=10, verbose=0).fit(X, y)
    with tempfile.TemporaryDirectory() as folder:
        watched = _Watched("lbfgs", {"max_iterations": 10})
        for rows, labels in zip(X, y):
            watched.trainer.append(rows, labels)
        path = str(Path(folder) / "model")
        watched.trainer.train(path)
        peer = pycrfsuite.Tagger()
        peer.open(path)
        test = dictionaries(corpora.load("atis")[2][0])
        tokens = sum(map(len, test))
        rounds = []
        for _ in range(9):
            pair = []
            for tag in (lambda: ours.predict(test), lambda: [peer.tag(rows) for rows in test]):
                begin = time.perf_counter()
                tag()
                pair.append(tokens / (time.perf_counter() - begin))
            rounds.append(pair)
    return {"rounds": rounds[1:]}


def _f1(corpus):
    (X, y), _, (X_test, y_test) = corpora.load(corpus)
    templates, c1, c2 = CHOSEN[corpus]
    begin = time.perf_counter()
    model = hs.LinearCRF(c1=c1, c2=c2, verbose=0).fit(templates.transform(X), y)
    seconds = time.perf_counter() - begin
    return {"f1": model.score(templates.transform(X_test), y_test), "seconds": seconds, "weights": len(model.coef_)}


JOBS = {
    **{f"lbfgs-{c}-{who}": (who, "lbfgs", c) for c in ("atis", "conll2000") for who in ("ours", "peer")},
    "perceptron-atis-ours": ("ours", "perceptron", "atis"),
    "perceptron-atis-peer": ("peer", "perceptron", "atis"),
    "tagging-atis": ("both", "tagging", "atis"),
    **{f"f1-{c}": ("ours", "f1", c) for c in CHOSEN},
}


@app.command(hidden=True)
def job(name: str):
    """Measure one figure in this process."""
    who, what, corpus = JOBS[name]
    if what == "f1":
        result = _f1(corpus)
    else:
        X, y = corpora.load(corpus)[0]
        X = (dictionaries if what == "tagging" else features)(X)
        result = _tagging(X, y) if what == "tagging" else globals()[f"_{who}_{what}"](X, y)
    print(json.dumps(result))


@app.command()
def run(only: str = "", rounds: int = 3):
    """Measure what is not there yet, ours and the peer's in turn."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for number in range(rounds):
        for name in JOBS:
            path = FOLDER / f"{name}-{number}.json"
            if only not in name or path.exists() or (name.startswith(("f1", "tagging")) and number):
                continue
            call = [sys.executable, "-m", "benchmarks.linear", "job", name]
            found = subprocess.run(call, capture_output=True, text=True, check=False)
            if found.returncode:
                sys.exit(f"{name}: {found.stderr}")
            temporary = path.with_suffix(f".{os.getpid()}")
            temporary.write_text(found.stdout.splitlines()[-1])
            os.replace(temporary, path)
            print(name, number, found.stdout.splitlines()[-1][:120], flush=True)


def _found(name):
    return [json.loads(path.read_text()) for path in sorted(FOLDER.glob(f"{name}-?.json"))]


def _time_to(curve, target):
    return next((at for at, value in curve if value <= target), None)


def _spread(values, digits=2):
    return f"{statistics.median(values):.{digits}f} [{min(values):.{digits}f}-{max(values):.{digits}f}]"


@app.command()
def table():
    """Print the tables from what is there."""
    rows = []
    for corpus in ("atis", "conll2000"):
        pairs = list(zip(_found(f"lbfgs-{corpus}-ours"), _found(f"lbfgs-{corpus}-peer")))
        if not pairs:
            continue
        finals = [min(value for _, value in pairs[0][i]["curve"]) for i in (0, 1)]
        target = finals[1] * (1 + 1e-4)
        times = [(_time_to(ours["curve"], target), _time_to(peer["curve"], target)) for ours, peer in pairs]
        rows.append(
            [
                f"{corpus}, L-BFGS to the peer's objective + 1e-4",
                f"{finals[0]:.2f}",
                f"{finals[1]:.2f}",
                f"{statistics.median(a for a, _ in times):.1f} s",
                f"{statistics.median(b for _, b in times):.1f} s",
                _spread([b / a for a, b in times]),
                f"{statistics.median(a['megabytes'] for a, _ in pairs):.0f}",
                f"{statistics.median(b['megabytes'] for _, b in pairs):.0f}",
            ]
        )
    pairs = list(zip(_found("perceptron-atis-ours"), _found("perceptron-atis-peer")))
    if pairs:
        ours, peer = ([pair[i]["pass"] for pair in pairs] for i in (0, 1))
        ratios = [b / a for a, b in zip(ours, peer)]
        mine, theirs = (f"{statistics.median(x):.3f} s" for x in (ours, peer))
        rows.append(["atis, a pass of the perceptron", "", "", mine, theirs, _spread(ratios), "", ""])
    for found in _found("tagging-atis"):
        ours, peer = zip(*found["rounds"])
        mine, theirs = (f"{statistics.median(x):,.0f}/s" for x in (ours, peer))
        ratios = [a / b for a, b in found["rounds"]]
        rows.append(["atis, tokens tagged from dictionaries", "", "", mine, theirs, _spread(ratios), "", ""])
    columns = ["", "objective", "CRFsuite's", "ours", "CRFsuite", "ratio", "MiB grown", "CRFsuite's"]
    report.show("linear models beside CRFsuite", columns, rows)
    scores = [(c, found) for c in CHOSEN for found in _found(f"f1-{c}")]
    rows = [[c, *CHOSEN[c][1:], f"{100 * f['f1']:.2f}", f"{f['seconds']:.0f}", f"{f['weights']:,}"] for c, f in scores]
    report.show("test F1", ["corpus", "c1", "c2", "F1", "seconds", "weights"], rows)


if __name__ == "__main__":
    app()
