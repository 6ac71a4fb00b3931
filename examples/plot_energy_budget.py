"""
What the meter says
===================

Three cheap sensors on a washing machine give a frame a minute, and each minute is to be labelled: off, standby, washing
or heating. The sensors are noisy, and drift: in one recording all is louder than in the next. But there is a meter, and
it tells what the whole recording took. Each state draws a known power, so *the sum over all minutes is known*, within
the meter's error. Such a sum is beyond any automaton; it is a budget.
"""

# %%
# One budget a recording
# ----------------------
import time

import matplotlib.pyplot as plt
import numpy as np
import torch

import hybridseq as hs
from hybridseq import constraints as C

torch.set_num_threads(1)  # the batches are small: more threads would only wait for each other

ERROR = 5.0  # watt-hours by which the meter may be wrong
X, y, _ = hs.datasets.make_appliance_days(60, random_state=0)
X_test, y_test, energy = hs.datasets.make_appliance_days(40, meter_error=ERROR, random_state=1)

per_minute = {state: watts / 60 for state, watts in hs.datasets.POWER.items()}
meter = [C.linear(per_minute, min=told - ERROR, max=told + ERROR) for told in energy]
print(f"the first recording: {len(X_test[0])} minutes, {energy[0]:.1f} ± {ERROR:g} Wh")

# %%
# The machine's manual says how long each state lasts. That is an automaton, and goes together with the budget.
durations = C.run("off", min=5) & C.run("standby", min=3) & C.run("wash", min=8, max=20) & C.run("heat", min=4, max=16)
print((durations & meter[0]).compile(sorted(per_minute)).explain())

# %%
# With the meter and without it
# -----------------------------
# The meter is read where labels are predicted; training does without. The durations hold in both.
settings = {"hidden_size": 16, "learning_rate": 1e-2, "batch_size": 8, "max_epochs": 10, "dropout": 0.2}
settings |= {"valid_fraction": 0, "random_state": 0, "verbose": 0}
taggers = {
    "chain": hs.SequenceTagger(constraint=None, **settings).fit(X, y),
    "durations": hs.SequenceTagger(constraint=durations, **settings).fit(X, y),
}


def used(labels):
    """Watt-hours from the first minute to each."""
    return np.cumsum([per_minute[label] for label in labels])


predictions, accuracy, missed = {}, {}, {}
for name, tagger in taggers.items():
    for told, budget in (("", None), (", meter", meter)):
        began = time.perf_counter()
        predicted = predictions[name + told] = tagger.predict(X_test, constraint=budget)
        seconds = time.perf_counter() - began
        accuracy[name + told] = hs.metrics.token_accuracy(y_test, predicted)
        missed[name + told] = np.abs([used(labels)[-1] - total for labels, total in zip(predicted, energy)])
        broken = sum(not one.accepts(labels) for one, labels in zip(meter, predicted))
        print(
            f"{name + told:16} {accuracy[name + told]:.1%} of minutes right, {broken:2} of {len(meter)} recordings "
            f"off the meter, by {missed[name + told].mean():5.1f} Wh on average; {seconds:4.1f} s"
        )

# %%
# How good is an answer?
# ----------------------
# No recursion finds the best labels within a budget. Multipliers that price a watt-hour give an upper bound, and where
# it is not met, a search follows. What was found is told with it: score, bound, who had the last word, and whether the
# answer is proven best.
tagger = taggers["durations"]
coefficients = [[per_minute[label] for label in tagger.classes_]]
print("recording  without the meter     with it       bound   proven  found by")
for i in range(6):
    with torch.no_grad():
        chain = tagger.network_(vectors=torch.from_numpy(X_test[i])[None], lengths=torch.tensor([len(X_test[i])]))
    found = hs.inference.solve(chain, coefficients, [energy[i] - ERROR], [energy[i] + ERROR])
    free, score, bound = (value.item() for value in (chain.max_score(), found.score, found.bound))
    print(f"{i:9} {free:18.3f} {score:11.3f} {bound:11.3f}   {'yes' if found.exact else 'no':6}  {found.backend[0]}")

# %%
# One recording
# -------------
# Where the meter helped most.
gain = [
    np.mean(np.array(after) == right) - np.mean(np.array(before) == right)
    for before, after, right in zip(predictions["durations"], predictions["durations, meter"], map(np.array, y_test))
]
shown = int(np.argmax(gain))
rows = {"truth": y_test[shown], **{name: predicted[shown] for name, predicted in predictions.items()}}
number = {state: i for i, state in enumerate(per_minute)}
colours = plt.get_cmap("Set2")
fig, (strips, curves) = plt.subplots(2, 1, figsize=(10, 6.5), sharex=True, height_ratios=[1, 1.3], layout="constrained")
strips.imshow([[number[state] for state in row] for row in rows.values()], aspect="auto", cmap="Set2", vmin=0, vmax=7)
strips.set_yticks(range(len(rows)), rows)
strips.set_title("States of one recording, minute by minute")
for state, i in number.items():
    strips.plot([], [], "s", color=colours(i / 7), label=f"{state}, {hs.datasets.POWER[state]:g} W")
strips.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
styles = {"color": "black", "lw": 2.5}, {"ls": ":"}, {"ls": "--"}, {"ls": ":"}, {"ls": "--"}
for (name, row), style, colour in zip(rows.items(), styles, (None, "C0", "C0", "C1", "C1")):
    curves.plot(used(row), label=name, **({} if colour is None else {"color": colour}), **style)
curves.axhspan(energy[shown] - ERROR, energy[shown] + ERROR, color="grey", alpha=0.4, lw=0, label="what the meter says")
curves.set(xlabel="minute", ylabel="watt-hours so far", title="Energy: with the meter, every curve ends where it must")
curves.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
plt.show()
