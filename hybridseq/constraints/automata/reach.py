"""Which states can be reached, and which can reach acceptance. Breadth-first, a whole layer at a time."""

import numpy as np

from hybridseq.constraints.automata.symbols import classes


def pointers(rows: np.ndarray, size: int) -> np.ndarray:
    """Where each of ``size`` rows begins among entries sorted by row, (size + 1,)."""
    return np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=size))])


def spread(begin: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The entries of some rows one after another, and how many each row has."""
    counts = begin[rows + 1] - begin[rows]
    ends = np.cumsum(counts)
    total = int(ends[-1]) if ends.size else 0
    return np.arange(total) + np.repeat(begin[rows] - ends + counts, counts), counts


def breadth_first(table: np.ndarray) -> np.ndarray:
    """The reachable states in the order in which a breadth-first search by rising symbol meets them."""
    seen = np.zeros(len(table), bool)
    seen[0] = True
    layers = [np.zeros(1, np.int64)]
    while layers[-1].size:
        onward = table[layers[-1]].ravel()
        onward = onward[onward >= 0]
        onward = onward[~seen[onward]]
        fresh, place = np.unique(onward, return_index=True)
        seen[fresh] = True
        layers.append(onward[np.sort(place)].astype(np.int64))
    return np.concatenate(layers)


def distance(table: np.ndarray, accepting: np.ndarray) -> np.ndarray:
    """The length of the shortest accepted continuation of each state, (S,); −1: none."""
    source, symbol = np.nonzero(table >= 0)
    target = table[source, symbol]
    order = np.argsort(target, kind="stable")
    source, begin = source[order], pointers(target, len(table))
    far = np.where(accepting, 0, -1)
    layer, step = np.flatnonzero(accepting), 0
    while layer.size:
        step += 1
        back = source[spread(begin, layer)[0]]
        layer = np.unique(back[far[back] < 0])
        far[layer] = step
    return far


def keep(table: np.ndarray, accepting: np.ndarray, order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The states of ``order`` only, numbered as they stand there; arcs to others are dropped."""
    number = np.full(len(table) + 1, -1, np.int32)
    number[order] = np.arange(len(order))
    return number[table[order]], accepting[order]


def trim(table: np.ndarray, accepting: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The states on some accepted path, in the same order, and the start."""
    first, member = classes(table)
    narrow = table[:, first]
    useful = np.zeros(len(table), bool)
    useful[breadth_first(narrow)] = True
    useful &= distance(narrow, accepting) >= 0
    if not useful[0]:
        return np.full((1, table.shape[1]), -1, np.int32), np.zeros(1, bool)
    if useful.all():
        return table, accepting
    narrow, accepting = keep(narrow, accepting, np.flatnonzero(useful))
    return narrow[:, member], accepting
