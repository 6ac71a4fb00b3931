"""Steps of EM for mixtures of Gaussians whose columns' frames are given: expectations, maximum, splitting."""

import heapq
from dataclasses import dataclass

import numpy as np

from hybridseq.speech.start.gmm import GMM

#: Components of fewer expected frames keep their mean and variance.
_EMPTY = 1e-2
#: How far a split moves means, in standard deviations, and how occupancy weighs in the shares of columns.
_APART, _POWER = 0.2, 0.3


@dataclass(frozen=True)
class Occupied:
    """Frames of columns: column p has ``frames[offset[p] : offset[p + 1]]``, each with its weight (None: 1)."""

    frames: np.ndarray
    weights: np.ndarray | None
    offset: np.ndarray

    @classmethod
    def of(cls, frames, columns, num_labels, weights=None):
        """From (frame, column, weight) in any order."""
        order = np.argsort(columns, kind="stable")
        offset = np.searchsorted(columns[order], np.arange(num_labels + 1))
        return cls(frames[order], None if weights is None else weights[order], offset)


@dataclass(frozen=True)
class Statistics:
    """Expected frames (G,), sums and sums of squares (G, D) of each Gaussian, and the frames' log-likelihood."""

    count: np.ndarray
    first: np.ndarray
    second: np.ndarray
    log_likelihood: float


def _joint(gmm, own, x, squares):
    """Log-densities (n, M) of a column's Gaussians, weights included."""
    means, variances = gmm.means[own], gmm.variances[own]
    constant = np.log(gmm.weights[own]) - 0.5 * (np.log(2 * np.pi * variances) + means**2 / variances).sum(1)
    return x @ (means / variances).T - 0.5 * (squares @ (1 / variances).T) + constant


def expect(gmm, x, occupied):
    """``Statistics`` of frames x (N, D) that belong to columns, in float64; O(n·M·D) for a column's M Gaussians."""
    count, first, second = np.zeros(gmm.num_gaussians), *np.zeros((2, *gmm.means.shape))
    total = 0.0
    for column, (begin, end) in enumerate(zip(occupied.offset[:-1], occupied.offset[1:])):
        if begin == end:
            continue
        own = slice(gmm.offset[column], gmm.offset[column + 1])
        frames = x[occupied.frames[begin:end]].astype(np.float64)
        squares = frames * frames
        joint = _joint(gmm, own, frames, squares)
        top = joint.max(1, keepdims=True)
        joint -= top
        np.exp(joint, out=joint)
        value = joint.sum(1, keepdims=True)
        joint /= value
        weights = np.ones(end - begin) if occupied.weights is None else occupied.weights[begin:end]
        total += weights @ (top + np.log(value))[:, 0]
        joint *= weights[:, None]
        count[own], first[own], second[own] = joint.sum(0), joint.T @ frames, joint.T @ squares
    return Statistics(count, first, second, float(total))


def maximise(gmm, found, variance_floor, weight_floor):
    """The best parameters for statistics, none below its floor; unseen Gaussians stay."""
    seen = found.count > _EMPTY
    count = np.where(seen, found.count, 1.0)[:, None]
    means = np.where(seen[:, None], found.first / count, gmm.means)
    best = np.maximum(found.second / count - means**2, variance_floor)
    variances = np.where(seen[:, None], best, gmm.variances)
    return GMM(means, variances, _weights(gmm, found.count, weight_floor), gmm.columns)


def _weights(gmm, count, floor):
    """Shares of the columns' counts, at least ``floor`` each, and never forced above half of an equal share."""
    floor = np.minimum(floor, 0.5 / np.diff(gmm.offset)[gmm.columns])
    total = np.bincount(gmm.columns, count, gmm.num_labels)[gmm.columns]
    share = np.where(total > _EMPTY, count / np.maximum(total, _EMPTY), gmm.weights)
    low = share < floor
    if not low.any():
        return share / np.bincount(gmm.columns, share)[gmm.columns]
    taken = np.bincount(gmm.columns, np.where(low, floor, 0))[gmm.columns]
    rest = np.bincount(gmm.columns, np.where(low, 0, share))[gmm.columns]
    return np.where(low, floor, share * (1 - taken) / rest)


def single(x, occupied, variance_floor):
    """One Gaussian a column, from its frames; columns without frames get the mean and variance of all."""
    labels = len(occupied.offset) - 1
    spread = np.maximum(x.var(0, dtype=np.float64), variance_floor)
    everywhere = GMM(
        np.tile(x.mean(0, dtype=np.float64), (labels, 1)),
        np.tile(spread, (labels, 1)),
        np.ones(labels),
        np.arange(labels),
    )
    return maximise(everywhere, expect(everywhere, x, occupied), variance_floor, 0.0)


def pooled(gmm, columns, counts, variance_floor):
    """The same single Gaussian for several columns, weighted by their frames (P,)."""
    columns = np.asarray(columns, np.int64)
    weights = counts[columns] / max(counts[columns].sum(), 1e-300)
    if not weights.sum() > 0:
        return gmm
    means, variances = gmm.means.copy(), gmm.variances.copy()
    mean = weights @ means[columns]
    variances[columns] = np.maximum(weights @ (variances[columns] + means[columns] ** 2) - mean**2, variance_floor)
    means[columns] = mean
    return GMM(means, variances, gmm.weights, gmm.columns)


def split(gmm, count, wanted, min_frames, random):
    """Split the largest Gaussians in two, 0.2 standard deviations to either side in every feature.

    Parameters
    ----------
    gmm : GMM
    count : (G,) array
        Expected frames of each Gaussian.
    wanted : int, or (P,) int array
        Gaussians altogether, shared out by occupancy to the power of 0.3; or those of each column.
    min_frames : float
        Expected frames that both halves must have.
    random : numpy Generator
        Draws which of the halves goes up, feature by feature.
    """
    parts = [list(range(*gmm.offset[p : p + 2])) for p in range(gmm.num_labels)]
    means, variances, weights, count = (list(x) for x in (gmm.means, gmm.variances, gmm.weights, count))
    occupancy = np.maximum(np.bincount(gmm.columns, count, gmm.num_labels), 1e-9) ** _POWER
    exact = np.ndim(wanted) > 0

    def rank(p):
        return -occupancy[p] / len(parts[p]), p

    waiting = [rank(p) for p in range(gmm.num_labels)]
    heapq.heapify(waiting)
    while waiting and (exact or len(means) < wanted):
        _, p = heapq.heappop(waiting)
        largest = max(parts[p], key=lambda g: count[g])
        if count[largest] < 2 * min_frames or (exact and len(parts[p]) >= wanted[p]):
            continue
        step = _APART * np.sqrt(variances[largest]) * random.choice((-1.0, 1.0), gmm.width)
        count[largest] /= 2
        weights[largest] /= 2
        parts[p].append(len(means))
        means.append(means[largest] - step)
        means[largest] = means[largest] + step
        for values in (variances, weights, count):
            values.append(values[largest])
        heapq.heappush(waiting, rank(p))
    order = [g for own in parts for g in own]
    columns = np.repeat(np.arange(gmm.num_labels), [len(own) for own in parts])
    return GMM(np.array(means)[order], np.array(variances)[order], np.array(weights)[order], columns)
