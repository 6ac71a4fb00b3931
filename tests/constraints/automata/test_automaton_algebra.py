"""Operations on automata mean what they mean for sets of words."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridseq.constraints.automata import Automaton
from tests.constraints.automata.word_sets import (
    BOOLEAN,
    LONGEST,
    AutomataLib,
    Pyformlang,
    accepted,
    built,
    enumerated,
    expressions,
    without_sugar,
)

bounded = settings(derandomize=True, deadline=None, max_examples=120)
few = settings(derandomize=True, deadline=None, max_examples=40)


@st.composite
def automata(draw, num_symbols=2, states=5):
    """Any automaton, with states that are not reached or lead nowhere."""
    size = draw(st.integers(1, states))
    row = st.lists(st.integers(-1, size - 1), min_size=num_symbols, max_size=num_symbols)
    table = draw(st.lists(row, min_size=size, max_size=size))
    return Automaton(np.array(table), draw(st.lists(st.booleans(), min_size=size, max_size=size)))


def is_trimmed(automaton):
    """Each state but the start is on an accepted path."""
    reached, fresh = {0}, [0]
    while fresh:
        fresh = sorted({int(x) for state in fresh for x in automaton.table[state] if x >= 0} - reached)
        reached.update(fresh)
    alive = automaton.alive()
    return len(reached) == automaton.num_states and alive[1:].all() and (alive[0] or automaton.num_states == 1)


@pytest.mark.parametrize("num_symbols, leaves", [(2, 6), (3, 4)])
def test_expressions_equal_enumeration(num_symbols, leaves):
    @bounded
    @given(expressions(num_symbols, leaves))
    def law(expression):
        automaton = built(expression, num_symbols)
        words = enumerated(expression, num_symbols)
        assert accepted(automaton) == words
        assert accepted(automaton.minimise()) == words
        assert is_trimmed(automaton)

    law()


@bounded
@given(automata(), automata())
def test_boolean_operations_take_any_automata(left, right):
    x, y = accepted(left), accepted(right)
    for operation, words in zip(BOOLEAN, (x | y, x & y, x - y, x ^ y)):
        found = getattr(left, operation)(right)
        assert accepted(found) == words
        assert is_trimmed(found)


@bounded
@given(automata(), automata(), st.integers(0, 3), st.integers(0, 2) | st.none())
def test_rational_operations_take_any_automata(left, right, least, more):
    x, y = accepted(left), accepted(right)

    def times(words):
        return {a + b for a in words for b in x if len(a + b) <= LONGEST}

    powers = [{()}]
    while len(powers) <= LONGEST + 3:
        powers.append(times(powers[-1]))
    most = None if more is None else least + more
    assert accepted(left.concatenate(right)) == {a + b for a in x for b in y if len(a + b) <= LONGEST}
    assert accepted(left.reverse()) == {word[::-1] for word in x}
    assert accepted(left.star()) == set().union(*powers)
    assert accepted(left.repeat(least, most)) == set().union(*powers[least : None if most is None else most + 1])


@bounded
@given(automata(), automata())
def test_relations_between_languages(left, right):
    difference, other = left.difference(right), right.difference(left)
    assert left.includes(right) == other.is_empty()
    assert left.equivalent(right) == (difference.is_empty() and other.is_empty())
    assert left.accepts_all() == left.complement().is_empty()
    assert left.is_empty() == (left.shortest() is None)


@pytest.mark.parametrize("oracle", [AutomataLib, Pyformlang])
def test_expressions_equal_other_libraries(oracle):
    @few
    @given(expressions(2))
    def law(expression):
        automaton = built(expression, 2)
        theirs = oracle.built(without_sugar(expression), 2)
        assert oracle.same(oracle.given(automaton), theirs)
        assert automaton.equivalent(oracle.taken(theirs, 2))

    law()


@few
@given(automata(3), st.lists(st.integers(-1, 2), max_size=5))
def test_lift_reads_each_symbol_as_its_old_one(automaton, symbol_map):
    lifted = automaton.lift(symbol_map, len(symbol_map))
    old = accepted(automaton, 3)
    expected = {
        word for word in accepted(Automaton.everything(len(symbol_map)), 3) if tuple(symbol_map[s] for s in word) in old
    }
    assert accepted(lifted, 3) == expected
    assert is_trimmed(lifted)


@few
@given(st.data())
def test_from_arcs_follows_every_arc(data):
    state = st.integers(0, 4)
    arcs = data.draw(st.lists(st.tuples(state, st.integers(-1, 1), state), max_size=12))
    start, ends = data.draw(st.sets(state, min_size=1, max_size=2)), data.draw(st.sets(state, max_size=2))

    def closed(states):
        while (more := states | {t for s, a, t in arcs if a < 0 and s in states}) != states:
            states = more
        return states

    def accepts(word):
        states = closed(start)
        for symbol in word:
            states = closed({t for s, a, t in arcs if a == symbol and s in states})
        return bool(states & ends)

    found = Automaton.from_arcs(2, start, ends, arcs)
    assert accepted(found) == {word for word in accepted(Automaton.everything(2)) if accepts(word)}
    assert is_trimmed(found)


def test_no_symbols_at_all():
    nothing, everything = Automaton.nothing(0), Automaton.everything(0)
    assert nothing.complement() == everything and everything.accepts_all() and everything.accepts(())
    assert everything.concatenate(everything).star().minimise() == everything
    assert everything.intersect(nothing).minimise() == nothing
