"""Where EM starts."""

import numpy as np
from sklearn.cluster import KMeans

from hybridseq.text import DataError
from hybridseq.training.hmm.labels import MISSING


def random_rows(shape, allowed, random) -> np.ndarray:
    """Rows of probabilities from a flat-cornered Dirichlet, 0 where not allowed."""
    count = shape[-1]
    rows = random.dirichlet(np.full(count, 1 / count), size=shape[:-1]) * allowed
    total = rows.sum(-1, keepdims=True)
    return np.where(total > 0, rows / np.where(total > 0, total, 1), allowed / allowed.sum(-1, keepdims=True))


def counted_rows(counts, allowed) -> np.ndarray:
    """Rows of probabilities from counts, one more for whatever is allowed."""
    weights = (counts + 1) * allowed
    return weights / weights.sum(-1, keepdims=True)


def label_counts(labels, lengths, count):
    """How often states start (K,) and follow one another (K, K), where both are given."""
    last = np.cumsum(lengths) - 1
    first = labels[last - lengths + 1]
    follows = np.ones(len(labels), bool)
    follows[last] = False
    before, after = labels[follows], labels[1:][follows[:-1]]
    both = (before != MISSING) & (after != MISSING)
    pairs = np.bincount(before[both] * count + after[both], minlength=count * count).reshape(count, count)
    return np.bincount(first[first != MISSING], minlength=count), pairs


def clusters(X, count: int, random_state, of="states"):
    """Centres (count, D) of k-means clusters, and each row's cluster; the best of ten runs."""
    if len(X) < count:
        raise DataError(f"{count} {of} need at least as many frames; got {len(X)}. Use fewer, or set means_")
    found = KMeans(count, n_init=10, random_state=random_state).fit(X)
    return found.cluster_centers_, found.labels_


def labelled_means(X, labels, count):
    """The mean (count, D) of each state's labelled rows; and their scatter (D, D) about them, and how many they are."""
    given = labels != MISSING
    rows, own = X[given], labels[given]
    total = np.zeros((count, X.shape[1]))
    np.add.at(total, own, rows)
    means = total / np.bincount(own, minlength=count)[:, None]
    apart = rows - means[own]
    return means, apart.T @ apart, len(rows)


def covariance(X, floor: float) -> np.ndarray:
    """The covariance (D, D) of all frames, with ``floor`` more on its diagonal."""
    whole = np.cov(X.T) if len(X) > 1 else np.zeros((X.shape[1],) * 2)
    return np.atleast_2d(whole) + floor * np.eye(X.shape[1])
