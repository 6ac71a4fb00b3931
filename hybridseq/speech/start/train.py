"""Training of a GMM-HMM from nothing but transcripts, or on a given alignment."""

import time
from dataclasses import dataclass, field, replace

import numpy as np

from hybridseq.speech.graph.units import Units
from hybridseq.speech.start.align import fitting, gathered, names_of, path_scores
from hybridseq.speech.start.alignments import loops_of, smoothed_loops
from hybridseq.speech.start.bulk import Bulk
from hybridseq.speech.start.estimate import Occupied, expect, maximise, pooled, single, split
from hybridseq.speech.start.gmm import as_frames
from hybridseq.speech.start.silence import speech_spans
from hybridseq.speech.start.uniform import split_evenly
from hybridseq.structures.checks import ShapeError

#: Columns whose deviation is below this share of their mean are constant but for rounding.
_ROUNDING = 1e-5
_SMOOTHING = 2.0


@dataclass(frozen=True)
class Round:
    """One iteration of training.

    Attributes
    ----------
    iteration : int
        From 1.
    log_likelihood : float
        Nats a frame of the iteration's model: of the best paths, or of all where training is "baum_welch".
    moved : float
        Share of the frames that changed their column; None without realignment.
    num_gaussians : int
    split : bool
        Whether Gaussians were split just before: the log-likelihood may then fall.
    """

    iteration: int
    log_likelihood: float
    moved: float | None
    num_gaussians: int
    split: bool


@dataclass(frozen=True)
class TrainingReport:
    """What training did.

    Attributes
    ----------
    rounds : tuple of Round
    problems : tuple of (str, str)
        The id of each utterance that was left out, and why.
    units : Units
        With trained probabilities of staying, where those were trained; None without units.
    unseen : tuple of int
        Columns without a frame: they have the mean and variance of all frames.
    seconds : float
    interrupted : bool
        Whether training was stopped by KeyboardInterrupt.
    """

    rounds: tuple
    problems: tuple = ()
    units: Units | None = field(default=None, repr=False)
    unseen: tuple = ()
    seconds: float = 0.0
    interrupted: bool = False

    @property
    def log_likelihood(self):
        """Nats a frame in the end; NaN where no iteration was completed."""
        return self.rounds[-1].log_likelihood if self.rounds else float("nan")

    @property
    def left_out(self):
        """The ids of the utterances that were left out."""
        return tuple(name for name, _ in self.problems)

    def __str__(self):
        lines = [f"{'round':>5}  {'log-likelihood':>14}  {'moved':>7}  {'Gaussians':>9}"]
        for r in self.rounds:
            moved = "" if r.moved is None else f"{r.moved:.2%}"
            lines.append(f"{r.iteration:>5}  {r.log_likelihood:>14.4f}  {moved:>7}  {r.num_gaussians:>9}")
        lines.append(f"{len(self.problems)} utterances left out, {self.seconds:.1f} s")
        return "\n".join(lines)


class _Frames:
    """All utterances' frames one after another, every feature with mean 0 and variance 1."""

    def __init__(self, features, kept):
        parts = [as_frames(features[i], name=f"features[{i}]") for i in kept]
        widths = sorted({x.shape[1] for x in parts})
        if len(widths) > 1:
            raise ShapeError(f"features must all have the same width D; got {widths}.")
        x = np.concatenate(parts)
        self.mean, deviation = x.mean(0, dtype=np.float64), x.std(0, dtype=np.float64)
        constant = deviation <= _ROUNDING * np.abs(self.mean) + np.finfo(np.float32).tiny
        self.deviation = np.where(constant, 1.0, deviation)
        self.x = ((x - self.mean) / self.deviation).astype(np.float32)
        self.x[:, constant] = 0
        #: What the log-density of a frame is more in these units than in the features' own.
        self.gain = float(np.log(self.deviation).sum())

    def scores(self, gmm):
        """What ``Bulk.emissions`` takes."""
        return lambda frames: gmm.frame_scores(self.x[frames])

    def own_units(self, gmm):
        """The same model for features as they were given."""
        means, variances = gmm.means * self.deviation + self.mean, gmm.variances * self.deviation**2
        return replace(gmm, means=means, variances=variances)


