"""What every linear model keeps to as an estimator."""

import copy
import inspect
import io
import itertools
import json
import pickle

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score

import hybridseq as hs
from hybridseq import metrics
from hybridseq.estimators import linear_crf, structured_perceptron, structured_svm
from hybridseq.text import DataError
from tests.estimators.linear_models import KINDS, MODELS, arrays, model, named, spans

ROWS, Y = spans()
X = named(ROWS)
X_NEW, Y_NEW = (part(spans(15, seed=1)[i]) for i, part in enumerate((named, list)))
CLASSES = [hs.LinearCRF, hs.StructuredPerceptron, hs.StructuredSVM]
every_model = pytest.mark.parametrize("name", MODELS)
every_kind = pytest.mark.parametrize("name", KINDS)


@pytest.fixture(scope="module")
def fitted():
    return {name: model(name).fit(X, Y) for name in MODELS}


# The estimator's contract


@pytest.mark.parametrize("cls", CLASSES)
def test_init_only_stores(cls):
    estimator = cls(constraint=7, verbose="loud", min_freq=-1)
    assert set(vars(estimator)) == set(inspect.signature(cls).parameters)
    twin = clone(estimator.set_params(verbose=0))
    assert twin.get_params() == estimator.get_params() and twin is not estimator


@pytest.mark.parametrize("cls", CLASSES)
def test_predicting_before_fitting_says_so(cls, tmp_path):
    for use in (
        lambda: cls().predict(X),
        lambda: cls().predict_marginals(X),
        lambda: cls().predict_k_best(X),
        lambda: cls().score(X, Y),
        lambda: cls().save(tmp_path / "model"),
        lambda: cls().top_features("O"),
        lambda: cls().top_transitions(),
        lambda: cls().weights_,
    ):
        with pytest.raises(NotFittedError):
            use()


@every_model
def test_the_seed_decides_the_model(name, fitted):
    again = model(name).fit(X, Y)
    np.testing.assert_array_equal(again.coef_, fitted[name].coef_)
    if name not in ("crf", "sparse crf"):
        assert not np.array_equal(model(name, random_state=1).fit(X, Y).coef_, again.coef_)
    object_ = model(name, random_state=np.random.RandomState(0)).fit(X, Y)
    np.testing.assert_array_equal(object_.coef_, again.coef_)


@every_kind
def test_cross_validation_and_grid_search(name):
    scores = cross_val_score(model(name), X, Y, cv=2, error_score="raise")
    assert scores.shape == (2,) and np.isfinite(scores).all()
    search = GridSearchCV(model(name), {"min_freq": [0, 2]}, cv=2, error_score="raise").fit(X, Y)
    assert len(search.predict(X_NEW)) == len(X_NEW)


@every_model
def test_copies_of_every_kind_predict_the_same(name, fitted, tmp_path):
    one = fitted[name]
    stream = io.BytesIO()
    joblib.dump(one, stream)
    stream.seek(0)
    one.save(tmp_path / "model")
    wanted, marginals = one.predict(X_NEW), one.predict_marginals(X_NEW)
    for other in (
        pickle.loads(pickle.dumps(one)),
        joblib.load(stream),
        copy.deepcopy(one),
        hs.load(tmp_path / "model"),
    ):
        assert other.predict(X_NEW) == wanted
        for ours, theirs in zip(other.predict_marginals(X_NEW), marginals):
            np.testing.assert_array_equal(ours, theirs)
        assert other.get_params() == one.get_params()
        for attribute in ("objective_", "n_iter_", "converged_", "history_", "n_sequences_seen_", "scheme_"):
            np.testing.assert_equal(getattr(other, attribute), getattr(one, attribute))
        assert other.weights_.states() == one.weights_.states()
        # And learns on.
        other.partial_fit(X_NEW, Y_NEW)


def test_a_saved_model_of_columns_whole_numbers_and_a_constraint(tmp_path):
    y = [[{"O": 0, "B-A": 1, "I-A": 2}[tag] for tag in row] for row in Y]
    rule = hs.constraints.transitions(forbidden=[("0", "2")])
    one = model("crf", constraint=rule).fit(arrays(ROWS), y)
    one.save(tmp_path / "model")
    other = hs.load(tmp_path / "model")
    assert other.predict(arrays(ROWS)) == one.predict(arrays(ROWS))
    assert other.classes_.tolist() == [0, 1, 2] and other.constraint_ == one.constraint_


