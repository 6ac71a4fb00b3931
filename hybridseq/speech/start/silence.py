"""Where speech begins and ends in utterances whose silence no model knows yet."""

import numpy as np

#: Frames around the loud part that count as speech: weak consonants are as quiet as silence.
_MARGIN = 3
#: Without energies, the share of an utterance at each end that counts as silence.
_EDGE = 0.05


def _threshold(energy):
    """Halfway between the means of the quiet and of the loud frames, as k-means with k = 2 finds them."""
    quiet, loud = np.quantile(energy, [0.05, 0.95])
    for _ in range(30):
        middle = (quiet + loud) / 2
        low, high = energy[energy <= middle], energy[energy > middle]
        if not len(low) or not len(high):
            break
        quiet, loud = low.mean(), high.mean()
    return (quiet + loud) / 2


def speech_spans(energies):
    """From which frame to which each utterance is not quiet, (N, 2) int array.

    ``energies`` is a list of (T,) arrays that rise with loudness, or of lengths where it is not known.
    """
    if not energies:
        return np.zeros((0, 2), np.int64)
    if np.ndim(energies[0]) == 0:
        lengths = np.asarray(energies, np.int64)
        edge = (lengths * _EDGE).astype(np.int64)
        return np.stack([edge, lengths - edge], 1)
    limit = _threshold(np.concatenate(energies).astype(np.float64))
    spans = []
    for energy in energies:
        loud = np.flatnonzero(energy > limit)
        if len(loud):
            spans.append((max(0, loud[0] - _MARGIN), min(len(energy), loud[-1] + 1 + _MARGIN)))
        else:
            spans.append((0, len(energy)))
    return np.array(spans, np.int64)
