"""Train a tagger on generated ticket-booking sentences, and see what it has learned. Run by ``make demo``.

A city is a destination or a departure, a date one of arrival or of departure, only by the words around it.
"""

import sys
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import torch
from rich.console import Console
from rich.table import Table

import hybridseq as hs

OUTPUT = Path(__file__).parents[1] / "out" / "demo.png"
SENTENCES = ["arrive Taipei on November 2nd", "leave Taipei on November 2nd"]


def train():
    """A BiLSTM-CRF, and its span F1 on sentences it has not seen."""
    X, y = hs.datasets.make_ticket_booking(2000, random_state=1)
    seen = {tuple(map(str.lower, tokens)) for tokens in X}
    fresh = zip(*hs.datasets.make_ticket_booking(1000, random_state=2))
    X_test, y_test = zip(*[pair for pair in fresh if tuple(map(str.lower, pair[0])) not in seen])
    tagger = hs.SequenceTagger(hidden_size=100, batch_size=16, max_epochs=8, random_state=0)
    tagger.fit(X, y)
    return tagger, tagger.score(X_test, y_test), len(X_test)


def table_of(tokens, tags, probabilities):
    """One sentence: each token with its slot and its probability."""
    table = Table(title=" ".join(tokens), title_justify="left")
    for name in ("token", "slot", "probability"):
        table.add_column(name, justify="right" if name == "probability" else "left")
    for row in zip(tokens, tags, probabilities):
        table.add_row(row[0], row[1], f"{row[2]:.3f}")
    return table


def heat_map(axes, values, columns, rows, **options):
    """Values with the names of rows and columns."""
    image = axes.imshow(values, aspect="auto", **options)
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    return image


def draw(tagger, sentences, marginals, path):
    """Label probabilities over both sentences, and the learned transitions."""
    labels = tagger.classes_.tolist()
    shown = [k for k, _ in enumerate(labels) if max(rows[:, k].max() for rows in marginals) > 0.02]
    figure = plt.figure(figsize=(15, 8.5), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=(1, 1.25))

    panels = left.subplots(len(sentences), 1)
    for axes, tokens, rows in zip(panels, sentences, marginals):
        image = heat_map(axes, rows[:, shown].T, tokens, [labels[k] for k in shown], vmin=0, vmax=1, cmap="viridis")
        for t, row in enumerate(rows[:, shown]):
            for k, value in enumerate(row):
                if value > 0.005:
                    color = "black" if value > 0.6 else "white"
                    axes.text(t, k, f"{value:.2f}", ha="center", va="center", color=color, fontsize=8)
        axes.set_title(" ".join(tokens), loc="left")
    panels[-1].set_xlabel("token")
    left.colorbar(image, ax=panels, label="probability of the label, given the sentence", shrink=0.8)

    axes = right.subplots()
    layer = tagger.network_.structure
    transitions = layer.transitions.detach().numpy().copy()
    plan = tagger.network_.plan
    if plan is not None:
        transitions[~plan.pairs] = np.nan
    largest = np.nanmax(np.abs(transitions))
    image = heat_map(axes, transitions, labels, labels, vmin=-largest, vmax=largest, cmap="RdBu_r")
    axes.set_facecolor("0.75")
    axes.tick_params(axis="x", rotation=90)
    axes.set(title="Learned transitions (grey: impossible in IOB2)", xlabel="next label", ylabel="label")
    right.colorbar(image, ax=axes, label="score in nats", shrink=0.8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def main():
    """Train, report, draw; exit code 1 where the two sentences are not told apart."""
    begin = time.perf_counter()
    console = Console()
    # Batches are small: a second thread would cost more than it gives.
    torch.set_num_threads(1)
    tagger, f1, count = train()
    console.print(f"\nspan F1 on {count} unseen sentences: [bold]{f1:.4f}[/bold]\n")

    sentences = [sentence.split() for sentence in SENTENCES]
    predicted, marginals = tagger.predict(sentences), tagger.predict_marginals(sentences)
    index = {label: k for k, label in enumerate(tagger.classes_)}
    for tokens, tags, rows in zip(sentences, predicted, marginals):
        console.print(table_of(tokens, tags, [rows[t, index[tag]] for t, tag in enumerate(tags)]))

    draw(tagger, sentences, marginals, OUTPUT)
    console.print(f"\nlabel probabilities and transitions: {OUTPUT}   ({time.perf_counter() - begin:.0f} s in all)")
    slots = [tags[tokens.index("Taipei")] for tokens, tags in zip(sentences, predicted)]
    if slots != ["B-destination", "B-departure"]:
        sys.exit(
            f"Taipei should be B-destination after 'arrive' and B-departure after 'leave'; the model says {slots}. "
            "It has not learned to read the verb"
        )


if __name__ == "__main__":
    main()
