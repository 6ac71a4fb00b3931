"""A GMM for a given alignment."""

import time

import numpy as np

from hybridseq.speech.start.estimate import Occupied, expect, maximise, single, split
from hybridseq.speech.start.frames import Frames
from hybridseq.speech.start.report import Round, TrainingReport
from hybridseq.speech.start.schedule import check_options, schedule


def fit_gmm(
    features,
    alignments,
    num_labels,
    *,
    num_gaussians=1,
    iterations=8,
    variance_floor=0.01,
    weight_floor=1e-4,
    min_frames=20.0,
    seed=0,
):
    """Fit a GMM to a given alignment, which stays as it is.

    Parameters
    ----------
    features : list of (T, D) tensors or arrays
    alignments : Alignments
        Utterances without one, or without features, are left out.
    num_labels : int
        P.
    num_gaussians, variance_floor, weight_floor, min_frames, seed
        As of ``train_gmm``.
    iterations : int
        Of EM, where there are several Gaussians: single ones need one pass.

    Returns
    -------
    gmm : GMM
    report : TrainingReport
        Its log-likelihoods are of the frames given their columns.
    """
    check_options(
        iterations=iterations,
        num_gaussians=num_gaussians,
        num_labels=num_labels,
        variance_floor=variance_floor,
        weight_floor=weight_floor,
        min_frames=min_frames,
    )
    if len(features) != len(alignments):
        raise ValueError(f"features and alignments must be as many; got {len(features)} and {len(alignments)}.")
    began = time.monotonic()
    kept = [i for i, labels in enumerate(alignments) if labels is not None and features[i] is not None]
    if not kept:
        raise ValueError("no utterance has both features and an alignment.")
    for i in kept:
        if len(features[i]) != len(alignments[i]):
            raise ValueError(
                f"utterance {alignments.ids[i]} has {len(features[i])} frames, but its alignment {len(alignments[i])}."
            )
    counts = alignments.counts(num_labels)
    frames, random = Frames(features, kept), np.random.default_rng(seed)
    labels = np.concatenate([alignments[i] for i in kept])
    occupied = Occupied.of(np.arange(len(labels)), labels, num_labels)
    gmm, rounds = single(frames.x, occupied, variance_floor), []
    plan = schedule(iterations, num_gaussians, num_labels)
    for i in range(iterations if plan else 1):
        if i in plan:
            gmm = split(gmm, expect(gmm, frames.x, occupied).count, plan[i], min_frames, random)
        found = expect(gmm, frames.x, occupied)
        mean = found.log_likelihood / len(labels) - frames.gain
        rounds.append(Round(i + 1, mean, None, gmm.num_gaussians, i in plan))
        if plan:
            gmm = maximise(gmm, found, variance_floor, weight_floor)
    unseen = tuple(np.flatnonzero(counts == 0).tolist())
    report = TrainingReport(tuple(rounds), alignments.problems, None, unseen, time.monotonic() - began)
    return frames.own_units(gmm), report
