"""Pictures of captions and of digits: is there what was asked for, also in combinations never seen, and is it varied?

Resumable run by run: each run's figures are a file under results/text_to_image, and what is there is not run again.
Captions are read by an oracle that compares a picture with all renderings of all captions; its own errors on real
pictures stand first. Digits are read by a support vector machine that knows real ones only; a quarter of scikit-learn's
1,797 is left to the test, another one for each seed. Settings were chosen on pictures drawn with other seeds, and, for
digits, with a fifth way to split them in view.

    python -m benchmarks.text_to_image run --seeds 3
    python -m benchmarks.text_to_image run --only digits        # those whose name holds "digits"
    python -m benchmarks.text_to_image table                    # the tables from what is there
"""

import json
import statistics
import time
from functools import cache, partial

import numpy as np
import torch
import typer
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.svm import SVC

from benchmarks import report
from benchmarks.ocr import file_of, keep
from hybridseq.datasets.captioned_shapes import (
    draw_captions,
    make_captioned_shapes,
    parse_caption,
    shape_captions,
)
from hybridseq.datasets.shape_oracle import ShapeOracle, picture_spread
from hybridseq.estimators import ConditionalGAN

FOLDER = report.RESULTS / "text_to_image"
#: Pictures to train on, captions asked for in each part, and how many of them are drawn how often for the spread.
PICTURES, ASKED, SPREAD_OF, DRAWS = 30_000, 1000, 100, 20
SHAPES = {"layered": {"generator": "layered", "max_epochs": 10}, "convolutional": {"max_epochs": 8}}
DIGITS = {"max_epochs": 80}
#: What is changed, one at a time, in a model of digits.
ABLATIONS = {
    "spectral norm instead of the penalty": {"spectral": True, "gradient_penalty": 0.0},
    "spectral norm too": {"spectral": True},
    "no gradient penalty": {"gradient_penalty": 0.0},
    "no mismatched pairs": {"mismatch": 0.0},
    "no averaging": {"averaging": 0.0},
    "a slower critic": {"critic_rate": 5e-4},
    "three critic steps": {"critic_steps": 3},
    "squared error beside, annealed to 0": {"anchor": 1.0},
    "concatenated critic": {"critic": "concatenated"},
    "hinge": {"objective": "hinge"},
    "least squares": {"objective": "least_squares"},
    "Wasserstein": {"objective": "wasserstein", "gradient_penalty": 10.0},
}
app = typer.Typer(add_completion=False, help=__doc__)


def asked(part, n, seed):
    """Captions of a part, any as likely as any other."""
    captions = shape_captions(part)
    return [captions[i] for i in np.random.default_rng(seed).integers(len(captions), size=n)]


def oracle_itself(seed):
    """How often the oracle reads real pictures right, and how many a second."""
    captions, images = make_captioned_shapes(3000, part="all", random_state=[seed, 5])
    oracle = ShapeOracle()
    began = time.perf_counter()
    right = oracle.agrees(captions, images)
    return {"accuracy": float(right.mean()), "per_second": len(images) / (time.perf_counter() - began)}


def variety(oracle, captions, drawn):
    """What of a caption's pictures (m, n, …) is varied: standard deviation of places, and variance of sizes left open.

    The latter is 1 where small and large are as frequent, and 0 where a caption always gives the same.
    """
    places, sizes = [], []
    for caption, own in zip(captions, drawn):
        asked, readings = parse_caption(caption), oracle.read(own)
        readings = [r for r in readings if asked.covers(r.scene)]
        if len(readings) < 2:
            continue
        places.append(np.std([r.places for r in readings], 0).mean())
        for k, thing in enumerate(asked.things):
            if thing.size is None:
                large = np.mean([r.scene.things[k].size == "large" for r in readings])
                sizes.append(4 * large * (1 - large))
    return float(np.mean(places)), float(np.mean(sizes))


def measured(gan, seed):
    """A fitted model's accuracy on captions of both parts, and its spread against that of true pictures."""
    oracle, found = ShapeOracle(), {}
    for part in ("seen", "held_out"):
        captions = asked(part, ASKED, [seed, 1])
        drawn = gan.sample(captions, random_state=seed)[:, 0]
        readings = oracle.read(drawn)
        found[part] = float(oracle.agrees(captions, drawn).mean())
        found[f"{part}_error"] = float(np.mean([reading.error for reading in readings]))
        few = captions[:SPREAD_OF]
        true, made = draw_captions(few, DRAWS, random_state=[seed, 2]), gan.sample(few, DRAWS, random_state=seed)
        found[f"{part}_spread"] = float(picture_spread(made).mean() / picture_spread(true).mean())
        pairs = zip(variety(oracle, few, made), variety(oracle, few, true))
        found[f"{part}_places"], found[f"{part}_open_sizes"] = (a / b for a, b in pairs)
    return found


def timed(gan, X, Y):
    """Fit; the seconds by the clock, and those of the processor on all cores together."""
    began = time.perf_counter(), time.process_time()
    gan.fit(X, Y)
    seconds = {"seconds": time.perf_counter() - began[0], "processor_seconds": time.process_time() - began[1]}
    return seconds | {"warnings": gan.warnings_, "history": gan.history_}


def captions(options, seed):
    """A model of captioned shapes, some colours and shapes of which are never shown together."""
    X, Y = make_captioned_shapes(PICTURES, random_state=[seed, 3])
    gan = ConditionalGAN(random_state=seed, verbose=1, **options)
    return timed(gan, X, Y) | measured(gan, seed)