def _check(training, iterations, realign_every, variance_floor, num_gaussians, num_labels):
    if training not in ("viterbi", "baum_welch"):
        raise ValueError(f"training must be 'viterbi' or 'baum_welch'; got {training!r}.")
    for name, value in (("iterations", iterations), ("realign_every", realign_every)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1; got {value!r}.")
    if not 0 < variance_floor < 1:
        raise ValueError(f"variance_floor is a share of the variance of all frames, in (0, 1); got {variance_floor!r}.")
    counts = np.asarray(num_gaussians)
    if counts.ndim > 1 or (counts.ndim == 1 and len(counts) != num_labels) or (counts < 1).any():
        raise ValueError(
            f"num_gaussians must be at least 1, one number (the mean of the columns) or P = {num_labels}; got "
            f"{num_gaussians!r}."
        )


def _schedule(iterations, num_gaussians, num_labels):
    """How many Gaussians there shall be from each iteration on: {iteration: number, or (P,) array}.

    A third of the iterations for single Gaussians, then twice as many at a time, the last in time for a third.
    """
    target = np.asarray(num_gaussians, np.float64)
    most = float(target.max())
    if most <= 1:
        return {}
    steps = max(1, int(np.ceil(np.log2(most))))
    first, last = iterations // 3, max(iterations // 3, iterations - 1 - iterations // 3)
    plan = {}
    for n in range(steps):
        at = round(first + (last - first) * n / max(1, steps - 1)) if steps > 1 else first
        now = np.minimum(target, 2.0 ** (n + 1)) if n + 1 < steps else target
        plan[at] = np.round(now).astype(int) if target.ndim else round(float(now) * num_labels)
    return plan


class _Paths:
    """The utterances' alignment while it is trained on."""

    def __init__(self, bulk, units, frames):
        self.bulk, self.frames, self.num_labels = bulk, frames, units.num_labels
        self.states = self.labels = self.stays = self.transitions = None

    def take(self, states):
        self.states = states
        self.labels, self.stays, self.transitions = self.bulk.spelled(states)

    def realign(self, gmm):
        """Take the best paths; the share of frames that moved."""
        before = self.labels
        self.take(self.bulk.best_paths(self.frames.scores(gmm), self.num_labels))
        both = (before >= 0) & (self.labels >= 0)
        return float((before != self.labels)[both].mean()) if both.any() else 0.0

    def occupied(self):
        frames = np.flatnonzero(self.labels >= 0)
        return Occupied.of(frames, self.labels[frames], self.num_labels)

    def loop_counts(self):
        labels = self.labels[self.labels >= 0], self.labels[self.stays & (self.labels >= 0)]
        frames, stays = (np.bincount(x, minlength=self.num_labels).astype(np.float64) for x in labels)
        return stays, frames

    @property
    def transition_score(self):
        return float(self.transitions[self.transitions > -np.inf].sum())


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
    _check(training, iterations, realign_every, variance_floor, num_gaussians, units.num_labels)
    if len(features) != len(graphs):
        raise ValueError(f"features and graphs must be as many; got {len(features)} and {len(graphs)}.")
    began = time.monotonic()
    ids = names_of(ids, len(graphs))
    lengths = [None if x is None else len(x) for x in features]
    kept, problems = fitting(lengths, graphs)
    if start is not None:
        if start.ids != ids:
            raise ValueError("start must be an alignment of the same utterances, with the same ids, in the same order.")
        problems |= {i: "not aligned in the given start" for i in kept if start.labels[i] is None}
        kept = np.array([i for i in kept if i not in problems], np.int64)
    if not len(kept):
        why = f"; the first: {problems[min(problems)]}" if problems else ""
        raise ValueError(f"none of {len(graphs)} utterances fits its transcript{why}.")
    frames = _Frames(features, kept)
    chosen = [graphs[i] for i in kept]
    bulk = Bulk(chosen, [lengths[i] for i in kept])
    if bulk.num_labels > units.num_labels:
        raise ValueError(
            f"the graphs have columns up to {bulk.num_labels - 1}, but the units have {units.num_labels}; compile "
            "graphs and train with the same units."
        )
    if loops:
        bulk.check_loops()
    session = _Session(
        _Paths(bulk, units, frames), units, loops, variance_floor, weight_floor, min_frames, np.random.default_rng(seed)
    )
    if start is None:
        session.flat_start(_speech(features, kept, bulk, units, energy_column))
    else:
        session.start_from(np.concatenate([start.labels[i] for i in kept]))
    full = Bulk(chosen, bulk.lengths, "sum") if training == "baum_welch" else None
    interrupted = False
    plan = _schedule(iterations, num_gaussians, units.num_labels)
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


class _Session:
    """Model, alignment and statistics from iteration to iteration."""

    def __init__(self, paths, units, loops, variance_floor, weight_floor, min_frames, random):
        self.paths, self.units, self.loops = paths, units, loops
        self.variance_floor, self.weight_floor, self.min_frames = variance_floor, weight_floor, min_frames
        self.random = random
        self.gmm = self.found = self.best = self.loop_counts = None
        self.stay = loops_of(units)
        self.rounds = []

    def flat_start(self, speech):
        paths = self.paths
        silence = list(self.units.silence_labels)
        paths.take(split_evenly(paths.bulk, silence, speech))
        occupied = paths.occupied()
        self.gmm = single(paths.frames.x, occupied, self.variance_floor)
        # Which of silence's states an edge belongs to nobody knows yet.
        self.gmm = pooled(self.gmm, silence, np.diff(occupied.offset), self.variance_floor)

    def start_from(self, labels):
        paths = self.paths
        paths.labels = labels
        self.gmm = single(paths.frames.x, paths.occupied(), self.variance_floor)

    def step(self, iteration, wanted, realign, full):
        """Fit to the statistics there are, split, align anew, and gather the next statistics."""
        paths, moved = self.paths, None
        if self.found is not None:
            self.gmm = maximise(self.gmm, self.found, self.variance_floor, self.weight_floor)
            if wanted is not None:
                self.gmm = split(self.gmm, self.found.count, wanted, self.min_frames, self.random)
        if self.loops and self.loop_counts is not None:
            self.stay = smoothed_loops(*self.loop_counts, self.stay, _SMOOTHING)
            for bulk in (paths.bulk, full):
                if bulk is not None:
                    bulk.with_loops(self.stay)
        if full is not None:
            total, *weighted, stays = full.expectations(paths.frames.scores(self.gmm), self.units.num_labels)
            possible = total > -np.inf
            count, log_likelihood = full.lengths[possible].sum(), total[possible].sum()
            occupied = Occupied.of(weighted[0], weighted[1], self.units.num_labels, weighted[2])
            self.loop_counts = stays, np.bincount(weighted[1], weighted[2], self.units.num_labels)
            self.found = expect(self.gmm, paths.frames.x, occupied)
        else:
            if realign or paths.states is None:
                moved = paths.realign(self.gmm)
                self.loop_counts = paths.loop_counts()
            else:
                paths.take(paths.states)
            occupied = paths.occupied()
            self.found = expect(self.gmm, paths.frames.x, occupied)
            count, log_likelihood = len(occupied.frames), self.found.log_likelihood + paths.transition_score
        mean = float(log_likelihood) / max(int(count), 1) - paths.frames.gain
        split_now = wanted is not None and iteration > 1
        self.rounds.append(Round(iteration, mean, moved, self.gmm.num_gaussians, split_now))
        self.best = self.gmm, paths.states, self.stay
        return self.rounds[-1]

    def result(self, training):
        """The model of the last complete iteration, its best paths (labels, stays, scores) and loops."""
        gmm, states, stay = self.best
        paths, scores_of = self.paths, self.paths.frames.scores(gmm)
        if self.loops:
            paths.bulk.with_loops(stay)
        if training == "baum_welch":
            states = paths.bulk.best_paths(scores_of, self.units.num_labels)
        labels, stays, transitions = paths.bulk.spelled(states)
        scores = path_scores(paths.bulk, scores_of, labels, transitions) - paths.frames.gain * paths.bulk.lengths
        return gmm, (labels, stays, scores), stay


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
    _check("viterbi", iterations, 1, variance_floor, num_gaussians, num_labels)
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
    frames, random = _Frames(features, kept), np.random.default_rng(seed)
    labels = np.concatenate([alignments[i] for i in kept])
    occupied = Occupied.of(np.arange(len(labels)), labels, num_labels)
    gmm, rounds = single(frames.x, occupied, variance_floor), []
    plan = _schedule(iterations, num_gaussians, num_labels)
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
