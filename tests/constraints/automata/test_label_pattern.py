"""Regular expressions over label names: what they match, how they print, and what is wrong with bad ones."""

import re
from itertools import product as tuples

import pytest
from automata.fa.dfa import DFA
from automata.fa.nfa import NFA
from hypothesis import given, settings
from hypothesis import strategies as st
from pyformlang.regular_expression import Regex

from hybridseq.constraints.automata import Automaton, StateBudgetError
from hybridseq.constraints.automata.pattern import AnyLabel, Either, InOrder, Label, OneOf, Repeat
from hybridseq.constraints.automata.regex import MAX_DEPTH, MAX_SIZE, PatternError, parse
from tests.constraints.automata.word_sets import AutomataLib, Pyformlang

NAMES = ["B-X", "I-X", "O"]
LETTERS = dict(zip(NAMES, "abc"))
bounded = settings(derandomize=True, deadline=None, max_examples=100)
few = settings(derandomize=True, deadline=None, max_examples=40)


def pattern_texts(names=NAMES):
    """Patterns as a person might type them, brackets and spaces more than needed."""
    name = st.sampled_from(names)
    atoms = st.one_of(name, name, st.just("."), st.just("()"))
    sets = st.tuples(st.sampled_from(["[", "[^"]), st.lists(name, min_size=1, max_size=3)).map(
        lambda x: f"{x[0]}{' '.join(x[1])}]"
    )
    times = st.sampled_from(["*", "+", "?", "{2}", " {1,}", "{0,2}", "{ 1 , 3 }"])

    def grown(part):
        return st.one_of(
            st.tuples(part, times).map(lambda x: f"({x[0]}){x[1]}"),
            st.lists(part, min_size=2, max_size=3).map(" ".join),
            st.lists(part, min_size=2, max_size=3).map(lambda x: f"({' | '.join(x)})"),
        )

    return st.recursive(atoms | sets, grown, max_leaves=5)


def as_python(pattern):
    """The pattern as one of Python's, a letter for each label."""
    match pattern:
        case AnyLabel():
            return "."
        case Label(name):
            return LETTERS[name]
        case OneOf(names, inverted):
            return f"[{'^' * inverted}{''.join(LETTERS[name] for name in names)}]"
        case InOrder(parts):
            return "".join(f"(?:{as_python(part)})" for part in parts)
        case Either(parts):
            return "|".join(f"(?:{as_python(part)})" for part in parts)
        case Repeat(part, least, most):
            return f"(?:{as_python(part)}){{{least},{'' if most is None else most}}}"


def as_plain(pattern, empty, space):
    """The pattern with bars, stars and brackets only."""
    match pattern:
        case AnyLabel():
            return "(0|1|2)"
        case Label() | OneOf():
            inverted = isinstance(pattern, OneOf) and pattern.inverted
            ids = [str(i) for i, name in enumerate(NAMES) if (name in pattern.names()) != inverted]
            return f"({'|'.join(ids)})" if ids else None
        case InOrder(parts):
            parts = [as_plain(part, empty, space) for part in parts]
            return None if None in parts else f"({space.join(parts) or empty})"
        case Either(parts):
            parts = [x for part in parts if (x := as_plain(part, empty, space)) is not None]
            return f"({'|'.join(parts)})" if parts else None
        case Repeat(part, least, most):
            inner = as_plain(part, empty, space)
            if inner is None:
                return f"({empty})" if least == 0 else None
            tail = [f"{inner}*"] if most is None else [f"({inner}|{empty})"] * (most - least)
            return f"({space.join([inner] * least + tail) or empty})"


@bounded
@given(pattern_texts())
def test_matches_as_pythons_own_patterns_do(text):
    pattern = parse(text)
    automaton, python = pattern.automaton(NAMES), re.compile(as_python(pattern))
    for length in range(5):
        for ids in tuples(range(3), repeat=length):
            assert automaton.accepts(ids) == bool(python.fullmatch("".join("abc"[i] for i in ids)))
    assert automaton.minimise() == automaton == Automaton(automaton.table, automaton.accepting).minimise()


@few
@given(pattern_texts())
def test_equals_automata_lib(text):
    pattern = parse(text)
    plain = as_plain(pattern, "()", "")
    if plain is not None:
        theirs = DFA.from_nfa(NFA.from_regex(plain, input_symbols={"0", "1", "2"}))
        assert AutomataLib.given(pattern.automaton(NAMES)) == theirs
        assert AutomataLib.taken(theirs, 3).minimise() == pattern.automaton(NAMES)


@few
@given(pattern_texts())
def test_equals_pyformlang(text):
    pattern = parse(text)
    plain = as_plain(pattern, "$", " ")
    if plain is not None:
        theirs = Regex(plain).to_epsilon_nfa()
        assert Pyformlang.given(pattern.automaton(NAMES)).is_equivalent_to(theirs)


@bounded
@given(pattern_texts([*NAMES, "'a b'", '"it\'s"', r"'\'\\'", "x/y:z_1,2;é", "'{'"]))
def test_prints_what_parses_to_an_equal_tree(text):
    pattern = parse(text)
    again = parse(str(pattern))
    assert again == pattern and hash(again) == hash(pattern)
    assert str(again) == str(pattern)
    assert eval(repr(pattern), {"parse": parse}) == pattern


