r"""
Sets of labels: tag by tag, or as a whole
=========================================

A document has several tags, and tags depend on one another: some exclude each other, some come together. A classifier
that decides on each tag by itself knows nothing of that. An energy

.. math:: F(x, y) = b(x) \cdot y + w \cdot \mathrm{softplus}(C y + c)

scores the whole vector y: its units w, C see which tags stand together. There is no exact argmax of it. The four
trainings of :class:`~hybridseq.EnergyMultiLabel` differ in what stands for the argmax.
"""

# %%
# Documents whose truth is known
# ------------------------------
# Twenty-four tags in six groups, of each of which a document has at most one; and only thirty sets of tags exist. The
# words are drawn from known distributions, so the probability of every set is known, too: nobody can do better than
# ``best possible`` below.
import matplotlib.pyplot as plt
import numpy as np
import torch

from hybridseq.datasets.tagged_documents import make_tagged_documents
from hybridseq.estimators import EnergyMultiLabel

torch.set_num_threads(1)  # the batches are small: more threads would only wait for each other

TRAIN = 400
X, Y, sets, posterior = make_tagged_documents(2400, words_per_tag=2, random_state=0)
Y_test = Y[TRAIN:]
common = 2 * (sets @ sets.T) / (sets.sum(1)[:, None] + sets.sum(1))
answers = {"best possible": sets[(posterior[TRAIN:] @ common).argmax(1)]}

# %%
# Four trainings
# --------------
# ``cross_entropy`` is the classifier alone, and what the others begin with. ``spen`` is trained through its own
# gradient ascent, ``infnet`` against a network that answers in its place, ``value`` learns to tell the F1 of an answer.
settings = {"hidden_sizes": (64,), "dropout": 0.3, "learning_rate": 5e-3, "energy_rate": 2e-3, "generator_rate": 2e-3}
settings |= {"batch_size": 32, "max_epochs": 15, "valid_fraction": 0.2, "random_state": 0, "verbose": 0}
models = {}
for training in ("value", "infnet", "spen", "cross_entropy"):
    models[training] = EnergyMultiLabel(training, **settings).fit(X[:TRAIN], Y[:TRAIN])
    answers[training] = models[training].predict(X[TRAIN:])

existing = {row.tobytes() for row in sets}


def figures(predicted):
    """F1 an example, share of sets that are exactly right, share of sets that exist."""
    f1 = 2 * (predicted * Y_test).sum(1) / (predicted.sum(1) + Y_test.sum(1))
    return f1.mean(), (predicted == Y_test).all(1).mean(), np.mean([row.tobytes() in existing for row in predicted])


table = {name: figures(predicted) for name, predicted in answers.items()}
print(f"{'':14} {'F1':>6} {'exact':>7} {'exist':>7}")
for name, row in table.items():
    print(f"{name:14} {row[0]:6.1%} {row[1]:7.1%} {row[2]:7.1%}")

# %%
# What the energy has seen
# ------------------------
# Above: how often two tags are predicted together, less how often they are. Blocks on the diagonal are groups: red
# there means that two tags were given although one excludes the other. Below: the figures of the table.
shown = "cross_entropy", "spen", "value"
truth = Y_test.T @ Y_test / len(Y_test)
fig = plt.figure(figsize=(11, 7), layout="constrained")
top, bottom = fig.subfigures(2, 1, height_ratios=[1.3, 1])
axes = top.subplots(1, len(shown) + 1)
picture = axes[0].imshow(truth, cmap="Greys", vmax=0.12)
axes[0].set_title("truth")
for axis, name in zip(axes[1:], shown):
    found = answers[name].T @ answers[name] / len(Y_test) - truth
    np.fill_diagonal(found, 0)
    picture = axis.imshow(found, cmap="RdBu_r", vmin=-0.02, vmax=0.02)
    axis.set_title(f"{name} − truth")
for axis in axes:
    axis.set(xticks=np.arange(0, 24, 4) - 0.5, yticks=np.arange(0, 24, 4) - 0.5, xticklabels=[], yticklabels=[])
    axis.grid(lw=0.4)
top.colorbar(picture, ax=axes, shrink=0.6, label="share of documents")
axis = bottom.subplots()
names = list(table)[::-1]
for i, (title, colour) in enumerate((("F1", "C0"), ("exactly right", "C1"), ("sets that exist", "C2"))):
    values = [table[name][i] for name in names]
    bars = axis.bar(np.arange(len(names)) + 0.27 * (i - 1), values, 0.25, label=title, color=colour)
    axis.bar_label(bars, [f"{v:.0%}" for v in values], fontsize=8)
axis.set_xticks(range(len(names)), names)
axis.set(ylim=(0, 1.12), ylabel="share")
axis.legend(loc="upper left", fontsize=8)
plt.show()
