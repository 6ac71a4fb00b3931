"""Boundaries between silence and speech, moved to where the loudness changes."""

import numpy as np

from hybridseq.speech.alignment.segments import Alignment, Segment

_STEP, _WINDOW = 0.005, 0.01


def sharpen(alignment, samples, rate, reach=0.08):
    """Move each boundary between silence and speech to the change in loudness beside it.

    Frames of a model see their neighbours through windows, derivatives and context, which blurs where sound begins.
    Within ``reach`` of the boundary, and no farther than the middle of the segments on both sides, the place is taken
    that splits the levels into two constant parts with the least squared error, if the part inside is the louder one
    (a change point by least squares :cite:p:`truong2020`). Boundaries between words without silence stay.

    Parameters
    ----------
    alignment : Alignment
    samples : (N,) float array
    rate : int
        Samples a second.
    reach : float
        Seconds.

    Returns
    -------
    Alignment
        O(N) time.
    """
    levels = _levels(np.asarray(samples, np.float64), rate)
    finest = alignment.words if alignment.phones is None else alignment.phones
    begins, ends = {}, {}
    before = [0.0, *(s.end for s in finest)]
    after = [*(s.start for s in finest), alignment.duration]
    for segment, left, right in zip(finest, before, after[1:]):
        middle = (segment.start + segment.end) / 2
        if segment.start > left:
            low = max((left + segment.start) / 2, segment.start - reach)
            place = _rise(levels, low, min(middle, segment.start + reach))
            begins[segment.start] = segment.start if place is None else place
        if right > segment.end:
            high = min((segment.end + right) / 2, segment.end + reach)
            # Backwards in time, an end is a beginning.
            turned = len(levels) * _STEP
            low, late = turned - high, turned - max(middle, segment.end - reach)
            place = _rise(levels[::-1], low, late)
            ends[segment.end] = segment.end if place is None else turned - place

    def moved(tier):
        return [
            Segment(begins.get(s.start, s.start), ends.get(s.end, s.end), s.label, s.confidence) for s in tier or ()
        ]

    phones = None if alignment.phones is None else moved(alignment.phones)
    return Alignment(alignment.id, moved(alignment.words), phones, alignment.duration)


def _levels(samples, rate):
    """Decibels of windows around the middle of each step."""
    step, half = _STEP * rate, _WINDOW * rate / 2
    total = np.concatenate([[0.0], np.cumsum(samples**2)])
    middles = (np.arange(int(len(samples) / step)) + 0.5) * step
    low = np.clip((middles - half).astype(int), 0, len(samples))
    high = np.clip((middles + half).astype(int), 0, len(samples))
    power = (total[high] - total[low]) / np.maximum(1, high - low)
    return 10 * np.log10(power + 1e-10)


def _rise(levels, low, high):
    """The time between two others that splits the levels best, None where they do not rise there."""
    first, last = max(0, round(low / _STEP)), min(len(levels), round(high / _STEP))
    x = levels[first:last]
    if len(x) < 2:
        return None
    n, count = len(x), np.arange(1, len(x))
    sums = np.cumsum(x)
    quiet, loud = sums[:-1] / count, (sums[-1] - sums[:-1]) / (n - count)
    best = np.argmax(count * (n - count) * (loud - quiet) ** 2)
    return (first + int(count[best])) * _STEP if loud[best] > quiet[best] else None
