"""
Labels while the frames come in
===============================

A movement sensor sends a frame ten times a second, and something is to happen soon after somebody starts to run: nobody
can wait for the end of the recording. How long must a label wait? A fixed lag decides each frame when a few more are
in. An exact decoder waits until all paths that are still in the race agree, however long that takes. And a filter says
at each frame how sure it is.
"""

# %%
# A model, trained on whole recordings
# ------------------------------------
# Its encoder must not look ahead, of course: here it sees single frames.
import time

import matplotlib.pyplot as plt
import numpy as np
import torch

import hybridseq as hs

torch.set_num_threads(1)  # the batches are small: more threads would only wait for each other

X, y = hs.datasets.make_activity_segments(250, noise=1.0, random_state=0)
settings = {"encoder": "none", "constraint": None, "dropout": 0, "weight_decay": 0, "valid_fraction": 0}
settings |= {"learning_rate": 3e-2, "batch_size": 4, "max_epochs": 15, "random_state": 0, "verbose": 0}
tagger = hs.SequenceTagger(**settings).fit(X, y)
layer, names = tagger.network_.structure, tagger.classes_

# One long stream: many recordings end to end.
X_test, y_test = hs.datasets.make_activity_segments(100, noise=1.0, random_state=1)
stream, gold = np.concatenate(X_test), np.concatenate(y_test)
with torch.no_grad():
    emissions = tagger.network_.score_labels(torch.tensor([len(stream)]), vectors=torch.from_numpy(stream)[None])[0]
print(f"{len(stream):,} frames, labels {', '.join(names)}")

# %%
# Frame by frame
# --------------
# ``push`` takes the next frames in and returns the labels that are decided now; ``finish`` the rest.
decoder = hs.inference.OnlineDecoder.of(layer, lag=3)
for t in range(6):
    decided = decoder.push(emissions[t : t + 1])
    print(f"frame {t}: decided {names[decided.numpy()].tolist()}, pending {decoder.pending}")
print("at the end:", names[decoder.finish().numpy()].tolist())

# %%
# Lag against accuracy
# --------------------
# What is computed is exact: the label of frame t − lag on the best path through all frames up to t. The best path is
# not bound to be right at most frames, so that a lag may do a little better than the whole.
whole = names[layer(emissions[None]).decode()[0].numpy()]
best = np.mean(whole == gold)
LAGS = [0, 1, 2, 3, 5, 8, 12, 20]
accuracy = []
for lag in LAGS:
    decoder = hs.inference.OnlineDecoder.of(layer, lag=lag)
    labels = torch.cat([decoder.push(emissions), decoder.finish()])
    accuracy.append(np.mean(names[labels.numpy()] == gold))
    print(f"lag {lag:2}: {accuracy[-1]:.1%} of frames right")
print(f"the whole recording: {best:.1%}")

# %%
# Without a lag, the labels are those of the whole recording, and each comes as soon as it is certain.
decoder = hs.inference.OnlineDecoder.of(layer)
waits, labels, began = [], [], time.perf_counter()
for t, frame in enumerate(emissions.split(1)):
    decided = decoder.push(frame)
    waits += [t - len(labels) - i for i in range(len(decided))]
    labels += decided.tolist()
seconds = time.perf_counter() - began
labels += decoder.finish().tolist()
same = bool(np.all(names[labels] == whole))
print(f"the same labels as the whole: {same}; {seconds / len(stream) * 1e6:.0f} µs a frame")
print(f"a label waits {np.mean(waits):.1f} frames on average, {np.max(waits)} at most")

# %%
# How sure is it now?
# -------------------
# The filter gives p(label | frames so far), the smoother with a lag of five p(label | five frames more).
smoothers = {lag: hs.inference.OnlineFilter.of(layer, lag=lag) for lag in (0, 5)}
posteriors = {lag: smoother.push(emissions).posteriors.numpy() for lag, smoother in smoothers.items()}

window = slice(0, 160)
number = {label: i for i, label in enumerate(hs.datasets.ACTIVITIES)}
fig, axes = plt.subplot_mosaic(
    [["strips", "lags"], ["running", "waits"]], figsize=(13, 5.5), width_ratios=[2, 1], layout="constrained"
)
rows = {"truth": gold}
for lag in (0, 3):
    decoder = hs.inference.OnlineDecoder.of(layer, lag=lag)
    rows[f"lag {lag}"] = names[torch.cat([decoder.push(emissions), decoder.finish()]).numpy()]
rows["exact"] = whole
image = [[number[label] for label in row[window]] for row in rows.values()]
axes["strips"].imshow(image, aspect="auto", cmap="Set2", vmin=0, vmax=7, interpolation="nearest")
axes["strips"].set_yticks(range(len(rows)), rows)
axes["strips"].set(title="Labels as they came out", xlabel="frame")
for label, i in number.items():
    axes["strips"].plot([], [], "s", color=plt.get_cmap("Set2")(i / 7), label=label)
axes["strips"].legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
run = list(names).index("run")
axes["running"].fill_between(np.arange(window.stop), gold[window] == "run", color="0.85", step="mid", label="truth")
for lag, style in ((0, ":"), (5, "-")):
    name = "now (filter)" if lag == 0 else "5 frames later"
    axes["running"].plot(posteriors[lag][window, run], style, label=name)
axes["running"].set(title="Probability that somebody runs", xlabel="frame", xlim=(0, window.stop - 1))
axes["running"].legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
axes["lags"].plot(LAGS, accuracy, "o-", label="fixed lag")
axes["lags"].axhline(best, color="C1", ls=":", label="the whole recording")
axes["lags"].set(xlabel="lag, frames", ylabel="frames right", title="A few frames are enough")
axes["lags"].legend()
axes["waits"].hist(waits, np.arange(max(waits) + 2) - 0.5, color="C2")
axes["waits"].set(xlabel="frames that a label waits", ylabel="labels", title="Exact decoding", yscale="log")
plt.show()
