import numpy as np
import pytest

import hybridseq as hs
from hybridseq import constraints as C
from hybridseq.constraints.settle import settle

LABELS = ("A", "B", "C")


@pytest.mark.parametrize(
    ("constraint", "kind"),
    [
        (C.anything(), "free"),
        (C.at(0, "A") & C.span(1, 3, "B"), "position mask"),
        (C.first("A") & C.transitions(forbidden=[("A", "B")]), "label pairs"),
        (C.never("A B"), "label pairs"),
        (C.regex("(A | B)* C*"), "label pairs"),
        (~C.contains("A B | B A"), "label pairs"),
        (C.run(C.each, min=3) & C.first("A"), "run chain"),
        (C.count("A", exactly=2), "counter"),
        (C.segments("A", max=2) & C.count("B", max=1), "counter"),
        (C.implies("A", "B"), "automaton"),
        (C.first("A").soft(-1), "automaton"),
        (C.linear({"A": 1.0}, max=2), "budget"),
    ],
    ids=repr,
)
def test_the_cheapest_exact_class_wins(constraint, kind):
    plan = constraint.compile(LABELS)
    explanation = plan.explain()
    assert plan.kind == explanation.kind == kind
    assert kind in str(explanation) and str(explanation.arcs) in str(explanation)


def test_a_run_chain_has_as_many_arcs_as_it_needs():
    labels = [f"L{i}" for i in range(20)]
    explanation = C.run(C.each, min=5).compile(labels).explain()
    assert (explanation.states, explanation.arcs, explanation.pairs) == (100, 480, 400)
    assert explanation.automaton_states == 101


def test_counts_and_lengths():
    rule = C.run(C.each, exactly=5)
    assert rule.feasible_lengths(20, labels=["A", "B"]) == [5, 10, 15, 20]
    assert rule.compile(["A", "B"]).feasible_lengths(12) == [5, 10]
    assert rule.count(10, labels=["A", "B"]) == 2
    assert C.count("A", exactly=3).count(100, labels=LABELS) == 161700 * 2**97
    assert C.regex("A B").feasible_lengths(5) == [2]


def test_plans_multiply():
    left, right = C.first("A").compile(LABELS), C.run("B", min=2).compile(LABELS)
    soft, placed = C.last("B").soft(-1).compile(LABELS), C.at(1, "B").compile(LABELS)
    for plan in (left.both(right), right.both(left)):
        assert plan.automaton == (C.first("A") & C.run("B", min=2)).compile(LABELS).automaton
    both = left.both(soft).both(placed)
    assert len(both.soft) == 1 and both.positions is not None and both.accepts([0, 1]) and not both.accepts([0, 0])
    with pytest.raises(ValueError, match="other labels"):
        left.both(C.first("A").compile(("A", "B")))


def test_walking_a_batch_is_accepting_one_by_one():
    constraint = C.run("A", min=2) & C.count("B", max=1).soft(-1) & C.last("C").soft(-2)
    plan = constraint.compile(LABELS)
    rng = np.random.default_rng(0)
    labels, lengths = rng.integers(0, 3, (200, 6)), rng.integers(1, 7, 200)
    accepted, broken = plan.walk(labels, lengths)
    assert 0 < accepted.sum() < 200 and broken.any(1).all()
    for row, n in enumerate(lengths):
        names = [LABELS[i] for i in labels[row, :n]]
        assert accepted[row] == C.run("A", min=2).accepts(names)
        if accepted[row]:
            assert broken[0, row] == (names.count("B") > 1) and broken[1, row] == (names[-1] != "C")


def test_an_empty_language_is_an_error_that_names_the_guilty_parts():
    rule = C.first("A") & C.count("B", min=1) & C.never("A") & C.run("B", min=2)
    with pytest.raises(hs.InfeasibleError, match="exclude one another") as caught:
        rule.compile(LABELS)
    assert set(caught.value.parts) == {"first(['A'])", "never('A')"}


def test_a_state_budget_names_the_part_that_blew_up():
    big = C.regex("(A | B)* A (A | B){16}")
    with pytest.raises(C.StateBudgetError, match=r"regex\('\(A \| B\)\* A.*at most 500 "):
        (C.first("A") & big).compile(("A", "B"), budget=500)
    with pytest.raises(C.StateBudgetError, match=r"count\('A', min=1000\)"):
        C.count("A", min=1000).compile(LABELS, budget=100)


def test_an_impossible_length_tells_lengths_near_it():
    with pytest.raises(hs.InfeasibleError, match="feasible near it: 10, 15") as caught:
        settle(C.run(C.each, exactly=5), ("A", "B"), 12, example=3)
    error = caught.value
    assert (error.example, error.position, error.lengths) == (3, 12, (10, 15))
    assert error.alive == ("A", "B") and error.parts == ("run(each, exactly=5)",)


def test_masks_that_leave_nothing_tell_the_first_dead_position():
    rule = C.transitions(forbidden=[("A", "B")]) & C.at(0, "A") & C.at(1, ["A", "B"]) & C.at(2, "C") & C.never("C")
    with pytest.raises(hs.InfeasibleError) as caught:
        settle(rule, LABELS, 4)
    error = caught.value
    assert (error.position, error.alive) == (2, ("A",)) and set(error.parts) == {"at(2, 'C')", "never('C')"}


