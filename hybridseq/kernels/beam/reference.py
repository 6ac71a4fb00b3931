"""Exact token passing in plain numpy: no beam, every state at every frame, and sums and n-best lists the same way.

Everything takes a ``Network`` and frame scores (T, K), already scaled. A path runs from ``start`` to ``end`` and
consumes one frame at every state with a label that it enters; its score sums its arcs' weights and those frame scores.
"""

from collections import defaultdict

import numpy as np


def _arcs(layout):
    """(source, target, weight, number) of the arcs of one kind."""
    first, target, weight, arc = layout
    return list(zip(np.repeat(np.arange(len(first) - 1), np.diff(first)), target, weight, arc))


def _walk(network, frames, nothing, one, times, plus):
    """Σ over paths of products over arcs, any semiring; ``times(value, score, arc, frame)`` lengthens paths by an arc.

    Values are by state; arcs to states that consume nothing are taken in the order of their targets' levels.
    """
    emitting = _arcs(network.emitting)
    silent = sorted(_arcs(network.silent), key=lambda a: network.level[a[1]])
    values = defaultdict(lambda: nothing, {network.start: one})
    for t in range(-1, len(frames)):
        if t >= 0:
            arrived = defaultdict(lambda: nothing)
            for u, v, w, a in emitting:
                score = w + frames[t, network.labels[v]]
                if u in values and score > -np.inf:
                    arrived[v] = plus(arrived[v], times(values[u], score, a, t))
            values = arrived
        for u, v, w, a in silent:
            if u in values:
                values[v] = plus(values[v], times(values[u], w, a, t + 1))
    return values[network.end]


def best_path(network, frames):
    """The best score, the arcs of that path, and how many frames were consumed before each; (−inf, [], []) if none."""

    def times(value, score, arc, frame):
        return value[0] + score, (*value[1], arc), (*value[2], frame)

    def plus(a, b):
        return b if b[0] > a[0] else a

    return _walk(network, frames, (-np.inf, (), ()), (0.0, (), ()), times, plus)


def log_sum(network, frames):
    """log Σ over paths of exp(score)."""
    return _walk(network, frames, -np.inf, 0.0, lambda value, score, arc, frame: value + score, np.logaddexp)


def n_best(network, frames, words, n):
    """The n best distinct word sequences, each with the score of its best path; best first. Exponential at worst.

    ``words`` (A,): the word of each arc, −1 for none.
    """

    def times(value, score, arc, frame):
        word = () if words[arc] < 0 else (int(words[arc]),)
        return {said + word: best + score for said, best in value.items()}

    def plus(a, b):
        return {said: max(a.get(said, -np.inf), b.get(said, -np.inf)) for said in {*a, *b}}

    found = _walk(network, frames, {}, {(): 0.0}, times, plus)
    return sorted(found.items(), key=lambda item: -item[1])[:n]
