"""The training set seen several times: as it is, and as other vocal tracts, tempi and noises would have it."""

from dataclasses import dataclass, replace

import numpy as np
import torch

from hybridseq.speech.audio import AudioError
from hybridseq.speech.features.perturb import add_noise, change_speed


@dataclass(frozen=True)
class Augmentation:
    """How training audio is varied.

    Each view of the training set gives every speaker a vocal tract, a tempo and a background of its own, drawn once a
    view and speaker: so normalisation by speaker sees in training what it sees in use.

    Attributes
    ----------
    views : int
        Views beside the audio as it is; 0 varies nothing.
    warp : float
        Factors of the frequency axis are drawn from exp(±warp), uniformly in the logarithm :cite:p:`jaitly2013`.
    speed : float
        Factors of the tempo, likewise :cite:p:`ko2015`; it moves pitch and formants too.
    noisy : float
        The share of speakers in a view that get white or pink noise.
    snr_db : (float, float)
        Its range of signal-to-noise ratios.
    time_masks, time_width, freq_masks, freq_width : int
        Of :class:`~hybridseq.speech.SpecAugment`, drawn anew at every step.
    """

    views: int = 8
    warp: float = 0.15
    speed: float = 0.1
    noisy: float = 0.3
    snr_db: tuple = (10.0, 35.0)
    time_masks: int = 1
    time_width: int = 10
    freq_masks: int = 1
    freq_width: int = 3

    def __post_init__(self):
        for name in ("views", "time_masks", "time_width", "freq_masks", "freq_width", "warp", "speed", "noisy"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must be at least 0; got {getattr(self, name)!r}.")
        low, high = self.snr_db
        if not low <= high:
            raise ValueError(f"snr_db must be a range (low, high); got {self.snr_db!r}.")


@dataclass(frozen=True, eq=False)
class View:
    """One rendering of the training set.

    Attributes
    ----------
    features : list of (T, D) tensors, or None where there are none
        Normalised.
    speeds : list of float
        How many frames of the original one frame stands for.
    """

    features: list
    speeds: list

    def frames_of(self, i, length):
        """For each frame of utterance i the frame of the original, which has ``length`` of them."""
        places = (np.arange(len(self.features[i])) + 0.5) * self.speeds[i]
        return np.minimum(places.astype(np.int64), length - 1)


def make_views(utterances, pipeline, augmentation, rng, progress=None):
    """The training set as it is, and ``augmentation.views`` variations.

    Parameters
    ----------
    utterances : list of Utterance
    pipeline : FeaturePipeline
        Given features cannot be varied: there is one view.
    augmentation : Augmentation
    rng : numpy Generator
    progress : callable, optional
        Called with (views done, views) after each.

    Returns
    -------
    views : list of View
    problems : list of FeatureProblem
        Of the audio as it is.
    """
    count = 1 if pipeline.kind == "given" else 1 + augmentation.views
    views, problems = [], []
    for done in range(count):
        if done == 0:
            features, problems = pipeline.extract(utterances)
            views.append(View(features, [1.0] * len(utterances)))
        else:
            changed, speeds, warps = _changed(utterances, augmentation, rng)
            views.append(View(pipeline.extract(changed, warps)[0], speeds))
        if progress is not None:
            progress(done + 1, count)
    return views, problems


def _changed(utterances, augmentation, rng):
    """Utterances with other audio, and the speed and warp of each."""
    voices = {}
    found, speeds, warps = [], [], []
    for utterance in utterances:
        if utterance.speaker not in voices:
            voices[utterance.speaker] = (
                float(np.exp(rng.uniform(-augmentation.speed, augmentation.speed))),
                float(np.exp(rng.uniform(-augmentation.warp, augmentation.warp))),
                rng.uniform(*augmentation.snr_db) if rng.random() < augmentation.noisy else None,
                "white" if rng.random() < 0.5 else "pink",
            )
        speed, warp, snr, colour = voices[utterance.speaker]
        try:
            samples, rate = utterance.load()
        except AudioError:
            found.append(utterance)
        else:
            samples = change_speed(samples, speed)
            if snr is not None and samples.any():
                samples = add_noise(samples, snr + rng.normal(), colour, rng)
            found.append(replace(utterance, samples=samples, rate=rate, path=None, start=0.0, end=None, channel=None))
        speeds.append(speed)
        warps.append(warp)
    return found, speeds, warps


def labels_of(view, i, labels):
    """The labels of a view's frames from those of the original, (T,) int64 tensor."""
    return torch.from_numpy(np.asarray(labels)[view.frames_of(i, len(labels))])
