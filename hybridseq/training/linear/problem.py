"""What a learner of linear models is given, and what it gives back."""

from dataclasses import dataclass, field

import numpy as np

from hybridseq.text.attributes import Attributes
from hybridseq.training.linear.weights import Pairs


@dataclass(frozen=True)
class Problem:
    """Training sequences in numbers.

    Attributes
    ----------
    attributes : Attributes
    labels : (N,) int64 array
        Label ids of all tokens.
    pairs : Pairs
        Which pairs have weights.
    counts : (S + P,) float64 array
        How often training shows each.
    plan : Plan or None
        What label sequences are to keep.
    on_infeasible : "relax", "unconstrained" or None
        How sequences whose labels break the plan are trained on; None: there are none.
    """

    attributes: Attributes
    labels: np.ndarray
    pairs: Pairs
    counts: np.ndarray
    plan: object = None
    on_infeasible: str | None = None

    @property
    def lengths(self) -> np.ndarray:
        """How long each sequence is, (B,)."""
        return self.attributes.lengths

    @property
    def starts(self) -> np.ndarray:
        """Where each sequence begins, (B,)."""
        return np.concatenate([[0], np.cumsum(self.lengths)[:-1]])

    def padded_labels(self, rows) -> np.ndarray:
        """The labels of some sequences, (B, T), −100 in the padding."""
        lengths, starts = self.lengths[rows], self.starts[rows]
        places = np.arange(int(lengths.max()))
        inside = places < lengths[:, None]
        return np.where(inside, self.labels[np.where(inside, starts[:, None] + places, 0)], -100)


@dataclass(frozen=True)
class Learned:
    """What training came to.

    Attributes
    ----------
    weights : (S + P,) float64 array
    objective : float
        The regularised objective at the weights; NaN where the learner minimises none.
    iterations : int
    reason : str
        Why training stopped.
    converged : bool
        Whether its stopping rule was met, before the iterations were used up.
    history : list of dict
        The figures of each iteration.
    """

    weights: np.ndarray
    objective: float
    iterations: int
    reason: str
    converged: bool
    history: list = field(default_factory=list)
