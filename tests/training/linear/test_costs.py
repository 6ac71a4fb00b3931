import numpy as np
import pytest

from hybridseq.training.linear.costs import cost_matrix

NAMES = ["a", "b", "c"]


def test_hamming_is_1_for_every_mistake():
    np.testing.assert_array_equal(cost_matrix("hamming", NAMES), 1 - np.eye(3))


def test_a_mapping_speaks_of_right_labels_and_of_pairs():
    wanted = [[0, 5, 1], [2, 0, 7], [1, 1, 0]]
    # Pairs have the last word, wherever they stand.
    assert cost_matrix({("a", "b"): 5, ("b", "c"): 7, "b": 2}, NAMES).tolist() == wanted
    assert cost_matrix({1: 3}, [0, 1]).tolist() == [[0, 1], [3, 0]]


def test_an_array_is_taken_as_it_is_and_not_changed():
    given = np.array([[0, 1, 2], [3, 0, 4], [5, 6, 0]])
    found = cost_matrix(given, NAMES)
    np.testing.assert_array_equal(found, given)
    assert found.dtype == np.float64 and found is not given


@pytest.mark.parametrize(
    "cost, words",
    [
        ("hinge", "cost must be 'hamming', a mapping or .* array; got 'hinge'"),
        ({"d": 1}, r"cost: 'd' is no label; the labels are \['a', 'b', 'c'\]"),
        ({("a", "d"): 1}, "cost: 'd' is no label"),
        ({("a", "b", "c"): 1}, "is no label"),
        ({"a": -1}, "cost of 'a' must be a finite number of at least 0; got -1"),
        ({"a": float("nan")}, "cost of 'a' must be a finite number"),
        (np.ones((2, 2)), r"cost must have shape \(3, 3\), a row for each right label; got \(2, 2\)"),
        (np.ones((3, 3)), "cost must be 0 where the label is right; got 1.0 for 'a'"),
        (-np.eye(3)[::-1], "at least 0"),
        (np.full((3, 3), np.inf), "finite"),
    ],
)
def test_errors(cost, words):
    with pytest.raises(ValueError, match=words):
        cost_matrix(cost, NAMES)
