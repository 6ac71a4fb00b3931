"""Speech recognition against what is asked of it: single digits, joined digits, spelled and spoken commands.

Resumable run by run: each run's figures are a file under results/speech, fitted models are kept beside them, and what
is there is not run again. Weights of paths' parts are chosen on one training speaker by a model that does not know that
speaker. Features are normalised by the mean and variance of all that a speaker says, test recordings included.

    python -m benchmarks.speech run --seeds 3
    python -m benchmarks.speech run --only official             # those whose name holds "official"
    python -m benchmarks.speech run --only theo --every 10      # a tenth of the data, to try things out; kept apart
    python -m benchmarks.speech table                           # the tables from what is there
"""

import copy
import json
import statistics
import time
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np
import torch
import typer

import hybridseq as hs
from benchmarks import corpora, report
from benchmarks.ocr import file_of, keep
from benchmarks.recipes import an4
from hybridseq.datasets import make_connected_digits
from hybridseq.speech.acoustic import HybridModel, make_views
from hybridseq.speech.acoustic.loop import seeded
from hybridseq.speech.recipe import Recipe, make_mask, transcript_graphs
from hybridseq.speech.sequence import (
    phone_denominator,
    phone_sequences,
    train_sequence,
    unit_costs,
    word_denominator,
)
from hybridseq.speech.start import align_all

FOLDER = report.RESULTS / "speech"
SPEAKERS = "george", "jackson", "lucas", "theo", "yweweler"
CRITERIA = "mmi", "boosted_mmi", "lfmmi"
#: How joined digits are tested: noise in decibels below the string, and the shortest and longest gap in seconds.
WAYS = {
    "30 dB": {"snr_db": 30.0, "gap": (0.0, 0.3)},
    "10 dB": {"snr_db": 10.0, "gap": (0.0, 0.3)},
    "long gaps": {"snr_db": 30.0, "gap": (0.3, 1.5)},
}
GRID = {"acoustic_scale": (0.1, 0.2, 0.3, 0.5, 1.0), "word_penalty": (0.0, -2.0, -5.0, -10.0, -20.0, 2.0, 5.0)}
UNDIVIDED = "long gaps, not divided"
app = typer.Typer(add_completion=False, help=__doc__)


@dataclass(frozen=True)
class Split:
    """Recordings of single digits: to train on, to choose weights on (one speaker's), and to test on."""

    train: list
    held: list
    test: list


@cache
def recordings(every):
    """The official split's recordings, each so-manieth of them."""
    return tuple(part[::every] for part in corpora.fsdd())


@dataclass(frozen=True)
class Bench:
    """Which recordings are used, each so-manieth, and where results go."""

    every: int = 1

    @property
    def folder(self):
        return FOLDER if self.every == 1 else FOLDER / f"every_{self.every}"

    def split(self, unseen=None, without_held=False):
        """The official split, or one speaker against the others; ``without_held`` trains on fewer speakers."""
        train, test = recordings(self.every)
        if unseen is not None:
            train, test = train + test, [u for u in train + test if u.speaker == unseen]
        train = [u for u in train if u.speaker != unseen]
        chosen = next(s for s in SPEAKERS if s != unseen)
        held = [u for u in train if u.speaker == chosen]
        return Split([u for u in train if u.speaker != chosen] if without_held else train, held, test)


def joined(digits, n, seed, snr_db, gap):
    """Strings of 3 to 7 digits as utterances, and where their words truly are."""
    rate = digits[0].rate
    words, speakers = [u.words[0] for u in digits], [u.speaker for u in digits]
    options = {"rate": rate, "gap": gap, "snr_db": snr_db, "random_state": seed}
    made = make_connected_digits([u.samples for u in digits], words, speakers, n=n, **options)
    names = [f"joined-{snr_db:g}-{gap[1]:g}-{seed}-{i:04d}" for i in range(n)]
    utterances = [hs.speech.Utterance(id, s.speaker, s.samples, rate, words=s.words) for id, s in zip(names, made)]
    truth = []
    for id, string in zip(names, made):
        spans = [hs.speech.Segment(*span, word) for span, word in zip(string.boundaries, string.words)]
        truth.append(hs.speech.Alignment(id, spans, duration=len(string.samples) / rate))
    return utterances, truth


