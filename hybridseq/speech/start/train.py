"""Training of a GMM-HMM from nothing but transcripts."""

import time

import numpy as np

from hybridseq.speech.start.align import fitting, gathered, names_of
from hybridseq.speech.start.bulk import Bulk
from hybridseq.speech.start.frames import Frames
from hybridseq.speech.start.gmm import as_frames
from hybridseq.speech.start.report import TrainingReport
from hybridseq.speech.start.schedule import check_options, schedule
from hybridseq.speech.start.session import Paths, Session
from hybridseq.speech.start.silence import speech_spans


def train_gmm(
    features,
    graphs,
    units,
    *,
    ids=None,
    start=None,
    num_gaussians=1,
    iterations=12,
    realign_every=1,
    training="viterbi",
    loops=True,
    energy_column=0,
    variance_floor=0.01,
    weight_floor=1e-4,
    min_frames=20.0,
    keep_interrupted=False,
    seed=0,
    progress=None,
):
    """Train a GMM-HMM on transcripts :cite:p:`rabiner1989,young2006htk`.

    A flat start: frames are split evenly among the states of their transcripts, and single Gaussians are fitted. Then
    the model aligns the frames anew and is fitted again; in the middle third of the iterations its largest Gaussians
    are split.

    Parameters
    ----------
    features : list of (T, D) tensors or arrays
        None for an utterance that has none; it is left out.
    graphs : list of SearchGraph
        Of the transcripts; None likewise. Equal objects for equal transcripts save time.
    units : Units
    ids : list of str, optional
        What utterances are called; by default their numbers.
    start : Alignments, optional
        Of the same utterances; in place of the even split.
    num_gaussians : int, or sequence of int
        Gaussians a column: the mean, shared out by occupancy to the power of 0.3; or the number of each column, (P,).
    iterations : int
    realign_every : int
        Iterations from one alignment to the next; those between fit the mixtures only.
    training : {"viterbi", "baum_welch"}
        Whether a frame belongs to the column of the best path, or to all according to their posteriors.
    loops : bool
        Whether probabilities of staying are trained.
    energy_column : int or None
        The feature that rises with loudness. Where graphs have silence, the flat start gives it the frames before and
        after all that is loud: those below halfway between the means of quiet and of loud frames, less a margin of
        3. Silence that is learned from the frames at the ends, where it is sure to be silence, is then found between
        words by itself; the quietest frames overall would also be closures of plosives. None: 5% of an utterance at
        each end.
    variance_floor : float
        Share of the variance of all frames below which no variance falls.
    weight_floor : float
        Below which no weight of a Gaussian in its mixture falls.
    min_frames : float
        A Gaussian is not split unless both halves have so many frames.
    keep_interrupted : bool
        On KeyboardInterrupt return what the last complete iteration had, with ``interrupted`` set; otherwise it is
        raised.
    seed : int
        Of the directions of splits.
    progress : callable, optional
        Gets each ``Round``.

    Returns
    -------
    gmm : GMM
    alignments : Alignments
        Of the last model: the best paths.
    report : TrainingReport

    Raises
    ------
    ValueError
        Where options are out of range, no utterance fits its transcript, or features are not finite.
    ShapeError
        Where widths differ.

    Notes
    -----
    Every iteration of Viterbi training raises the log-likelihood, except when it splits, but for what the smoothing of
    loops takes. O(frames · G · D) an alignment for G Gaussians, and G / P of that for the fit.
    """
    if training not in ("viterbi", "baum_welch"):
        raise ValueError(f"training must be 'viterbi' or 'baum_welch'; got {training!r}.")
    if realign_every < 1:
        raise ValueError(f"realign_every must be at least 1; got {realign_every!r}.")
    check_options(
        iterations=iterations,
        num_gaussians=num_gaussians,
        num_labels=units.num_labels,
        variance_floor=variance_floor,
        weight_floor=weight_floor,
        min_frames=min_frames,
    )
    if len(features) != len(graphs):
        raise ValueError(f"features and graphs must be as many; got {len(features)} and {len(graphs)}.")
    began = time.monotonic()
    ids = names_of(ids, len(graphs))
    lengths = [None if x is None else len(x) for x in features]
    kept, problems = fitting(lengths, graphs)
    if start is not None:
        if start.ids != ids:
            raise ValueError("start must be an alignment of the same utterances, with the same ids, in the same order.")
        start.counts(units.num_labels)
        kept = _started(start, kept, lengths, problems)
    if not len(kept):
        why = f"; the first: {problems[min(problems)]}" if problems else ""
        raise ValueError(f"none of {len(graphs)} utterances fits its transcript{why}.")
    frames = Frames(features, kept)
    chosen = [graphs[i] for i in kept]
    bulk = Bulk(chosen, [lengths[i] for i in kept])
    if bulk.num_labels > units.num_labels:
        raise ValueError(
            f"the graphs have columns up to {bulk.num_labels - 1}, but the units have {units.num_labels}; compile "
            "graphs and train with the same units."
        )
    if loops:
        bulk.check_loops()
    session = Session(
        Paths(bulk, units, frames), units, loops, variance_floor, weight_floor, min_frames, np.random.default_rng(seed)
    )
    if start is None:
        session.flat_start(_speech(features, kept, bulk, units, energy_column))
    else:
        session.start_from(np.concatenate([start.labels[i] for i in kept]))
    full = Bulk(chosen, bulk.lengths, "sum") if training == "baum_welch" else None
    interrupted = False
    plan = schedule(iterations, num_gaussians, units.num_labels)
    try:
        for i in range(iterations):
            realign = i % realign_every == 0 or i == iterations - 1
            done = session.step(i + 1, plan.get(i), realign, full)
            if progress is not None:
                progress(done)
    except KeyboardInterrupt:
        if not keep_interrupted or session.best is None:
            raise
        interrupted = True
    gmm, found, stay = session.result(training)
    alignments = gathered(ids, bulk, kept, problems, *found)
    trained = units.with_loops(stay) if loops else units
    report = TrainingReport(
        tuple(session.rounds),
        alignments.problems,
        trained,
        tuple(np.flatnonzero(alignments.counts(units.num_labels) == 0).tolist()),
        time.monotonic() - began,
        interrupted,
    )
    return frames.own_units(gmm), alignments, report


def _started(start, kept, lengths, problems):
    """The utterances that a given start has aligned; those that it has not join the problems."""
    for i in kept.tolist():
        labels = start.labels[i]
        if labels is None:
            problems[i] = "not aligned in the given start"
        elif len(labels) != lengths[i]:
            raise ValueError(f"utterance {start.ids[i]} has {lengths[i]} frames, but {len(labels)} in the given start.")
    return np.array([i for i in kept if i not in problems], np.int64)


def _speech(features, kept, bulk, units, energy_column):
    """(N, 2): from which frame to which each utterance speaks, as far as silence is in question."""
    silence = list(units.silence_labels)
    if not silence or not any(np.isin(a.labels, silence).any() for a in bulk.arcs):
        return np.stack([np.zeros_like(bulk.lengths), bulk.lengths], 1)
    if energy_column is None:
        return speech_spans(bulk.lengths.tolist())
    width = features[kept[0]].shape[1]
    if not 0 <= energy_column < width:
        raise ValueError(
            f"energy_column must be one of the D = {width} features, or None where none rises with loudness; got "
            f"{energy_column!r}."
        )
    return speech_spans([as_frames(features[i])[:, energy_column] for i in kept])
