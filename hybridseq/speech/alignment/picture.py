"""An alignment drawn over its spectrogram."""

import numpy as np

from hybridseq.speech.alignment.segments import Alignment
from hybridseq.text.errors import DataError

#: Seconds of a window of the spectrogram, and between two.
_WINDOW, _SHIFT = 0.025, 0.005
#: Decibels shown below the loudest.
_RANGE = 70.0


def plot_alignment(samples_or_features, alignment: Alignment, rate: float, ax=None):
    """Draw words and phones over a spectrogram.

    Parameters
    ----------
    samples_or_features : (N,) or (T, D) array or tensor
        Samples, of which a spectrogram is made, or features to show as they are.
    alignment : Alignment
        Words stand above the picture, phones (where they are known) at its foot.
    rate : float
        Samples a second, or frames a second with features.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure, as wide as the utterance is long.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DataError
        An array of another shape or without content, or a rate that is not positive.
    """
    values = np.asarray(samples_or_features, dtype=float)
    if values.ndim not in (1, 2) or not values.size:
        raise DataError(f"expected samples (N,) or features (T, D), not empty; got the shape {values.shape}")
    if not 0 < rate < np.inf:
        raise DataError(f"rate must be a positive number of samples or frames a second; got {rate}")
    seconds = max(len(values) / rate, alignment.duration)
    if ax is None:
        from matplotlib import pyplot as plt

        _, ax = plt.subplots(figsize=(min(24.0, max(5.0, 4.0 * seconds)), 3.2), layout="constrained")
    top = _spectrogram(ax, values, rate) if values.ndim == 1 else _features(ax, values, rate)
    ax.set(xlim=(0, seconds), ylim=(0, top), xlabel="seconds")
    _tier(ax, alignment.words, above=True)
    _tier(ax, alignment.phones or [], above=False)
    return ax


def _spectrogram(ax, samples, rate) -> float:
    window = max(2, min(len(samples), round(_WINDOW * rate)))
    samples = np.pad(samples, (0, max(0, window - len(samples))))
    frames = np.lib.stride_tricks.sliding_window_view(samples, window)[:: max(1, round(_SHIFT * rate))]
    size = 1 << (window - 1).bit_length()
    power = np.abs(np.fft.rfft((frames - frames.mean(axis=1, keepdims=True)) * np.hanning(window), size)) ** 2
    loudest = power.max()
    level = 10 * np.log10(np.maximum(power, max(loudest, np.finfo(float).tiny) * 10 ** (-_RANGE / 10)))
    shift = max(1, round(_SHIFT * rate)) / rate
    # Each column stands around the middle of its window.
    begin = window / rate / 2 - shift / 2
    extent = (begin, begin + len(frames) * shift, 0, rate / 2000)
    ax.imshow(level.T, origin="lower", aspect="auto", extent=extent, cmap="gray_r", interpolation="nearest")
    ax.set_ylabel("kHz")
    return rate / 2000


def _features(ax, values, rate) -> float:
    frames, dimensions = values.shape
    extent = (0, frames / rate, 0, dimensions)
    ax.imshow(values.T, origin="lower", aspect="auto", extent=extent, cmap="gray_r", interpolation="nearest")
    ax.set_ylabel("feature")
    return dimensions


def _tier(ax, segments, above: bool) -> None:
    """Boundaries as lines and labels in the middle; in units of time along, of the axes' height upwards."""
    across = ax.get_xaxis_transform()
    height, colour = ((0.0, 1.0), "tab:blue") if above else ((0.0, 0.14), "tab:red")
    times = sorted({time for segment in segments for time in (segment.start, segment.end)})
    ax.vlines(times, *height, transform=across, colors=colour, linewidths=1.2 if above else 0.8)
    for segment in segments:
        middle = (segment.start + segment.end) / 2
        place = {"va": "bottom", "y": 1.02} if above else {"va": "center", "y": 0.06}
        box = {} if above else {"bbox": {"facecolor": "white", "alpha": 0.7, "edgecolor": "none", "pad": 0.8}}
        style = {"ha": "center", "color": colour, "size": 10 if above else 7, "parse_math": False}
        ax.text(x=middle, s=segment.label, transform=across, **style, **place, **box)
