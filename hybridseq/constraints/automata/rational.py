"""Concatenation, repetition and reversal, as nondeterministic automata without silent arcs.

Sources: Hopcroft, Motwani, Ullman, Introduction to Automata Theory, chapter 3; a silent arc from an accepting state
to a start becomes a second arc beside each one that leads to the accepting state.
"""

import numpy as np

from hybridseq.constraints.automata.subsets import Arcs


def _arcs(table):
    source, symbol = np.nonzero(table >= 0)
    return source, symbol, table[source, symbol].astype(np.int64)


def concatenation(left, right) -> Arcs:
    """Words of the left automaton followed by words of the right one; each a pair of table and accepting states."""
    (left_table, left_accepts), (right_table, right_accepts) = left, right
    shift = len(left_table)
    (s, a, t), (s2, a2, t2) = _arcs(left_table), _arcs(right_table)
    over = left_accepts[t]
    return Arcs(
        left_table.shape[1],
        starts=np.array([0, shift] if left_accepts[0] else [0]),
        accepting=np.concatenate([left_accepts & right_accepts[0], right_accepts]),
        source=np.concatenate([s, s[over], s2 + shift]),
        symbol=np.concatenate([a, a[over], a2]),
        target=np.concatenate([t, np.full(over.sum(), shift), t2 + shift]),
    )


def repetition(table, accepting, least: int, most: int | None) -> Arcs:
    """Words that are ``least`` to ``most`` words of the automaton in a row; None: any number from ``least`` on.

    As many copies of the automaton as words are counted, one after the other. The empty word is left out of each
    copy, and ``least`` is then 0, so that no word can jump over copies: that would make subsets large.
    """
    if accepting[0]:
        least = 0
    if (table == 0).any():  # the start must be where a word begins, and nothing else
        table = np.vstack([table, table[:1]])
        table = np.where(table == 0, len(table) - 1, table)
        accepting = np.append(accepting, accepting[0])
    accepting = accepting.copy()
    accepting[0] = False
    size, copies = len(table), max(least, 1) if most is None else most
    s, a, t = _arcs(table)
    over = accepting[t]
    shifts = np.arange(copies)[:, None] * size
    onward = shifts[1:] if most is not None else np.append(shifts[1:], shifts[-1:], axis=0)
    accepts = (accepting & (np.arange(1, copies + 1)[:, None] >= least)).ravel()
    accepts[0] = least == 0
    return Arcs(
        table.shape[1],
        starts=np.zeros(1, np.int64),
        accepting=accepts,
        source=np.concatenate([(s + shifts).ravel(), (s[over] + shifts[: len(onward)]).ravel()]),
        symbol=np.concatenate([np.tile(a, copies), np.tile(a[over], len(onward))]),
        target=np.concatenate([(t + shifts).ravel(), np.broadcast_to(onward, (len(onward), over.sum())).ravel()]),
    )


def reversal(table, accepting) -> Arcs:
    """The words read from their end."""
    s, a, t = _arcs(table)
    ends = np.zeros(len(table), bool)
    ends[0] = True
    return Arcs(table.shape[1], starts=np.flatnonzero(accepting), accepting=ends, source=t, symbol=a, target=s)
