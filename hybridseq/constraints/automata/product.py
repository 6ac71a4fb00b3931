"""Boolean combinations of two automata: run both at once, over the pairs of states that are met."""

from collections.abc import Callable

import numpy as np

from hybridseq.constraints.automata.budget import spend
from hybridseq.constraints.automata.symbols import classes


def product(left, right, accept: Callable, operation: str, budget: int | None):
    """The reachable part of the product of two automata, each a pair of table and accepting states.

    Parameters
    ----------
    accept : callable
        Takes whether the left and the right one accept, both bool arrays. What it says of ``(False, True)`` and
        ``(True, False)`` tells whether a pair is worth keeping once the one or the other is dead.

    Returns
    -------
    table, accepting
    """
    first, member = classes(left[0], right[0])
    (left_table, left_accepts), (right_table, right_accepts) = (_completed(*side, first) for side in (left, right))
    width = len(right_table)
    alone = [bool(accept(np.array(x), np.array(not x))) for x in (False, True)]

    known, codes, rows = {0: 0}, [0], []
    layer = np.zeros(1, np.int64)
    while layer.size:
        a, b = np.divmod(layer, width)
        a, b = left_table[a], right_table[b]
        onward = a * width + b
        dead_left, dead_right = a == len(left_table) - 1, b == width - 1
        dead = dead_left & dead_right
        if not alone[0]:
            dead |= dead_left
        if not alone[1]:
            dead |= dead_right
        onward[dead] = -1
        rows.append(onward)
        fresh = [code for code in np.unique(onward).tolist() if code >= 0 and code not in known]
        known.update(zip(fresh, range(len(codes), len(codes) + len(fresh))))
        codes.extend(fresh)
        spend(len(codes), budget, operation)
        layer = np.array(fresh, np.int64)

    codes = np.array(codes, np.int64)
    order = np.argsort(codes)
    onward = np.concatenate(rows)
    place = np.minimum(np.searchsorted(codes, onward, sorter=order), len(codes) - 1)
    table = np.where(onward >= 0, order[place], -1).astype(np.int32)
    a, b = np.divmod(codes, width)
    return table[:, member], accept(left_accepts[a], right_accepts[b])


def _completed(table, accepting, first):
    """With a last state for the dead, over the first symbol of each class."""
    dead = len(table)
    table = np.vstack([table[:, first], np.full((1, len(first)), -1)]).astype(np.int64)
    return np.where(table < 0, dead, table), np.append(accepting, False)
