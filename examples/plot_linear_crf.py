"""
What a linear CRF learned, feature by feature
=============================================

A linear-chain CRF on hand-made features trains in seconds, has one optimum, and can be read: each weight belongs to a
feature and a label, or to two neighbouring labels. That is what people want who must explain a tag, or who have little
data and no GPU.
"""

# %%
# Features
# --------
# Templates spell out what the model sees of a token: the word, its neighbours, affixes, shape, and pairs of words. A
# function of your own that gives a list of strings, or a dictionary, for each token does as well.
import time

import matplotlib.pyplot as plt
import numpy as np

import hybridseq as hs

X, y = hs.datasets.make_ticket_booking(600, random_state=0)
X_test, y_test = hs.datasets.make_ticket_booking(500, random_state=1)
templates = hs.text.TokenTemplates()
F, F_test = templates.transform(X), templates.transform(X_test)
print(X[2][:6], "\n", F[2][3][:8], "...")

# %%
# Three ways to train the same weights
# ------------------------------------
# The CRF maximises likelihood, the structured SVM the margin (and says by its duality gap how close it is to the
# optimum), the averaged perceptron moves after each mistake.
models = {
    "CRF": hs.LinearCRF(c2=0.1, verbose=0),
    "CRF, L1": hs.LinearCRF(c1=0.2, c2=0.1, max_iterations=100, verbose=0),
    "structured SVM": hs.StructuredSVM(C=0.3, tolerance=0.01, random_state=0, verbose=0),
    "perceptron": hs.StructuredPerceptron(10, random_state=0, verbose=0),
}
for name, model in models.items():
    begin = time.perf_counter()
    model.fit(F, y)
    seconds = time.perf_counter() - begin
    print(f"{name:15} F1 {model.score(F_test, y_test):.4f}  {len(model.coef_):6,} weights  {seconds:4.1f} s")

# %%
# The L1 penalty sets most weights to exactly 0; features without a weight leave the model.
#
# What it learned
# ---------------
# Left: the features that speak most for and against "a city where the journey ends". Right: which labels follow which;
# pairs that training never showed have no weight, and score 0.
crf = models["CRF, L1"]
label = "B-destination"
top = crf.top_features(label, 8)
names = list(crf.classes_)
moves = np.zeros((len(names), len(names)))
for (before, after), weight in crf.transition_features_.items():
    moves[names.index(before), names.index(after)] = weight

figure, (left, right) = plt.subplots(1, 2, figsize=(12, 5), layout="constrained")
features, weights = zip(*reversed(top))
left.barh(features, weights, color=["tab:blue" if w > 0 else "tab:red" for w in weights])
left.axvline(0, color="black", linewidth=0.8)
left.set(title=f"features of {label}", xlabel="weight")
limit = np.abs(moves).max()
image = right.imshow(moves, cmap="RdBu", vmin=-limit, vmax=limit)
right.set_xticks(range(len(names)), names, rotation=60, ha="right")
right.set_yticks(range(len(names)), names)
right.set(title="transitions", xlabel="next label", ylabel="label")
figure.colorbar(image, ax=right, label="weight")
plt.show()

# %%
# Alternatives and doubt
# ----------------------
# The same model gives the k best taggings with their probabilities, the probability of each label, and keeps rules
# that are known at prediction time only.
sentence, features = X_test[0], F_test[0]
print(" ".join(sentence))
for path, log_probability in crf.predict_k_best([features], k=3)[0]:
    print(f"  {np.exp(log_probability):.3f}  {' '.join(path)}")

# %%
# Next: train under a tag scheme with ``constraint="auto"``, put an encoder's output beside these features
# (:class:`hybridseq.EncoderFeatures`), or go on with :class:`hybridseq.SequenceTagger`.
