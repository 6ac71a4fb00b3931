"""What each constraint says, on sequences one can check by eye."""

import pickle

import pytest

from hybridseq import constraints as C


def said(constraint, *sequences):
    """Whether each sequence, one letter a label, is accepted."""
    return [constraint.accepts(list(sequence)) for sequence in sequences]


def test_five_in_a_row_has_three_readings():
    lengths = ["A" * n + "B" for n in (4, 5, 6, 10)]
    assert said(C.run("A", min=5), *lengths) == [False, True, True, True]
    assert said(C.run("A", exactly=5), *lengths) == [False, True, False, False]
    assert said(C.run("A", multiple_of=5), *lengths) == [False, True, False, True]


def test_a_run_is_maximal_and_every_one_counts():
    assert said(C.run("A", exactly=2), "AAB", "AABAA", "AABA", "BBB", "") == [True, True, False, True, True]
    assert said(C.run(C.each, min=2), "AABB", "AAB", "BBBAA") == [True, False, True]
    assert said(C.run(["A", "B"], max=1), "ABAB", "AB", "AABC", "ABCC") == [True, True, False, True]
    assert said(C.run("A", max=0), "BB", "BA") == [True, False]
    assert said(C.run("A", min=3, multiple_of=2), "AA", "AAAA", "AAAAA", "AAAAAA") == [False, True, False, True]


def test_segments_count_runs_and_count_counts_positions():
    assert said(C.segments("A", max=1), "AAAA", "ABA", "B") == [True, False, True]
    assert said(C.segments("A", exactly=2), "AABAA", "ABABA", "A") == [True, False, False]
    assert said(C.segments(["A", "B"], max=1), "CABAC", "ACB") == [True, False]
    assert said(C.count("A", exactly=2), "ABA", "AA", "A", "AAA") == [True, True, False, False]
    assert said(C.count(["A", "B"], min=2), "AB", "AC") == [True, False]


def test_patterns():
    span = C.regex("O* (B-X I-X*)? O*")
    assert span.accepts(["O", "B-X", "I-X", "O"]) and span.accepts(["O"]) and span.accepts([])
    assert not span.accepts(["B-X", "O", "B-X"]) and not span.accepts(["I-X"])
    assert said(C.contains("A B"), "CAB", "ACB") == [True, False]
    assert said(C.never("A B? C"), "ABC", "AC", "BCA") == [False, False, True]
    odd = C.regex("'B|x'+ \"it's\"")
    assert odd.accepts(["B|x", "B|x", "it's"]) and not odd.accepts(["B|x"])


def test_order():
    assert said(C.precedes("A", "B"), "AB", "BA", "A", "CB", "CABB") == [True, False, True, False, True]
    assert said(C.implies("A", "B"), "AB", "BA", "A", "B", "C") == [True, True, False, True, True]
    assert said(C.implies(C.first("A"), C.last("A")), "ABA", "AB", "BB") == [True, False, True]
    assert said(C.first({"A", "B"}) & C.last("C"), "ABC", "CBC", "A") == [True, False, False]
    assert said(C.transitions(forbidden=[("A", "B")]), "ABA", "BA") == [False, True]
    assert said(C.transitions(allowed=[("A", "B")]), "AB", "ABA", "A") == [True, False, True]


def test_cut_and_repeated():
    assert said(C.run("A", exactly=2) >> C.regex("B"), "AAB", "AB", "B") == [True, False, True]
    assert said(C.regex("A B").star(), "", "ABAB", "ABA") == [True, True, False]
    assert said(~C.contains("A A"), "ABA", "AAB") == [True, False]


def test_positions():
    assert said(C.at(1, "A"), "BA", "AB", "A") == [True, False, False]
    assert said(C.at(-1, ["A", "B"]), "CA", "AC") == [True, False]
    assert said(C.span(1, 3, "A"), "BAA", "BAAB", "BAB", "BA") == [True, True, False, False]
    mask = C.allowed([[True, False], [True, True]], labels=["A", "B"])
    assert said(mask, "AB", "BA", "A", "ABA") == [True, False, True, False]
    towns = C.tokens({"Taipei": ["A", "B"]})
    assert said(towns.of(["to", "Taipei"]), "CA", "AC") == [True, False]
    assert said(towns.of(["to", "Rome"]), "CC") == [True]


def test_soft_constraints_refuse_nothing():
    soft = C.first("A").soft(-2)
    assert soft.accepts(["B"]) and not soft.violations(["B"]) and not soft.member.accepts(["B"])


def test_budgets():
    budget = C.linear({"A": 0.5, "B": -0.25}, max=1.0)
    assert said(budget, "AA", "AAA", "AAABB") == [True, False, True]


def test_every_scheme_by_its_definition():
    spans = {"IOB1": "I-x I-x O", "BIOES": "B-x E-x O S-x", "BMES": "B-x M-x E-x S-x"}
    for name, text in spans.items():
        assert C.scheme(name).accepts(text.split())
    assert not C.scheme("IOB1").accepts(["B-x"]) and C.scheme("IOB1").accepts(["I-x", "B-x"])
    assert not C.scheme("IOB1").accepts(["I-x", "B-y"])
    for broken in ("B-x O", "I-x E-x", "B-x", "B-x E-y", "S-x I-x"):
        assert not C.scheme("BIOES").accepts(broken.split())
    assert C.scheme("BMES").accepts(["B", "E", "S"]) and not C.scheme("BMES").accepts(["B", "S"])