def test_relaxing_drops_what_conflicts_and_no_more():
    rule = C.first("A") & C.at(0, "B") & C.last("C")
    relaxed, feasible = settle(rule, LABELS, 3, "relax")
    assert feasible and relaxed == C.last("C")
    assert settle(rule, LABELS, 3, "unconstrained") == (None, True)
    assert settle(rule, LABELS, 3, "skip") == (rule, False)
    assert settle(C.last("C"), LABELS, 3) == (C.last("C"), True)


def test_a_data_set_is_checked_by_part():
    rule = C.run("A", min=2) & C.first("A") & C.tokens({"b": "B"}) & C.last("Z").soft(-1)
    y = [["A", "A"], ["A", "B"], ["B", "B"], ["A", "A", "B"]]
    X = [["a", "a"], ["a", "b"], ["b", "a"], ["a", "b", "a"]]
    report = rule.check_dataset(y, X)
    assert report.by_part == {"run('A', min=2)": 1, "first(['A'])": 1, "tokens({'b': ['B']})": 1}
    assert report.broken == (1, 2, 3) and not report.ok
    assert "3 of 4" in str(report) and "sequence 1, position 0" in str(report)
    assert C.first("A").check_dataset([["A"]]).ok


def test_a_mask_resolves_from_both_ends():
    plan = (C.at(0, "A") & C.at(-1, "B")).compile(LABELS)
    mask = plan.positions.resolve([3, 1], 4)
    assert mask[0, :3].tolist() == [[True, False, False], [True] * 3, [False, True, False]] and mask[0, 3].all()
    assert not mask[1, 0].any()
    short = C.at(2, "A").compile(LABELS).positions.resolve([2], 2)
    assert not short[0, 0].any()


def test_queries_see_positions():
    rule = C.at(3, "A") & C.run("A", min=2)
    names = ("A", "B")
    assert rule.feasible_lengths(6, labels=names) == [4, 5, 6]
    for length in range(7):
        expected = sum(rule.accepts([names[i] for i in ids]) for ids in np.ndindex(*(2,) * length)) if length else 0
        assert rule.count(length, labels=names) == expected
    assert C.at(-20, "A").count(21, labels=names) == 2**20
    assert C.at(-20, "A").check_dataset([["A"] * 20, ["B"] * 20]).broken == (1,)
    assert C.allowed(np.ones((3, 2), bool), labels=names).feasible_lengths(5, labels=names) == [1, 2, 3]
    assert (C.first("A").soft(-1) & C.last("B")).count(2, labels=names) == 2


@pytest.mark.parametrize(
    "rule",
    [
        C.at(0, "A") & C.at(0, "B"),
        C.at(0, "A") & C.first("B"),
        C.span(0, 2, "A") & C.transitions(forbidden=[("A", "A")]),
        C.at(1, "A") & C.at(-1, "B") & C.regex("(A | C)+"),
        C.at(2, "A") & C.at(-1, "B") & C.regex(". . ."),
        C.allowed(np.zeros((2, 3), bool)),
    ],
    ids=repr,
)
def test_positions_may_leave_nothing_at_any_length(rule):
    with pytest.raises(hs.InfeasibleError):
        rule.compile(LABELS)
    plan = rule.compile(LABELS, allow_empty=True)
    if plan.positions.table is None:
        assert not any(plan.accepts(ids) for n in range(1, 6) for ids in np.ndindex(*(3,) * n))


def test_the_budget_bounds_what_runs_along_and_the_arcs():
    four = [C.count(label, max=30).soft(-1) for label in "ABCD"]
    with pytest.raises(C.StateBudgetError, match=r"soft.* run along.*at most 20000 states|at most 20000"):
        (four[0] & four[1] & four[2] & four[3]).compile(tuple("ABCD"))
    labels = [f"L{i}" for i in range(130)]
    with pytest.raises(C.StateBudgetError, match=r"count.* arcs"):
        C.count("L0", min=1500).compile(labels)
    rule = C.scheme("BIO") & C.count("B-a", max=9) & C.count("B-b", max=9)
    with pytest.raises(C.StateBudgetError, match=r"scheme\('BIO'\)") as caught:
        rule.compile(["O", "B-a", "I-a", "B-b", "I-b"], budget=90)
    assert "None" not in str(caught.value)


def test_empty_sequences_are_no_special_case():
    for rule in (~C.scheme("BIO"), C.scheme("BIO").star(), ~C.run(C.each, min=2), C.contains(".")):
        assert rule.check_dataset([[]]).ok == rule.accepts([]) == (not rule.violations([]))


def test_numbers_and_names_may_be_numpys():
    assert C.run("A", min=np.int64(2)) == C.run("A", min=2) and C.count(np.str_("A"), max=np.int32(1)).labels == ("A",)
    assert type(C.at(0, np.str_("A")).labels[0]) is str
    with pytest.raises(C.ConstraintError, match="in the order"):
        C.first("A").compile({"A", "B"})
    with pytest.raises(C.ConstraintError, match="finite"):
        C.first("A").soft(float("nan"))
