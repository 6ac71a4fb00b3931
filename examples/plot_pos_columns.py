"""
Words with a second column
==========================

A column file may tell more of a word than its spelling: its part of speech, whether a list of places holds it, how it
was typeset. Such columns need no code: a token becomes a tuple. What does a column buy? Much where labelled sentences
are few, less where they are many.
"""

# %%
# A second column by rule
# -----------------------
# Your tagger or word list would write it; here a few rules do. The column does not hold the answer: a city is ``PLACE``
# whether the journey begins or ends there, or is not about it.
import re

import matplotlib.pyplot as plt
import numpy as np
import torch

import hybridseq as hs
from hybridseq.datasets.ticket_booking import CITIES

torch.set_num_threads(1)  # the batches are small: more threads would only wait for each other

MONTHS = "january february march april may june july august september october november december"
DAYS = "monday tuesday wednesday thursday friday saturday sunday"
PREPOSITIONS = "in on at from to for of via through out by before after until since between"
VERBS = "arrive arriving land landing get leave leaving depart set take fly travel go return returning come be"
CLASSES = {
    "PLACE": {word.lower() for city in CITIES for word in city.split()},
    "DATE": {*MONTHS.split(), *DAYS.split()},
    "PREP": set(PREPOSITIONS.split()),
    "VERB": set(VERBS.split()),
}


def part_of_speech(token):
    """A word's class, by rule."""
    if re.search(r"\d", token):
        return "NUMBER"
    return next((name for name, words in CLASSES.items() if token.lower() in words), "WORD")


def with_column(X):
    """Tokens as tuples of word and class."""
    return [[(token, part_of_speech(token)) for token in sentence] for sentence in X]


X, y = hs.datasets.make_ticket_booking(200, random_state=0)
X_test, y_test = hs.datasets.make_ticket_booking(400, random_state=1)
print(with_column(X[:1])[0][:9])

# %%
# A file with three columns, ``Rome PLACE B-destination``, is read into the same form by
# ``hs.text.read_dataset(path, columns=("word", "pos", "tag"))``, or on the command line with
# ``--columns word,pos,tag``.
#
# What it buys
# ------------
SIZES = 50, 100, 200


def fit(X, y, seed):
    """A small tagger."""
    sizes = {"hidden_size": 48, "word_size": 40, "char_size": 20, "column_size": 15}
    steps = {"learning_rate": 1e-2, "batch_size": 8, "max_epochs": min(30, 3600 // len(X)), "valid_fraction": 0}
    return hs.SequenceTagger(**sizes, **steps, random_state=seed, verbose=0).fit(X, y)


SEEDS = 0, 1
scores, taggers = {"word": [], "word and class": []}, {}
for size in SIZES:
    for name, read in (("word", list), ("word and class", with_column)):
        taggers[name, size] = [fit(read(X[:size]), y[:size], seed) for seed in SEEDS]
        predicted = [tagger.predict(read(X_test)) for tagger in taggers[name, size]]
        scores[name].append([hs.metrics.span_f1(y_test, tags) for tags in predicted])
print("sentences       " + "".join(f"{size:>8}" for size in SIZES))
for name, values in scores.items():
    print(f"{name:16}" + "".join(f"{np.mean(pair):8.3f}" for pair in values))

# %%
# How sure each is of cities that its few sentences never showed
# --------------------------------------------------------------
size = 100
seen = {token.lower() for sentence in X[:size] for token in sentence}
cities = [city for city in CITIES if " " not in city and city.lower() not in seen]
sentences = [f"I want to fly from {city} on Friday".split() for city in cities]
marginals = {}
for name, read in (("word", list), ("word and class", with_column)):
    mean = 0
    for tagger in taggers[name, size]:
        rows = np.array([rows[5] for rows in tagger.predict_marginals(read(sentences))])
        mean = mean + rows.mean(0) / len(SEEDS)
    marginals[name] = dict(zip(taggers[name, size][0].classes_.tolist(), mean))
    best = sorted(marginals[name].items(), key=lambda item: -item[1])[:3]
    print(f"{len(cities)} new cities, {name:15}", ", ".join(f"{label} {value:.2f}" for label, value in best))

# %%
fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
for name, values in scores.items():
    line = left.plot(SIZES, np.mean(values, axis=1), label=name)[0]
    for seed in range(len(SEEDS)):
        left.plot(SIZES, [pair[seed] for pair in values], "o", color=line.get_color(), alpha=0.5)
left.set_xscale("log")
left.set_xticks(SIZES, [str(size) for size in SIZES])
left.minorticks_off()
left.set(xlabel="labelled sentences", ylabel="span F1 on unseen sentences", ylim=(0, 1), title="What the column buys")
left.legend()

labels = sorted(marginals["word"], key=lambda label: max(m.get(label, 0) for m in marginals.values()))[-5:]
for i, (name, values) in enumerate(marginals.items()):
    right.barh(np.arange(len(labels)) + 0.2 - 0.4 * i, [values.get(label, 0) for label in labels], 0.38, label=name)
right.set_yticks(range(len(labels)), labels)
right.set(
    xlabel="mean probability", xlim=(0, 1), title=f"A city never seen, in 'I want to fly from …'\n({size} sentences)"
)
right.legend()
plt.show()