@pytest.mark.parametrize(
    "text, yes, no",
    [
        ("", [""], ["O"]),
        ("B-X I-X*", ["B-X", "B-X I-X I-X"], ["", "I-X", "B-X O"]),
        ("O* (B-X I-X* O+)?", ["", "O O", "O B-X I-X O"], ["B-X", "B-X I-X"]),
        ("O|B-X", ["O", "B-X"], ["", "I-X"]),
        ("[^O]{2,}", ["B-X I-X", "I-X I-X I-X"], ["B-X", "B-X O"]),
        (".{1,2}", ["O", "O I-X"], ["", "O O O"]),
        ("O B-X | I-X", ["O B-X", "I-X"], ["O I-X"]),
        ("O B-X*", ["O", "O B-X B-X"], ["O B-X O B-X"]),
        ("(O B-X)*", ["", "O B-X O B-X"], ["O"]),
        ("'O'\t\"B-X\"\n", ["O B-X"], ["O"]),
    ],
)
def test_examples(text, yes, no):
    automaton = parse(text).automaton(NAMES)
    for sequence, accepted in [*((x, True) for x in yes), *((x, False) for x in no)]:
        assert automaton.accepts([NAMES.index(name) for name in sequence.split()]) == accepted, sequence


def test_names_and_labels_that_do_not_occur():
    pattern = parse("O 'a b'? [^X-1 Y]")
    assert pattern.names() == {"O", "a b", "X-1", "Y"}
    automaton = pattern.automaton(["O", "Z"])
    assert automaton == parse("O .").automaton(["O", "Z"])
    assert parse("Y").automaton(["O"]).is_empty()
    assert parse("Y*").automaton(["O"]) == Automaton.empty_word(1)
    assert parse("[^Y]*").automaton(["O", "P"]).accepts_all()
    assert parse(".*").automaton([]).accepts_all()


@pytest.mark.parametrize(
    "text, message, position",
    [
        ("A |", "expected a label, '.', '[' or '(' after '|' (write () for the empty sequence); the pattern ends", 3),
        ("| A", "before '|' (write () for the empty sequence); got '|'", 0),
        ("A || B", "before '|'", 3),
        ("(A |) B", "after '|' (write () for the empty sequence); got ')'", 4),
        ("O (A", "the ')' of this '(' is missing", 2),
        ("A) B", "the '(' of this ')' is missing", 1),
        ("* A", "expected a label, '.', '[' or '('; got '*'", 0),
        ("A ]", "got ']'", 2),
        ("A{2", "expected bounds such as {2}, {2,} or {2,4}", 1),
        ("A{,3}", "expected bounds", 1),
        ("A{3,2}", "the upper bound must be at least 3; got 2", 1),
        ("[A", "the ']' of this '[' is missing", 0),
        ("[]", "expected a label; got ']'", 1),
        ("[^]", "expected a label; got ']'", 2),
        ("[A|B]", "expected a label or ']'; got '|'", 2),
        ("O 'a b", "the closing ' of this quote is missing", 2),
        ("O'Brien", "expected white space or an operator after a name", 1),
        ("A^", "expected white space or an operator after a name", 1),
        (r"A\|B", "quote names that hold quotes or operators", 1),
        ("A{10001}", f"bounds must be at most {MAX_SIZE}; got 10001", 1),
        ("A{1000000}", f"bounds must be at most {MAX_SIZE}; got 1000000", 1),
        ("A{" + "9" * 5000 + "}", f"bounds must be at most {MAX_SIZE}", 1),
        ("((A{100}){100}){100}", f"has 1000000 places for a label; at most {MAX_SIZE} are allowed", 15),
        ("A " * 20_000, "has 20000 places", 40_000),
        ("(" * 10_000 + "A" + ")" * 10_000, f"more than {MAX_DEPTH} deep", MAX_DEPTH),
        ("A" + "*" * 10_000, f"more than {MAX_DEPTH} deep", MAX_DEPTH + 1),
        ("(" * 10_000, f"more than {MAX_DEPTH} deep", MAX_DEPTH),
    ],
)
def test_errors_point_at_the_place(text, message, position):
    with pytest.raises(PatternError) as info:
        parse(text)
    assert message in info.value.message
    assert (info.value.position, info.value.pattern) == (position, text)
    shown, caret = str(info.value).splitlines()[-2:]
    place = caret.index("^")
    assert len(shown) <= 104
    assert (shown[place] if place < len(shown) else "") == text.replace("\n", " ")[position : position + 1].strip()


def test_a_pattern_is_text():
    with pytest.raises(TypeError, match=r"pattern must be a string; got \['A'\]"):
        parse(["A"])


@pytest.mark.parametrize(
    "text, states",
    [
        ("A{4000}", 4001),
        ("(A?){4000}", 4001),
        ("((A*B*)*){5000}", 1),
        ("(((A|B){2,3}){2,3}){100}", 901),
        ("(" * MAX_DEPTH + "A" + ")" * MAX_DEPTH, 2),
        ("|".join(["A B C"] * 300), 4),
    ],
)
def test_large_patterns_within_the_bounds(text, states):
    assert parse(text).automaton(["A", "B", "C"], budget=20_000).num_states == states


@pytest.mark.parametrize("text", ["(A|B)* A (A|B){30}", "((A? B? C?){30}){100}", "((A B)? (A C)?){2500}"])
def test_explosions_stop_at_the_budget(text):
    with pytest.raises(StateBudgetError):
        parse(text).automaton(["A", "B", "C"], budget=5_000)
