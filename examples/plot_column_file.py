"""
A column file of your own, from training to prediction
======================================================

Your annotated text is a file with one token a line, its tag at the end of the line, and a blank line between sentences
(the format of CoNLL). This is the whole way from there to tags on new text, in Python, with the equal command of the
command line at each step.
"""

# %%
# The files
# ---------
# Yours exist already; here they are written from generated sentences.
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch

import hybridseq as hs
from hybridseq.text import read_columns, read_dataset, write_columns

torch.set_num_threads(1)  # the batches are small: more threads would only wait for each other

temporary = tempfile.TemporaryDirectory()
folder = Path(temporary.name)
for seed, (name, size) in enumerate({"train.txt": 1000, "dev.txt": 150, "test.txt": 300}.items()):
    with open(folder / name, "w", encoding="utf-8") as stream:
        write_columns(stream, *hs.datasets.make_ticket_booking(size, random_state=seed))
print((folder / "train.txt").read_text(encoding="utf-8")[:120])

# %%
# Train
# -----
# The tag scheme is found by itself (here IOB2), and no prediction will ever break it. The epoch that does best on
# ``dev.txt`` is kept.
#
# .. code-block:: console
#
#    $ hybridseq train --train train.txt --dev dev.txt --model model --epochs 8 --set hidden_size=80
X, y = read_dataset(folder / "train.txt")
X_dev, y_dev = read_dataset(folder / "dev.txt")
tagger = hs.SequenceTagger(hidden_size=80, max_epochs=8, random_state=0, verbose=0)
tagger.fit(X, y, X_dev, y_dev)
tagger.save(folder / "model")
print(f"kept epoch {tagger.best_epoch_} of {len(tagger.history_)}: F1 {tagger.best_score_:.3f} on dev.txt")

# %%
# Evaluate
# --------
#
# .. code-block:: console
#
#    $ hybridseq evaluate --model model --data test.txt
tagger = hs.load(folder / "model")
X_test, y_test = read_dataset(folder / "test.txt")
predicted = tagger.predict(X_test)
for name, value in hs.metrics.summary(y_test, predicted).items():
    print(f"{name:20} {value:.4g}")

# %%
# Predict
# -------
# The command reads files of any size as a stream.
#
# .. code-block:: console
#
#    $ echo "please book a ticket from Rome to Oslo on Friday" | hybridseq predict --model model --format text
#    $ hybridseq predict --model model new.txt --output tagged.txt --probability
sentence = ["please", "book", "a", "ticket", "from", "Rome", "to", "Oslo", "on", "Friday"]
tags, marginals = tagger.predict([sentence])[0], tagger.predict_marginals([sentence])[0]
chosen = [rows[tagger.classes_ == tag][0] for rows, tag in zip(marginals, tags)]
for row in zip(sentence, tags, chosen):
    print("{:8} {:18} {:.3f}".format(*row))

# %%
# Where to look
# -------------
# The least probable tags are where a person's check pays most: among the tenth of the sentences of which the model is
# least sure, far more are wrong than among the rest. And each error in your file has a line.
least = np.array([rows.max(1).min() for rows in tagger.predict_marginals(X_test)])
wrong = np.array([p != t for p, t in zip(predicted, y_test)])
order = np.argsort(least)
tenth = len(order) // 10
first, rest = wrong[order[:tenth]].mean(), wrong[order[tenth:]].mean()
print(f"wrong sentences: {first:.0%} of the least sure tenth, {rest:.0%} of the rest")
lines = [s.line for s in read_columns(folder / "test.txt")]
for i in [i for i in order if wrong[i]][:3]:
    t = next(t for t, (p, gold) in enumerate(zip(predicted[i], y_test[i])) if p != gold)
    print(f"test.txt, line {lines[i] + t}: {X_test[i][t]!r} is {y_test[i][t]}, predicted {predicted[i][t]}")

# %%
fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
epochs = [row["epoch"] for row in tagger.history_]
left.plot(epochs, [row["train_loss"] for row in tagger.history_], "o-", label="training loss")
left.set(xlabel="epoch", ylabel="loss (nats a sentence)", title="Training", yscale="log")
score = left.twinx()
score.plot(epochs, [row["valid_score"] for row in tagger.history_], "s-", color="tab:orange", label="F1 on dev.txt")
score.set(ylabel="span F1", ylim=(0, 1.02))
left.legend(handles=[*left.lines, *score.lines], loc="center right")

found = np.array([wrong[chunk].mean() for chunk in np.array_split(order, 10)])
right.bar(np.arange(10), found, color="tab:red")
right.set_xticks(range(10), [f"{10 * i}–{10 * i + 10}%" for i in range(10)], rotation=45)
right.set(
    xlabel="sentences, the least sure first", ylabel="part with an error", title="Probabilities point at the errors"
)
plt.show()
temporary.cleanup()
