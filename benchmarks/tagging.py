"""Taggers on real corpora: accuracy, speed, and what the structured layer buys.

Resumable run by run: each run's figures are a file under results/tagging, and what is there is not run again.

    python -m benchmarks.tagging run --seeds 3        # all accuracy runs, one after the other
    python -m benchmarks.tagging run --only atis      # those whose name holds "atis"
    python -m benchmarks.tagging speed                # epoch beside pytorch-crf, share of the layer, tagging rate
    python -m benchmarks.tagging table                # the tables from what is there
"""

import json
import os
import statistics
import tempfile
import time
from dataclasses import replace

import torch
import torchcrf
import typer

import hybridseq as hs
from benchmarks import corpora, report
from hybridseq import constraints, metrics
from hybridseq.estimators.tagger_network import build_network
from hybridseq.text import LabelVocabulary
from hybridseq.training.batches import BucketSampler, SentenceDataset
from hybridseq.training.inputs import TokenInput, encode_labels

RUNS = {
    "atis log loss": ("atis", {}),
    "atis structured hinge": ("atis", {"objective": "structured_hinge"}),
    "atis perceptron": ("atis", {"objective": "perceptron"}),
    "conll2000 log loss": ("conll2000", {}),
    "mit_restaurant log loss": ("mit_restaurant", {}),
    "atis both directions, per token": ("atis", {"objective": "cross_entropy"}),
    "atis one direction, chain": ("atis", {"encoder": "lstm"}),
    "atis one direction, per token": ("atis", {"encoder": "lstm", "objective": "cross_entropy"}),
}
# Published or measured elsewhere, without pretrained language models: test span F1.
PEERS = [
    ("atis", "CRFsuite, words, bigrams and affixes", "92.7 to 93.5"),
    ("atis", "BiLSTM + pytorch-crf, hand-written", "95.5"),
    ("atis", "BiLSTM-CRF with word vectors, published", "94.72"),
    ("atis", "slot-gated attention, published", "95.20"),
    ("atis", "Stack-Propagation, published", "95.90"),
    ("conll2000", "CRFsuite", "93.6"),
    ("conll2000", "SVM, published", "93.91"),
    ("conll2000", "NCRF++ with GloVe vectors, published", "95.06"),
    ("mit_restaurant", "CRFsuite", "78.1"),
]
FOLDER = report.RESULTS / "tagging"
app = typer.Typer(add_completion=False, help=__doc__)


def _file(name, seed):
    return FOLDER / f"{name.replace(',', '').replace(' ', '_')}-{seed}.json"


def _one(name, seed):
    corpus, parameters = RUNS[name]
    (X, y), (X_valid, y_valid), (X_test, y_test) = corpora.load(corpus)
    tagger = hs.SequenceTagger(random_state=seed, unseen_labels="miss", verbose=0, **parameters)
    begin = time.perf_counter()
    tagger.fit(X, y, X_valid, y_valid)
    seconds = time.perf_counter() - begin
    test = metrics.summary(y_test, tagger.predict(X_test))
    return {
        "valid_f1": tagger.best_score_,
        "test_f1": test["f1"],
        "test_accuracy": test["accuracy"],
        "illegal_transitions": test["illegal_transitions"],
        "seconds": seconds,
        "epochs": len(tagger.history_),
        "threads": torch.get_num_threads(),
    }


@app.command()
def run(seeds: int = 1, only: str = "", threads: int = 2):
    """Run what is not there yet."""
    torch.set_num_threads(threads)
    FOLDER.mkdir(parents=True, exist_ok=True)
    for seed in range(seeds):
        for name in RUNS:
            path = _file(name, seed)
            if only not in name or path.exists():
                continue
            result = _one(name, seed)
            temporary = path.with_suffix(f".{os.getpid()}")
            temporary.write_text(json.dumps(result))
            os.replace(temporary, path)
            print(name, seed, result, flush=True)


