"""How many words of each length an automaton accepts, which lengths it accepts at all, and a shortest word."""

import numpy as np

from hybridseq.constraints.automata.reach import distance


def counts(table, accepting, limit: int) -> list[int]:
    """How many words of each length up to ``limit`` are accepted; exact. O(limit · arcs)."""
    source, symbol = np.nonzero(table >= 0)
    pairs, ways = np.unique(source * len(table) + table[source, symbol], return_counts=True)
    source, target = np.divmod(pairs, len(table))
    begin = np.flatnonzero(np.diff(source, prepend=-1))
    source = source[begin]
    most = max(1, int(table.shape[1]))
    onward, found = accepting.astype(np.int64), [int(accepting[0])]
    for _ in range(limit):
        if onward.dtype != object and int(onward.max()) > 2**62 // most:
            onward, ways = onward.astype(object), ways.astype(object)
        terms = onward[target] * ways
        onward = np.zeros_like(onward)
        if begin.size:
            onward[source] = np.add.reduceat(terms, begin)
        found.append(int(onward[0]))
    return found


def lengths(table, accepting, limit: int) -> np.ndarray:
    """Whether any word of each length from 0 to ``limit`` is accepted.

    The set of states after n symbols repeats itself in the end, and from then on so does the answer.
    """
    size = len(table)
    source, symbol = np.nonzero(table >= 0)
    source, target = np.divmod(np.unique(source * size + table[source, symbol]), size)
    found = np.zeros(limit + 1, bool)
    now = np.zeros(size, bool)
    now[0] = True
    seen: dict[bytes, int] = {}
    for n in range(limit + 1):
        before = seen.setdefault(np.packbits(now).tobytes(), n)
        if before < n:
            found[n:] = found[before + np.arange(limit + 1 - n) % (n - before)]
            break
        found[n] = (now & accepting).any()
        onward = np.zeros(size, bool)
        onward[target[now[source]]] = True
        now = onward
    return found


def shortest(table, accepting) -> tuple[int, ...] | None:
    """The shortest accepted word, of several the first in order of symbols."""
    far = np.append(distance(table, accepting), -1)
    if far[0] < 0:
        return None
    word, state = [], 0
    while far[state]:
        symbol = int(np.argmax(far[table[state]] == far[state] - 1))
        word.append(symbol)
        state = table[state, symbol]
    return tuple(word)
