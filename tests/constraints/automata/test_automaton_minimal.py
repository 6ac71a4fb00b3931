"""Minimal automata: as few states as any, and one form for each language."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridseq.constraints.automata import Automaton
from hybridseq.constraints.automata.minimal import refine
from tests.constraints.automata.word_sets import AutomataLib, Pyformlang, built, expressions

bounded = settings(derandomize=True, deadline=None, max_examples=60)


@bounded
@given(expressions(2))
def test_as_few_states_as_the_oracle_and_as_two_reversals(expression):
    automaton = built(expression, 2)
    states = automaton.minimise().num_states
    assert states == AutomataLib.minimal_states(AutomataLib.given(automaton))
    assert states == automaton.reverse().reverse().num_states  # Brzozowski (1962)


@bounded
@given(expressions(2), st.randoms(use_true_random=False))
def test_equal_languages_have_one_form(expression, random):
    automaton = built(expression, 2)
    minimal = automaton.minimise()
    order = [0, *random.sample(range(1, automaton.num_states), automaton.num_states - 1)]
    number = np.append(np.argsort(order), -1)
    shuffled = Automaton(number[automaton.table[order]], automaton.accepting[order])
    for same in (
        shuffled,
        automaton.reverse().reverse(),
        automaton.complement().complement(),
        automaton.union(minimal),
    ):
        assert same.minimise() == minimal
        assert hash(same.minimise()) == hash(minimal)
    assert minimal.minimise() == minimal
    for oracle in (AutomataLib, Pyformlang):
        assert oracle.taken(oracle.given(automaton), 2).minimise() == minimal


@bounded
@given(expressions(2, 4), expressions(2, 4))
def test_different_languages_have_different_forms(left, right):
    left, right = built(left, 2), built(right, 2)
    assert (left.minimise() == right.minimise()) == left.symmetric_difference(right).is_empty()


def test_states_are_numbered_breadth_first():
    minimal = Automaton(np.array([[3, 1], [2, -1], [-1, -1], [-1, 2]]), [False, False, True, False]).minimise()
    assert minimal.table.tolist() == [[1, 2], [-1, 3], [3, -1], [-1, -1]]


@pytest.mark.parametrize("period, states", [(7, 7), (12, 12), (60, 60)])
def test_copies_of_a_cycle_fold_into_one(period, states):
    size = 60 * 7
    table = np.stack([(np.arange(size) + 1) % size, np.arange(size)], axis=1)
    assert Automaton(table, np.arange(size) % period == 0).minimise().num_states == states


@pytest.mark.parametrize("seed", range(6))
def test_refinement_finds_the_coarsest_partition(seed):
    """Against refinement by definition, on copies of one automaton glued together at random."""
    rng = np.random.default_rng(seed)
    core = rng.integers(-1, 40, (40, 2))
    copies = 40 * rng.integers(0, 8, (320, 2))
    table = np.where(np.tile(core, (8, 1)) < 0, -1, np.tile(core, (8, 1)) + copies)
    accepting = np.tile(rng.random(40) < 0.2, 8)
    expected, count = np.append(accepting, False).astype(int), 0
    while count != (count := expected.max() + 1):
        rows = np.column_stack([expected, np.vstack([expected[table], [[-9, -9]]])])
        expected = np.unique(rows, axis=0, return_inverse=True)[1].ravel()
    found = refine(table, accepting.astype(int))
    assert len(np.unique(np.column_stack([found, expected]), axis=0)) == count == len(np.unique(found)) <= 41


def counter(states, symbols):
    """Some symbols count up, the others wait; the last count is accepted."""
    table = np.tile(np.arange(states)[:, None], (1, symbols))
    table[:, : symbols // 4] = np.append(np.arange(1, states), -1)[:, None]
    return Automaton(table, np.arange(states) == states - 1)


def exits(states, symbols):
    """A chain that may be left anywhere, so that no state is farther from the end than another."""
    table = np.full((states, symbols), -1)
    table[:-2, 0] = np.arange(1, states - 1)
    table[:-1, 1] = states - 1
    return Automaton(table, np.arange(states) == states - 1)


def scattered(states, symbols):
    rng = np.random.default_rng(0)
    return Automaton(rng.integers(0, states, (states, symbols)), rng.random(states) < 0.5)


@pytest.mark.parametrize("make", [counter, exits, scattered])
@pytest.mark.parametrize("states, symbols, seconds", [(600, 120, 1), (10_000, 20, 8)])
def test_large_automata_take_seconds(make, states, symbols, seconds):
    automaton = make(states, symbols)
    begun = time.process_time()
    minimal = automaton.minimise()
    assert time.process_time() - begun < seconds
    assert minimal.num_states == states