def cut(utterance, db=30.0):
    """A recording without what is quieter at its ends than so far below its loudest 10 ms."""
    step = utterance.rate // 100
    levels = [np.mean(utterance.samples[i : i + step] ** 2) for i in range(0, len(utterance.samples), step)]
    loud = np.flatnonzero(levels > np.max(levels) * 10 ** (-db / 10))
    return replace(utterance, samples=utterance.samples[loud[0] * step : (loud[-1] + 1) * step])


def with_strings(bench, train):
    """Recordings, and strings of them as quiet and as noisy as the tests are."""
    n = 200 // bench.every
    return train + joined(train, n, 1, **WAYS["30 dB"])[0] + joined(train, n, 2, **WAYS["10 dB"])[0]


def fitted(bench, name, seed, train, **settings):
    """A model of the training utterances, from its folder where it was fitted before; and the seconds it took."""
    path, note = bench.folder / "models" / f"{name}-{seed}".replace(" ", "_"), file_of(bench.folder, "fit", name, seed)
    if note.exists():
        return hs.load(path), json.loads(note.read_text())["seconds"]
    model = hs.SpeechRecognizer(random_state=seed, verbose=0, **settings)
    began = time.perf_counter()
    model.fit(train)
    seconds = time.perf_counter() - began
    path.parent.mkdir(parents=True, exist_ok=True)
    model.save(path)
    keep(note, {"seconds": seconds, "threads": torch.get_num_threads()})
    return model, seconds


def sharpened(model, train, criterion, seed):
    """A fitted model whose network is trained further, on whole utterances: ``SpeechRecognizer(training=criterion)``
    without the cross-entropy training before, which all criteria share."""
    recognizer, rng = model.recognizer_, seeded(seed)
    pipeline, units, ids = recognizer.pipeline, recognizer.units, [u.id for u in train]
    recipe, texts = Recipe(pipeline), [u.words for u in train]
    views, _ = make_views(train, pipeline, recipe.augmentation, rng)
    graphs = transcript_graphs(train, None, units, recognizer.silence_prob)
    acoustic, scales = copy.deepcopy(recognizer.acoustic), recognizer.scales
    options = {"acoustic_scale": scales.acoustic, "mask": make_mask(recipe, pipeline.width), "costs": unit_costs(units)}
    if criterion == "lfmmi":
        spoken = phone_sequences(texts, units, None, rng, recognizer.silence_prob)
        denominator = phone_denominator(spoken, units)
    else:
        denominator = word_denominator(recognizer.grammar, units, silence_prob=recognizer.silence_prob)
        options["word_penalty"] = scales.word_penalty
    aligned = align_all(recognizer.scores(views[0].features), graphs, ids)
    train_sequence(acoustic, views, graphs, denominator, criterion, None, rng, ids=ids, alignments=aligned, **options)
    return exchanged(model, acoustic=acoustic.eval())


def exchanged(model, **parts):
    """The fitted model with other parts of its recogniser."""
    twin = copy.copy(model)
    twin.recognizer_ = replace(model.recognizer_, **parts)
    return twin


def weighed(model, weights):
    """The fitted model with other weights of a path's parts."""
    weights = dict(weights)
    acoustic, scale = model.recognizer_.acoustic, weights.pop("prior_scale", None)
    if scale is not None:
        acoustic = HybridModel(acoustic.network, acoustic.prior.scaled(scale)).eval()
    names = {"acoustic_scale": "acoustic", "word_penalty": "word_penalty"}
    scales = replace(model.recognizer_.scales, **{names[name]: value for name, value in weights.items()})
    return exchanged(model, scales=scales, acoustic=acoustic)


def best_weights(model, utterances, **grid):
    """The weights with the fewest errors: one chosen after the other, at the values chosen before."""
    chosen = {name: values[0] for name, values in grid.items() if len(values) == 1}
    for name, values in grid.items():
        others = {other: (value,) for other, value in chosen.items() if other != name}
        tried = copy.copy(model).tune(utterances, **others, **{name: values}).tuning_
        chosen[name] = min(tried, key=lambda row: row["errors"])[name]
    return chosen