def test_a_later_format_is_refused(fitted, tmp_path):
    fitted["crf"].save(tmp_path / "model")
    path = tmp_path / "model" / "model.json"
    card = json.loads(path.read_text())
    path.write_text(json.dumps({**card, "format_version": card["format_version"] + 1}))
    with pytest.raises(ValueError, match=r"has format \d+, but this version reads up to \d+; update hybridseq"):
        hs.load(tmp_path / "model")


@every_model
def test_a_model_that_is_saved_is_json_of_the_standard(name, fitted, tmp_path):
    fitted[name].save(tmp_path / "model")

    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    json.loads((tmp_path / "model" / "model.json").read_text(), parse_constant=refuse)


@every_model
def test_a_fit_that_fails_leaves_the_model(name, fitted):
    one = copy.deepcopy(fitted[name])
    before = {key: value for key, value in vars(one).items() if key.endswith("_")}
    predicted = one.predict(X_NEW)
    for use in (one.fit, one.partial_fit):
        with pytest.raises(ValueError):
            use(X, Y[:-1])
        with pytest.raises(ValueError):
            use([[{"a": float("nan")}]], [["O"]])
        with pytest.raises(ValueError):
            one.set_params(min_freq=-1)
            use(X, Y)
        one.set_params(min_freq=0)
    with pytest.raises(hs.InfeasibleError):
        one.set_params(constraint=hs.constraints.count("O", max=0)).fit(X, Y)
    assert {key: value for key, value in vars(one).items() if key.endswith("_")} == before
    assert one.predict(X_NEW) == predicted


INTERRUPTED = {
    "crf": (linear_crf, "maximise_likelihood"),
    "sparse crf": (linear_crf, "maximise_likelihood"),
    "sgd": (linear_crf, "descend"),
    "perceptron": (structured_perceptron, "AveragedPerceptron"),
    "subgradient": (structured_svm, "Subgradient"),
    "svm": (structured_svm, "frank_wolfe"),
}


@every_model
def test_ctrl_c_keeps_the_best_so_far(name, monkeypatch):
    """Ctrl-C while progress is told, after the second pass or iteration."""
    from hybridseq.training.linear.report import Report

    told = []

    def line(self, count, **figures):
        told.append(count)
        if len(told) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(Report, "line", line)
    one = model(name).fit(X, Y)
    assert told == [1, 2]
    assert not one.converged_ and one.n_iter_ <= 3
    assert one.score(X, Y) > 0.5 and len(one.predict(X_NEW)) == len(X_NEW)


# What it learns and gives back


@every_model
def test_it_learns(name, fitted):
    assert fitted[name].score(X_NEW, Y_NEW) > 0.9
    assert fitted[name].score(X_NEW, Y_NEW) == metrics.span_f1(Y_NEW, fitted[name].predict(X_NEW))


def test_the_score_is_accuracy_where_labels_are_no_spans():
    y = [["x" if tag == "O" else "y" for tag in row] for row in Y]
    y[0][0] = "y" if y[0][0] == "x" else "x"
    one = model("perceptron").fit(X, y)
    assert one.scheme_ is None
    assert one.score(X, y) == metrics.token_accuracy(y, one.predict(X))


@every_model
def test_marginals_are_probabilities_and_the_best_path_is_the_first_of_k(name, fitted):
    one = fitted[name]
    best = one.predict(X_NEW)
    for row, paths, marginals in zip(best, one.predict_k_best(X_NEW, 3000), one.predict_marginals(X_NEW)):
        assert marginals.shape == (len(row), 3) and marginals.dtype == np.float64
        np.testing.assert_allclose(marginals.sum(1), 1, atol=1e-12)
        assert paths[0][0] == row and len(paths) == 3 ** len(row)
        probabilities = np.exp([log_prob for _, log_prob in paths])
        assert (np.diff(probabilities) <= 1e-12).all() and probabilities.sum() == pytest.approx(1)
        # Marginals are the sums over all label sequences.
        for t in range(len(row)):
            for k, label in enumerate(one.classes_):
                wanted = sum(p for (path, _), p in zip(paths, probabilities) if path[t] == label)
                assert marginals[t, k] == pytest.approx(wanted, abs=1e-9)


