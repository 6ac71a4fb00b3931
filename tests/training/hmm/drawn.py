"""Random sequences and models for the laws of hidden Markov models."""

import numpy as np


def frames(seed=0, lengths=(7, 1, 5, 12), columns=2, states=3, apart=2.0):
    """Frames of well or badly separated states: a list of (T, D) arrays."""
    random = np.random.default_rng(seed)
    means = apart * random.normal(size=(states, columns))
    X = []
    for length in lengths:
        path = np.repeat(random.integers(states, size=length), 3)[:length]
        X.append(means[path] + random.normal(size=(length, columns)))
    return X


def with_gaps(X, share=0.3, seed=0):
    """Copies, a share of whose numbers is NaN; each column keeps some."""
    random = np.random.default_rng(seed)
    return [np.where(random.random(x.shape) < share, np.nan, x) for x in X]


def symbols(seed=0, lengths=(7, 1, 5, 12), count=4):
    """Symbols: a list of (T,) integer arrays."""
    random = np.random.default_rng(seed)
    return [random.integers(count, size=length) for length in lengths]


def counts(seed=0, lengths=(7, 1, 5, 12), count=4, trials=6):
    """Counts: a list of (T, V) integer arrays."""
    random = np.random.default_rng(seed)
    return [random.multinomial(trials, random.dirichlet(np.ones(count)), size=length) for length in lengths]
