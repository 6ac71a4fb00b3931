"""Symbols that an automaton cannot tell apart: work is done once for each class of them."""

import numpy as np


def classes(*tables: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Group symbols with the same column in every table (S, K).

    Returns
    -------
    first : (C,) int array
        The first symbol of each class, rising.
    member : (K,) int array
        The class of each symbol, so that ``table[:, first][:, member]`` is ``table``.
    """
    columns = [np.ascontiguousarray(table.T) for table in tables]
    number: dict[bytes, int] = {}
    first, member = [], np.empty(columns[0].shape[0], np.int64)
    for symbol in range(len(member)):
        key = b"".join(x[symbol].tobytes() for x in columns)
        member[symbol] = number.setdefault(key, len(number))
        if len(number) > len(first):
            first.append(symbol)
    return np.array(first, np.int64), member