@pytest.mark.parametrize(
    ("sequences", "name"),
    [
        ([["B-x", "I-x", "O"]], "BIO"),
        ([["I-x", "O"], ["I-x", "B-x"]], "IOB1"),
        ([["B-x", "E-x"], ["S-y", "O"]], "BIOES"),
        ([["B", "M", "E", "S"]], "BMES"),
        ([["NN", "VB"]], None),
    ],
)
def test_detection(sequences, name):
    assert C.detect(sequences).name == name


def test_violations_say_where_and_which_part():
    rule = C.scheme("BIO") & C.run("O", min=2) & C.count("B-x", max=1)
    found = rule.violations(["O", "I-x", "B-x", "B-x"])
    assert [(v.position, v.part) for v in found] == [
        (0, "run('O', min=2)"),
        (1, "scheme('BIO')"),
        (3, "count('B-x', max=1)"),
    ]
    assert rule.violations(["O", "O", "B-x"]) == []
    (dead,) = C.regex("A B C").violations(["A", "C"])
    assert dead.position == 1 and "expected 'B'" in dead.reason
    (early,) = C.regex("A B C").violations(["A", "B"])
    assert early.position == 1 and "cannot end" in early.reason


EXPRESSIONS = [
    C.scheme("BIO", labels=["O", "B-x", "I-x"]),
    C.transitions(forbidden=[("A", "B")]) & C.first(["A"]) & C.last(["A", "B"]),
    C.run("A", min=2, max=4) | ~C.run(["A", "B"], multiple_of=3),
    (C.regex("A (B | C)* D?") | C.contains("A B")) & C.never("'x y'"),
    (C.count("A", exactly=2) >> C.segments(["A", "B"], max=2)).star(),
    (C.first("A") | C.last("B")) >> (C.first("B") & C.last("A")),
    ~(C.first("A") & C.last("B")),
    (~C.first("A")).star(),
    C.precedes("A", ["B", "C"]) & C.implies("A", "B") & C.implies(C.first("A"), C.last("B")),
    C.at(-1, ["A"]) & C.span(0, 2, "B") & C.tokens({"a": ["B"]}) & C.anything(),
    C.run("A", min=2).soft(-1.5, learn=True) & C.linear({"A": 1.5}, min=0.5, max=4),
]


@pytest.mark.parametrize("constraint", EXPRESSIONS, ids=repr)
def test_repr_pickle_and_json_give_the_constraint_back(constraint):
    import json

    from hybridseq.constraints.serial import from_json, to_json

    assert eval(repr(constraint), {name: getattr(C, name) for name in C.__all__}) == constraint
    assert pickle.loads(pickle.dumps(constraint)) == constraint
    again = from_json(json.loads(json.dumps(to_json(constraint))))
    assert again == constraint and hash(again) == hash(constraint)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: C.run("A"), "min=, max=, exactly= or multiple_of="),
        (lambda: C.run("A", min=3, max=2), "above max"),
        (lambda: C.run("A", exactly=2, min=1), "not both"),
        (lambda: C.run("A", min=-1), "at least 0"),
        (lambda: C.run([], min=1), "at least one label"),
        (lambda: C.count("A", min=1.5), "whole number"),
        (lambda: C.count("A"), "min=, max= or exactly="),
        (C.transitions, "one of them"),
        (lambda: C.transitions(["AB"]), "pairs"),
        (lambda: C.first([]), "at least one label"),
        (lambda: C.regex("A ("), "A \\("),
        (lambda: C.never("A*"), "matches nothing"),
        (lambda: C.span(2, 2, "A"), "0 <= i < j"),
        (lambda: C.allowed([[1.0]]), "bool mask"),
        (lambda: C.linear({"A": 1.0}), "min= or max="),
        (lambda: C.linear({"A": float("nan")}, max=1), "finite"),
        (lambda: C.first("A").soft(-1) | C.last("A"), "cannot stand within"),
        (lambda: ~C.linear({"A": 1.0}, max=1), "cannot stand within"),
        (lambda: C.first("A").accepts("AB"), "list of label names"),
        (lambda: C.run(C.each, min=2).count(3), "labels="),
        (lambda: C.run("A", min=2).compile(["B"]), "'A', which is not among"),
        (lambda: C.run("city", min=2).compile(["B-city"]), "did you mean 'B-city'"),
        (lambda: C.tokens({"a": "A"}).compile(["A"]), "tokens"),
    ],
)
def test_errors_say_what_was_got(make, match):
    with pytest.raises(ValueError, match=match):
        make()


def test_a_constraint_is_not_a_truth_value():
    with pytest.raises(TypeError, match="neither true nor false"):
        bool(C.first("A"))
    with pytest.raises(TypeError):
        C.first("A") and C.last("B")
    with pytest.raises(TypeError):
        C.first("A") & "B"