def chosen_weights(bench, unseen, criterion=None):
    """Weights for each way to test, from one training speaker's strings and a model of the other speakers."""
    name = f"{unseen or 'shared'} {criterion or 'cross_entropy'}"
    path = file_of(bench.folder, "weights", name)
    if path.exists():
        return json.loads(path.read_text())
    split = bench.split(unseen, without_held=True)
    train = with_strings(bench, split.train)
    model, _ = fitted(bench, f"joined {unseen or 'shared'} for weights", 0, train)
    n = 100 // min(bench.every, 5)
    usual = [u for way in ("30 dB", "10 dB") for u in joined(split.held, n, 3, **WAYS[way])[0]]
    if criterion is not None:
        model = weighed(model, chosen_weights(bench, unseen)["usual"])
        model = sharpened(model, train, criterion, 0)
    found = {"usual": best_weights(model, usual, **GRID)}
    if criterion is None:
        gaps = joined(split.held, n, 4, **WAYS["long gaps"])[0]
        found["long gaps"] = best_weights(model, gaps, prior_scale=(1.0,), **GRID)
        found[UNDIVIDED] = best_weights(model, gaps, prior_scale=(0.0,), **GRID)
    keep(path, found)
    return found


def counted(errors):
    """What is kept of word errors: (N, 4) counts, see ``WordErrors``."""
    return errors.counts.tolist()


def single(bench, unseen, acoustic, seed):
    """Single digits."""
    split = bench.split(unseen)
    grammar = hs.speech.NGramModel.single_word({u.words[0] for u in split.train})
    name = f"single {unseen or 'official'} {acoustic}"
    model, seconds = fitted(bench, name, seed, split.train, acoustic=acoustic, lm=grammar)
    counts = counted(model.evaluate(split.test))
    return {"counts": counts, "seconds": seconds, "real_time_factor": model.real_time_factor_}


def strings(bench, unseen, seed):
    """Joined digits: in quiet, in noise, and with long gaps, divided by the prior or not."""
    split, weights = bench.split(unseen), chosen_weights(bench, unseen)
    model, seconds = fitted(bench, f"joined {unseen or 'shared'}", seed, with_strings(bench, split.train))
    usual = weighed(model, weights["usual"])
    models = {
        "30 dB": usual,
        "10 dB": usual,
        "long gaps": weighed(model, weights["long gaps"]),
        UNDIVIDED: weighed(model, weights[UNDIVIDED]),
    }
    result, n = {"seconds": seconds, "weights": weights}, 200 // min(bench.every, 5)
    for way, one in models.items():
        tests, _ = joined(split.test, n, 5, **WAYS[way.split(",")[0]])
        result[way] = counted(one.evaluate(tests))
        if way == "30 dB":
            result["real_time_factor"] = one.real_time_factor_
    return result


