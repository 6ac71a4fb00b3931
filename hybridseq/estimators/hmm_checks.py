"""What can be wrong with a hidden Markov model's parameters."""

from numbers import Integral, Real

import numpy as np

from hybridseq.estimators.numbers import check_number
from hybridseq.training.hmm.topology import left_to_right

_CHOICES = {"algorithm": ("viterbi", "map"), "training": ("baum_welch", "viterbi")}


def check_parameters(estimator, letters: str) -> None:
    """Raise a ValueError for a parameter that cannot be used."""
    given = estimator.get_params(deep=False)
    for name, least in (("n_components", 1), ("n_mix", 1), ("n_iter", 1), ("n_features", 1), ("n_trials", 1)):
        if given.get(name) is not None:
            check_number(name, given[name], least=least, whole=True)
    if not isinstance(given["tol"], Real) or np.isnan(given["tol"]):
        raise ValueError(f"tol must be a number; got {given['tol']!r}")
    floor = given.get("min_covar", 0.0)
    if not isinstance(floor, Real) or not floor >= 0:
        raise ValueError(f"min_covar must be a number of at least 0; got {floor!r}")
    for name, choices in _CHOICES.items():
        check_choice(name, given[name], choices)
    for name in ("params", "init_params"):
        value = given[name]
        if not isinstance(value, str) or set(value) - set(letters):
            raise ValueError(f"{name} must be some of the letters {letters!r}; got {value!r}")


def check_choice(name, value, choices) -> None:
    if value not in choices:
        raise ValueError(f"{name} must be one of {list(choices)}; got {value!r}")


def concentration(name, value, shape) -> np.ndarray:
    """Dirichlet parameters in their shape; raises where one is below 1, for then there is no mode."""
    array = shaped(name, value, shape)
    if not (array >= 1).all():
        raise ValueError(
            f"{name} must be at least 1 everywhere: 1 is no prior, 1 + n counts n times more; got {array.min()}"
        )
    return array


def shaped(name, value, shape) -> np.ndarray:
    """Finite numbers, broadcast to a shape."""
    try:
        array = np.broadcast_to(np.asarray(value, np.float64), shape)
    except (ValueError, TypeError):
        raise ValueError(f"{name} must be a number, or an array that fits {shape}; got {value!r}") from None
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite; got {value!r}")
    return array


def distributions(name, value, shape) -> np.ndarray:
    """Rows of probabilities as float64, checked."""
    array = np.asarray(value, np.float64)
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}; got {array.shape}")
    total = array.sum(-1)
    if not (array >= 0).all() or not np.allclose(total, 1):
        where = "" if array.ndim == 1 else f", row {int(np.argmax(np.abs(np.nan_to_num(total, nan=np.inf) - 1)))}"
        raise ValueError(f"{name}{where}: probabilities that sum to 1 are expected; got sums {np.round(total, 6)}")
    return array


def sized(name, value, shape) -> np.ndarray:
    """Finite numbers of just this shape; −1 stands for any size."""
    array = np.asarray(value, np.float64)
    fits = array.ndim == len(shape) and all(want in (-1, got) for want, got in zip(shape, array.shape))
    if not fits or not np.isfinite(array).all():
        wanted = tuple("any" if size == -1 else size for size in shape)
        raise ValueError(f"{name} must be finite, with shape {wanted}; got shape {array.shape}")
    return array


def masks(topology, start_states, final_states, names):
    """Possible first states (K,), transitions (K, K) and last states (K,) or None, as bool arrays."""
    count = len(names)
    if topology is None:
        transitions = np.ones((count, count), bool)
    elif isinstance(topology, str):
        check_choice("topology", topology, ("left_to_right",))
        transitions = left_to_right(count)
        start_states = [0] if start_states is None else start_states
    else:
        transitions = np.asarray(topology).astype(bool)
        if transitions.shape != (count, count):
            raise ValueError(
                f'topology must be "left_to_right" or a ({count}, {count}) array, one row a state; got shape '
                f"{transitions.shape}"
            )
        if not transitions.any(1).all():
            raise ValueError(
                f"topology lets nothing follow state {names[int(np.argmin(transitions.any(1)))]}; allow it itself"
            )
    start = np.ones(count, bool) if start_states is None else _chosen("start_states", start_states, names)
    return start, transitions, None if final_states is None else _chosen("final_states", final_states, names)


def _chosen(what, states, names):
    chosen = np.zeros(len(names), bool)
    for state in np.atleast_1d(np.asarray(states, object)):
        if isinstance(state, str) and state in names:
            chosen[names.index(state)] = True
        elif isinstance(state, Integral) and 0 <= state < len(names):
            chosen[state] = True
        else:
            raise ValueError(f"{what} must name states, or count them from 0 to {len(names) - 1}; got {state!r}")
    if not chosen.any():
        raise ValueError(f"{what} must hold a state at least")
    return chosen
