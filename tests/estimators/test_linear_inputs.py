"""The same features in whatever form give the same model; labels come back as they were given."""

import numpy as np
import pytest
from scipy import sparse

from hybridseq.text import DataError
from tests.estimators.linear_models import KINDS, MODELS, arrays, model, named, spans

ROWS, Y = spans()
DENSE = arrays(ROWS)
LENGTHS = [len(row) for row in ROWS]
STACKED = np.concatenate(Y)
FORMS = {
    "dictionaries": ([[{a: True for a in token} for token in row] for row in named(ROWS)], None),
    "numbers": ([[{a: 1.0 for a in token} for token in row] for row in named(ROWS)], None),
    "lists in dictionaries": ([[{"": token} for token in row] for row in named(ROWS)], None),
    "arrays": (DENSE, None),
    "integers": ([x.astype(np.int32) for x in DENSE], None),
    "nested lists": ([x.tolist() for x in DENSE], None),
    "object array": (np.array([*DENSE, None], object)[:-1], None),
    "csr": ([sparse.csr_matrix(x) for x in DENSE], None),
    "csr arrays": ([sparse.csr_array(x) for x in DENSE], None),
    "coo": ([sparse.coo_matrix(x) for x in DENSE], None),
    "stacked": (np.concatenate(DENSE), LENGTHS),
    "stacked float32": (np.concatenate(DENSE).astype(np.float32), np.array(LENGTHS)),
    "stacked csr": (sparse.csr_matrix(np.concatenate(DENSE)), LENGTHS),
    "stacked csc": (sparse.csc_matrix(np.concatenate(DENSE)), tuple(LENGTHS)),
}


def cut(found):
    return np.split(found, np.cumsum(LENGTHS)[:-1]) if isinstance(found, np.ndarray) else found


@pytest.fixture(scope="module")
def wanted():
    return {name: model(name).fit(named(ROWS), Y) for name in KINDS}


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_model(name, form, wanted):
    X, lengths = FORMS[form]
    found = model(name).fit(X, STACKED if lengths is not None else Y, lengths)
    expected = wanted[name]
    assert found.objective_ == pytest.approx(expected.objective_, rel=1e-4, nan_ok=True)
    assert [list(row) for row in cut(found.predict(X, lengths))] == expected.predict(named(ROWS))
    for ours, theirs in zip(cut(found.predict_marginals(X, lengths)), expected.predict_marginals(named(ROWS))):
        assert ours.dtype == np.float64
        # The SVM stops at a duality gap, where its weights are not quite determined.
        np.testing.assert_allclose(ours, theirs, atol=0.05 if name == "svm" else 1e-3)
    assert found.score(X, Y, lengths) == expected.score(named(ROWS), Y)
    k_best = found.predict_k_best(X, 3, lengths)
    assert [paths[0][0] for paths in k_best] == expected.predict(named(ROWS))


def test_what_is_given_is_not_changed():
    matrix = sparse.csr_matrix(np.concatenate(DENSE))
    matrix.data[::3] = 0
    before = matrix.copy()
    model("crf").fit(matrix, STACKED, LENGTHS)
    assert np.array_equal(matrix.data, before.data) and np.array_equal(matrix.indices, before.indices)


def test_a_zero_that_is_stored_is_no_feature():
    matrix = sparse.csr_matrix(np.concatenate(DENSE))
    matrix.data[::3] = 0
    stored = model("crf").fit(matrix, STACKED, LENGTHS)
    plain = model("crf").fit(matrix.toarray(), STACKED, LENGTHS)
    assert stored.state_features_ == plain.state_features_


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("stacked", [False, True])
def test_whole_numbers_come_back_as_whole_numbers(name, stacked):
    # As strings, 10 would stand before 2.
    number = {"B-A": 10, "I-A": 2, "O": -3}
    y = [[number[tag] for tag in row] for row in Y]
    if stacked:
        X, lengths, y = np.concatenate(DENSE), LENGTHS, np.concatenate(y).astype(np.int16)
    else:
        X, lengths = DENSE, None
    found = model(name).fit(X, y, lengths)
    assert found.classes_.tolist() == [-3, 2, 10]
    predicted = found.predict(X, lengths)
    if stacked:
        assert predicted.dtype.kind == "i"
        predicted = cut(predicted)
    else:
        assert all(type(label) is int for row in predicted for label in row)
    named_ = model(name).fit(DENSE, [[f"{(number[tag] + 3):02}" for tag in row] for row in Y]).predict(DENSE)
    assert [[int(label) - 3 for label in row] for row in named_] == [list(row) for row in predicted]
    assert found.score(X, y, lengths) == np.mean(
        np.concatenate(list(map(list, predicted))) == np.concatenate(y if not stacked else cut(y))
    )
    k_best = found.predict_k_best(X, 2, lengths)
    assert {label for paths in k_best for path, _ in paths for label in path} <= {-3, 2, 10}
    if name == "crf":
        assert {label for _, label in found.state_features_} == {-3, 2, 10}
        assert found.top_features(10, 1)[0][1] == max(w for (_, k), w in found.state_features_.items() if k == 10)


