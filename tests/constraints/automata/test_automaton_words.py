"""The words of an automaton: how many, how long, the shortest, and the states they visit."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings

from hybridseq.constraints.automata import Automaton, StateBudgetError
from tests.constraints.automata.word_sets import LONGEST, AutomataLib, accepted, built, expressions

bounded = settings(derandomize=True, deadline=None, max_examples=80)


@bounded
@given(expressions(2))
def test_counts_lengths_and_shortest_equal_enumeration(expression):
    automaton = built(expression, 2)
    words = accepted(automaton)
    counts = [sum(len(word) == length for word in words) for length in range(LONGEST + 1)]
    assert automaton.counts(LONGEST) == counts
    assert [automaton.count(length) for length in range(LONGEST + 1)] == counts
    assert automaton.lengths(LONGEST).tolist() == [count > 0 for count in counts]
    if words:
        assert automaton.shortest() == min(words, key=lambda word: (len(word), word))


@bounded
@given(expressions(2))
def test_counts_equal_the_oracle_at_length_twelve(expression):
    automaton = built(expression, 2)
    assert automaton.count(12) == AutomataLib.given(automaton).to_complete().count_words_of_length(12)


def test_counts_are_exact_far_beyond_machine_integers():
    counts = Automaton.everything(7).counts(300)
    assert counts == [7**length for length in range(301)]
    pairs = Automaton(np.array([[0, 1], [0, -1]]), [True, True]).counts(500)  # no 1 after a 1: Fibonacci
    assert all(pairs[i] == pairs[i - 1] + pairs[i - 2] for i in range(2, 501))
    assert pairs[500] > 2**300 and abs(Fraction(pairs[500], pairs[499]) - Fraction(pairs[499], pairs[498])) < 1e-60


def test_lengths_far_past_the_repeat():
    spectrum = Automaton.word([0] * 6, 2).union(Automaton.word([1] * 10, 2)).star().lengths(2000)
    assert np.flatnonzero(~spectrum[:40]).tolist() == [x for x in range(40) if x % 2 or x in (2, 4, 8, 14)]
    assert np.array_equal(spectrum[100:], np.arange(100, 2001) % 2 == 0)


@bounded
@given(expressions(3, 4))
def test_states_are_those_visited(expression):
    automaton = built(expression, 3)
    for word in accepted(Automaton.everything(3), 3):
        states = automaton.states(word)
        assert states[0] == 0 and len(states) == len(word) + 1
        for before, symbol, after in zip(states, word, states[1:]):
            assert after == (automaton.table[before, symbol] if before >= 0 else -1)
        assert automaton.accepts(word) == (states[-1] >= 0 and automaton.accepting[states[-1]])


def test_arrays_are_read_only_copies():
    table = np.zeros((1, 2), np.int64)
    automaton = Automaton(table, [True])
    table[0, 0] = -1
    assert automaton.accepts_all() and automaton.table.dtype == np.int32
    for array in (automaton.table, automaton.accepting):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


ANYTHING, MARK, NINE = Automaton.everything(2), Automaton.symbols([0], 2), Automaton.symbols([0, 1], 2).repeat(9, 9)


@pytest.mark.parametrize(
    "operation, build",
    [
        ("concatenation", lambda budget: ANYTHING.concatenate(MARK.concatenate(NINE), budget)),
        ("reversal", lambda budget: NINE.concatenate(MARK).concatenate(ANYTHING).reverse(budget)),
        ("intersection", lambda budget: cycle(31).intersect(cycle(33), budget)),
        ("union", lambda budget: cycle(31).union(cycle(33), budget)),
        ("difference", lambda budget: cycle(31).difference(cycle(33), budget)),
        ("symmetric difference", lambda budget: cycle(31).symmetric_difference(cycle(33), budget)),
        ("repetition", lambda budget: MARK.repeat(1000, 1000, budget)),
        ("repetition", lambda budget: MARK.repeat(10**9, 10**9, budget)),
        ("determinisation", lambda budget: Automaton.from_arcs(2, 0, [11], spread_out(11), budget)),
    ],
)
def test_a_budget_stops_an_operation(operation, build):
    with pytest.raises(
        StateBudgetError, match=rf"^{operation} needs at least \d+ states; at most 500 are allowed"
    ) as info:
        build(500)
    assert info.value.states > 500 and info.value.budget == 500 and info.value.operation == operation


def test_a_budget_that_is_enough_changes_nothing():
    product = cycle(31).intersect(cycle(33))
    assert product.num_states == 31 * 33
    assert cycle(31).intersect(cycle(33), budget=31 * 33) == product
    with pytest.raises(StateBudgetError):
        cycle(31).intersect(cycle(33), budget=31 * 33 - 1)


def cycle(size):
    """As many symbols as a multiple of ``size``."""
    return Automaton(np.repeat((np.arange(1, size + 1) % size)[:, None], 2, axis=1), np.arange(size) == 0)


def spread_out(size):
    loops = [(0, symbol, 0) for symbol in (0, 1)]
    return [*loops, (0, 0, 1), *((i, symbol, i + 1) for i in range(1, size) for symbol in (0, 1))]


@pytest.mark.parametrize(
    "build, message",
    [
        (lambda: Automaton(np.zeros(3, int), [True]), r"table must have shape \(S, K\)"),
        (lambda: Automaton(np.zeros((2, 2), int), [True]), r"got \(2, 2\) and \(1,\)"),
        (lambda: Automaton(np.zeros((0, 2), int), []), "S at least 1"),
        (lambda: Automaton(np.array([[1]]), [True]), "states from 0 to 0, or −1; got 1 to 1"),
        (lambda: Automaton.everything(2).accepts([2]), "symbols must lie from 0 to 1; got 2"),
        (lambda: Automaton.symbols([-1], 2), "symbols must lie from 0 to 1; got -1"),
        (lambda: Automaton.everything(2).union(Automaton.everything(3)), "same symbols; got 2 and 3"),
        (lambda: Automaton.everything(2).concatenate(Automaton.everything(3)), "same symbols; got 2 and 3"),
        (lambda: Automaton.everything(2).repeat(3, 2), "max must be at least min = 3, or None; got 2"),
        (lambda: Automaton.everything(2).repeat(-1, 2), "min must be 0 or more; got -1"),
        (lambda: Automaton.everything(2).counts(-1), "limit must be 0 or more; got -1"),
        (lambda: Automaton.everything(2).lift([0], 2), r"symbol_map must have shape \(2,\)"),
        (lambda: Automaton.everything(2).lift([0, 2], 2), "symbols from 0 to 1, or −1; got 0 to 2"),
        (lambda: Automaton.from_arcs(2, 0, [1], [(0, 2, 1)]), "symbols must lie from −1 to 1; got 2 to 2"),
        (lambda: Automaton.from_arcs(2, 0, [1], [(0, 1, -1)]), "states must be integers from 0; got -1"),
    ],
)
def test_errors_say_what_was_wrong(build, message):
    with pytest.raises(ValueError, match=message):
        build()
