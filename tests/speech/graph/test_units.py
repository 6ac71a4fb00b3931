"""Units: which columns their states consume, and which share one."""

import json

import numpy as np
import pytest

from hybridseq.speech.graph import Units, chain, left_to_right, three_state

PHONES = Units(["p", "b"], silence="sil", silence_topology=left_to_right(1))


def test_columns_stand_unit_by_unit():
    assert PHONES.names == ("p", "b", "sil")
    assert PHONES.label_names == ("p.0", "p.1", "p.2", "b.0", "b.1", "b.2", "sil.0")
    assert PHONES.num_labels == 7
    assert PHONES.states_of("b") == (3, 4, 5)
    assert PHONES.silence_labels == (6,)
    assert Units(["p", "b"]).silence_labels == ()


def test_a_topology_for_each_name():
    units = Units(["p", "one"], {"p": three_state(), "one": chain()})
    assert units.label_names == ("p.0", "p.1", "p.2", "one.0", "one.1")


def test_tying_shares_columns():
    tied = PHONES.tie([["p.0", "b.0"], ["p.2", "b.2"]])
    assert tied.label_names == ("p.0+b.0", "p.1", "p.2+b.2", "b.1", "sil.0")
    assert tied.states_of("b") == (0, 3, 2)
    assert tied == Units(
        *(("p", "b"), None, "sil", left_to_right(1)),
        {("p", 0): 0, ("b", 0): 0, ("p", 1): 1, ("p", 2): 2, ("b", 2): 2, ("b", 1): 3, ("sil", 0): 4},
    )
    assert tied.tie([["p.1", "b.1"]]).num_labels == 4
    assert PHONES.num_labels == 7


def test_trained_loops_belong_to_columns():
    loops = np.linspace(0.1, 0.7, 7)
    trained = PHONES.with_loops(loops)
    for unit in PHONES.names:
        found = [np.exp(w) for a, b, w in trained.topology(unit).arcs if a == b]
        np.testing.assert_allclose(found, loops[list(PHONES.states_of(unit))])
    assert trained != PHONES


@pytest.mark.parametrize(
    "units", [PHONES, PHONES.tie([["p.0", "b.1"]]), PHONES.with_loops(np.full(7, 0.25)), Units("w", chain())]
)
def test_json_round_trip(units):
    again = Units.from_dict(json.loads(json.dumps(units.to_dict())))
    assert again == units
    assert again.label_names == units.label_names
    assert [again.piece(n) for n in again.names] == [units.piece(n) for n in units.names]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Units([]), "at least one"),
        (lambda: Units(["p", "p"]), r"different.*\['p'\]"),
        (lambda: Units(["p", "b"], {"p": chain()}), r"none is given for \['b'\]"),
        (lambda: Units(["p"], silence_topology=chain()), "name it: silence='sil'"),
        (lambda: Units(["p"], chain(), tying={("p", 0): 0}), r"none is given for \('p', 1\)"),
        (lambda: Units(["p"], chain(), tying={("p", 0): 0, ("p", 1): 2}), r"every column from 0 on; got \[0, 2\]"),
        (lambda: PHONES.with_loops([0.5]), "P = 7 probabilities"),
        (lambda: PHONES.with_loops([1.0] * 7), "below 1"),
        (lambda: PHONES.tie([["p.0", "q.0"]]), "label_names such as 'p.0'; got 'q.0'"),
        (lambda: PHONES.states_of("q"), "'q' is no unit of the model; the 3 units are"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()
