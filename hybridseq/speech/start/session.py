"""A training under way: model, alignment and statistics from iteration to iteration."""

import numpy as np

from hybridseq.speech.start.align import path_scores
from hybridseq.speech.start.alignments import loops_of, smoothed_loops
from hybridseq.speech.start.estimate import Occupied, expect, maximise, pooled, single, split
from hybridseq.speech.start.report import Round
from hybridseq.speech.start.uniform import split_evenly

#: Frames that a probability of staying counts for when it is estimated anew.
_SMOOTHING = 2.0


class Paths:
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


class Session:
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
        split_now = wanted is not None
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
