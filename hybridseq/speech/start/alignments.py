"""Which column of the frame scores every frame belongs to."""

from dataclasses import dataclass, field

import numpy as np
import torch

from hybridseq.speech.graph.topology import EXIT


@dataclass(frozen=True, eq=False)
class Alignments:
    """The columns of the frames of many utterances.

    Attributes
    ----------
    ids : tuple of str
    labels : tuple of (T,) int64 arrays
        The column of each frame; None for an utterance that no path fits.
    problems : tuple of (str, str)
        The id of each utterance that is left out, and why.
    stays : tuple of (T,) bool arrays
        Whether a frame is in the same state as the one before it, by way of the state's self-loop; None as in
        ``labels``. By default, where neighbours have the same column.
    scores : (N,) float64 array
        Log-score of each path in nats, −inf where there is none; NaN where it is not known.
    """

    ids: tuple
    labels: tuple
    problems: tuple = ()
    stays: tuple | None = None
    scores: np.ndarray | None = field(default=None, repr=False)

    def __post_init__(self):
        if len(self.ids) != len(self.labels):
            raise ValueError(f"ids and labels must be as many; got {len(self.ids)} and {len(self.labels)}.")
        labels = tuple(None if x is None else np.asarray(x, np.int64) for x in self.labels)
        object.__setattr__(self, "ids", tuple(self.ids))
        object.__setattr__(self, "labels", labels)
        if self.stays is None:
            same = (None if x is None else np.concatenate([[False], x[1:] == x[:-1]])[: len(x)] for x in labels)
            object.__setattr__(self, "stays", tuple(same))
        if self.scores is None:
            object.__setattr__(self, "scores", np.full(len(labels), np.nan))

    def __repr__(self):
        return f"Alignments({len(self)} utterances, {self.num_frames} frames, {len(self.problems)} left out)"

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return self.labels[index]

    def __iter__(self):
        return iter(self.labels)

    @property
    def num_frames(self):
        """Aligned frames."""
        return sum(len(x) for x in self.labels if x is not None)

    @property
    def left_out(self):
        """The ids of the utterances without a path."""
        return tuple(i for i, x in zip(self.ids, self.labels) if x is None)

    def counts(self, num_labels):
        """Frames of each column, (P,) float64."""
        self._check_width(num_labels)
        return np.bincount(self._joined(self.labels, np.int64), minlength=num_labels).astype(np.float64)

    def moved(self, other):
        """The share of frames whose column differs, of the utterances that both have aligned; 0 where there is none.

        Raises
        ------
        ValueError
            Where these are not the same utterances.
        """
        if self.ids != other.ids:
            raise ValueError(f"alignments of other utterances cannot be compared; got {len(self)} beside {len(other)}.")
        moved = total = 0
        for name, a, b in zip(self.ids, self.labels, other.labels):
            if a is None or b is None:
                continue
            if len(a) != len(b):
                raise ValueError(f"utterance {name} has {len(a)} frames here and {len(b)} there.")
            moved += int((a != b).sum())
            total += len(a)
        return moved / total if total else 0.0

    def loop_counts(self, num_labels):
        """Of each column's frames, how many stayed in their state, and how many there are: two (P,) arrays."""
        self._check_width(num_labels)
        labels, stays = self._joined(self.labels, np.int64), self._joined(self.stays, bool)
        # A frame that stays is counted at the frame that it came from: the same column.
        return tuple(np.bincount(x, minlength=num_labels).astype(np.float64) for x in (labels[stays], labels))

    def self_loops(self, units, smoothing=2.0):
        """Each column's probability of staying, (P,), for ``Units.with_loops``.

        (times stayed + smoothing · p) / (frames + smoothing), where p is what the units had: the mode under a beta
        prior. Columns without a self-loop keep 0.

        Parameters
        ----------
        units : Units
        smoothing : float
            Frames that the old probability counts for, above 0.
        """
        if not smoothing > 0:
            raise ValueError(f"smoothing must be above 0 frames; got {smoothing!r}.")
        return smoothed_loops(*self.loop_counts(units.num_labels), loops_of(units), smoothing)

    def state(self):
        """Tensors for safetensors, which ``from_state`` takes beside the ids and the problems."""
        parts = {
            "lengths": np.array([-1 if x is None else len(x) for x in self.labels], np.int64),
            "labels": self._joined(self.labels, np.int64),
            "stays": self._joined(self.stays, bool),
            "scores": np.array(self.scores, np.float64),
        }
        return {name: torch.from_numpy(x) for name, x in parts.items()}

    @classmethod
    def from_state(cls, tensors, ids, problems=()):
        """The alignments whose ``state`` this is."""
        lengths, labels, stays, scores = (np.asarray(tensors[x]) for x in ("lengths", "labels", "stays", "scores"))
        ends = np.cumsum(np.maximum(lengths, 0))
        spans = [None if n < 0 else slice(end - n, end) for n, end in zip(lengths, ends)]
        labels, stays = (tuple(None if at is None else x[at] for at in spans) for x in (labels, stays))
        return cls(ids, labels, tuple(map(tuple, problems)), stays, scores)

    def _joined(self, parts, kind):
        return np.concatenate([np.zeros(0, kind), *(x for x in parts if x is not None)])

    def _check_width(self, num_labels):
        highest = max((int(x.max()) for x in self.labels if x is not None and len(x)), default=-1)
        if highest >= num_labels:
            raise ValueError(
                f"the alignments have columns up to {highest}, but there are {num_labels}; were they made for another "
                "inventory of units?"
            )


def loops_of(units):
    """Each column's probability of staying in the units' topologies, (P,): the mean where states share it."""
    total, states = np.zeros((2, units.num_labels))
    for name in units.names:
        columns = np.array(units.states_of(name))
        loops = {a: np.exp(w) for a, b, w in units.topology(name).arcs if a == b and b != EXIT}
        for state, stay in loops.items():
            total[columns[state]] += stay
            states[columns[state]] += 1
    return total / np.maximum(states, 1)


def smoothed_loops(stays, frames, before, smoothing):
    """Probabilities of staying from counts (P,), as ``Alignments.self_loops`` tells."""
    return np.where(before > 0, (stays + smoothing * before) / (frames + smoothing), 0.0)
