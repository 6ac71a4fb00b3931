"""What the search for a best label sequence found, and whether that is proven."""

from dataclasses import dataclass

import torch
from torch import Tensor

#: A score this close to its bound, relative to its size, is the best one.
GAP = 1e-9


@dataclass(frozen=True)
class Solution:
    """The best label sequences that were found.

    Attributes
    ----------
    labels : (B, T) int64 tensor
        Padded with −100; all −100 where none was found.
    score : (B,) float64 tensor
        Their scores; −inf where none was found.
    bound : (B,) float64 tensor
        No label sequence within the budgets scores more.
    exact : (B,) bool tensor
        Whether the score is proven to be the best: it meets the bound, or no label sequence is within the budgets.
    backend : list of str
        What had the last word on each row: "dynamic programming" (plain decoding), "lagrangian", "labelling" (dynamic
        programming over the sums as well) or "milp".
    """

    labels: Tensor
    score: Tensor
    bound: Tensor
    exact: Tensor
    backend: list[str]

    def __repr__(self):
        counts = {name: self.backend.count(name) for name in dict.fromkeys(self.backend)}
        return f"Solution({int(self.exact.sum())} of {len(self.exact)} rows exact, {counts})"


def closed(score, bound):
    """Whether scores meet their bounds; also where nothing is possible."""
    near = score >= bound - GAP * score.abs().clamp(min=1)
    return (near & (score > -torch.inf)) | (bound == -torch.inf)
