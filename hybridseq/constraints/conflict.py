"""Which parts of a constraint exclude one another."""

from itertools import combinations

import numpy as np

from hybridseq.constraints.constraint import automaton_of

#: Up to so many parts every subset is looked at; beyond, parts are left out one by one.
_SUBSETS = 10


def alive_sets(automaton, mask):
    """The automaton's possible states after each position of a mask (T, K), (T + 1, S) bool; the last at the end.

    ``[t]`` holds the states before position t.
    """
    steps = len(mask)
    alive = np.zeros((steps + 1, automaton.num_states), bool)
    alive[0, 0] = True
    for t in range(steps):
        after = automaton.table[alive[t]][:, mask[t]]
        alive[t + 1, after[after >= 0]] = True
    return alive


def possible(automata, mask, num_symbols):
    """Whether some sequence that a mask (T, K) allows is accepted by all automata; without a mask, of any length."""
    from hybridseq.constraints.automata import Automaton

    total = Automaton.everything(num_symbols)
    for automaton in sorted(automata, key=lambda a: a.num_states):
        total = total.intersect(automaton).minimise()
    if mask is None:
        return total.num_arcs > 0
    return bool((alive_sets(total, mask)[-1] & total.accepting).any())


def smallest_conflict(parts, names, length=None, masks=()):
    """A smallest set of parts that nothing satisfies together.

    Parameters
    ----------
    parts : sequence of Constraint
        Hard parts that have automata.
    names : tuple of str
        The labels.
    length : int, optional
        The length to satisfy them at; any, if not given.
    masks : sequence of ((T, K) bool array, object)
        Further parts that allow some labels at each position, with what stands for them in the answer.

    Returns
    -------
    list
        Of members of ``parts`` and of what stands for masks; empty where there is no conflict.

    Notes
    -----
    Tries all subsets of up to ten parts, smallest first; with more, drops parts that are not needed, which gives a
    set from which nothing can be left out, though perhaps not one of the smallest.
    """
    items = [(part, automaton_of(part, names), None) for part in parts] + [(what, None, mask) for mask, what in masks]

    def conflict(chosen):
        mask = None if length is None else np.ones((length, len(names)), bool)
        for _, _, own in chosen:
            if own is not None:
                mask = mask & own
        return not possible([a for _, a, _ in chosen if a is not None], mask, len(names))

    if not conflict(items):
        return []
    if len(items) <= _SUBSETS:
        for size in range(1, len(items) + 1):
            for chosen in combinations(items, size):
                if conflict(chosen):
                    return [what for what, _, _ in chosen]
    chosen = list(items)
    for item in items:
        rest = [other for other in chosen if other is not item]
        if conflict(rest):
            chosen = rest
    return [what for what, _, _ in chosen]
