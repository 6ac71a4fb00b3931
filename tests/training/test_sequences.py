import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from hybridseq.text import DataError
from hybridseq.training.sequences import is_stacked, place, split, stack

RAGGED = [np.arange(6.0).reshape(3, 2), np.arange(2.0).reshape(1, 2), np.arange(8.0).reshape(4, 2)]


@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_matrix, sparse.coo_array])
def test_a_list_and_its_stacked_array_are_the_same(convert):
    listed, lengths = stack([convert(x) for x in RAGGED])
    whole = np.concatenate(RAGGED)
    stacked, again = stack(convert(whole), lengths=[3, 1, 4])
    for found in (listed, stacked):
        assert np.array_equal(found.toarray() if sparse.issparse(found) else found, whole)
    assert lengths.dtype == again.dtype == np.int64 and lengths.tolist() == again.tolist() == [3, 1, 4]
    assert is_stacked(convert(whole)) and not is_stacked([convert(whole)])


def test_without_lengths_a_single_array_is_one_sequence():
    assert stack(RAGGED[0])[1].tolist() == [3]


def test_an_array_that_is_stacked_is_not_copied():
    assert np.shares_memory(stack(RAGGED[0])[0], RAGGED[0])


def test_symbols_become_a_column():
    symbols, lengths = stack([np.array([3, 1, 2]), np.array([0])])
    assert symbols.dtype.kind == "i" and symbols.ravel().tolist() == [3, 1, 2, 0] and lengths.tolist() == [3, 1]


def test_a_cube_is_a_list():
    stacked, lengths = stack(np.zeros((4, 5, 2)))
    assert stacked.shape == (20, 2) and lengths.tolist() == [5] * 4


@given(st.lists(st.integers(1, 6), min_size=1, max_size=8))
def test_split_and_place_undo_the_stacking(lengths):
    stacked = np.arange(sum(lengths))
    parts = split(stacked, lengths)
    assert [len(part) for part in parts] == lengths and np.concatenate(parts).tolist() == stacked.tolist()
    for row in stacked:
        i, position = place(row, lengths)
        assert parts[i][position] == row


def test_missing_numbers_may_be_allowed():
    X = np.array([[0.0, np.nan]])
    assert np.isnan(stack(X, missing=True)[0][0, 1])
    assert np.isinf(stack(X + np.inf, finite=False)[0][0, 0])
    assert stack(np.full((3, 1), 1e308))[0].shape == (3, 1), "a sum that overflows is not a number that does"


BAD = {
    "no sequence": (([],), "no sequence"),
    "no row": ((np.zeros((0, 2)),), "no row"),
    "a string": (("abc",), "got str"),
    "a number": ((3,), "got int"),
    "lengths of a list": ((RAGGED, [3, 1, 4]), "leave lengths out"),
    "lengths too short": ((RAGGED[0], [1, 1]), r"add up to 2 but X has 3 rows"),
    "a length of 0": ((RAGGED[0], [1, 0, 2]), r"lengths\[1\] is 0"),
    "lengths no numbers": ((RAGGED[0], ["3"]), "whole numbers"),
    "an empty sequence": (([RAGGED[0], np.zeros((0, 2))],), r"X\[1\] is an empty sequence"),
    "widths": (([RAGGED[0], np.zeros((2, 3))],), r"X\[1\] has 3 columns but X\[0\] has 2"),
    "kinds": (([RAGGED[0], sparse.csr_matrix(RAGGED[1])],), "mixes sparse"),
    "flat floats": ((np.zeros(3),), r"X\[:, None\]"),
    "text": (([np.array([["a"]])],), r"X\[0\] must hold numbers"),
    "a list of lists": (([[0.0, 1.0], [1.0, 2.0]],), "frame or a sequence"),
    "ragged rows": (([[[0.0, 1.0], [1.0]]],), "different widths"),
    "no column": ((np.zeros((3, 0)),), "at least one column"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named(case):
    arguments, message = BAD[case]
    with pytest.raises(DataError, match=message):
        stack(*arguments)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_matrix])
def test_what_is_not_finite_is_named(value, convert):
    bad = RAGGED[2].copy()
    bad[2, 1] = value
    with pytest.raises(DataError, match=r"data: sequence 2, position 2, column 1 is (nan|-?inf)"):
        stack([*map(convert, RAGGED[:2]), convert(bad)], name="data")


def test_infinity_is_no_missing_number():
    with pytest.raises(DataError, match="sequence 0, position 1, column 0 is inf"):
        stack(np.array([[np.nan], [np.inf]]), missing=True)
