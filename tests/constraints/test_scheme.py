import itertools
import pickle

import numpy as np
import pytest

from hybridseq import constraints as C

LABELS = ("B-x", "B-y", "I-x", "I-y", "O")


def legal(sequence):
    """IOB2 by its definition: every I-X continues an X."""
    return all(
        not label.startswith("I") or (i > 0 and sequence[i - 1] in (label, "B" + label[1:]))
        for i, label in enumerate(sequence)
    )


@pytest.mark.parametrize("length", range(4))
def test_accepts_violations_and_the_plan_agree_with_the_definition(length):
    bio = C.scheme("BIO")
    plan = bio.compile(LABELS)
    for ids in itertools.product(range(len(LABELS)), repeat=length):
        sequence = [LABELS[i] for i in ids]
        assert bio.accepts(sequence) == legal(sequence) == plan.accepts(ids)
        assert bool(bio.violations(sequence)) != legal(sequence)


@pytest.mark.parametrize("order", list(itertools.permutations(["O", "B-x", "I-x"])))
def test_a_plan_follows_the_order_of_the_names(order):
    plan = C.scheme("BIO").compile(order)
    assert plan.labels == order
    assert plan.first.tolist() == [name != "I-x" for name in order]
    assert plan.last.all()
    allowed = {(i, j) for i, j in itertools.product(order, order) if (i, j) != ("O", "I-x")}
    assert {(order[i], order[j]) for i, j in np.argwhere(plan.pairs)} == allowed


def test_violations_say_where_and_what():
    found = C.scheme("BIO").violations(["I-x", "I-x", "O", "I-y", "NN"])
    assert [(v.position, v.label) for v in found] == [(0, "I-x"), (3, "I-y"), (4, "NN")]
    assert found[1].reason == "'I-y' follows 'O'"


def test_a_type_may_hold_a_hyphen():
    bio = C.scheme("BIO")
    assert bio.accepts(["B-a-b", "I-a-b"]) and not bio.accepts(["B-a", "I-a-b"])


def test_own_labels_close_the_alphabet():
    closed = C.scheme("BIO", labels=["O", "B-x", "I-x"])
    assert closed.accepts(["O", "B-x"]) and not closed.accepts(["O", "B-y"])
    with pytest.raises(C.ConstraintError, match="'B-y' is not among"):
        closed.compile(["O", "B-y"])


def test_a_plan_is_frozen_and_compares_by_value():
    plan, same = C.scheme("BIO").compile(LABELS), C.scheme("BIO").compile(list(LABELS))
    assert plan == same and hash(plan) == hash(same) and plan != C.scheme("BIO").compile(LABELS[1:])
    assert pickle.loads(pickle.dumps(plan)) == plan
    with pytest.raises(ValueError):
        plan.pairs[0, 0] = False
    with pytest.raises(AttributeError):
        plan.first = None


def test_a_plan_copies_its_arrays_and_checks_their_shapes():
    first = np.ones(2, dtype=bool)
    plan = C.PairPlan(("a", "b"), first, np.ones((2, 2)), first)
    first[0] = False
    assert plan.first.all() and plan.first.dtype == bool
    with pytest.raises(ValueError, match=r"pairs must have shape \(2, 2\).*got \(2, 3\)"):
        C.PairPlan(("a", "b"), first, np.ones((2, 3)), first)


def test_feasibility_counts_what_accepts_lets_through():
    no, yes = np.array([True, False]), np.array([False, True])
    plan = C.PairPlan(("a", "b"), no, np.array([[0, 1], [0, 0]], dtype=bool), yes)
    for length in range(1, 5):
        paths = itertools.product(range(2), repeat=length)
        assert plan.feasible(length) == any(plan.accepts(path) for path in paths)
    assert plan.feasible(2) and not plan.feasible(3)


def test_repr_is_what_one_writes():
    for constraint in (C.scheme("BIO"), C.scheme("BIO", labels=["O", "B-x"])):
        assert eval(repr(constraint), {"scheme": C.scheme}) == constraint


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: C.scheme("BIOO"), r"\['BIO', 'IOB1', 'BIOES', 'BMES'\]; got 'BIOO' \(did you mean 'BIO'"),
        (lambda: C.scheme("BIO", labels="O"), "list of label names"),
        (lambda: C.scheme("BIO", labels=["NN"]), "'NN'"),
        (lambda: C.scheme("BIO").compile(["O", "NN"]), "got 'NN'"),
        (lambda: C.scheme("BIO").compile(["O", "O"]), "'O' more than once"),
        (lambda: C.scheme("BIO").compile(["I-x"]), "accepts no sequence"),
    ],
)
def test_errors_say_what_was_got(make, match):
    with pytest.raises(C.ConstraintError, match=match):
        make()


def test_auto_takes_what_the_data_keep_and_nothing_else():
    assert C.auto([["O", "B-x", "I-x"]]) == C.scheme("BIO")
    assert C.auto(["O", "B-x", "I-x"]) == C.scheme("BIO")
    assert C.auto([["O", "I-x"], ["B-x"]]) is None
    assert C.auto([["NN", "VB"]]) is None
