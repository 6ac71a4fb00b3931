"""
A classifier inside an HMM
==========================

A sensor under the mattress gives two numbers a second, and each second is to be labelled: still, moving, coughing.
Coughs are rare. A classifier of single seconds knows that, and so says "still" when in doubt; an HMM knows it too, from
its transitions. Put together as they are, the rarity counts twice, and the coughs are gone. The hybrid HMM divides it
out once: log p(state | x) − log p(state).
"""

# %%
# Recordings from a model that we know
# ------------------------------------
# So that the best possible answer is known as well.
import matplotlib.pyplot as plt
import numpy as np
import torch

import hybridseq as hs

torch.set_num_threads(1)  # the batches are small: more threads would only wait for each other

STATES = ["cough", "move", "still"]
MOVES = np.array([[0.70, 0.10, 0.20], [0.02, 0.83, 0.15], [0.008, 0.012, 0.98]])
MEANS, NOISE = np.array([[0.7, 1.3], [1.3, 0.4], [0.0, 0.0]]), 0.8


def record(count, moves, random, seconds=400):
    """Recordings (T, 2) and their labels; everybody lies still at first."""
    X, y = [], []
    for _ in range(count):
        states = [2]
        while len(states) < seconds:
            states.append(int(random.choice(3, p=moves[states[-1]])))
        X.append((MEANS[states] + NOISE * random.standard_normal((seconds, 2))).astype(np.float32))
        y.append([STATES[state] for state in states])
    return X, y


random = np.random.default_rng(0)
X, y = record(60, MOVES, random)
X_test, y_test = record(60, MOVES, random)
labels = np.concatenate(y)
print({state: f"{np.mean(labels == state):.1%}" for state in STATES})


def best_possible(X, moves):
    """Labels by the model that made the recordings."""
    layer = hs.nn.HMM(3, transitions=moves, start=np.array([0.0, 0.0, 1.0]))
    emissions = hs.nn.GaussianEmissions(3, 2, MEANS, np.full((3, 2), NOISE**2))
    return [[STATES[i] for i in layer(emissions(torch.from_numpy(x)[None].double())).decode()[0]] for x in X]


# %%
# One classifier, three ways to use it
# ------------------------------------
# ``objective="cross_entropy"`` trains the classifier second by second; the HMM's transitions and the prior are counted.
# How much is divided out is the prior's scale, which can be set on the fitted tagger. A CRF learns all of it at once.
settings = {"encoder": "none", "constraint": None, "dropout": 0, "weight_decay": 0, "valid_fraction": 0}
settings |= {"learning_rate": 3e-2, "batch_size": 4, "max_epochs": 30, "random_state": 0, "verbose": 0}
hybrid = hs.SequenceTagger(structure="hmm", objective="cross_entropy", **settings).fit(X, y)
crf = hs.SequenceTagger(structure="crf", **settings).fit(X, y)

layer = hybrid.network_.structure
prior = layer.prior
print("prior:", {state: round(p, 3) for state, p in zip(STATES, prior.log_probs.exp().tolist())})


def with_scale(scale, X=X_test):
    """The hybrid's labels where the prior has this scale."""
    layer.prior = prior.scaled(scale)
    predicted = hybrid.predict(X)
    layer.prior = prior
    return predicted


def second_by_second(X):
    """The classifier alone."""
    with torch.no_grad():
        scores = (hybrid.network_.score_labels(torch.tensor([len(x)]), vectors=torch.from_numpy(x)[None]) for x in X)
        return [hybrid.classes_[score[0].argmax(1)].tolist() for score in scores]


def f1(predicted, state, gold=y_test):
    """F1 of a state's seconds."""
    said, right = (np.concatenate(rows) == state for rows in (predicted, gold))
    return 2 * (said & right).sum() / max(1, said.sum() + right.sum())


answers = {
    "classifier alone": second_by_second(X_test),
    "HMM, not divided": with_scale(0),
    "HMM, divided": hybrid.predict(X_test),
    "CRF": crf.predict(X_test),
    "the true model": best_possible(X_test, MOVES),
}
print(f"{'':18} {'right':>6}  {'cough F1':>8}  {'move F1':>8}")
for name, predicted in answers.items():
    right = hs.metrics.token_accuracy(y_test, predicted)
    print(f"{name:18} {right:6.1%}  {f1(predicted, 'cough'):8.3f}  {f1(predicted, 'move'):8.3f}")

# %%
# Elsewhere, things are otherwise
# -------------------------------
# In a week of influenza people cough more. The classifier's view of a second, divided by how often it saw each state,
# is still right; only the transitions are not, and they can be exchanged. A CRF cannot be taken apart like this.
FLU = np.array([[0.70, 0.10, 0.20], [0.06, 0.79, 0.15], [0.05, 0.012, 0.938]])
X_flu, y_flu = record(60, FLU, random)
usual = layer.transitions.exp(), layer.start.exp()
changed = {"HMM as trained": hybrid.predict(X_flu), "CRF as trained": crf.predict(X_flu)}
layer.hmm.set_probabilities(torch.from_numpy(FLU), usual[1])
changed["HMM, new transitions"] = hybrid.predict(X_flu)
layer.hmm.set_probabilities(*usual)
changed["the true model"] = best_possible(X_flu, FLU)
for name, predicted in changed.items():
    right = hs.metrics.token_accuracy(y_flu, predicted)
    print(f"{name:21} {right:6.1%} right, cough F1 {f1(predicted, 'cough', y_flu):.3f}")

# %%
# One recording, and every scale
# ------------------------------
window = slice(0, 220)
shown = int(np.argmax([row[window].count("cough") for row in y_test]))
rows = {"truth": y_test[shown], **{name: rows[shown] for name, rows in answers.items()}}
scales = np.linspace(0, 1.5, 13)
curves = {state: [f1(with_scale(scale), state) for scale in scales] for state in ("move", "cough")}

fig, axes = plt.subplot_mosaic(
    [["sensor", "curves"], ["labels", "curves"]], figsize=(13, 4.8), width_ratios=[2, 1], layout="constrained"
)
axes["sensor"].plot(X_test[shown][window], lw=0.8)
axes["sensor"].set(title="What the sensor gives", xlim=(0, window.stop - 1))
image = [[STATES.index(state) for state in row[window]] for row in rows.values()]
axes["labels"].imshow(image, aspect="auto", cmap="Set2", vmin=0, vmax=7, interpolation="nearest")
axes["labels"].set_yticks(range(len(rows)), rows)
axes["labels"].set(xlabel="second", title="Labels")
for i, state in enumerate(STATES):
    axes["labels"].plot([], [], "s", color=plt.get_cmap("Set2")(i / 7), label=state)
axes["labels"].legend(loc="upper center", bbox_to_anchor=(0.5, -0.25), ncols=3, frameon=False)
for (state, curve), colour in zip(curves.items(), ("C1", "C0")):
    axes["curves"].plot(scales, curve, "o-", ms=4, color=colour, label=f"{state}, hybrid HMM")
    axes["curves"].axhline(f1(answers["the true model"], state), color=colour, ls=":", label=f"{state}, the true model")
axes["curves"].set(xlabel="scale of the prior", ylabel="F1", title="1 is Bayes' rule", ylim=(0, 1.15))
axes["curves"].legend(fontsize=9)
plt.show()
