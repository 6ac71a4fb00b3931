"""Which states may follow one another."""

import numpy as np


def left_to_right(n_states: int, skip: int = 0) -> np.ndarray:
    """The transitions of a left-to-right model :cite:p:`rabiner1989` (section IV.C).

    Parameters
    ----------
    n_states : int
        The number K of states, in the order in which they are passed.
    skip : int
        How many states may be jumped over at once; 0 allows only the next one.

    Returns
    -------
    (K, K) bool array
        True where a transition is possible: from each state to itself and to the next 1 + ``skip`` states.

    Raises
    ------
    ValueError
        Where there is no state, or ``skip`` is negative.
    """
    if n_states < 1 or skip < 0:
        raise ValueError(f"left_to_right needs n_states of at least 1 and skip of at least 0; got {n_states}, {skip}")
    ahead = np.arange(n_states) - np.arange(n_states)[:, None]
    return (ahead >= 0) & (ahead <= 1 + skip)


def reachable(start, transitions, steps: int) -> np.ndarray:
    """The states, (K,) bool, that a path of so many steps may be in, by masks of starts (K,) and transitions (K, K)."""
    states = np.asarray(start, bool)
    for _ in range(steps):
        following = states @ np.asarray(transitions, bool)
        if (following == states).all():
            break
        states = following
    return states