def test_arrays_of_labels():
    wanted = model("crf").fit(DENSE, Y).predict(DENSE)
    assert model("crf").fit(DENSE, [np.array(row) for row in Y]).predict(DENSE) == wanted
    assert model("crf").fit(DENSE, np.array([*Y, None], object)[:-1]).predict(DENSE) == wanted
    assert model("crf").fit(DENSE, [tuple(row) for row in Y]).predict(DENSE) == wanted


# What cannot be read says where and what to do


def bad(change, X=None):
    X = named(ROWS) if X is None else list(X)
    X[2] = change(X[2])
    return X


EXPECTED = [
    (lambda: (bad(lambda row: [{"a": 1}, *row[1:]]), Y), "sentence 2, position 0: a token must be a list of strings"),
    (lambda: (bad(lambda row: []), Y), r"X\[2\] is an empty sentence; leave it out"),
    (lambda: (bad(lambda x: x[:0], DENSE), Y), r"X\[2\] is an empty sequence; leave it out"),
    (lambda: (bad(lambda x: x[:, :4], DENSE), Y), r"X\[2\] has 4 columns but X\[0\] has 12"),
    (lambda: (bad(lambda x: x * np.nan, DENSE), Y), "X: sequence 2, position 0, column 0 is nan; .* replace it"),
    (lambda: (bad(sparse.csr_matrix, DENSE), Y), r"X mixes sparse matrices and arrays"),
    (lambda: (named(ROWS), Y[:-1]), "X has 30 sequences but y has 29; they must agree"),
    (lambda: (named(ROWS), bad(lambda row: row[:-1], Y)), r"sequence 2 has \d positions but \d labels"),
    (lambda: (named(ROWS), bad(lambda row: [None, *row[1:]], Y)), "sequence 2, position 0: a label must be"),
    (lambda: (named(ROWS), bad(lambda row: ["", *row[1:]], Y)), "sequence 2, position 0: the label is empty"),
    (lambda: (named(ROWS), bad(lambda row: [7, *row[1:]], Y)), "sequence 2, position 0: a label must be .*; got 7"),
    (lambda: (named(ROWS), bad(lambda row: "O" * len(row), Y)), r"y\[2\] must be a label sequence"),
    (lambda: (named(ROWS), [["O"] * n for n in LENGTHS]), "'O' only: .* give at least two labels"),
    (lambda: (named(ROWS), None), "y must be label sequences"),
    (
        lambda: (named(ROWS), [[1.5] * n for n in LENGTHS]),
        "a label must be a string or a whole number; got 1.5.*astype",
    ),
    (lambda: (named(ROWS), Y, LENGTHS), "lengths belong to one stacked array"),
    (lambda: (np.concatenate(DENSE), STACKED, LENGTHS[:-1]), r"lengths add up to \d+ but X has \d+ rows"),
    (lambda: (np.concatenate(DENSE), STACKED, [*LENGTHS, 0]), r"lengths\[30\] is 0; .* Leave it out"),
    (lambda: (np.concatenate(DENSE), STACKED[:-1], LENGTHS), r"y has \d+ labels but X has \d+ positions"),
    (lambda: (np.concatenate(DENSE), STACKED.tolist()[:3], LENGTHS), "y"),
    (lambda: ([], []), "X holds no sentence; give at least one"),
    (
        lambda: ([{"a": 1}, {"b": 2}], ["x", "y"]),
        r"X\[0\] must be a sequence, .*Give a single sequence as \[sequence\]",
    ),
    (lambda: ("abc", Y), "X must be a list of sentences"),
    (lambda: (["a b", "c"], Y), r"X\[0\] is the string 'a b'"),
    (lambda: ([["a", "b"]], [["O", "P"]]), "position 0: .*; got 'a'.*TokenTemplates"),
]


@pytest.mark.parametrize("make, words", EXPECTED)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_errors_say_where_and_what_to_do(make, words, method):
    with pytest.raises(DataError, match=words):
        getattr(model("crf"), method)(*make())


@pytest.mark.parametrize("name", MODELS)
def test_errors_of_prediction(name):
    features, columns = model(name).fit(named(ROWS), Y), model(name).fit(DENSE, Y)
    for wrong in (DENSE, np.concatenate(DENSE), sparse.csr_matrix(DENSE[0])):
        with pytest.raises(DataError, match="X must be lists of named features, as in training"):
            features.predict(wrong)
    with pytest.raises(DataError, match=r"X must be arrays or sparse matrices \(T, 12\), as in training; got"):
        columns.predict(named(ROWS))
    with pytest.raises(DataError, match="X must have 12 columns, as in training; got 11"):
        columns.predict([x[:, 1:] for x in DENSE])
    with pytest.raises(DataError, match="sequence 2, position 0, column 0 is nan"):
        columns.predict(bad(lambda x: x * np.nan, DENSE))
    with pytest.raises(DataError, match="X has 30 sequences but y has 29"):
        columns.score(DENSE, Y[:-1])
    with pytest.raises(DataError, match=r"X\[2\] is an empty sentence"):
        features.predict_marginals(bad(lambda row: []))
    with pytest.raises(DataError, match="X must be lists of named features, as in training"):
        features.partial_fit(DENSE, Y)
    with pytest.raises(DataError, match="X must have 12 columns, as in training; got 11"):
        columns.partial_fit([x[:, 1:] for x in DENSE], Y)
