"""Which states the acoustic model takes for which: counted and drawn."""

import numpy as np


def confusion_counts(scores, states, count):
    """Frames by aligned state (rows) and by the state of the best score (T, P), as (P, P) int64 for P = ``count``."""
    found = np.zeros((count, count), np.int64)
    for x, labels in zip(scores, states):
        if labels is not None:
            np.add.at(found, (labels, x.argmax(1)), 1)
    return found


def draw_confusions(counts, units, ax=None):
    """Draw counts (P, P) as shares of their rows; returns the Axes."""
    if ax is None:
        from matplotlib import pyplot as plt

        size = min(12.0, max(4.0, 0.09 * len(counts)))
        _, ax = plt.subplots(figsize=(size + 1.0, size), layout="constrained")
    shares = counts / np.maximum(1, counts.sum(1, keepdims=True))
    image = ax.imshow(shares, vmin=0, vmax=1, cmap="Blues", interpolation="nearest")
    ax.figure.colorbar(image, ax=ax, label="share of the state's frames", shrink=0.8)
    ends = np.array([max(units.states_of(name)) + 1 for name in units.names])
    begins = np.array([min(units.states_of(name)) for name in units.names])
    middles = (begins + ends - 1) / 2
    ax.set_xticks(middles, units.names, rotation=90)
    ax.set_yticks(middles, units.names)
    for end in ends[:-1]:
        ax.axhline(end - 0.5, color="0.8", linewidth=0.5)
        ax.axvline(end - 0.5, color="0.8", linewidth=0.5)
    ax.set(xlabel="state with the best score", ylabel="state of the alignment")
    return ax
