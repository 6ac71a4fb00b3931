"""Generators as inference: a frozen chain searched by a network, F with a term over all labels, and what each
stabiliser does.

Resumable run by run: each run's figures are a file under results/adversarial, fitted chains are kept beside them.

    python -m benchmarks.adversarial run --seeds 3
    python -m benchmarks.adversarial run --only frozen            # those whose name holds "frozen"
    python -m benchmarks.adversarial table

The rows of bits and of pictures are those of benchmarks.multilabel and benchmarks.text_to_image.
"""

import copy
import json
import statistics
import time
from functools import partial

import numpy as np
import torch
import typer

import hybridseq as hs
from benchmarks import corpora, report
from benchmarks.ocr import file_of, keep
from hybridseq import metrics
from hybridseq.adversarial.labels import LabelGenerator, UnrolledMeanField
from hybridseq.adversarial.recipe import TwoPlayers
from hybridseq.adversarial.train import train_two_players
from hybridseq.inference import (
    ChainScore,
    beam,
    gradient_ascent,
    icm,
    mean_field,
    refine,
    search_error,
)
from hybridseq.training.batches import SentenceDataset, by_length

FOLDER = report.RESULTS / "adversarial"
app = typer.Typer(add_completion=False, help=__doc__)


def chain(corpus, seed):
    """A tagger whose chain knows no constraint, from its folder where it was fitted before."""
    path = FOLDER / "models" / f"{corpus}-{seed}"
    if path.exists():
        return hs.load(path)
    train, valid, _ = corpora.load(corpus)
    tagger = hs.SequenceTagger(constraint=None, max_epochs=15, unseen_labels="miss", random_state=seed, verbose=0)
    tagger.fit(*train, *valid).save(path)
    return tagger


def batches_of(tagger, X):
    """Sentences in batches of like length, with what the network takes and the emissions it gives."""
    network = tagger.network_.eval()
    encoded = tagger.input_.encode(X)
    dataset, found = SentenceDataset(encoded), []
    with torch.no_grad():
        for indices in by_length(encoded.lengths, 1000):
            inputs = dataset[indices][0].inputs
            found.append((indices, {**inputs, "emissions": network.score_labels(**inputs)}))
    return found


