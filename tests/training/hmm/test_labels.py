import numpy as np
import pytest

from hybridseq.text import DataError
from hybridseq.training.hmm.labels import read_labels

LENGTHS = np.array([3, 2])


@pytest.mark.parametrize(
    ("y", "classes", "labels"),
    [
        ([["b", "a", "b"], ["a", "a"]], ["a", "b"], [1, 0, 1, 0, 0]),
        ([["b", None, float("nan")], None], ["b"], [0, -1, -1, -1, -1]),
        ([np.array([7, 3, -1]), [3, 3]], [3, 7], [1, 0, -1, 0, 0]),
        ([np.array([1.0, np.nan, 2.0]), None], [1, 2], [0, -1, 1, -1, -1]),
        ([[np.str_("x"), "y", None], np.array(["x", "y"])], ["x", "y"], [0, 1, -1, 0, 1]),
        ([[1, None, 0], [None, -1]], [0, 1], [1, -1, 0, -1, -1]),
    ],
)
def test_states_become_numbers(y, classes, labels):
    found, ids = read_labels(y, LENGTHS, stacked=False)
    assert found.tolist() == classes and ids.tolist() == labels and ids.dtype == np.int64


def test_stacked_states():
    classes, labels = read_labels(["b", None, "a", "a", "b"], LENGTHS, stacked=True)
    assert classes.tolist() == ["a", "b"] and labels.tolist() == [1, -1, 0, 0, 1]


BAD = {
    "a string": ("abc", False, "must be a list of states"),
    "too few sequences": ([["a"] * 3], False, "1 sequences but X has 2"),
    "too few states": ([["a"] * 3, ["a"]], False, "sequence 1 has 2 rows but 1 states"),
    "too few rows": (["a"] * 4, True, "4 states but X has 5 rows"),
    "no list": ([["a"] * 3, "aa"], False, r"y\[1\] must be a list"),
    "nothing given": ([None, [None, -1]], False, "gives no state"),
    "mixed": ([["a", 1, "a"], None], False, "mixes strings and numbers"),
    "a fraction": ([[0, 1, 0], np.array([1.0, 0.5])], False, "sequence 1, position 1: .* got 0.5"),
    "a fraction, stacked": (np.array([0, 1, 0, 1, 0.5]), True, "sequence 1, position 1: .* got 0.5"),
    "an empty name": ([["a", "", "a"], None], False, "sequence 0, position 1: the state is empty"),
    "an object": ([["a", ("b",), "a"], None], False, "sequence 0, position 1: a state is a string"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_states_are_named(case):
    y, stacked, message = BAD[case]
    with pytest.raises(DataError, match=message):
        read_labels(y, LENGTHS, stacked)