@every_model
def test_scores_are_sums_of_the_weights_by_name(name, fitted):
    one = fitted[name]
    states, moves = one.state_features_, one.transition_features_
    assert len(one.weights_) == len(states) + len(moves) == len(one.coef_)
    for sentence, paths in zip(X_NEW[:3], one.predict_k_best(X_NEW[:3], 2)):
        scores = [
            sum(states.get((a, label), 0.0) for token, label in zip(sentence, path) for a in token)
            + sum(moves.get(pair, 0.0) for pair in itertools.pairwise(path))
            for path, _ in paths
        ]
        assert scores[0] - scores[1] == pytest.approx(paths[0][1] - paths[1][1], abs=1e-9)


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_the_top_weights(fitted, size):
    one = fitted["crf"]
    own = sorted(((w, a) for (a, label), w in one.state_features_.items() if label == "I-A"), reverse=True)
    chosen = own if len(own) <= 2 * size else own[:size] + own[-size:]
    assert [weight for _, weight in one.top_features("I-A", size)] == [weight for weight, _ in chosen]
    assert all(one.state_features_[a, "I-A"] == weight for a, weight in one.top_features("I-A", size))
    moves = sorted(one.transition_features_.values(), reverse=True)
    chosen = moves if len(moves) <= 2 * size else moves[:size] + moves[-size:]
    assert [weight for *_, weight in one.top_transitions(size)] == chosen
    with pytest.raises(ValueError, match=r"label must be one of \['B-A', 'I-A', 'O'\]; got 'B'"):
        one.top_features("B")
    assert "weights of features" in repr(one.weights_)


def test_l1_leaves_few_weights_and_loses_nothing_by_leaving_out_the_others(fitted):
    one = fitted["sparse crf"]
    assert 0 < len(one.coef_) < len(fitted["crf"].coef_) / 2
    assert (one.coef_ != 0).all()
    names = {a for a, _ in one.state_features_}
    # Features without a weight are not stored either.
    assert set(one.input_.names()) == names
    columns = model("sparse crf").fit(arrays(ROWS), Y)
    assert columns.predict(arrays(ROWS)) == one.predict(X)
    full = {str(a) for a in range(12)}
    only = [[[a for a in token if a in names] for token in row] for row in X_NEW]
    assert names < full and one.predict(only) == one.predict(X_NEW)


@every_model
def test_sequences_of_one_position_two_labels_and_tokens_without_features(name):
    one = model(name).fit([[["a"]], [["b"]], [["a", "c"]], [["b", "c"]], [[]]], [["x"], ["y"], ["x"], ["y"], ["x"]])
    assert one.predict([[["a"]], [["b"]]]) == [["x"], ["y"]]
    assert not one.transition_features_
    unknown = one.predict_marginals([[["q"], []]])[0]
    np.testing.assert_allclose(unknown, 0.5, atol=1e-12)


@every_model
def test_predicting_in_any_company_is_predicting_alone(name, fitted):
    one = fitted[name]
    together, marginals = one.predict(X_NEW), one.predict_marginals(X_NEW)
    for i in range(5):
        assert one.predict(X_NEW[i : i + 1]) == [together[i]]
        np.testing.assert_allclose(one.predict_marginals(X_NEW[i : i + 1])[0], marginals[i], atol=1e-12)


# Learning on


@every_kind
def test_partial_fit_comes_where_fit_does(name):
    one = model(name)
    for _ in range(8):
        for first in range(0, len(X), 10):
            one.partial_fit(X[first : first + 10], Y[first : first + 10], classes=["B-A", "I-A", "O"])
    assert one.n_sequences_seen_ == 8 * len(X)
    assert one.score(X_NEW, Y_NEW) > 0.9


@every_model
def test_learning_on_does_not_forget(name, fitted):
    one = copy.deepcopy(fitted[name]).partial_fit(X[:1], Y[:1])
    assert one.score(X_NEW, Y_NEW) > 0.85
    assert one.n_sequences_seen_ == len(X) + 1


@every_kind
def test_new_features_come_and_new_labels_do_not(name):
    one = model(name).partial_fit(X, Y)
    known = set(one.input_.names())
    more = [[["new", *token] for token in row] for row in X_NEW]
    one.partial_fit(more, Y_NEW)
    assert set(one.input_.names()) == known | {"new"}
    assert any(a == "new" for a, _ in one.state_features_)
    with pytest.raises(DataError, match="sentence 1, position 0: got the label 'Z', which is not among the 3 known"):
        one.partial_fit([[["a"]], [["a"]]], [["O"], ["Z"]])
    with pytest.raises(DataError, match="'Z'"):
        one.partial_fit(X, Y, classes=["B-A", "I-A", "O", "Z"])