def boundaries(bench, seed):
    """Where the words of joined digits are; also of digits cut of their own silence."""
    split = bench.split()
    model, _ = fitted(bench, "joined shared", seed, with_strings(bench, split.train))
    result = {}
    for name, digits in {"whole": split.test, "cut": [cut(u) for u in split.test]}.items():
        tests, truth = joined(digits, 200 // min(bench.every, 5), 5, **WAYS["30 dB"])
        result[name] = hs.speech.boundary_errors(model.align(tests, strict=True), truth).to_dict()
    return result


def sequence(bench, unseen, criterion, seed):
    """Joined digits in quiet by a network that was trained further on whole utterances."""
    split = bench.split(unseen)
    train = with_strings(bench, split.train)
    model, _ = fitted(bench, f"joined {unseen}", seed, train)
    weights = chosen_weights(bench, unseen, criterion)["usual"]
    began = time.perf_counter()
    model = sharpened(weighed(model, chosen_weights(bench, unseen)["usual"]), train, criterion, seed)
    seconds = time.perf_counter() - began
    tests, _ = joined(split.test, 200 // min(bench.every, 5), 5, **WAYS["30 dB"])
    return {"30 dB": counted(weighed(model, weights).evaluate(tests)), "seconds": seconds, "weights": weights}


def commands(bench, kind, seed):
    """AN4, an eighth of the speakers held out."""
    utterances, lexicon = corpora.an4()
    train, test = corpora.split_by_speaker(utterances)
    train = train[:: bench.every]
    path = file_of(bench.folder, "weights", f"an4 {kind}")
    if not path.exists():
        keep(path, an4.choose_scales(kind, train, lexicon, 0)[0])
    weights = json.loads(path.read_text())
    began = time.perf_counter()
    model = an4.make(kind, lexicon, seed, **weights).fit(train)
    seconds = time.perf_counter() - began
    return {"counts": counted(model.evaluate(test)), "seconds": seconds, "weights": weights}


def runs(bench):
    """name -> function of a seed that gives the run's figures."""
    return {
        **{f"single official {a}": partial(single, bench, None, a) for a in ("gmm", "hybrid")},
        **{f"single {s} {a}": partial(single, bench, s, a) for a in ("gmm", "hybrid") for s in SPEAKERS},
        "joined shared": partial(strings, bench, None),
        "boundaries": partial(boundaries, bench),
        **{f"joined {s}": partial(strings, bench, s) for s in SPEAKERS},
        **{f"an4 {kind}": partial(commands, bench, kind) for kind in an4.MODELS},
        **{f"joined {s} {c}": partial(sequence, bench, s, c) for c in CRITERIA for s in SPEAKERS},
    }


@app.command()
def run(seeds: int = 1, only: str = "", every: int = 1, threads: int = 2):
    """Run what is not there yet."""
    torch.set_num_threads(threads)
    bench = Bench(every)
    for seed in range(seeds):
        for name, measure in runs(bench).items():
            path = file_of(bench.folder, name, seed)
            if only not in name or path.exists():
                continue
            result = {**measure(seed), "threads": threads}
            keep(path, result)
            short = {key: shown(value) for key, value in result.items()}
            print(name, seed, short, flush=True)


def shown(value):
    """Counts as a rate."""
    return f"{rate(np.array(value)):.2%}" if isinstance(value, list) else value


def rate(counts):
    """Errors a word of counts (N, 4)."""
    return counts[:, 1:].sum() / counts[:, 0].sum()


@dataclass(frozen=True)
class Row:
    """A line of the table: which runs, which of their figures, and what is asked for."""

    title: str
    floor: str
    target: str
    members: tuple
    key: str = "counts"


def found(folder, members, seed):
    """The figures of all runs of a seed; None where one is missing."""
    paths = [file_of(folder, name, seed) for name in members]
    return [json.loads(path.read_text()) for path in paths] if all(path.exists() for path in paths) else None


def by_seed(folder, members, seeds=10):
    """The figures of the seeds that are complete."""
    return [one for seed in range(seeds) if (one := found(folder, members, seed)) is not None]


def spread(values, unit=100.0, digits=2):
    """Mean over seeds, and the lowest and highest where there are several."""
    mean = f"{unit * statistics.mean(values):.{digits}f}"
    if len(values) == 1:
        return mean
    return f"{mean} ({unit * min(values):.{digits}f} to {unit * max(values):.{digits}f})"


def pooled(results, key):
    """Counts of the utterances of all members, (N, 4)."""
    return np.concatenate([np.array(one[key]) for one in results])


@app.command()
def table(every: int = 1):
    """Print the tables of the runs that are there."""
    bench = Bench(every)
    single_unseen, joined_unseen = (tuple(f"{kind} {s}" for s in SPEAKERS) for kind in ("single", "joined"))
    rows = [
        Row("FSDD official, GMM-HMM", "2.3", "", ("single official gmm",)),
        Row("FSDD official", "2.3", "1.0", ("single official hybrid",)),
        Row("FSDD, unseen speaker, GMM-HMM", "8.5 / 17", "", tuple(f"{m} gmm" for m in single_unseen)),
        Row("FSDD, unseen speaker", "8.5 / 17", "5 / 12", tuple(f"{m} hybrid" for m in single_unseen)),
        Row("joined, 30 dB", "2.3", "1.0", ("joined shared",), "30 dB"),
        Row("joined, 10 dB", "7.8", "3", ("joined shared",), "10 dB"),
        Row("joined, 30 dB, unseen speaker", "13.5", "7", joined_unseen, "30 dB"),
        Row("AN4, GMM-HMM", "", "12", ("an4 gmm",)),
        Row("AN4, hybrid", "", "7.4", ("an4 hybrid",)),
    ]
    lines = [line for row in rows if (line := _errors(bench, row))]
    columns = ["word errors, %", "seeds", "mean (lowest to highest)", "worst speaker", "plain HMM", "at most", ""]
    report.show("errors; normalised by speaker, test recordings included", columns, lines)
    report.show(
        "paired bootstrap over the utterances, errors of the seeds added up, speakers unseen",
        ["what", "seeds", "errors, %", "instead of", "change, %", "95% interval", "asked for"],
        _comparisons(bench, joined_unseen),
    )
    report.show("time and boundaries", ["what", "seeds", "found", "at most"], _measures(bench))


def _errors(bench, row):
    results = by_seed(bench.folder, row.members)
    if not results:
        return None
    means = [rate(pooled(one, row.key)) for one in results]
    worst = [max(rate(np.array(member[row.key])) for member in one) for one in results]
    reached = ""
    if row.target:
        limits = [float(part) for part in row.target.split("/")]
        figures = [100 * statistics.mean(means), 100 * statistics.mean(worst)][: len(limits)]
        reached = "reached" if all(a <= b for a, b in zip(figures, limits)) else "missed"
    several = spread(worst) if len(row.members) > 1 else ""
    return [row.title, len(results), spread(means), several, row.floor, row.target, reached]


def _comparisons(bench, members):
    lines = []
    pairs = [(f"{c} against cross-entropy", "30 dB", c, "30 dB", "-20") for c in CRITERIA]
    pairs.append(("dividing by priors against not, gaps of 0.3 to 1.5 s", "long gaps", "", UNDIVIDED, "-10"))
    for title, key, criterion, base_key, target in pairs:
        names = [f"{m} {criterion}".strip() for m in members]
        seeds = [s for s in range(10) if found(bench.folder, names, s) and found(bench.folder, members, s)]
        if not seeds:
            continue
        new = sum(pooled(found(bench.folder, names, s), key) for s in seeds)
        base = sum(pooled(found(bench.folder, members, s), base_key) for s in seeds)
        own, other = (hs.speech.WordErrors(x, ((),) * len(x)) for x in (base, new))
        c = own.compare(other)
        interval = f"{100 * c.low:+.0f} to {100 * c.high:+.0f}"
        change = f"{100 * c.relative:+.1f}"
        lines.append([title, len(seeds), f"{100 * other.wer:.2f}", f"{100 * own.wer:.2f}", change, interval, target])
    return lines


def _measures(bench):
    lines = []
    if results := by_seed(bench.folder, ["single official hybrid"]):
        title = f"FSDD, flat start and cross-entropy, seconds on {results[0][0]['threads']} threads"
        lines.append([title, len(results), spread([r["seconds"] for (r,) in results], 1, 0), "90"])
    if results := by_seed(bench.folder, ["joined shared"]):
        factors = [r["real_time_factor"] for (r,) in results]
        title = f"decoding joined digits, features included, share of real time, {results[0][0]['threads']} threads"
        lines.append([title, len(results), spread(factors, 1, 4), "0.01"])
    if results := by_seed(bench.folder, ["boundaries"]):
        for key, digits in {"whole": "digits", "cut": "digits cut of their own silence"}.items():
            for name, title, target in (("mean", "mean error", "20"), ("percentile_95", "95%", "50")):
                values = [r[key][name] for (r,) in results]
                title = f"word boundaries of joined {digits}, 30 dB, {title}, ms"
                lines.append([title, len(results), spread(values, 1000, 1), target])
    return lines


if __name__ == "__main__":
    app()
