r"""
Slot filling with a CRF, a structured SVM and a perceptron
==========================================================

The three models share everything but the loss. Each loss is the gap between the best the model thinks possible and the
score of the right answer:

.. math::

   \text{CRF: } \log\sum_y e^{F(y)} - F(y^*) \qquad
   \text{SVM: } \max_y \,[F(y) + \Delta(y)] - F(y^*) \qquad
   \text{perceptron: } \max_y F(y) - F(y^*)

So changing the model is changing one word. Which is best for your data, one table tells.
"""

# %%
# The data
# --------
# Sentences that book a ticket. A city may be where the journey ends, where it begins, or neither; the words around it
# decide.
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import torch

import hybridseq as hs
from hybridseq.training.batches import SentenceDataset
from hybridseq.training.inputs import encode_labels

torch.set_num_threads(1)  # the batches are small: more threads would only wait for each other

X, y = hs.datasets.make_ticket_booking(800, random_state=0)
X_test, y_test = hs.datasets.make_ticket_booking(400, random_state=1)
print(" ".join(f"{token}/{tag}" if tag != "O" else token for token, tag in zip(X[2], y[2])))

# %%
# Three objectives
# ----------------
NAMES = {"log_loss": "CRF", "structured_hinge": "structured SVM", "perceptron": "perceptron"}
taggers = {}
for objective in NAMES:
    sizes = {"hidden_size": 64, "word_size": 50, "char_size": 30}
    steps = {"learning_rate": 1e-2, "batch_size": 8, "max_epochs": 10}
    taggers[objective] = hs.SequenceTagger(objective=objective, **sizes, **steps, random_state=0, verbose=0).fit(X, y)


# %%
# Confidence is the mean probability of the most probable tag. The CRF's is close to its accuracy: its probabilities are
# what it is trained for. The others' scores have a scale of their own. The SVM's is set by the cost; the perceptron is
# content with any scale at all, so read nothing into its probabilities.
def confidence(tagger, X):
    """Mean probability of the best label of each token."""
    return np.concatenate([rows.max(1) for rows in tagger.predict_marginals(X)]).mean()


print(f"{'model':16} {'F1':>6} {'accuracy':>9} {'confidence':>11}")
results = {}
for objective, tagger in taggers.items():
    figures = hs.metrics.summary(y_test, tagger.predict(X_test))
    results[objective] = figures["f1"], figures["accuracy"], confidence(tagger, X_test)
    print("{:16} {:6.3f} {:9.3f} {:11.3f}".format(NAMES[objective], *results[objective]))

# %%
# The hinge bounds the cost
# -------------------------
# The structured hinge of a sentence is never below the cost :math:`\Delta` of the tags the model gives it: here, the
# number of wrong tags. The SVM makes small what it is judged by. The perceptron's loss has no such bound: it is 0 as
# soon as the right answer is the best one, if only by a hair.
tagger = taggers["structured_hinge"]
encoded = replace(tagger.input_.encode(X_test), labels=encode_labels(y_test, tagger.labels_))
batch, labels = SentenceDataset(encoded)[np.arange(len(X_test))]
with torch.no_grad():
    chain = tagger.network_(**batch.inputs)
    hinge = hs.objectives.structured_hinge(chain, labels)
    perceptron = hs.objectives.perceptron(chain, labels)
    cost = ((chain.decode() != labels) & (labels >= 0)).sum(1)
assert (hinge >= cost - 1e-3).all()
below = int((perceptron < cost - 1e-3).sum())
print(f"sentences whose loss is below their cost: structured hinge 0, perceptron {below} of {len(cost)}")

# %%
fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4.4), layout="constrained")
places = np.arange(len(results))
for i, name in enumerate(("span F1", "token accuracy", "confidence")):
    bars = left.bar(places + 0.27 * (i - 1), [values[i] for values in results.values()], 0.25, label=name)
    left.bar_label(bars, fmt="%.2f", fontsize=8)
left.set_xticks(places, [NAMES[objective] for objective in results])
left.set(ylabel="on unseen sentences", ylim=(0, 1.2), title="One encoder, three objectives")
left.legend(ncols=3, loc="upper center", fontsize=8)

cost, hinge, perceptron = cost.numpy(), hinge.numpy(), perceptron.numpy()
jitter = np.random.default_rng(0).uniform(-0.15, 0.15, len(cost))
right.scatter(cost + jitter, hinge, s=14, alpha=0.5, label="structured hinge")
right.scatter(cost + jitter, perceptron, s=14, alpha=0.5, marker="x", label="perceptron loss")
top = int(cost.max()) + 1
right.plot([0, top], [0, top], color="black", lw=1, label="loss = cost")
right.set(
    xlabel="cost of the decoded tags (wrong tokens)", ylabel="loss of the sentence", title="The hinge bounds the cost"
)
right.legend()
plt.show()
