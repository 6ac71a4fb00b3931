"""Random plans for the laws of restricted chains."""

import numpy as np

from hybridseq.constraints.automata import Automaton
from hybridseq.constraints.plan import AutomatonPlan, PairPlan


def names(labels):
    return tuple(f"l{i}" for i in range(labels))


def automaton(labels, states=3, rng=None, density=0.75):
    """A random deterministic automaton that accepts something of most lengths."""
    table = rng.integers(0, states, (states, labels))
    table[rng.random(table.shape) > density] = -1
    # A way on from each state, and an end near it: few rows are left with nothing.
    table[np.arange(states), rng.integers(0, labels, states)] = rng.integers(0, states, states)
    accepting = rng.random(states) < 0.6
    accepting[rng.integers(states)] = True
    return Automaton(table, accepting)


def automaton_plan(labels, seed=0, states=3, soft=0):
    rng = np.random.default_rng(seed)
    hard, *rest = (automaton(labels, states if i == 0 else 2, rng) for i in range(1 + soft))
    return AutomatonPlan(names(labels), hard, rest, rng.normal(size=soft))


def pair_plan(labels, seed=0):
    rng = np.random.default_rng(seed)
    arrays = (rng.random(shape) < 0.8 for shape in ((labels,), (labels, labels), (labels,)))
    return PairPlan(names(labels), *arrays)
