"""What a wrong label costs in a margin."""

from collections.abc import Mapping
from numbers import Real

import numpy as np


def cost_matrix(cost, names) -> np.ndarray:
    """The (K, K) costs ``[right, other]`` of one position.

    Parameters
    ----------
    cost : "hamming", mapping or array
        1 for every wrong label; a mapping from right labels, or from pairs (right, other), to what a mistake costs
        there (1 where it says nothing); or the (K, K) array itself, with zeros on the diagonal.
    names : sequence
        The labels.

    Raises
    ------
    ValueError
        Where a label is not known, a cost is negative or not finite, or the diagonal is not 0.
    """
    count = len(names)
    if isinstance(cost, str):
        if cost != "hamming":
            raise ValueError(f"cost must be 'hamming', a mapping or a (K, K) array; got {cost!r}")
        return 1.0 - np.eye(count)
    if isinstance(cost, Mapping):
        return _of_mapping(cost, list(names))
    matrix = np.array(cost, np.float64)
    if matrix.shape != (count, count):
        raise ValueError(f"cost must have shape {(count, count)}, a row for each right label; got {matrix.shape}")
    if not np.isfinite(matrix).all() or (matrix < 0).any():
        raise ValueError("cost must hold finite numbers of at least 0")
    if np.diag(matrix).any():
        place = int(np.flatnonzero(np.diag(matrix))[0])
        raise ValueError(f"cost must be 0 where the label is right; got {matrix[place, place]} for {names[place]!r}")
    return matrix


def _of_mapping(cost, names):
    matrix = np.ones((len(names), len(names)))
    places = {name: k for k, name in enumerate(names)}
    # Single labels first, so that pairs may say otherwise.
    for key, value in sorted(cost.items(), key=lambda item: isinstance(item[0], tuple)):
        parts = key if isinstance(key, tuple) else (key,)
        unknown = [part for part in parts if part not in places]
        if unknown or len(parts) > 2:
            raise ValueError(f"cost: {(unknown or [key])[0]!r} is no label; the labels are {names}")
        if not isinstance(value, Real) or isinstance(value, bool) or not 0 <= value < np.inf:
            raise ValueError(f"cost of {key!r} must be a finite number of at least 0; got {value!r}")
        matrix[tuple(places[part] for part in parts)] = value
    np.fill_diagonal(matrix, 0)
    return matrix
