"""Mixtures of Gaussians with diagonal covariances as an acoustic model."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from hybridseq.structures.checks import ShapeError

#: Numbers of a piece of work: joint scores of so many frames and Gaussians stay in the cache.
_NUMBERS = 1 << 20
#: Up to this ratio of squared distances to variances float32 keeps three decimals of a log-density.
_CLOSE = 2.0**13


@dataclass(frozen=True, eq=False)
class GMM:
    """For each of P columns a mixture of Gaussians over D features.

    Attributes
    ----------
    means, variances : (G, D) float64 arrays
        Of all columns' Gaussians, those of a column in a row.
    weights : (G,) float64 array
        Those of a column sum to 1.
    columns : (G,) int64 array
        The column of each Gaussian, sorted; every column has one or more.
    """

    means: np.ndarray
    variances: np.ndarray
    weights: np.ndarray
    columns: np.ndarray

    def __post_init__(self):
        for name, kind in (("means", float), ("variances", float), ("weights", float), ("columns", np.int64)):
            object.__setattr__(self, name, np.ascontiguousarray(getattr(self, name), kind))
        count = len(self.columns)
        if self.means.ndim != 2 or self.variances.shape != self.means.shape:
            raise ShapeError(
                f"means and variances must have the same shape (G, D); got {self.means.shape}, {self.variances.shape}."
            )
        if len(self.means) != count or self.weights.shape != (count,):
            raise ShapeError(f"weights and columns must have shape ({len(self.means)},); got {self.weights.shape}.")
        if not count or self.columns[0] != 0 or not np.isin(np.diff(self.columns), (0, 1)).all():
            raise ValueError("columns must be sorted and have every number from 0 on; a column has no Gaussian.")
        if not (self.variances > 0).all() or not np.isfinite(self.means).all():
            raise ValueError("means must be finite and variances above 0; train with a larger variance_floor.")

    def __repr__(self):
        return f"GMM({self.num_labels} columns, {self.num_gaussians} Gaussians, {self.width} features)"

    @property
    def num_labels(self):
        """P."""
        return int(self.columns[-1]) + 1

    @property
    def num_gaussians(self):
        """G."""
        return len(self.columns)

    @property
    def width(self):
        """D."""
        return self.means.shape[1]

    @cached_property
    def offset(self):
        """Where each column's Gaussians begin, (P + 1,)."""
        return np.searchsorted(self.columns, np.arange(self.num_labels + 1))

    @cached_property
    def _factors(self):
        """The expanded squares: shift (D,), the factors (2 D, G) and constants (G,), columns of equal size together.

        The second axis is ordered by size, then by a Gaussian's number in its mixture, then by column.
        """
        number = np.arange(self.num_gaussians) - self.offset[self.columns]
        sizes = np.diff(self.offset)
        order = np.lexsort((self.columns, number, sizes[self.columns]))
        shift, scale = self.means.mean(0), np.sqrt(self.variances.mean(0))
        means, variances = ((self.means - shift) / scale)[order], (self.variances / scale**2)[order]
        factors = np.concatenate([means / variances, -0.5 / variances], 1).T
        with np.errstate(divide="ignore"):
            constant = np.log(self.weights[order]) - 0.5 * (means**2 / variances).sum(1)
        constant -= 0.5 * np.log(2 * np.pi * self.variances[order]).sum(1)
        groups = [(size, np.flatnonzero(sizes == size)) for size in np.unique(sizes)]
        exact = torch.from_numpy(np.ascontiguousarray(factors)), torch.from_numpy(constant)
        return shift, scale, variances.min(0), groups, exact, tuple(x.float() for x in exact)

    def frame_scores(self, features):
        """Log-densities of frames in every column's mixture.

        Parameters
        ----------
        features : (T, D) array or tensor

        Returns
        -------
        (T, P) float32 array

        Notes
        -----
        One product of matrices for all Gaussians, O(T·G·D), in float32, and in float64 where squared distances are so
        large beside the variances that float32 would lose digits.
        """
        x = as_frames(features, self.width)
        shift, scale, least, groups, exact, rough = self._factors
        out = np.empty((len(x), self.num_labels), np.float32)
        step = max(1, _NUMBERS // self.num_gaussians)
        for begin in range(0, len(x), step):
            own = (x[begin : begin + step] - shift) / scale
            close = (np.abs(own).max(0) ** 2 <= _CLOSE * least).all()
            factors, constant = rough if close else exact
            frames = torch.from_numpy(own).to(factors.dtype)
            joint = torch.addmm(constant, torch.cat([frames, frames.square()], 1), factors)
            at = 0
            for size, columns in groups:
                width = size * len(columns)
                part = joint[:, at : at + width].view(-1, size, len(columns))
                at += width
                out[begin : begin + step, columns] = _log_sum(part).numpy()
        return out

    def state(self):
        """The tensors that ``from_state`` takes, for safetensors."""
        names = "means", "variances", "weights", "columns"
        return {name: torch.from_numpy(getattr(self, name).copy()) for name in names}

    @classmethod
    def from_state(cls, tensors):
        """The model whose ``state`` this is."""
        names = "means", "variances", "weights", "columns"
        if missing := [name for name in names if name not in tensors]:
            raise ValueError(f"a GMM's tensors are {', '.join(names)}; {', '.join(missing)} are missing.")
        return cls(*(np.asarray(tensors[name]) for name in names))


def _log_sum(joint):
    """Log-sum-exp over the second of three axes, as float32; the input is used up."""
    if joint.shape[1] == 1:
        return joint[:, 0].float()
    top = joint.amax(1, keepdim=True)
    # Far from every component all are -inf alike.
    top.masked_fill_(top == -torch.inf, 0)
    return (joint.sub_(top).exp_().sum(1).log_() + top[:, 0]).float()


def as_frames(features, width=None, name="features"):
    """Features (T, D) as a float array; checked."""
    if hasattr(features, "detach"):
        features = features.detach().cpu().numpy()
    x = np.asarray(features)
    if x.ndim != 2 or (width is not None and x.shape[1] != width):
        wanted = "(T, D)" if width is None else f"(T, {width})"
        raise ShapeError(f"{name} must have shape {wanted}, frames by features; got {x.shape}.")
    if x.dtype not in (np.float32, np.float64):
        x = x.astype(np.float32)
    if not np.isfinite(x).all():
        t, d = np.argwhere(~np.isfinite(x))[0]
        raise ValueError(f"{name}[{t}, {d}] is {x[t, d]}; features must be finite. Mend or leave the utterance out.")
    return x