@app.command()
def table():
    """Print the tables of the runs that are there."""
    rows = []
    for name in RUNS:
        found = [json.loads(p.read_text()) for s in range(10) if (p := _file(name, s)).exists()]
        if found:
            rows.append([name, *_summary(found)])
    columns = ["defaults, model chosen on valid", "seeds", "test F1", "lowest", "highest", "valid F1"]
    report.show("span F1", [*columns, "illegal pairs", "seconds (threads)"], rows)
    report.show("peers", ["corpus", "system", "test F1"], PEERS)


def _summary(found):
    percent = lambda x: f"{100 * x:.2f}"  # noqa: E731
    test = [run["test_f1"] for run in found]
    return [
        len(found),
        percent(statistics.mean(test)),
        percent(min(test)),
        percent(max(test)),
        percent(statistics.mean(run["valid_f1"] for run in found)),
        f"{statistics.mean(run['illegal_transitions'] for run in found):.0f}",
        f"{statistics.mean(run['seconds'] for run in found):.0f} ({found[0]['threads']})",
    ]


def _epoch(peer, tagger, encoded, reader, labels):
    """Seconds of one training epoch, and of the layer in it: the same network, with ours or with pytorch-crf's."""
    torch.manual_seed(0)
    network = build_network(tagger, reader, len(labels), encoded).train()
    if peer:
        network.structure = torchcrf.CRF(len(labels), batch_first=True)
    else:
        network.plan = constraints.scheme("BIO").compile(labels.labels)
    optimizer = torch.optim.AdamW(network.parameters(), lr=tagger.learning_rate, fused=True)
    dataset, layer = SentenceDataset(encoded), 0.0
    begin = time.perf_counter()
    for rows in BucketSampler(encoded.lengths, 16, 0):
        batch, y = dataset[rows]
        optimizer.zero_grad()
        emissions = network.score_labels(**batch.inputs)
        enter = time.perf_counter()
        leaf = emissions.detach().requires_grad_()
        if peer:
            loss = -network.structure(leaf, y.clamp(min=0), mask=y >= 0, reduction="mean")
        else:
            chain = network.structure(leaf, lengths=batch.inputs["lengths"]).restrict(network.plan)
            loss = hs.objectives.log_loss(chain, y).mean()
        loss.backward()
        layer += time.perf_counter() - enter
        emissions.backward(leaf.grad)
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
    return time.perf_counter() - begin, layer


@app.command()
def speed(rounds: int = 3, threads: int = 2):
    """A training epoch on ATIS beside the same network with pytorch-crf; tagging ATIS test from a saved model."""
    torch.set_num_threads(threads)
    (X, y), _, (X_test, _) = corpora.load("atis")
    labels, reader, tagger = LabelVocabulary.build(y), TokenInput.build(X), hs.SequenceTagger()
    encoded = replace(reader.encode(X), labels=encode_labels(y, labels))
    _epoch(False, tagger, encoded, reader, labels)
    ratios, shares, rows = [], [], []
    for _ in range(rounds):
        (ours, layer), (theirs, their_layer) = (_epoch(peer, tagger, encoded, reader, labels) for peer in (False, True))
        ratios.append(theirs / ours)
        shares.append(layer / ours)
        rows.append(
            [
                f"{ours:.1f} s",
                f"{theirs:.1f} s",
                f"{theirs / ours:.2f}x",
                f"{layer / ours:.1%}",
                f"{their_layer / theirs:.1%}",
            ]
        )
    report.show("one epoch on ATIS", ["hybridseq", "with pytorch-crf", "ratio", "our layer", "theirs"], rows)
    rates = _tagging_rates(X, y, X_test)
    report.show("tagging ATIS test from a saved model", ["tokens a second"], [[f"{rate:,.0f}"] for rate in rates])
    report.save("tagging_speed", {"ratios": ratios, "layer_share": shares, "tokens_per_second": rates})


def _tagging_rates(X, y, X_test):
    tokens = sum(map(len, X_test))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model")
        hs.SequenceTagger(max_epochs=1, random_state=0, verbose=0).fit(X, y).save(path)
        tagger = hs.load(path)
        rates = []
        for _ in range(4):
            begin = time.perf_counter()
            tagger.predict(X_test)
            rates.append(tokens / (time.perf_counter() - begin))
    # The first call pays for what is loaded on first use.
    return rates[1:]


if __name__ == "__main__":
    app()
