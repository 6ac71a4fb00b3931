"""What is known of each row while the search goes on."""

import contextlib
import time

import numpy as np
import torch

from hybridseq.structures.budgets.solution import Solution, closed

NO_LABEL = -100


class State:
    """The best sequences within the budgets so far, and bounds above all of them.

    ``structure`` scores in float64 and without gradients.
    """

    def __init__(self, structure, sums, time_limit=None):
        self.structure, self.sums = structure, sums
        batch, steps, _ = structure.emissions.shape
        self.inside = (torch.arange(steps) < structure.lengths.cpu()[:, None]).numpy()
        self.labels = np.full((batch, steps), NO_LABEL)
        self.score = np.full(batch, -np.inf)
        self.bound = np.full(batch, np.inf)
        self.backend = ["dynamic programming"] * batch
        self.multipliers = np.zeros((batch, len(sums.low)))
        self.deadline = None if time_limit is None else time.monotonic() + time_limit

    @property
    def left(self):
        """Seconds left, None without a limit."""
        return None if self.deadline is None else max(0.0, self.deadline - time.monotonic())

    @contextlib.contextmanager
    def share(self, parts):
        """Within, one of so many equal parts of the time that is left."""
        whole = self.deadline
        if whole is not None:
            self.deadline = time.monotonic() + self.left / parts
        yield
        self.deadline = whole

    @property
    def late(self):
        """Whether the time is over."""
        return self.left == 0

    @property
    def open(self):
        """(B,) bool: the rows whose best sequence is not proven."""
        return ~closed(torch.from_numpy(self.score), torch.from_numpy(self.bound)).numpy()

    def rescore(self, labels):
        """Scores (B,) of sequences (B, T) by the structure's own definition; −inf for what is all −100."""
        found = (labels >= 0).any(1)
        filled = torch.from_numpy(np.where(found[:, None] & self.inside, labels, 0)).to(self.structure.lengths.device)
        return np.where(found, self.structure.raw_score(filled).cpu().numpy().astype(np.float64), -np.inf)

    def offer(self, labels):
        """Candidates (B, T), taken where they stay within the budgets and score more; returns all their scores."""
        scores = self.rescore(labels)
        better = (scores > self.score) & self.sums.kept(labels)
        self.labels[better], self.score[better] = labels[better], scores[better]
        return scores

    def offer_one(self, row, labels):
        """A candidate (L,) for one row; returns whether it stays within the budgets."""
        candidates = np.full_like(self.labels, NO_LABEL)
        candidates[row, : len(labels)] = labels
        self.offer(candidates)
        return bool(self.sums.kept(labels))

    def lower_one(self, row, bound):
        """A bound for one row."""
        self.lower(np.arange(len(self.score)) == row, bound)

    def lower(self, rows, bound):
        """Bounds (B,) that hold for the rows; never below what was found."""
        self.bound[rows] = np.maximum(np.minimum(self.bound, bound), self.score)[rows]

    def solution(self):
        labels, score, bound = (torch.from_numpy(x) for x in (self.labels, self.score, self.bound))
        exact = closed(score, bound)
        device = self.structure.lengths.device
        bound = torch.where(exact, score, bound)
        return Solution(*(x.to(device) for x in (labels, score, bound, exact)), self.backend)
