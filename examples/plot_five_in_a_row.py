"""
Five in a row
=============

A movement sensor gives a noisy frame ten times a second, and each frame is to be labelled: sitting, standing, walking,
running. Nobody does any of these for less than half a second, so *when a label appears, it appears at least five times
in a row*. A recurrent network that labels each frame by itself cannot be told so. A structured model can.
"""

# %%
# The rule
# --------
# "Five in a row" has three readings. Here the first is meant.
import matplotlib.pyplot as plt
import numpy as np
import torch

import hybridseq as hs
from hybridseq import constraints as C

torch.set_num_threads(1)  # the batches are small: more threads would only wait for each other

rule = C.run(C.each, min=5)
readings = {
    "at least five": rule,
    "exactly five": C.run(C.each, exactly=5),
    "multiples of five": C.run(C.each, multiple_of=5),
}
print(f"{'length of a run':18}", *(f"{n:>6}" for n in (4, 5, 6, 10)))
for name, reading in readings.items():
    told = ("yes" if reading.accepts(["walk"] * n + ["sit"] * 5) else "no" for n in (4, 5, 6, 10))
    print(f"{name:18}", *(f"{word:>6}" for word in told))

# %%
# What it compiles to, and what it costs beside the plain chain over the same labels:
print(rule.compile(["run", "sit", "stand", "walk"]).explain())

# %%
# Three taggers
# -------------
# The same BiLSTM under three output layers. The last one keeps the rule while it is trained, too: its probabilities are
# those of the legal label sequences alone.
X, y = hs.datasets.make_activity_segments(250, noise=1.0, random_state=0)
X_test, y_test = hs.datasets.make_activity_segments(300, noise=1.0, random_state=1)
settings = {"hidden_size": 32, "learning_rate": 1e-2, "batch_size": 8, "max_epochs": 8, "dropout": 0.2}
settings |= {"random_state": 0, "verbose": 0}

softmax = hs.SequenceTagger(objective="cross_entropy", **settings).fit(X, y)
chain = hs.SequenceTagger(constraint=None, **settings).fit(X, y)
constrained = hs.SequenceTagger(constraint=rule, **settings).fit(X, y)

predictions = {
    "BiLSTM, argmax a frame": softmax.predict(X_test),
    "BiLSTM and chain": chain.predict(X_test),
    "the same, rule in decoding": chain.predict(X_test, constraint=rule),
    "the rule in training, too": constrained.predict(X_test),
}
broken, accuracy = {}, {}
for name, predicted in predictions.items():
    broken[name] = len(rule.check_dataset(predicted).broken) / len(predicted)
    accuracy[name] = hs.metrics.token_accuracy(y_test, predicted)
    print(f"{name:28} breaks the rule in {broken[name]:6.1%} of recordings, {accuracy[name]:.1%} of frames right")

# %%
# Where the argmax breaks the rule, and what to ask of a sequence that does:
first, *_ = (p for p in predictions["BiLSTM, argmax a frame"] if not rule.accepts(p))
for violation in rule.violations(first)[:3]:
    print(f"frame {violation.position}: {violation.reason}")

# %%
# How sure is the plain chain that the rule holds? The exact probability, summed over every legal sequence:
with torch.no_grad():
    emissions = torch.randn(1, 40, 4)
    plain = hs.LinearChain(emissions, torch.eye(4))
    print(f"random scores, 40 frames: p(rule) = {plain.log_prob(rule.compile(constrained.classes_)).exp().item():.1e}")

# %%
# One recording
# -------------
shown = int(np.argmax([len(rule.violations(p)) for p in predictions["BiLSTM, argmax a frame"]]))
rows = {"truth": y_test[shown], **{name: predicted[shown] for name, predicted in predictions.items()}}
number = {label: i for i, label in enumerate(hs.datasets.ACTIVITIES)}
fig, (strips, bars) = plt.subplots(1, 2, figsize=(13, 3.8), width_ratios=[2, 1], layout="constrained")
strips.imshow([[number[label] for label in row] for row in rows.values()], aspect="auto", cmap="Set2", vmin=0, vmax=7)
strips.set_yticks(range(len(rows)), rows)
strips.set(xlabel="frame", title="Labels of one recording; every short sliver breaks the rule")
for label, i in number.items():
    strips.plot([], [], "s", color=plt.get_cmap("Set2")(i / 7), label=label)
strips.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=4, frameon=False)
places = np.arange(len(broken))
bars.barh(places + 0.2, list(accuracy.values()), 0.38, label="frames right")
bars.barh(places - 0.2, list(broken.values()), 0.38, label="recordings that break the rule")
for place, right, wrong in zip(places, accuracy.values(), broken.values()):
    bars.text(right + 0.01, place + 0.2, f"{right:.1%}", va="center", fontsize=8)
    bars.text(wrong + 0.01, place - 0.2, f"{wrong:.1%}", va="center", fontsize=8)
bars.set_yticks(places, broken)
bars.invert_yaxis()
bars.set_xlim(0, 1.15)
bars.legend(fontsize=8, loc="lower center", bbox_to_anchor=(0.4, 1.0), ncols=2, frameon=False)
plt.show()
