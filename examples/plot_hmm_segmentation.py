"""
An HMM finds segments, with a few labels or none
================================================

A movement sensor gives three noisy numbers ten times a second. Sixty recordings lie in a drawer; somebody has gone
through *one* of them and written down when the wearer was sitting, standing, walking or running. A hidden Markov model
learns from all sixty: what is written down is kept, the rest is summed over.
"""

# %%
# Nothing is labelled
# -------------------
# Four states are found, without names. Which local optimum EM ends in depends on where it starts; of several starts the
# likeliest is taken.
import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy.optimize import linear_sum_assignment

import hybridseq as hs
from hybridseq import constraints as C

torch.set_num_threads(1)  # the recordings are small: more threads would only wait for each other

X, y = hs.datasets.make_activity_segments(60, noise=1.1, random_state=0)
X_test, y_test = hs.datasets.make_activity_segments(60, noise=1.1, random_state=1)
print(f"{len(X)} recordings, {sum(map(len, X))} frames of {X[0].shape[1]} numbers")

starts = [hs.GaussianHMM(4, n_iter=100, random_state=seed).fit(X) for seed in range(5)]
unsupervised = max(starts, key=lambda model: model.monitor_.history[-1])
for model in starts:
    history = model.monitor_.history
    print(f"log-likelihood {history[0]:.0f} -> {history[-1]:.0f} in {len(history)} iterations")

# %%
# To judge it, its states are given the names under which they look best. With labels there is no such need.
names = sorted(set(np.concatenate(y)))
found, truth = np.concatenate(unsupervised.predict(X)), np.concatenate(y)
table = np.array([[np.sum((found == state) & (truth == name)) for name in names] for state in range(4)])
called = np.array(names)[linear_sum_assignment(-table)[1]]

# %%
# One recording is labelled
# -------------------------
# ``y`` has None for a sequence without labels; single frames may be None, too. The states are the labels' now.
partly = hs.GaussianHMM(n_iter=100).fit(X, y=[y[0], *[None] * 59])
alone = hs.GaussianHMM().fit(X[:1], y=y[:1])
print("states:", *partly.classes_)

# %%
# Nobody sits for a tenth of a second
# -----------------------------------
# An HMM is a constructor of a chain, and a chain can be told rules when it predicts: every segment lasts half a second.
rule = C.run(C.each, min=5)
predictions = {
    "no labels, best names": [called[path] for path in unsupervised.predict(X_test)],
    "one recording alone": alone.predict(X_test),
    "one recording and the drawer": partly.predict(X_test),
    "the same, at least 0.5 s": partly.predict(X_test, constraint=rule),
}
right = np.concatenate(y_test)
for name, predicted in {**predictions, "truth": [np.array(path) for path in y_test]}.items():
    segments = sum(1 + np.sum(path[1:] != path[:-1]) for path in predicted)
    print(f"{name:30} {np.mean(np.concatenate(predicted) == right):6.1%} of frames right, {segments} segments")

# %%
# How many labels does it take?
# -----------------------------
numbers = [1, 2, 3, 5, 10, 20]
curves = {"labelled recordings alone": [], "and the unlabelled ones": []}
for number in numbers:
    models = (
        hs.GaussianHMM().fit(X[:number], y=y[:number]),
        hs.GaussianHMM(n_iter=100).fit(X, y=[*y[:number], *[None] * (60 - number)]),
    )
    for curve, model in zip(curves.values(), models):
        curve.append(np.mean(np.concatenate(model.predict(X_test)) == right))

# %%
# The unseen recording that the rule helped most, and the curves. The posterior tells where the model hesitates.
last, ruled = list(predictions.values())[-2:]
gains = [np.sum(b == np.array(gold)) - np.sum(a == np.array(gold)) for a, b, gold in zip(last, ruled, y_test)]
shown = int(np.argmax(np.array(gains) * [len(set(path)) == 4 for path in y_test]))
rows = {"truth": y_test[shown], **{name: predicted[shown] for name, predicted in predictions.items()}}
number = {name: i for i, name in enumerate(names)}
colours = plt.get_cmap("Set2")
fig = plt.figure(figsize=(11, 6.5), layout="constrained")
grid = fig.add_gridspec(2, 2, height_ratios=[1.1, 1], width_ratios=[1.6, 1])
strips, posterior, curve = fig.add_subplot(grid[0, :]), fig.add_subplot(grid[1, 0]), fig.add_subplot(grid[1, 1])
strips.imshow([[number[name] for name in row] for row in rows.values()], aspect="auto", cmap="Set2", vmin=0, vmax=7)
strips.set_yticks(range(len(rows)), rows)
strips.set_xticks([])
strips.hlines(np.arange(len(rows) - 1) + 0.5, *strips.get_xlim(), color="white", lw=3)
strips.set_title("A recording, frame by frame")
for name, i in number.items():
    strips.plot([], [], "s", color=colours(i / 7), label=name)
strips.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
probabilities = partly.predict_proba([X_test[shown]])[0]
posterior.stackplot(np.arange(len(probabilities)) / 10, probabilities.T, colors=[colours(i / 7) for i in range(4)])
posterior.set(xlabel="seconds", ylabel="probability", xlim=(0, (len(probabilities) - 1) / 10), ylim=(0, 1))
posterior.set_title("What the partly labelled model believes")
for (name, values), style in zip(curves.items(), ("o:", "o-")):
    curve.plot(numbers, values, style, label=name)
curve.set(xscale="log", xlabel="labelled recordings", ylabel="frames right, new recordings")
curve.set_xticks(numbers, numbers)
curve.minorticks_off()
curve.set_title("Unlabelled recordings help")
curve.legend(frameon=False)
plt.show()
