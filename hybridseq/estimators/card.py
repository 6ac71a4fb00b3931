"""An estimator's parameters as JSON, and back."""

from numbers import Integral, Real

import numpy as np

from hybridseq.constraints import Constraint
from hybridseq.constraints.serial import from_json, to_json

_OBJECT = object()


def describe_parameters(parameters: dict) -> dict:
    """The parameters that JSON can hold, and under ``objects`` the names of those that loading needs again.

    A random state that is an object is saved as None: it has no part in prediction.
    """
    described = {name: plain(value) for name, value in parameters.items()}
    if described.get("random_state") is _OBJECT:
        described["random_state"] = None
    return {
        "parameters": {name: value for name, value in described.items() if value is not _OBJECT},
        "objects": sorted(name for name, value in described.items() if value is _OBJECT),
    }


def read_parameters(parameters: dict) -> dict:
    """The constructor's arguments from a card's."""
    return {name: _read(value) for name, value in parameters.items()}


def _read(value):
    if isinstance(value, dict):
        return np.array(value["array"], value["dtype"]) if "array" in value else from_json(value)
    return value


def plain(value):
    """A value that JSON gives back as it was, or the mark of an object."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, Constraint):
        return to_json(value) or _OBJECT
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        return {"array": value.tolist(), "dtype": str(value.dtype)}
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    return str(value) if hasattr(value, "__fspath__") else _OBJECT