class OnEmissions(torch.nn.Module):
    """The chains of a layer whose emissions have been computed."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, emissions, lengths, **others):
        return self.layer(emissions, lengths=lengths)


def trained(generator, critic, data, targets, seed, **settings):
    """A generator that learned to search F on training batches."""
    recipe = TwoPlayers("perceptron", critic_rate=None, schedule="cosine", **settings)
    pairs = [(x, y) for (_, x), y in zip(data, targets)]
    return train_two_players(
        generator, critic, lambda rng: [pairs[i] for i in rng.permutation(len(pairs))], recipe, seed=seed
    ).generator


class TokenGenerator(LabelGenerator):
    """A generator of tokens, given batches that also hold emissions."""

    def logits(self, x, z=None, head="plain"):
        return super().logits({name: value for name, value in x.items() if name != "emissions"}, z, head)


def frozen(seed):
    """A chain that is not trained further: what each search misses, its F1 and its time."""
    train, _, test = corpora.load("atis")
    tagger = chain("atis", seed)
    names, layer = tagger.labels_.labels, tagger.network_.structure
    critic = ChainScore(OnEmissions(layer)).requires_grad_(False)
    data, tests = batches_of(tagger, train[0]), batches_of(tagger, test[0])
    known = set(names)
    gold = [torch.from_numpy(np.array([names.index(t) if t in known else 0 for t in y])) for y in train[1]]
    gold = [
        torch.nn.utils.rnn.pad_sequence([gold[i] for i in indices], batch_first=True, padding_value=-100)
        for indices, _ in data
    ]
    best = [critic.at(x).structure.decode() for _, x in data]
    unrolled = partial(UnrolledMeanField, layer)
    options = {"generator_rate": 3e-3, "anchor": 0.0, "epochs": 5}
    alone = {"generator_rate": 3e-3, "anchor": 1.0, "anchor_end": 1.0, "score_weight": 0.0, "epochs": 5}
    reader = TokenGenerator(tagger.network_)
    tokens = {"generator_rate": 5e-4, "anchor": 3.0, "anchor_end": 3.0, "epochs": 5}
    generators = {
        "mean field unrolled, as it starts": unrolled(),
        "mean field unrolled, cross-entropy only": trained(unrolled(), critic, data, gold, seed, **alone),
        "mean field unrolled, trained on F": trained(unrolled(), critic, data, gold, seed, **options),
        "BiLSTM generator, cross-entropy only": trained(
            copy.deepcopy(reader), critic, data, gold, seed, **{**tokens, "score_weight": 0.0}
        ),
        "BiLSTM generator, trained on F": trained(copy.deepcopy(reader), critic, data, best, seed, **tokens),
    }
    peer = layer.to_torchcrf().eval()
    searches = {
        "Viterbi": lambda f, x: f.structure.decode(),
        "Viterbi, pytorch-crf": lambda f, x: _decoded_by(peer, x),
        "argmax per token": lambda f, x: f.space.harden(f.space.squash(x["emissions"])),
        "iterated conditional modes": lambda f, x: icm(f),
        "mean field": lambda f, x: f.space.harden(mean_field(f)),
        "beam of 4": lambda f, x: beam(f, width=4),
        "gradient ascent, cold": lambda f, x: gradient_ascent(f),
        **{name: partial(_answer, g) for name, g in generators.items()},
    }
    trained_on_f = generators["mean field unrolled, trained on F"]
    searches["gradient ascent from the generator"] = lambda f, x: gradient_ascent(f, _answer(trained_on_f, f, x))
    searches["refined from the generator"] = lambda f, x: refine(f, _answer(trained_on_f, f, x))
    return {name: _judged(search, critic, tests, test[1], names) for name, search in searches.items()}


def _answer(generator, f, x):
    return f.space.harden(generator(x))


def _decoded_by(peer, x):
    inside = torch.arange(x["emissions"].shape[1]) < x["lengths"][:, None]
    rows = [torch.tensor(row) for row in peer.decode(x["emissions"], mask=inside)]
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=-100)


def _judged(search, critic, tests, y, names):
    """Gap, share solved, F1, and the least of three times for all test sentences."""
    seconds, answers, reports = [], [], []
    with torch.no_grad():
        for round_ in range(3):
            began = time.perf_counter()
            found = [search(critic.at(x), x) for _, x in tests]
            seconds.append(time.perf_counter() - began)
            if not round_:
                answers = found
        reports = [search_error(critic.at(x), answer, exact=True) for (_, x), answer in zip(tests, answers)]
    said = [None] * len(y)
    for (indices, x), answer in zip(tests, answers):
        for row, i, length in zip(answer.tolist(), indices, x["lengths"].tolist()):
            said[i] = [names[k] for k in row[:length]]
    return {
        "relative_gap": float(torch.cat([r.relative_gaps for r in reports]).mean()),
        "solved": float(torch.cat([r.solved for r in reports]).float().mean()),
        "f1": metrics.span_f1(y, said),
        "milliseconds": 1000 * min(seconds),
    }


def whole(term, seed):
    """F with a term over all labels beside the chain that it starts from; and the same generator alone."""
    train, valid, test = corpora.load("atis")
    start = chain("atis", seed)
    alone = term == "cross-entropy only"
    model = hs.AdversarialTagger(
        objective="cross_entropy" if alone else "margin_rescaled",
        term=term if term in TERMS else None,
        unseen_labels="miss",
        random_state=seed,
        verbose=0,
    )
    began = time.perf_counter()
    model.fit(*train, *valid, chain=start)
    result = {"seconds": time.perf_counter() - began, "valid_f1": model.best_score_, "best_epoch": model.best_epoch_}
    for name, data in (("chain_f1", test), ("chain_valid_f1", valid)):
        result[name] = metrics.span_f1(data[1], start.predict(data[0], model.constraint_))
    for way in {"chain": WAYS, "cross-entropy only": ("one_pass",)}.get(term, WAYS[:2]):
        result[way] = model.set_params(inference=way).score(*test)
    if not alone:
        known = set(model.classes_)
        told = [i for i, labels in enumerate(test[1]) if known.issuperset(labels)]
        X, y = ([part[i] for i in told] for part in test)
        result["faults"] = faults(model.set_params(inference="one_pass").search_error(X, y))
    return result


def faults(reports):
    """Whose fault the wrong answers of one pass are, as shares of the sentences."""
    names = "right", "search_faults", "model_faults"
    return {name: float(torch.cat([getattr(r, name) for r in reports]).float().mean()) for name in names}


#: What is changed, one at a time.
ABLATIONS = {
    "default": {},
    "cross-entropy only": {"objective": "cross_entropy"},
    "F fixed": {"critic_rate": None},
    "no anchor": {"anchor": 0.0, "anchor_end": 0.0},
    "anchor of 10": {"anchor": 10.0, "anchor_end": 10.0},
    "anchor annealed to 0": {"anchor_end": 0.0},
    "one head": {"two_heads": False},
    "no passes over neighbours": {"passes": 0},
    "one learning rate": {"critic_rate": 5e-4},
    "one learning rate, searched": {"critic_rate": 5e-4, "search_sweeps": 2},
    "three critic steps": {"critic_steps": 3},
    "answers with dropout": {"dropout_in_answers": True},
    "no averaging": {"generator_averaging": 0.0},
    "gradient penalty": {"gradient_penalty": 1e-3},
    "mismatched pairs": {"mismatch": 0.5},
    "entropy rewarded": {"entropy_bonus": 0.1},
    "entropy punished": {"entropy_bonus": -0.1},
    "hinge for the generator too": {"truncate_generator": True},
    "no hinge": {"truncate_critic": False},
    "slack rescaled": {"objective": "slack_rescaled"},
    "contrastive": {"objective": "contrastive"},
    "perceptron": {"objective": "perceptron"},
    "non-saturating GAN": {"objective": "non_saturating"},
    "hinge GAN": {"objective": "hinge"},
    "least-squares GAN": {"objective": "least_squares"},
    "Wasserstein GAN": {"objective": "wasserstein", "gradient_penalty": 1e-2},
    "NCE ranking": {"objective": "nce_ranking"},
    "softmax": {"relaxation": "softmax"},
    "softmax, temperature 0.3": {"relaxation": "softmax", "temperature": 0.3},
    "Gumbel": {"relaxation": "gumbel"},
    "Gumbel, straight through": {"relaxation": "gumbel_straight_through"},
}


def ablation(name, seed):
    """One setting changed, on few sentences, from the same chain: F1 of one pass and of F's own argmax, on held-out
    sentences of the training part."""
    (X, y), _, _ = corpora.load("mit_restaurant")
    order = np.random.default_rng(seed).permutation(len(X))[:3000].tolist()
    parts = [([X[i] for i in ids], [y[i] for i in ids]) for ids in (order[:1500], order[1500:2000], order[2000:])]
    settings = {"hidden_size": 100, "word_size": 60, "char_encoder": None, "random_state": seed, "verbose": 0}
    path = FOLDER / "models" / f"few-{seed}"
    if not path.exists():
        hs.SequenceTagger(constraint=None, max_epochs=40, **settings).fit(*parts[0], *parts[1]).save(path)
    model = hs.AdversarialTagger(**settings, **ABLATIONS[name]).fit(*parts[0], *parts[1], chain=hs.load(path))
    result = {"one_pass": model.score(*parts[2]), "warnings": model.warnings_}
    if ABLATIONS[name].get("objective") != "cross_entropy":
        result["exact"] = model.set_params(inference="exact").score(*parts[2])
        reports = model.set_params(inference="one_pass").search_error(*parts[2])
        result["relative_gap"] = float(torch.cat([r.relative_gaps for r in reports]).mean())
    return result


WAYS = "one_pass", "refined", "exact"
TERMS = "language_model", "cnn", "attention"
WHOLE = "chain", *TERMS, "cross-entropy only"


def runs():
    """name -> function of a seed that gives the run's figures."""
    return {
        "frozen chain": frozen,
        **{f"whole {term}": partial(whole, term) for term in WHOLE},
        **{f"ablation {name}": partial(ablation, name) for name in ABLATIONS},
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
            print(name, seed, result, flush=True)


def results(name):
    """The figures of a run's seeds."""
    paths = (file_of(FOLDER, name, seed) for seed in range(10))
    return [json.loads(path.read_text()) for path in paths if path.exists()]


def mean(values, unit=100, digits=2):
    """The mean, and the range where there are several."""
    values = [unit * v for v in values]
    spread = f" ({min(values):.{digits}f} to {max(values):.{digits}f})" if len(values) > 1 else ""
    return f"{statistics.mean(values):.{digits}f}{spread}"


@app.command()
def table():
    """Print the tables of the runs that are there."""
    if found := results("frozen chain"):
        rows = [
            [
                name,
                mean([r[name]["relative_gap"] for r in found], 100, 3),
                mean([r[name]["solved"] for r in found]),
                mean([r[name]["f1"] for r in found]),
                mean([r[name]["milliseconds"] for r in found], 1, 0),
            ]
            for name in found[0]
            if name != "threads"
        ]
        columns = ["search", "relative gap, %", "solved exactly, %", "test F1", "ms for all sentences, best of 3"]
        report.show(f"ATIS, a chain that stays as it is, {len(found)} seeds", columns, rows)
    rows = []
    for term in WHOLE:
        if found := results(f"whole {term}"):
            ways = [
                mean([r[way] for r in found]) if way in found[0] else "" for way in ("one_pass", "refined", "exact")
            ]
            shares = [found[0].get("faults", {}).get(key, "") for key in ("search_faults", "model_faults")]
            if shares[0] != "":
                shares = [mean([r["faults"][key] for r in found]) for key in ("search_faults", "model_faults")]
            before = [mean([r[key] for r in found]) for key in ("chain_f1", "chain_valid_f1")]
            seconds = mean([r["seconds"] for r in found], 1, 0)
            rows.append(
                [term, len(found), before[0], *ways, *shares, before[1], mean([r["valid_f1"] for r in found]), seconds]
            )
    columns = [
        "F",
        "seeds",
        "test F1, chain before",
        "one pass",
        "refined",
        "exact",
        "search faults, %",
        "model faults, %",
    ]
    columns += ["valid F1, chain before", "one pass", "seconds"]
    report.show("ATIS, F with a term over all labels", columns, rows)
    rows = []
    for name in ABLATIONS:
        if found := results(f"ablation {name}"):
            keys = ("one_pass", 2), ("exact", 2), ("relative_gap", 3)
            cells = [mean([r[key] for r in found], 100, digits) if key in found[0] else "" for key, digits in keys]
            rows.append([name, len(found), *cells, sum(bool(r["warnings"]) for r in found)])
    columns = ["changed", "seeds", "F1, one pass", "F1, exact", "relative gap, %", "fits with warnings"]
    report.show("stabilisers and objectives, 1,500 sentences of MIT Restaurant", columns, rows)


if __name__ == "__main__":
    app()
