"""A graph laid out for the search: arcs by source, apart by whether their target consumes a frame."""

from dataclasses import dataclass

import numpy as np


class SilentCycleError(ValueError):
    """States that consume no frame form a cycle: a path could go round for ever."""


@dataclass(frozen=True, eq=False)
class Network:
    """What the search walks over.

    Attributes
    ----------
    labels : (S,) int32 array
        The column of the frame scores that a state consumes; −1: none.
    emitting, silent : tuple of arrays
        Arcs to states that consume a frame, and to states that do not: ``first`` (S + 1,) int32, where each source's
        arcs begin; ``target`` int32; ``weight`` float64; ``arc`` int32, their numbers in the order given.
    level : (S,) int32 array
        The longest way to a state through states that consume nothing: arcs among these lead to higher levels.
    start, end : int
    """

    labels: np.ndarray
    emitting: tuple
    silent: tuple
    level: np.ndarray
    start: int
    end: int

    @property
    def num_levels(self):
        """Levels of states that consume nothing."""
        return int(self.level.max()) + 1


def network(labels, source, target, weights, start, end):
    """Lay a graph out; arcs of weight −inf are left out. O(S + A log A).

    Parameters
    ----------
    labels : (S,) int array
    source, target : (A,) int arrays
    weights : (A,) float64 array
    start, end : int

    Raises
    ------
    SilentCycleError
        If states without a label form a cycle.
    """
    from hybridseq.kernels.beam.numba_cpu.order import find_levels

    labels = labels.astype(np.int32)
    kept = np.flatnonzero(weights > -np.inf)
    kept = kept[np.argsort(source[kept], kind="stable")]
    consumes = labels[target[kept]] >= 0
    emitting, silent = (
        _by_source(source, target, weights, arcs, len(labels)) for arcs in (kept[consumes], kept[~consumes])
    )
    level, ordered = find_levels(labels, silent[0], silent[1])
    if not ordered.all():
        states = np.flatnonzero(~ordered)
        shown = ", ".join(map(str, states[:8])) + (", …" if len(states) > 8 else "")
        raise SilentCycleError(
            f"states {shown} consume no frame and lie on a cycle, or behind one, of states that consume none; every "
            "cycle must pass through a state with a label."
        )
    return Network(labels, emitting, silent, level, int(start), int(end))


def _by_source(source, target, weights, arcs, num_states):
    first = np.searchsorted(source[arcs], np.arange(num_states + 1)).astype(np.int32)
    return first, target[arcs].astype(np.int32), weights[arcs].astype(np.float64), arcs.astype(np.int32)
