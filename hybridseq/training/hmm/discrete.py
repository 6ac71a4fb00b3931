"""Emissions of symbols, and of counts of symbols."""

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln

from hybridseq.training.hmm import probabilities


@dataclass(frozen=True)
class _Discrete:
    """K distributions over V symbols, rows of ``emissions`` (K, V)."""

    emissions: np.ndarray

    @property
    def width(self):
        return max(self.emissions.shape)

    def is_closed_form(self, data) -> bool:
        return True

    def maximise(self, counts, prior, update: str, names):
        """The mode for expected counts (K, V) beside Dirichlet parameters."""
        if "e" not in update:
            return self
        return type(self)(probabilities.most_probable(counts, prior, self.emissions))

    def log_prior(self, prior) -> float:
        return probabilities.log_prior(self.emissions, prior)


class Categorical(_Discrete):
    """A symbol at each position; the data are symbols (N,) int64, −1 for a missing one."""

    @property
    def width(self):
        return len(self.emissions)

    def log_density(self, symbols, rows: slice):
        # Row V, which −1 reads, is a missing symbol's.
        table = np.concatenate([probabilities.log(self.emissions).T, np.zeros((1, len(self.emissions)))])
        return table[symbols[rows]], None

    def statistics(self, symbols, rows: slice, parts, posteriors):
        """Expected counts (K, V)."""
        count = self.emissions.shape[1]
        own = symbols[rows] + 1
        return np.array([np.bincount(own, weights, count + 1)[1:] for weights in posteriors.T])

    def sample(self, states, random) -> np.ndarray:
        """One symbol for each state, (n, 1) int64."""
        below = np.cumsum(self.emissions, 1)[states, :-1] < random.random_sample(len(states))[:, None]
        return below.sum(1)[:, None]


@dataclass(frozen=True)
class Counts:
    """Counts (N, V) of symbols, with what the order of draws adds to each row's log-probability.

    Missing rows hold 0, which adds nothing.
    """

    x: np.ndarray
    orders: np.ndarray

    @classmethod
    def of(cls, X) -> "Counts":
        """From counts whose missing rows are NaN."""
        x = np.nan_to_num(np.asarray(X, np.float64))
        return cls(x, gammaln(x.sum(1) + 1) - gammaln(x + 1).sum(1))


class Multinomial(_Discrete):
    """Counts of symbols at each position, drawn with the same probabilities."""

    def log_density(self, counts: Counts, rows: slice):
        x, impossible = counts.x[rows], self.emissions == 0
        density = x @ np.where(impossible, 0, probabilities.log(np.where(impossible, 1, self.emissions))).T
        density += counts.orders[rows, None]
        if impossible.any():
            density[x @ impossible.T > 0] = -np.inf
        return density, None

    def statistics(self, counts: Counts, rows: slice, parts, posteriors):
        """Expected counts (K, V)."""
        return posteriors.T @ counts.x[rows]

    def sample(self, states, random, trials) -> np.ndarray:
        """One row of counts for each state, (n, V) int64; ``trials``: their sum."""
        return np.array([random.multinomial(trials, self.emissions[state]) for state in states])
