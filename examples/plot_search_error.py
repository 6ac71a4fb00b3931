"""
What a search misses
====================

A structured model scores whole label sequences, F(x, y), and answers with the highest-scored one: argmax over y. Where
the argmax is out of reach, a search takes its place: something greedy, something with gradients, or a network trained
to answer in one pass. Then there are two ways to be wrong: F may prefer a wrong sequence, which is the model's fault,
or the search may miss what F prefers, which is search error. Accuracy alone does not tell the two apart. On a linear
chain they can be told apart: the Viterbi algorithm gives the exact argmax y*, and F(x, y*) − F(x, ŷ) is a number.
"""

# %%
# A tagger, and its chain frozen
# ------------------------------
# A small tagger learns the slots of ticket requests. Its encoder is narrow, so that the transitions have much to
# decide, and no constraint helps them. From then on F does not change.
from functools import partial

import matplotlib.pyplot as plt
import torch

import hybridseq as hs
from hybridseq import inference
from hybridseq.training.batches import SentenceDataset

torch.set_num_threads(1)  # the batches are small: more threads would only wait for each other

X, y = hs.datasets.make_ticket_booking(400, random_state=0)
X_test, y_test = hs.datasets.make_ticket_booking(200, random_state=1)
settings = {"encoder": "cnn", "hidden_size": 8, "word_size": 20, "char_encoder": None, "constraint": None}
settings |= {"dropout": 0.1, "max_epochs": 6, "learning_rate": 1e-2, "valid_fraction": 0}
settings |= {"random_state": 0, "verbose": 0}
tagger = hs.SequenceTagger(**settings).fit(X, y)
print(f"{len(tagger.classes_)} labels, span F1 {tagger.score(X_test, y_test):.3f}")

encoded = tagger.input_.encode(X_test)
batch, _ = SentenceDataset(encoded)[range(len(X_test))]
F = inference.ChainScore(tagger.network_).at(batch.inputs)
# %%
# The ladder
# ----------
# Every search takes F(x, ·) and gives hard labels. From the cheapest to the best:
#
# - each word's own best label, by its emissions alone;
# - iterated conditional modes: each label in turn becomes the best beside its neighbours, until nothing changes;
# - mean field: the same with probabilities, all words at once independent of one another;
# - beam search: from left to right, a few label sequences are kept;
# - gradient ascent on relaxed labels, from nothing (cold) and from the words' own labels (warm);
# - refinement: gradient ascent, single changes and narrow beams in turn, from the words' own labels.
gold = torch.nn.utils.rnn.pad_sequence(
    [torch.as_tensor(row) for row in tagger.labels_.encode_all(y_test)], batch_first=True, padding_value=-100
)


def own_labels(F):
    """Each word's best label by its emissions."""
    return inference.argmax_per_token(F, F.structure.emissions)


searches = {
    "own labels": own_labels,
    "ICM": lambda F: inference.icm(F, own_labels(F)),
    "mean field": inference.mean_field,
    "beam of 2": partial(inference.beam, width=2),
    "beam of 8": partial(inference.beam, width=8),
    "ascent, cold": inference.gradient_ascent,
    "ascent, warm": lambda F: inference.gradient_ascent(F, own_labels(F)),
    "refined": lambda F: inference.refine(F, own_labels(F)),
    "Viterbi": inference.exact_argmax,
}
rows = inference.compare_searches(F, searches, y=gold)
print(inference.search_table(rows))

# %%
# Half of what is wrong with the words' own labels is the search's fault: the right labels score higher, and were not
# found. After a good search all that is left is the model's, and only a better F will mend it.
#
# Single changes get stuck where only two changes together pay, such as those of the first and the second word of a
# city. Probabilities (mean field, gradient ascent) move both a little at a time; a beam tries the second while the
# first is still undecided. The refinement does all of it, and never ends below its start.

# %%
# Speed against gap
# -----------------
# Where there is a compiled Viterbi algorithm, nothing beats it: a chain needs no search. It is the measuring rod. A
# global term added to F, over the whole label sequence or all bits at once, takes Viterbi away, and leaves the others
# as they are. There, ``compare_searches`` holds every search against the best output that any of them found.
fig, (left, right) = plt.subplots(1, 2, figsize=(13, 5), layout="constrained", width_ratios=[3, 2])
inference.plot_searches(rows, left)
left.set_title("Speed against gap (in brackets: solved exactly)")
shares = [(1 - row.search_faults - row.model_faults, row.search_faults, row.model_faults) for row in rows]
bottom = [0.0] * len(rows)
for name, colour, part in zip(("right", "search fault", "model fault"), ("C2", "C3", "C7"), zip(*shares)):
    right.barh([row.name for row in rows], part, left=bottom, color=colour, label=name)
    bottom = [b + p for b, p in zip(bottom, part)]
right.invert_yaxis()
right.set(xlabel="share of sentences", xlim=(0, 1), title="Whose fault it is")
right.legend(loc="lower center", bbox_to_anchor=(0.5, -0.25), ncols=3, frameon=False)
plt.show()

# %%
# One sentence
# ------------
# A report has an entry for every example.
report = rows[0].report
worst = int(report.gaps.argmax())
names = tagger.classes_
print(f"gap {report.gaps[worst]:.2f}, relative {report.relative_gaps[worst]:.1%}")
print(f"{'':14} {'own label':20} {'argmax of F':20} gold")
for token, own, best, right_one in zip(X_test[worst], report.answers[worst], F.structure.decode()[worst], gold[worst]):
    print(f"{token:14} {names[own]:20} {names[best]:20} {names[right_one]}")
