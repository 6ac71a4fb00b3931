"""Which feature–label and label–label pairs have weights, and what is counted in the training data."""

from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse

from hybridseq.kernels.features.table import FeatureTable

#: Tokens whose feature–label pairs are counted at once: bounds the memory in between.
_CHUNK = 5_000


@dataclass(frozen=True)
class Pairs:
    """The weights of a linear model, in this order: S feature–label pairs, then P label–label pairs.

    Parameters
    ----------
    offsets : (A + 1,) int64 array
        Where each feature's weights begin.
    labels : (S,) int32 array
        The label of each; ascending within a feature.
    sources, targets : (P,) int64 arrays
        The label pairs that have a weight.
    num_labels : int
        K.
    """

    offsets: np.ndarray
    labels: np.ndarray
    sources: np.ndarray
    targets: np.ndarray
    num_labels: int

    @property
    def states(self) -> int:
        """S, the number of feature–label weights."""
        return len(self.labels)

    def __len__(self):
        return len(self.labels) + len(self.sources)

    def features(self) -> np.ndarray:
        """The feature of each feature–label weight, (S,)."""
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))

    def transitions(self, weights, dtype=np.float64) -> np.ndarray:
        """The (K, K) scores of label pairs; 0 where a pair has no weight."""
        matrix = np.zeros((self.num_labels, self.num_labels), dtype)
        matrix[self.sources, self.targets] = weights[self.states :]
        return matrix

    def table(self, attributes) -> FeatureTable:
        """Encoded tokens beside these weights."""
        return FeatureTable(attributes.indptr, attributes.indices, attributes.values, self.offsets, self.labels)

    def where(self, kept, values) -> tuple["Pairs", np.ndarray]:
        """Some of the pairs, (S + P,) bool, and their values. Features stay, with fewer weights or none."""
        states, moves = kept[: self.states], kept[self.states :]
        pairs = replace(
            self,
            offsets=np.concatenate([[0], np.cumsum(states)])[self.offsets],
            labels=self.labels[states],
            sources=self.sources[moves],
            targets=self.targets[moves],
        )
        return pairs, values[kept]

    def widened(self) -> tuple["Pairs", np.ndarray]:
        """Pairs where features of several labels have all labels, and the places (S,) of this one's weights.

        Sums over all labels are vectors; over some of them they go one by one, which is slower from a few labels on.
        """
        sizes = np.diff(self.offsets)
        wide = sizes >= 2 + self.num_labels // 8
        offsets = np.concatenate([[0], np.cumsum(np.where(wide, self.num_labels, sizes))])
        owners = self.features()
        within = np.where(wide[owners], self.labels, np.arange(self.states) - self.offsets[owners])
        places = offsets[owners] + within
        labels = np.empty(offsets[-1], np.int32)
        labels[np.repeat(wide, np.diff(offsets))] = np.tile(np.arange(self.num_labels), int(wide.sum()))
        labels[places] = self.labels
        return replace(self, offsets=offsets, labels=labels), places

    def without_features(self, kept) -> "Pairs":
        """The pairs in a table of ``kept`` (A,) bool features only; the others have no weights."""
        sizes = np.diff(self.offsets)[kept]
        return replace(self, offsets=np.concatenate([[0], np.cumsum(sizes)]))

    def union(self, other) -> tuple["Pairs", np.ndarray, np.ndarray]:
        """The pairs that either has, and the places among them of this one's weights and of the other's.

        ``other`` has as many labels, and at least this one's features.
        """
        own, new = self._keys(), other._keys()
        states, moves = (np.union1d(a, b) for a, b in zip(own, new))
        counts = np.bincount(states // self.num_labels, minlength=len(other.offsets) - 1)
        pairs = Pairs(
            np.concatenate([[0], np.cumsum(counts)]),
            (states % self.num_labels).astype(np.int32),
            *np.divmod(moves, self.num_labels),
            self.num_labels,
        )
        places = (
            np.concatenate([np.searchsorted(states, a), len(states) + np.searchsorted(moves, b)]) for a, b in (own, new)
        )
        return pairs, *places

    def _keys(self):
        """A number for each pair, ascending: of features and labels, and of label pairs."""
        count = np.int64(self.num_labels)
        return self.features() * count + self.labels, self.sources * count + self.targets


def count_pairs(attributes, labels, num_labels, *, min_freq=0, all_states=False, all_transitions=False):
    """The pairs that have weights, and how often training shows each, (S + P,) float64.

    Parameters
    ----------
    attributes : Attributes
        Encoded tokens.
    labels : (N,) int64 array
        Their labels.
    num_labels : int
        K.
    min_freq : float
        The least sum of values for which a pair has a weight, of features and of labels alike, as in CRFsuite.
    all_states : bool
        Whether features have weights for labels with which they were never seen.
    all_transitions : bool
        The same of label pairs.

    Notes
    -----
    O(n log K) for n features of tokens.
    """
    counts, seen = _state_counts(attributes, labels, num_labels)
    offsets, state_labels, state_counts = seen.indptr.astype(np.int64), seen.indices.astype(np.int32), counts
    if all_states:
        offsets = np.arange(attributes.size + 1, dtype=np.int64) * num_labels
        state_counts = np.zeros(attributes.size * num_labels)
        state_counts[_places(seen)] = counts
        state_labels = np.tile(np.arange(num_labels, dtype=np.int32), attributes.size)
    firsts = np.concatenate([[0], np.cumsum(attributes.lengths)[:-1]])
    inside = np.ones(len(labels), bool)
    inside[firsts] = False
    moves = np.zeros((num_labels, num_labels))
    np.add.at(moves, (labels[:-1][inside[1:]], labels[1:][inside[1:]]), 1)
    sources, targets = np.nonzero(np.ones_like(moves) if all_transitions else moves)
    pairs = Pairs(offsets, state_labels, sources, targets, num_labels)
    found = np.concatenate([state_counts, moves[sources, targets]])
    if min_freq > 0:
        pairs, found = pairs.where(found >= min_freq, found)
    return pairs, found


def _state_counts(attributes, labels, num_labels):
    """Sums of values of the pairs seen, beside a matrix (A, K) whose entries those pairs are."""
    shape = attributes.size, num_labels
    seen, sums = scipy.sparse.csr_matrix(shape, dtype=np.int64), scipy.sparse.csr_matrix(shape)
    for first in range(0, len(labels), _CHUNK):
        last = min(first + _CHUNK, len(labels))
        n = slice(attributes.indptr[first], attributes.indptr[last])
        columns = np.repeat(labels[first:last], np.diff(attributes.indptr[first : last + 1]))
        places = attributes.indices[n], columns
        seen = seen + scipy.sparse.coo_matrix((np.ones(len(columns), np.int64), places), shape=shape).tocsr()
        if attributes.values is not None:
            sums = sums + scipy.sparse.coo_matrix((attributes.values[n], places), shape=shape).tocsr()
    seen.sort_indices()
    if attributes.values is None:
        return seen.data.astype(np.float64), seen
    # A sum may be 0, and then has no entry; the pair was seen all the same.
    counts = np.zeros(seen.nnz)
    counts[np.searchsorted(_places(seen), _places(sums))] = sums.tocoo().data
    return counts, seen


def _places(matrix):
    """Row-major places of a matrix's entries."""
    entries = matrix.tocoo()
    return entries.row * np.int64(matrix.shape[1]) + entries.col
