"""
Rules for slots
===============

Labelled sentences are dear, and what everybody knows of the task is cheap: a journey has one destination, a stopover
lies on the way to somewhere. A tagger with few sentences to learn from breaks such rules often. They can be told to it,
in prediction alone or in training, too; and whoever corrects a sentence by hand tells a rule for that one sentence.
"""

# %%
# The rules
# ---------
import time
from functools import reduce
from operator import and_

import matplotlib.pyplot as plt
import numpy as np
import torch

import hybridseq as hs
from hybridseq import constraints as C

torch.set_num_threads(1)  # the batches are small: more threads would only wait for each other

X_test, y_test = hs.datasets.make_ticket_booking(500, random_state=1)
SLOTS = sorted({label[2:] for labels in y_test for label in labels if label != "O"})

once = [C.count(f"B-{slot}", max=2 if slot == "departure_time" else 1) for slot in SLOTS]  # between two and three
rules = reduce(and_, once) & C.implies("B-stopover", "B-destination")
print(rules.check_dataset(y_test))

# %%
# What they cost: the automaton must remember which slots it has seen, so that each further rule doubles it. All of them
# make a large one; but it is sparse, the sentences are short, and what is large on paper takes a moment.
labels = sorted({label for row in y_test for label in row})
for count in 2, 4, 6, 8, 10:
    explained = (C.scheme("BIO") & reduce(and_, once[:count])).compile(labels).explain()
    print(f"{count:2} slots once: {explained.states:6} states, {explained.arcs:7} arcs, not {explained.pairs}")

# %%
# Rules in prediction
# -------------------
# Two training sets of each size, each trained for 400 steps. A rule takes away what is impossible; what comes in its
# place is the tagger's second choice, which is only as good as the tagger is. So every prediction becomes possible, and
# F1 hardly moves.
SETTINGS = {"hidden_size": 64, "word_size": 50, "char_size": 30, "learning_rate": 1e-2, "batch_size": 4}
SETTINGS |= {"valid_fraction": 0, "random_state": 0, "verbose": 0}
SIZES = 40, 80


def known(classes):
    """The rules that speak of labels which training has shown: few sentences do not show all."""
    return reduce(and_, (rule for rule in rules.parts if rule.names() <= set(classes)))


