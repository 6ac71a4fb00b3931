"""Expressions over sets of words, and what they mean: by enumeration, here, and in two other libraries."""

from dataclasses import dataclass
from functools import reduce
from itertools import product as tuples

from automata.fa.dfa import DFA
from automata.fa.nfa import NFA
from hypothesis import strategies as st
from pyformlang import finite_automaton as pfl

from hybridseq.constraints.automata import Automaton

LONGEST = 5
BOOLEAN = ("union", "intersect", "difference", "symmetric_difference")


@dataclass(frozen=True)
class Expression:
    """An operation's name, its operands, and for an atom what it holds."""

    operation: str
    parts: tuple = ()
    value: tuple = ()


def expressions(num_symbols, leaves=6):
    """Expressions over the symbols 0 … num_symbols − 1."""
    symbol = st.integers(0, num_symbols - 1)
    words = st.lists(symbol, max_size=3).map(tuple)
    atoms = st.one_of(
        st.sampled_from([Expression("nothing"), Expression("everything"), Expression("empty_word")]),
        words.map(lambda ids: Expression("word", value=ids)),
        st.sets(symbol, min_size=1).map(lambda ids: Expression("symbols", value=tuple(sorted(ids)))),
    )

    def grown(parts):
        one, two = st.tuples(parts), st.tuples(parts, parts)
        bounds = st.tuples(st.integers(0, 2), st.none() | st.integers(2, 3))
        return st.one_of(
            st.builds(Expression, st.sampled_from(["complement", "star", "reverse"]), one),
            st.builds(Expression, st.sampled_from([*BOOLEAN, "concatenate"]), two),
            st.builds(Expression, st.just("repeat"), one, bounds),
        )

    return st.recursive(atoms, grown, max_leaves=leaves)


def universe(num_symbols, longest=LONGEST):
    """Every word up to a length."""
    return {word for length in range(longest + 1) for word in tuples(range(num_symbols), repeat=length)}


def enumerated(expression, num_symbols, longest=LONGEST):
    """The words up to a length, by the definition of each operation."""
    parts = [enumerated(part, num_symbols, longest) for part in expression.parts]

    def concatenate(left, right):
        return {x + y for x in left for y in right if len(x) + len(y) <= longest}

    def powers(words, least, most):
        power = reduce(concatenate, [words] * least, {()})
        found = set(power)
        for _ in range((longest if most is None else most) - least):
            power = concatenate(power, words | {()})
            found |= power
        return found

    match expression.operation, expression.value:
        case "nothing", _:
            return set()
        case "everything", _:
            return universe(num_symbols, longest)
        case "empty_word", _:
            return {()}
        case "word", word:
            return {word}
        case "symbols", ids:
            return {(symbol,) for symbol in ids}
        case "union", _:
            return parts[0] | parts[1]
        case "intersect", _:
            return parts[0] & parts[1]
        case "difference", _:
            return parts[0] - parts[1]
        case "symmetric_difference", _:
            return parts[0] ^ parts[1]
        case "complement", _:
            return universe(num_symbols, longest) - parts[0]
        case "concatenate", _:
            return concatenate(*parts)
        case "reverse", _:
            return {word[::-1] for word in parts[0]}
        case "star", _:
            return powers(parts[0], 0, None)
        case "repeat", (least, most):
            return powers(parts[0], least, most)


def built(expression, num_symbols):
    """The library's automaton, every operation as it stands."""
    parts = [built(part, num_symbols) for part in expression.parts]
    match expression.operation, expression.value:
        case "nothing" | "everything" | "empty_word" as atom, _:
            return getattr(Automaton, atom)(num_symbols)
        case "word" | "symbols" as atom, ids:
            return getattr(Automaton, atom)(ids, num_symbols)
        case operation, value:
            return getattr(parts[0], operation)(*parts[1:], *value)


def accepted(automaton, longest=LONGEST):
    """The words up to a length that an automaton accepts."""
    return {word for word in universe(automaton.num_symbols, longest) if automaton.accepts(word)}


