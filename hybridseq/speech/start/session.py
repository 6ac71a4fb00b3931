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
        moved, before = None, self.gmm.num_gaussians
        if self.found is not None:
            self.gmm = maximise(self.gmm, self.found, self.variance_floor, self.weight_floor)
            if wanted is not None:
                self.gmm = split(self.gmm, self.found.count, wanted, self.min_frames, self.random)
        if self.loops and self.loop_counts is not None:
            self.stay = smoothed_loops(*self.loop_counts, self.stay, _SMOOTHING)
            for bulk in (self.paths.bulk, full):
                if bulk is not None:
                    bulk.with_loops(self.stay)
        if full is not None:
            mean = self._expect_all(full)
        else:
            moved = self._align(realign)
            mean = self._expect_best()
        now = self.gmm.num_gaussians
        self.rounds.append(Round(iteration, mean - self.paths.frames.gain, moved, now, now > before))
        self.best = self.gmm, self.paths.states, self.stay
        return self.rounds[-1]

    def _align(self, realign):
        """Take the best paths where that is due; the share of frames that moved, or None."""
        if not realign and self.paths.states is not None:
            # The same paths, whose transitions may score otherwise now.
            self.paths.take(self.paths.states)
            return None
        moved = self.paths.realign(self.gmm)
        self.loop_counts = self.paths.loop_counts()
        return moved

    def _expect_best(self):
        """Gather statistics of the paths; nats a frame."""
        occupied = self.paths.occupied()
        self.found = expect(self.gmm, self.paths.frames.x, occupied)
        return (self.found.log_likelihood + self.paths.transition_score) / max(len(occupied.frames), 1)

    def _expect_all(self, full):
        """Gather statistics of all paths, weighted by their posteriors; nats a frame."""
        labels = self.units.num_labels
        total, frames, columns, weights, stays = full.expectations(self.paths.frames.scores(self.gmm), labels)
        self.loop_counts = stays, np.bincount(columns, weights, labels)
        self.found = expect(self.gmm, self.paths.frames.x, Occupied.of(frames, columns, labels, weights))
        possible = total > -np.inf
        return float(total[possible].sum()) / max(int(full.lengths[possible].sum()), 1)

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