f1, reports = {}, {}
for size in SIZES:
    for seed in 10, 11:
        X, y = hs.datasets.make_ticket_booking(size, random_state=seed)
        tagger = hs.SequenceTagger(max_epochs=1600 // size, **SETTINGS).fit(X, y)
        for way, rule in {"BIO": None, "and rules": known(tagger.classes_)}.items():
            predicted = tagger.predict(X_test, constraint=rule)
            f1.setdefault((size, way), []).append(hs.metrics.span_f1(y_test, predicted))
            reports.setdefault((size, way), []).append(rules.check_dataset(predicted))
        if size == 80:
            X_80, y_80, tagger_80 = X, y, tagger
for (size, way), values in f1.items():
    share = np.mean([len(report.broken) for report in reports[size, way]]) / len(X_test)
    print(f"{size:3} sentences, {way:9}  F1 {np.mean(values):.3f}, {share:5.1%} of predictions break a rule")

# %%
# Which rules were broken, per 500 sentences, by the taggers that saw 80:
by_part = {
    part: [np.mean([report.by_part[part] for report in reports[80, way]]) for way in ("BIO", "and rules")]
    for part in reports[80, "BIO"][0].by_part
}
by_part = {part: counts for part, counts in by_part.items() if max(counts)}
for part, counts in by_part.items():
    print(f"{part:42}", *(f"{count:5.1f}" for count in counts))

# %%
# Rules in training, too
# ----------------------
# Then the tagger need not learn what the rules say. Training pays for the automaton in every step. (One training set of
# 80 sentences: a single run; differences of a point or two are chance.)
began = time.perf_counter()
taught = hs.SequenceTagger(constraint=C.scheme("BIO") & known(tagger_80.classes_), max_epochs=20, **SETTINGS)
taught.fit(X_80, y_80)
print(f"BIO {f1[80, 'BIO'][-1]:.3f}, rules in prediction {f1[80, 'and rules'][-1]:.3f}, ", end="")
print(f"in training {hs.metrics.span_f1(y_test, taught.predict(X_test)):.3f}; {time.perf_counter() - began:.0f} s")

# %%
# One correction, and the rest follows
# ------------------------------------
# Somebody looks at a sentence and mends its first wrong tag. The tagger keeps to that, as to any other rule, and
# infers the rest again. In how many sentences is nothing left to do?
wrong = [
    i for i, tags in enumerate(taught.predict(X_test)) if tags != y_test[i] and set(y_test[i]) <= set(taught.classes_)
]
before = taught.predict([X_test[i] for i in wrong])
first = [next(t for t, tag in enumerate(tags) if tag != y_test[i][t]) for i, tags in zip(wrong, before)]
told = [C.at(t, y_test[i][t]) for i, t in zip(wrong, first)]
after = taught.predict([X_test[i] for i in wrong], constraint=told)
left = np.array([[sum(map(str.__ne__, tags, y_test[i])) for tags in (b, a)] for i, b, a in zip(wrong, before, after)])
print(
    f"{len(wrong)} sentences with {left[:, 0].mean():.2f} wrong tags each. One tag mended: {left[:, 0].mean() - 1:.2f} "
    f"wrong if nothing else changes, {left[:, 1].mean():.2f} after inference; "
    f"right as a whole {(left[:, 0] == 1).mean():.0%} and {(left[:, 1] == 0).mean():.0%}"
)

# %%
# The sentence that gained most:
place = int(np.argmax(left[:, 0] - left[:, 1] - 0.1 * np.array([len(tags) for tags in before])))
sentence, right, rule = X_test[wrong[place]], y_test[wrong[place]], told[place]
marginals = taught.predict_marginals([sentence])[0], taught.predict_marginals([sentence], constraint=[rule])[0]
print(rule)
print(f"{'token':14} {'before':24} {'after':24} right")
for t, token in enumerate(sentence):
    shown = (f"{tags[t]:19} {p[t].max():.2f}" for tags, p in zip((before[place], after[place]), marginals))
    print(f"{token:14}", *(f"{cell:24}" for cell in shown), right[t])

# %%
# A rule that mostly holds
# ------------------------
# Four of five sentences name a destination. That is no law, but a soft rule: breaking it has a price, which training
# finds.
usual = C.contains("B-destination").soft(0.0, learn=True)
leaning = hs.SequenceTagger(constraint=C.scheme("BIO") & usual, max_epochs=20, **SETTINGS).fit(X_80, y_80)
print(f"a sentence without a destination scores {leaning.network_.soft_weights.item():+.2f} nats")
answers = {"truth": y_test, "BIO": tagger_80.predict(X_test), "and the soft rule": leaning.predict(X_test)}
for name, rows in answers.items():
    named = np.mean([usual.member.accepts(row) for row in rows])
    print(f"{name:18} {named:.1%} name a destination, F1 {hs.metrics.span_f1(y_test, rows):.3f}")

# %%
fig, axes = plt.subplot_mosaic(
    [["before", "after", "broken"], ["before", "after", "mended"]],
    figsize=(14, 6),
    width_ratios=[1, 1, 0.9],
    layout="constrained",
)
columns = [k for k, label in enumerate(taught.classes_) if max(p[:, k].max() for p in marginals) > 0.1]
for where, values, title in zip(("before", "after"), marginals, ("Probabilities", "After one tag was told (circle)")):
    axis = axes[where]
    image = axis.imshow(values[:, columns], aspect="auto", cmap="Blues", vmin=0, vmax=1)
    axis.set_xticks(range(len(columns)), taught.classes_[columns], rotation=90)
    axis.set_yticks(range(len(sentence)), sentence if where == "before" else [""] * len(sentence))
    axis.set_title(title, fontsize=11)
    dots = [list(taught.classes_[columns]).index(tag) for tag in right]
    axis.plot(dots, range(len(right)), ".", color="C1")
axes["after"].plot(dots[first[place]], first[place], "o", ms=14, mfc="none", mec="C3", mew=2)
fig.colorbar(image, ax=axes["after"], label="probability (dots: the right tags)")
shown = {part: counts for part, counts in by_part.items() if counts[0] >= 1}
places = np.arange(len(shown))
for i, way in enumerate(("tags keep BIO", "and rules, in prediction")):
    bars = axes["broken"].barh(places + 0.4 * (i - 0.5), [counts[i] for counts in shown.values()], 0.38, label=way)
    axes["broken"].bar_label(bars, fmt="%.0f", fontsize=8, padding=2)
axes["broken"].set_yticks(places, shown, fontsize=8)
axes["broken"].invert_yaxis()
axes["broken"].margins(x=0.1)
axes["broken"].set_title(f"Of {len(X_test)} sentences, so many break", fontsize=11)
axes["broken"].legend(fontsize=8, loc="upper right")
shares = {"nothing else changes": (left[:, 0] == 1).mean(), "the rest is inferred again": (left[:, 1] == 0).mean()}
bars = axes["mended"].barh(list(shares), [100 * share for share in shares.values()], 0.5, color=["C7", "C2"])
axes["mended"].bar_label(bars, fmt="%.0f%%", fontsize=8, padding=2)
axes["mended"].invert_yaxis()
axes["mended"].set_xlim(0, 100)
axes["mended"].set_title("Wrong sentences made right by one tag", fontsize=11)
plt.show()