def without_sugar(expression):
    """In terms of union, intersection, complement, concatenation, star and reversal only."""
    parts = tuple(map(without_sugar, expression.parts))

    def make(operation, *parts):
        return Expression(operation, parts)

    match expression.operation:
        case "difference":
            return make("intersect", parts[0], make("complement", parts[1]))
        case "symmetric_difference":
            left, right = parts
            return make(
                "union",
                make("intersect", left, make("complement", right)),
                make("intersect", make("complement", left), right),
            )
        case "repeat":
            least, most = expression.value
            optional = make("union", parts[0], Expression("empty_word"))
            tail = [make("star", parts[0])] if most is None else [optional] * (most - least)
            return reduce(lambda x, y: make("concatenate", x, y), [parts[0]] * least + tail, Expression("empty_word"))
    return Expression(expression.operation, parts, expression.value)


class AutomataLib:
    """automata-lib's DFA."""

    @staticmethod
    def given(automaton):
        table, symbols = automaton.table, {str(symbol) for symbol in range(automaton.num_symbols)}
        return DFA(
            states=set(range(len(table))),
            input_symbols=symbols,
            transitions={
                state: {str(symbol): int(to) for symbol, to in enumerate(row) if to >= 0}
                for state, row in enumerate(table)
            },
            initial_state=0,
            final_states={state for state, accepts in enumerate(automaton.accepting) if accepts},
            allow_partial=True,
        )

    @staticmethod
    def taken(dfa, num_symbols):
        number = {state: i for i, state in enumerate(dfa.states)}
        arcs = [
            (number[source], int(symbol), number[to])
            for source, row in dfa.transitions.items()
            for symbol, to in row.items()
        ]
        return Automaton.from_arcs(num_symbols, number[dfa.initial_state], [number[x] for x in dfa.final_states], arcs)

    @classmethod
    def built(cls, expression, num_symbols):
        parts = [cls.built(part, num_symbols) for part in expression.parts]
        match expression.operation:
            case "union":
                found = parts[0].union(parts[1])
            case "intersect":
                found = parts[0].intersection(parts[1])
            case "complement":
                found = parts[0].complement()
            case "concatenate":
                found = DFA.from_nfa(NFA.from_dfa(parts[0]).concatenate(NFA.from_dfa(parts[1])))
            case "star":
                found = DFA.from_nfa(NFA.from_dfa(parts[0]).kleene_star())
            case "reverse":
                found = DFA.from_nfa(NFA.from_dfa(parts[0]).reverse())
            case _:
                return cls.given(built(expression, num_symbols)).to_complete()
        return found.to_complete()

    @staticmethod
    def same(left, right):
        return left == right

    @staticmethod
    def minimal_states(dfa):
        return len(dfa.to_partial().minify().states)


class Pyformlang:
    """pyformlang's automata; symbols are strings, as its star and concatenation make them so."""

    @staticmethod
    def given(automaton):
        found = pfl.DeterministicFiniteAutomaton()
        found.add_start_state(pfl.State(0))
        for state, row in enumerate(automaton.table):
            found.add_transitions([(state, str(symbol), int(to)) for symbol, to in enumerate(row) if to >= 0])
            if automaton.accepting[state]:
                found.add_final_state(pfl.State(state))
        for symbol in range(automaton.num_symbols):
            found.add_symbol(pfl.Symbol(str(symbol)))
        return found

    @staticmethod
    def taken(automaton, num_symbols):
        number = {state: i for i, state in enumerate(automaton.states)}
        arcs = [
            (number[source], -1 if symbol == pfl.Epsilon() else int(symbol.value), number[to])
            for source, symbol, to in automaton
        ]
        starts, ends = ([number[state] for state in x] for x in (automaton.start_states, automaton.final_states))
        return Automaton.from_arcs(num_symbols, starts, ends, arcs)

    @classmethod
    def built(cls, expression, num_symbols):
        parts = [cls.built(part, num_symbols) for part in expression.parts]
        match expression.operation:
            case "union":
                found = parts[0].union(parts[1])
            case "intersect":
                found = parts[0].get_intersection(parts[1])
            case "complement":
                found = parts[0].to_deterministic().get_complement()
            case "concatenate":
                found = parts[0].concatenate(parts[1])
            case "star":
                found = parts[0].kleene_star()
            case "reverse":
                found = parts[0].reverse()
            case _:
                return cls.given(built(expression, num_symbols))
        found = found.to_deterministic().minimize()
        for symbol in range(num_symbols):
            found.add_symbol(pfl.Symbol(str(symbol)))
        return found

    @staticmethod
    def same(left, right):
        return left.is_equivalent_to(right)
