"""
Words read letter by letter and as a whole
==========================================

Letters are easily taken for each other: a noisy *e* for a *c*, an *l* for an *i*. Their neighbours tell which of them
makes a word. Here words in six typefaces are drawn letter by letter, 16 × 8 pixels each, and read three ways: each
letter by itself; as a whole, by a chain that has learned which letters follow each other; and by a dictionary.
"""

# %%
# The words
# ---------
import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LogisticRegression

import hybridseq as hs
from hybridseq import constraints as C

WORDS = hs.datasets.LETTER_WORDS
X, y = hs.datasets.make_letter_words(600, random_state=0)
X_test, y_test = hs.datasets.make_letter_words(300, random_state=1)
print(len(WORDS), "words, such as", *WORDS[::12])


# %%
# Three readers
# -------------
# All are linear in the pixels. The classifier sees single letters. The chain has weights for pairs of neighbours, too,
# and all its weights are learned together. The dictionary is a constraint on the chain's labels; training need not know
# of it.
def read(X, y, X_test):
    """Three readings of the test words, and the chain."""
    classifier = LogisticRegression(C=0.3, max_iter=500).fit(np.concatenate(X), np.concatenate(y))
    crf = hs.LinearCRF(c2=1.0, verbose=0).fit(X, y)
    dictionary = C.regex(" | ".join(" ".join(word) for word in WORDS))
    readings = {
        "letter by letter": [classifier.predict(x).tolist() for x in X_test],
        "as a whole": crf.predict(X_test),
        "with a dictionary": crf.predict(X_test, constraint=dictionary),
    }
    return readings, crf


def shares(readings, y_test):
    """The shares of letters and of words that are right, by reader."""
    letters = {name: hs.metrics.token_accuracy(y_test, reading) for name, reading in readings.items()}
    words = {name: np.mean([a == b for a, b in zip(reading, y_test)]) for name, reading in readings.items()}
    for name in readings:
        print(f"{name:18} {letters[name]:6.1%} of letters, {words[name]:6.1%} of words right")
    return letters, words


readings, crf = read(X, y, X_test)
letters, words = shares(readings, y_test)

# %%
# What the chain expects of neighbours most:
for before, after, weight in crf.top_transitions(5)[:5]:
    print(f"{before} -> {after}: {weight:+.2f}")


# %%
# What each of them reads
# -----------------------
# Below a word's letters stand the three readings, wrong letters in red.
def mistakes(i):
    return [sum(a != b for a, b in zip(reading[i], y_test[i])) for reading in readings.values()]


# Words of six to nine letters that the first reader gets most wrong, and the second less so.
candidates = [i for i in range(len(y_test)) if 6 <= len(y_test[i]) <= 9 and mistakes(i)[1] < mistakes(i)[0]]
shown = sorted(candidates, key=lambda i: (mistakes(i)[1] - mistakes(i)[0], i))[:8]

fig = plt.figure(figsize=(12, 6.4), layout="constrained")
pictures, bars = fig.subfigures(1, 2, width_ratios=[3, 1])
for ax, i in zip(pictures.subplots(4, 2).flat, shown):
    framed = [np.pad(image.reshape(16, 8), 1, constant_values=0.25) for image in X_test[i]]
    ax.imshow(np.hstack(framed), cmap="gray_r", vmin=0, vmax=1)
    for line, reading in enumerate(readings.values()):
        for position, (own, gold) in enumerate(zip(reading[i], y_test[i])):
            colour = "black" if own == gold else "red"
            ax.text(10 * position + 4.5, 22 + 6.5 * line, own, color=colour, ha="center", va="center", size=11)
    ax.set_yticks([7.5, 22, 28.5, 35], ["", *readings], size=8)
    ax.set(xticks=[], ylim=(38, -0.5), xlim=(-0.5, 99.5))
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
ax = bars.subplots()
places = np.arange(len(readings))
for shift, (what, rate) in zip((-0.2, 0.2), {"letters": letters, "words": words}.items()):
    drawn = ax.bar(places + shift, list(rate.values()), 0.38, label=f"{what} right")
    ax.bar_label(drawn, [f"{100 * value:.0f}%" for value in rate.values()], size=8)
ax.set_xticks(places, [name.replace(" ", "\n", 1) for name in readings], size=8)
ax.set(ylim=(0, 1.15), yticks=[])
ax.legend(loc="upper left", frameon=False, fontsize=8)
ax.spines[["top", "right", "left"]].set_visible(False)
plt.show()

# %%
# Words that training never shows
# -------------------------------
# So far the words of the test were those of training. With every third word left out of training, and the test made of
# these alone, the learned pairs are those of other words. They still help, but less; the dictionary, which knows the
# words, helps much.
unseen = WORDS[1::3]
X, y = hs.datasets.make_letter_words(600, words=[word for word in WORDS if word not in unseen], random_state=0)
X_test, y_test = hs.datasets.make_letter_words(300, words=unseen, random_state=1)
letters, words = shares(read(X, y, X_test)[0], y_test)
