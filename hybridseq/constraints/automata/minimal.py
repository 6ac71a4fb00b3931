"""The smallest automaton of a language, its states numbered so that equal languages give equal arrays."""

import numpy as np

from hybridseq.constraints.automata.reach import breadth_first, distance, keep, pointers, spread, trim
from hybridseq.constraints.automata.symbols import classes


def minimise(table: np.ndarray, accepting: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Trimmed, minimal, in breadth-first order.

    Notes
    -----
    Hopcroft (1971), a layer at a time: a class of states splits where its members lead to different classes; the
    largest part keeps the class's number, and only the states that lead into the other parts are looked at again.
    So a state changes its number at most log2(S) times.
    """
    table, accepting = trim(table, accepting)
    first, member = classes(table)
    table = table[:, first]
    kind = refine(table, distance(table, accepting))
    _, leaders = np.unique(kind[:-1], return_index=True)
    leaders = np.sort(leaders)  # the start's class first
    number = np.full(len(kind), -1, np.int32)
    number[kind[leaders]] = np.arange(len(leaders))
    number[kind[-1]] = -1
    table = number[kind[table[leaders]]]
    table, accepting = keep(table, accepting[leaders], breadth_first(table))
    return table[:, member], accepting


def refine(table: np.ndarray, kind: np.ndarray) -> np.ndarray:
    """Split classes of states until all members of one lead to the same classes.

    Parameters
    ----------
    table : (S, K) int array
        −1 for dead.
    kind : (S,) int array
        A first partition, at most as fine as the result; the class −1 is that of the dead state.

    Returns
    -------
    (S + 1,) int array
        The class of each state, and last that of the dead one.
    """
    size = len(table)
    kind = np.unique(np.append(kind, -1), return_inverse=True)[1].astype(np.int32)
    sizes = np.bincount(kind, minlength=size + 1)
    num_kinds = int(kind.max()) + 1
    source, symbol = np.nonzero(table >= 0)
    target = table[source, symbol]
    order = np.argsort(target, kind="stable")
    before, begin = source[order], pointers(target, size)

    suspects = np.arange(size)
    while suspects.size:
        rows = np.column_stack([kind[suspects], kind[table[suspects]]])
        part = _numbers(rows)
        of, count = kind[suspects[np.unique(part, return_index=True)[1]]], np.bincount(part)
        # what is left of each class leads where it led
        rest = sizes - np.bincount(of, weights=count, minlength=len(sizes)).astype(
            np.int64
        )  # led where they lead still
        largest = np.zeros(len(sizes), np.int64)
        np.maximum.at(largest, of, count)
        small = (rest > 0) & (rest < largest)
        if small.any():
            others = np.flatnonzero(small[kind[:-1]])
            others = np.setdiff1d(others, suspects, assume_unique=True)
            suspects = np.concatenate([suspects, others])
            part = np.concatenate([part, len(of) + _numbers(kind[others, None])])
            of, count = kind[suspects[np.unique(part, return_index=True)[1]]], np.bincount(part)
            rest[small] = 0
        stays = np.zeros(len(of), bool)
        by_size = np.lexsort((count, of))
        last = np.flatnonzero(np.diff(of[by_size], append=-1))
        stays[by_size[last]] = rest[of[by_size[last]]] == 0
        number = of.copy()
        number[~stays] = num_kinds + np.arange((~stays).sum())
        num_kinds += int((~stays).sum())
        np.subtract.at(sizes, of[~stays], count[~stays])
        sizes[number[~stays]] = count[~stays]
        moved = suspects[~stays[part]]
        kind[suspects] = number[part]
        suspects = np.unique(before[spread(begin, moved)[0]])
    return kind


def _numbers(rows):
    """A number for each distinct row, by first appearance."""
    found: dict[bytes, int] = {}
    keys = np.ascontiguousarray(rows).view(f"V{rows.itemsize * rows.shape[1]}").ravel().tolist()
    return np.array([found.setdefault(key, len(found)) for key in keys], np.int64)
