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
    So a state changes its number at most log2(S) times. The members of a class that are not looked at still lead
    where they led together, and are one part. How far a state is from acceptance is the first partition, which
    saves most layers of automata that count.
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
        part, of, count = _split(table, kind, suspects)
        order = np.lexsort((count, of))
        last = np.flatnonzero(np.diff(of[order], append=-1))  # the largest part of each class
        owners, largest = of[order[last]], count[order[last]]
        rest = sizes[owners] - np.add.reduceat(count[order], np.append(0, last[:-1] + 1))
        behind = owners[(rest > 0) & (rest < largest)]
        if behind.size:
            suspects = np.union1d(suspects, np.flatnonzero(np.isin(kind[:-1], behind)))
            continue
        goes = np.ones(len(of), bool)
        goes[order[last[rest == 0]]] = False
        number = np.where(goes, num_kinds - 1 + np.cumsum(goes), of)
        num_kinds += int(goes.sum())
        np.subtract.at(sizes, of[goes], count[goes])
        sizes[number[goes]] = count[goes]
        kind[suspects] = number[part]
        suspects = np.unique(before[spread(begin, suspects[goes[part]])[0]])
    return kind


def _split(table, kind, suspects):
    """The part of each state, those of one class that lead to the same classes; each part's class and size."""
    part = _numbers(np.column_stack([kind[suspects], kind[table[suspects]]]))
    _, first, count = np.unique(part, return_index=True, return_counts=True)
    return part, kind[suspects[first]], count


def _numbers(rows):
    """A number for each distinct row, by first appearance."""
    found: dict[bytes, int] = {}
    keys = np.ascontiguousarray(rows).view(f"V{rows.itemsize * rows.shape[1]}").ravel().tolist()
    return np.array([found.setdefault(key, len(found)) for key in keys], np.int64)