@every_kind
def test_labels_may_be_announced(name):
    one = model(name).partial_fit([[["a"], ["b"]]], [["x", "x"]], classes=["x", "y"])
    assert one.classes_.tolist() == ["x", "y"]
    one.partial_fit([[["b"], ["a"]]], [["y", "x"]])
    assert one.predict([[["b"]]]) in ([["y"]], [["x"]]) and ("b", "y") in one.state_features_
    with pytest.raises(DataError, match="only"):
        model(name).partial_fit([[["a"]]], [["x"]])


@pytest.mark.parametrize("count", [1, 2, 3])
def test_pieces_of_any_size(count):
    # As strong a penalty as the data: c2 = 1.
    one = hs.LinearCRF(verbose=0, random_state=0)
    for first in range(0, 12, count):
        one.partial_fit(X[first : first + count], Y[first : first + count], classes=["B-A", "I-A", "O"])
        assert np.isfinite(one.coef_).all() and np.isfinite(one.objective_)
    assert one.score(X, Y) > 0.5


# Parameters

BAD = [
    (hs.LinearCRF, {"algorithm": "ap"}, "use hybridseq.StructuredPerceptron"),
    (hs.LinearCRF, {"algorithm": "pa"}, "use hybridseq.StructuredSVM"),
    (hs.LinearCRF, {"algorithm": "arow"}, "use hybridseq.Structured"),
    (hs.LinearCRF, {"algorithm": "lbgfs"}, "algorithm must be one of .*; got 'lbgfs'.* 'lbfgs'"),
    (hs.LinearCRF, {"algorithm": "l2sgd", "c1": 0.1}, "has no L1 penalty, but c1=0.1; use 'lbfgs', or c1=0"),
    (hs.LinearCRF, {"c1": -1}, "c1 must be a number of at least 0; got -1"),
    (hs.LinearCRF, {"c2": "1"}, "c2 must be a number of at least 0; got '1'"),
    (hs.LinearCRF, {"c2": float("nan")}, "c2 must be a number of at least 0; got nan"),
    (hs.LinearCRF, {"max_iterations": 0}, "max_iterations must be a whole number of at least 1, or None; got 0"),
    (hs.LinearCRF, {"period": 1.5}, "period must be a whole number of at least 1; got 1.5"),
    (hs.LinearCRF, {"learning_rate": 0}, "learning_rate must be a number above 0, or None; got 0"),
    (hs.LinearCRF, {"min_freq": 1e9}, "min_freq=1000000000.0 leaves no weight"),
    (hs.LinearCRF, {"min_freq": None}, "min_freq must be a number of at least 0; got None"),
    (hs.LinearCRF, {"all_possible_states": "no"}, "all_possible_states must be True or False; got 'no'"),
    (hs.LinearCRF, {"all_possible_transitions": 2}, "all_possible_transitions must be True or False; got 2"),
    (hs.LinearCRF, {"on_infeasible": "ignore"}, "on_infeasible must be one of .*; got 'ignore'"),
    (hs.LinearCRF, {"constraint": 7}, "constraint must be 'auto', .* or None; got 7"),
    (hs.LinearCRF, {"constraint": "BIOO"}, "got 'BIOO'"),
    (hs.StructuredPerceptron, {"max_iterations": 0}, "max_iterations must be a whole number of at least 1; got 0"),
    (hs.StructuredPerceptron, {"tolerance": -1}, "tolerance must be a number of at least 0; got -1"),
    (hs.StructuredSVM, {"C": 0}, "C must be a number above 0; got 0"),
    (hs.StructuredSVM, {"algorithm": "frank-wolfe"}, "algorithm must be one of .*; got 'frank-wolfe'"),
    (hs.StructuredSVM, {"cost": {"Z": 2}}, "cost: 'Z' is no label; the labels are"),
    (hs.StructuredSVM, {"cost": np.eye(3)}, "cost must be 0 where the label is right"),
]


@pytest.mark.parametrize("cls, parameters, words", BAD)
def test_parameters_that_are_not_usable(cls, parameters, words):
    with pytest.raises(ValueError, match=words):
        cls(**{"verbose": 0, **parameters}).fit(X, Y)


@pytest.mark.parametrize("k", [0, -1, 1.5, None])
def test_k_is_checked(fitted, k):
    with pytest.raises(ValueError, match="k must be a whole number of at least 1"):
        fitted["crf"].predict_k_best(X, k)