@cache
def digits(seed):
    """Digits and their pictures, to train on and to test; and a classifier of the former."""
    Y, X = load_digits(return_X_y=True)
    Y = (Y / 16).astype(np.float32)
    parts = train_test_split(X, Y, test_size=0.25, random_state=100 + seed, stratify=X)
    reader = SVC(gamma=0.25).fit(parts[2], parts[0])
    return *parts[:2], *(part.reshape(-1, 8, 8) for part in parts[2:]), reader


def digits_asked_for(options, seed):
    """Digit to picture."""
    X, X_test, Y, Y_test, reader = digits(seed)
    gan = ConditionalGAN(random_state=seed, verbose=1, **options)
    found = timed(gan, X, Y)
    drawn = gan.sample(np.arange(10), 100, random_state=seed)
    read = reader.predict(drawn.reshape(-1, 64)).reshape(10, 100)
    real = np.mean([picture_spread(Y_test[X_test == k][None])[0] for k in range(10)])
    return found | {
        "read_as_asked": float((read == np.arange(10)[:, None]).mean()),
        "real_read_right": float(reader.score(Y_test.reshape(-1, 64), X_test)),
        "spread": float(picture_spread(drawn).mean() / real),
    }


def halves(options, seed):
    """Upper half to lower half."""
    _, X_test, Y, Y_test, reader = digits(seed)
    gan = ConditionalGAN(random_state=seed, verbose=1, **options)
    found = timed(gan, Y[:, :4], Y[:, 4:])
    given, true = Y_test[:, :4], Y_test[:, 4:]
    one, several = gan.sample(given, random_state=seed)[:, 0], gan.sample(given, 50, random_state=seed).mean(1)
    whole = np.concatenate([given, one], 1)
    return found | {
        "error_of_one": float(((one - true) ** 2).mean()),
        "error_of_mean": float(((several - true) ** 2).mean()),
        "read_right": float(reader.score(whole.reshape(-1, 64), X_test)),
        "contrast": float(np.abs(one - 0.5).mean() / np.abs(true - 0.5).mean()),
    }


def runs():
    """name -> function of a seed that gives the run's figures."""
    regression = {"training": "regression"}
    return {
        "oracle": oracle_itself,
        **{f"captions {name}": partial(captions, options) for name, options in SHAPES.items()},
        "captions layered regression": partial(captions, {**SHAPES["layered"], **regression, "max_epochs": 4}),
        "digits": partial(digits_asked_for, DIGITS),
        "digits regression": partial(digits_asked_for, {**DIGITS, **regression, "max_epochs": 50}),
        "halves": partial(halves, DIGITS),
        "halves regression": partial(halves, {**DIGITS, **regression, "max_epochs": 50}),
        **{f"changed {name}": partial(digits_asked_for, {**DIGITS, **new}) for name, new in ABLATIONS.items()},
    }


@app.command()
def run(seeds: int = 1, only: str = "", threads: int = 2):
    """Run what is not there yet."""
    torch.set_num_threads(threads)
    for seed in range(seeds):
        for name, measure in runs().items():
            path = file_of(FOLDER, name, seed)
            if only not in name or path.exists():
                continue
            result = {**measure(seed), "threads": threads}
            keep(path, result)
            print(name, seed, {k: v for k, v in result.items() if k != "history"}, flush=True)


def found(name, seeds=10):
    """The figures of a run's seeds that are there."""
    paths = [file_of(FOLDER, name, seed) for seed in range(seeds)]
    return [json.loads(path.read_text()) for path in paths if path.exists()]


def shown(results, key, scale=100, digits=1):
    """Mean, and lowest and highest of several."""
    values = [scale * one[key] for one in results if key in one]
    if not values:
        return ""
    mean = f"{statistics.mean(values):.{digits}f}"
    several = f" ({min(values):.{digits}f} to {max(values):.{digits}f})"
    return mean if len(values) == 1 else mean + several


@app.command()
def table():
    """Print the tables of the runs that are there."""
    rows = []
    for name in runs():
        results = found(name)
        if results and name.startswith("captions"):
            keys = "seen", "held_out", "seen_spread", "held_out_spread", "seen_places", "seen_open_sizes"
            parts = [shown(results, key) for key in keys]
            rows.append([name.removeprefix("captions "), len(results), *parts, shown(results, "seconds", 1 / 60)])
    rows.append(["asked for", "", "95", "85", "80 to 120", "", "", "", "10"])
    real = found("oracle")
    title = "pictures of captions"
    if real:
        title += f"; the oracle reads {shown(real, 'accuracy', digits=2)}% of real ones right"
    heads = ["generator", "seeds", "seen, %", "held out, %", "spread of seen, % of true", "of held out"]
    heads += ["of places", "of open sizes", "minutes"]
    report.show(title, heads, rows)
    rows = []
    for name in ("digits", "digits regression", *(f"changed {name}" for name in ABLATIONS)):
        if results := found(name):
            parts = [shown(results, "read_as_asked"), shown(results, "spread"), shown(results, "seconds", 1 / 60)]
            warned = sum(bool(one["warnings"]) for one in results)
            rows.append([name.removeprefix("changed "), len(results), *parts, warned])
    rows.append(["asked for", "", "95", "", "", ""])
    heads = ["digits", "seeds", "read as asked, %", "spread, % of real", "minutes", "fits with warnings"]
    report.show("digits, and what each stabiliser does", heads, rows)
    rows = []
    for name in ("halves", "halves regression"):
        if results := found(name):
            errors = [shown(results, key, 1, 4) for key in ("error_of_one", "error_of_mean")]
            rows.append([name, len(results), *errors, shown(results, "contrast"), shown(results, "read_right")])
    heads = ["lower half of a digit", "seeds", "squared error of one draw", "of the mean of 50"]
    report.show("halves", [*heads, "contrast, % of real", "digit read right, %"], rows)


if __name__ == "__main__":
    app()
