"""
Half a digit, and the rest
==========================

Squared error has one best answer: the mean of all that could be. Where a picture can go on in several ways, that is a
blur which nobody ever wrote. A conditional GAN trains the same network against a critic F(x, y) instead, and draws one
of the ways: sharper, and, pixel by pixel, further from the one that happened to be.
"""

# %%
# A digit asked for
# -----------------
# Handwritten digits of 8 × 8 pixels, scaled to 0 … 1, which is what the estimator wants. A classifier that has seen
# real digits only says how often a drawn one is what was asked for.
import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.svm import SVC

import hybridseq as hs

torch.set_num_threads(1)  # the batches are small: more threads would only wait for each other

Y, X = load_digits(return_X_y=True)
Y = (Y / 16).reshape(-1, 8, 8).astype(np.float32)
X, X_test, Y, Y_test = train_test_split(X, Y, test_size=0.25, random_state=0, stratify=X)
reader = SVC(gamma=0.25).fit(Y.reshape(-1, 64), X)
print(f"real digits read right: {reader.score(Y_test.reshape(-1, 64), X_test):.1%}")

options = {"width": 16, "averaging": 0.98, "random_state": 0, "verbose": 0}
gan = hs.ConditionalGAN(max_epochs=12, **options).fit(X, Y)
drawn = gan.sample(np.arange(10), 50, random_state=0)
read = reader.predict(drawn.reshape(-1, 64)).reshape(10, 50)
print(f"drawn digits read as asked: {np.mean(read == np.arange(10)[:, None]):.1%}")

# %%
# The same generator, trained to the squared error
# ------------------------------------------------
# Given the upper half, what is below? ``training="regression"`` is the baseline.
given, rest = Y[:, :4], Y[:, 4:]
mean = hs.ConditionalGAN(training="regression", max_epochs=15, **options).fit(given, rest)
other = hs.ConditionalGAN(max_epochs=12, **options).fit(given, rest)

top, true = Y_test[:, :4], Y_test[:, 4:]
answers = {"regression": mean.predict(top), "GAN, one draw": other.sample(top, random_state=0)[:, 0]}
answers["GAN, mean of 20"] = other.sample(top, 20, random_state=0).mean(1)
answers["truth"] = true
print(f"{'':16}  {'squared error':>13}  {'contrast':>8}")
for name, answer in answers.items():
    contrast = np.abs(answer - 0.5).mean() / np.abs(true - 0.5).mean()
    print(f"{name:16}  {((answer - true) ** 2).mean():13.4f}  {contrast:8.1%}")

# %%
# Side by side
# ------------
# Training is a matter of seconds here; a few minutes more make the draws more varied.


def tiled(rows):
    """Rows of pictures as one picture, with a margin around each."""
    return np.block([[np.pad(picture, 1) for picture in row] for row in rows])


fig, axes = plt.subplots(2, 1, figsize=(8, 8), layout="constrained")
axes[0].imshow(tiled(drawn[:, :5].swapaxes(0, 1)), cmap="gray_r", vmin=0, vmax=1)
axes[0].set(title="drawn as asked", xticks=np.arange(10) * 10 + 4.5, xticklabels=range(10), yticks=[])
rows = [np.concatenate([top[:12], answer[:12]], 1) for answer in answers.values()]
axes[1].imshow(tiled(rows), cmap="gray_r", vmin=0, vmax=1)
axes[1].set(title="upper half given", xticks=[], yticks=np.arange(len(rows)) * 10 + 4.5, yticklabels=answers)
for k in range(len(rows)):
    axes[1].axhline(10 * k + 4.5, color="C1", lw=0.7)
plt.show()
