"""EnergyMultiLabel learns sets, keeps scikit-learn's contract, comes back from disk as it was, says what is wrong."""

import pickle

import numpy as np
import pytest
import scipy.sparse
from sklearn.base import clone
from sklearn.metrics import f1_score
from sklearn.model_selection import GridSearchCV
from sklearn.utils import estimator_checks

import hybridseq as hs
from hybridseq.adversarial.multilabel.ascent import projected_ascent
from hybridseq.datasets.tagged_documents import make_tagged_documents
from hybridseq.estimators.energy_multi_label import EnergyMultiLabel

TRAININGS = "cross_entropy", "infnet", "spen", "value"
QUICK = {"hidden_sizes": (32,), "dropout": 0.2, "learning_rate": 5e-3, "pretrain_epochs": 8, "max_epochs": 4}
QUICK |= {"energy_rate": 2e-3, "random_state": 0, "verbose": 0, "inference_steps": 8, "batch_size": 32}


@pytest.fixture(scope="module")
def documents():
    X, Y, _, _ = make_tagged_documents(500, random_state=0)
    return X[:400], Y[:400], X[400:], Y[400:]


@pytest.fixture(scope="module")
def fitted(documents):
    X, Y, *_ = documents
    return {training: EnergyMultiLabel(training, **QUICK).fit(X, Y) for training in TRAININGS}


@pytest.mark.parametrize("training", TRAININGS)
def test_learns_better_than_the_most_frequent_labels(documents, fitted, training):
    _, Y, X_test, Y_test = documents
    model = fitted[training]
    often = np.argsort(-Y.mean(0))
    same = max(
        f1_score(Y_test, np.tile(np.isin(np.arange(Y.shape[1]), often[:k]), (100, 1)), average="samples")
        for k in (2, 3, 4, 6)
    )
    predicted = model.predict(X_test)
    assert predicted.shape == Y_test.shape and predicted.dtype == np.int64 and set(np.unique(predicted)) <= {0, 1}
    assert model.score(X_test, Y_test) > same + 0.1


@pytest.mark.parametrize("training", TRAININGS)
def test_score_is_the_f1_an_example(documents, fitted, training):
    *_, X_test, Y_test = documents
    model = fitted[training]
    expected = f1_score(Y_test, model.predict(X_test), average="samples", zero_division=1)
    assert model.score(X_test, Y_test) == pytest.approx(expected)


@pytest.mark.parametrize("training", TRAININGS[:3])
def test_predicts_what_is_above_the_threshold(documents, fitted, training):
    *_, X_test, _ = documents
    model = fitted[training]
    relaxed = model.predict_proba(X_test)
    assert relaxed.min() >= 0 and relaxed.max() <= 1
    assert np.array_equal(model.predict(X_test), relaxed > model.threshold_)


@pytest.mark.parametrize("training", TRAININGS)
def test_the_best_epoch_is_the_best_of_the_last_stage(fitted, training):
    model = fitted[training]
    last = [row for row in model.history_ if row["stage"] == training]
    best = max(row["score"] for row in last)
    assert model.best_score_ == best == last[model.best_epoch_ - 1]["score"]
    assert model.history_[0]["stage"] == "cross_entropy"


def test_both_players_losses_are_told(documents, capfd):
    X, Y, *_ = documents
    model = EnergyMultiLabel("infnet", **{**QUICK, "verbose": 1, "max_epochs": 2}).fit(X, Y)
    assert all(np.isfinite([row["critic_loss"], row["generator_loss"]]).all() for row in model.history_[-2:])
    told = capfd.readouterr()
    assert told.out == "" and "G loss" in told.err and told.err.count("infnet") == 2


@pytest.mark.parametrize("training", TRAININGS)
def test_the_seed_decides(documents, fitted, training):
    X, Y, X_test, _ = documents
    expected = fitted[training].predict_proba(X_test)
    again = clone(fitted[training]).fit(X, Y)
    assert np.array_equal(again.predict_proba(X_test), expected)
    other = clone(fitted[training]).set_params(random_state=1).fit(X, Y)
    assert not np.array_equal(other.predict_proba(X_test), expected)


@pytest.mark.parametrize("training", TRAININGS)
def test_a_saved_model_predicts_as_before(documents, fitted, training, tmp_path):
    *_, X_test, Y_test = documents
    model = fitted[training]
    model.save(tmp_path / "model")
    for twin in (hs.load(tmp_path / "model"), pickle.loads(pickle.dumps(model))):
        assert np.array_equal(twin.predict(X_test), model.predict(X_test))
        assert np.array_equal(twin.predict_proba(X_test), model.predict_proba(X_test))
        assert np.array_equal(twin.score_samples(X_test, Y_test), model.score_samples(X_test, Y_test))
        assert twin.get_params() == model.get_params() and twin.history_ == model.history_
        assert twin.n_features_in_ == model.n_features_in_


@pytest.mark.parametrize("training", TRAININGS)
def test_sparse_and_dense_are_one(documents, fitted, training):
    X, Y, X_test, Y_test = documents
    model = fitted[training]
    sparse = clone(model).fit(scipy.sparse.csr_matrix(X), scipy.sparse.csc_array(Y))
    found = sparse.predict_proba(scipy.sparse.coo_array(X_test))
    np.testing.assert_allclose(found, sparse.predict_proba(X_test), atol=1e-5)
    np.testing.assert_allclose(found, model.predict_proba(X_test), atol=1e-2)
    scores = model.score_samples(scipy.sparse.csr_array(X_test), scipy.sparse.csr_array(Y_test))
    np.testing.assert_allclose(scores, model.score_samples(X_test, Y_test), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("training", TRAININGS)
def test_sparse_rows_in_any_order_of_columns_and_with_repeated_entries(documents, fitted, training):
    X = scipy.sparse.csr_array((np.float32([1, 2, 1]), np.array([7, 3, 7]), np.array([0, 3])), shape=(1, 150))
    dense = np.zeros((1, 150), dtype=np.float32)
    dense[0, [3, 7]] = 2
    np.testing.assert_allclose(
        fitted[training].predict_proba(X), fitted[training].predict_proba(dense), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("training", TRAININGS)
def test_rows_do_not_see_one_another_and_x_is_left_as_it_is(documents, fitted, training):
    *_, X_test, _ = documents
    before = X_test.copy()
    together = fitted[training].predict_proba(X_test)
    alone = np.concatenate([fitted[training].predict_proba(row[None]) for row in X_test[:10]])
    np.testing.assert_allclose(together[:10], alone, atol=1e-4)
    assert np.array_equal(before, X_test)


def test_the_score_of_cross_entropy_is_a_sum_of_logits(documents, fitted):
    *_, X_test, Y_test = documents
    p = fitted["cross_entropy"].predict_proba(X_test).astype(float)
    expected = (Y_test * np.log(p / (1 - p))).sum(1)
    np.testing.assert_allclose(fitted["cross_entropy"].score_samples(X_test, Y_test), expected, rtol=1e-3, atol=1e-2)


def test_a_value_tells_better_answers_from_worse_ones(documents, fitted):
    *_, X_test, Y_test = documents
    model = fitted["value"]
    gold = model.score_samples(X_test, Y_test)
    wrong = model.score_samples(X_test, np.roll(Y_test, 1, axis=0))
    assert ((gold >= 0) & (gold <= 1)).all() and (gold > wrong).mean() > 0.8


def test_a_value_decides_for_the_set_it_likes_best(documents, fitted):
    *_, X_test, _ = documents
    model = fitted["value"]
    predicted, relaxed = model.predict(X_test), model.predict_proba(X_test)
    reached = model.score_samples(X_test, predicted)
    for threshold in (0.01, 0.1, 0.3, 0.5, 0.9):
        other = (relaxed > threshold).astype(int)
        few = other.sum(1) <= model.most_labels_
        assert (model.score_samples(X_test, other)[few] <= reached[few] + 1e-6).all()
    assert predicted.sum(1).max() <= model.most_labels_


def test_the_fitted_score_function_is_open_to_other_searches(documents, fitted):
    import torch

    *_, X_test, _ = documents
    scored = fitted["value"].score_function_.at(torch.from_numpy(X_test))
    y = projected_ascent(scored, torch.zeros(scored.space.shape), 8, 0.5)
    np.testing.assert_allclose(y, fitted["value"].predict_proba(X_test), atol=1e-5)


def test_without_held_out_rows_the_last_epoch_stays(documents):
    X, Y, *_ = documents
    model = EnergyMultiLabel("cross_entropy", **{**QUICK, "valid_fraction": 0, "pretrain_epochs": 2}).fit(X, Y)
    assert model.best_epoch_ is None and model.best_score_ is None and 0 < model.threshold_ < 1


def test_a_given_threshold_is_kept(documents):
    X, Y, *_ = documents
    model = EnergyMultiLabel("cross_entropy", **{**QUICK, "threshold": 0.37, "pretrain_epochs": 1}).fit(X, Y)
    assert model.threshold_ == 0.37


def test_ctrl_c_keeps_the_best_so_far(documents, monkeypatch):
    from hybridseq.estimators import energy_training

    calls, real = [], energy_training.cross_entropy_loss

    def stopping(local):
        loss_of = real(local)

        def stopped(x, y):
            calls.append(1)
            if len(calls) == 30:
                raise KeyboardInterrupt
            return loss_of(x, y)

        return stopped

    monkeypatch.setattr(energy_training, "cross_entropy_loss", stopping)
    X, Y, X_test, _ = documents
    model = EnergyMultiLabel("value", **QUICK).fit(X, Y)
    assert len(model.history_) == 2 and model.predict(X_test).shape == (100, Y.shape[1])


def test_a_grid_search_picks_among_trainings(documents):
    X, Y, *_ = documents
    quick = {**QUICK, "pretrain_epochs": 2, "max_epochs": 1}
    search = GridSearchCV(EnergyMultiLabel(**quick), {"training": ["cross_entropy", "value"]}, cv=2)
    assert search.fit(X, Y).best_params_["training"] in ("cross_entropy", "value")


@pytest.mark.parametrize(
    "spoil, message",
    [
        (lambda X, Y: (X, Y[:-1]), "400 of X and 399 of y"),
        (lambda X, Y: (X, 2 * Y), "0 and 1 alone; got 2"),
        (lambda X, Y: (X, Y.astype(float) + 0.5), "0 and 1 alone; got 0.5"),
        (lambda X, Y: (X, Y[:, 0]), r"got shape \(400,\).*MultiLabelBinarizer"),
        (lambda X, Y: (X, Y.astype(str)), "0 and 1 alone, as numbers; got <U"),
        (lambda X, Y: (X, Y.astype(object)), r"as numbers; got object. Convert it: y.astype\(int\)"),
        (lambda X, Y: (X, np.where(Y > 0, np.nan, Y)), "0 and 1 alone; got nan"),
        (lambda X, Y: (X, [[0], [1, 2]] * 200), "rows of several lengths.*MultiLabelBinarizer"),
        (lambda X, Y: (X[:1], Y[:1]), "minimum of 2 is required"),
        (lambda X, Y: (scipy.sparse.csr_array(X), Y[:-1]), "400 of X and 399 of y"),
        (lambda X, Y: (X, Y[:, :0]), "at least one; got 0"),
        (lambda X, Y: (np.where(X[0, 0] == X, np.nan, X), Y), "contains NaN"),
        (lambda X, Y: (np.where(X[0, 0] == X, np.inf, X), Y), "infinity"),
        (lambda X, Y: (X[0], Y), "Expected 2D array"),
    ],
)
def test_bad_data_is_refused(documents, spoil, message):
    X, Y, *_ = documents
    with pytest.raises(ValueError, match=message):
        EnergyMultiLabel(**QUICK).fit(*spoil(X, Y))


@pytest.mark.parametrize(
    "name, value",
    [
        ("training", "crf"),
        ("objective", "hinge"),
        ("cost", "f2"),
        ("hidden_sizes", 300),
        ("hidden_sizes", (0,)),
        ("dropout", 1),
        ("num_patterns", 0),
        ("pretrain_epochs", 0),
        ("max_epochs", 1.5),
        ("batch_size", 0),
        ("learning_rate", 0),
        ("energy_rate", -1),
        ("anchor", -1),
        ("inference_steps", 0),
        ("inference_rate", 0),
        ("gold_share", 1.5),
        ("valid_fraction", 1),
        ("threshold", 1),
        ("decision", "vote"),
        ("device", "nowhere"),
    ],
)
def test_bad_parameters_are_named(documents, name, value):
    X, Y, *_ = documents
    with pytest.raises(ValueError, match=name):
        EnergyMultiLabel(**{**QUICK, name: value}).fit(X, Y)


@pytest.mark.parametrize("training", TRAININGS[1:])
def test_a_second_stage_that_diverges_names_its_rate(documents, training):
    X, Y, *_ = documents
    options = {**QUICK, "pretrain_epochs": 1, "energy_rate": 1e30, "generator_rate": 1e30}
    with pytest.raises(FloatingPointError, match="lower energy_rate"):
        EnergyMultiLabel(training, **options).fit(X, Y)


@pytest.mark.parametrize("training", TRAININGS)
def test_labels_that_no_row_has_are_not_predicted(documents, training):
    X, Y, X_test, _ = documents
    quick = {**QUICK, "pretrain_epochs": 2, "max_epochs": 1}
    rare = EnergyMultiLabel(training, **quick).fit(X, np.zeros_like(Y))
    assert rare.predict(X_test).sum() == 0 and rare.score(X_test, np.zeros((100, Y.shape[1]), int)) == 1
    assert EnergyMultiLabel(training, **quick).fit(X, Y[:, :1]).predict(X_test[:1]).shape == (1, 1)


@pytest.mark.parametrize("training", TRAININGS)
def test_the_global_random_state_is_left_alone(documents, training):
    import torch

    X, Y, X_test, _ = documents
    torch.manual_seed(3)
    before = torch.get_rng_state()
    EnergyMultiLabel(training, **{**QUICK, "pretrain_epochs": 1, "max_epochs": 1}).fit(X, Y).predict(X_test)
    assert torch.equal(before, torch.get_rng_state())


def test_a_classifier_has_no_score_to_decide_by(documents):
    X, Y, *_ = documents
    with pytest.raises(ValueError, match="decision='score' needs a score of whole sets"):
        EnergyMultiLabel("cross_entropy", **{**QUICK, "decision": "score"}).fit(X, Y)


def test_other_data_than_in_training_are_refused(documents, fitted):
    *_, X_test, Y_test = documents
    with pytest.raises(ValueError, match="149 features"):
        fitted["value"].predict(X_test[:, :-1])
    with pytest.raises(ValueError, match="24, as in training; got 23"):
        fitted["value"].score_samples(X_test, Y_test[:, :-1])
    with pytest.raises(ValueError, match="100 of X and 99 of y"):
        fitted["value"].score(X_test, Y_test[:-1])


@pytest.mark.parametrize(
    "check",
    [
        "check_no_attributes_set_in_init",
        "check_parameters_default_constructible",
        "check_get_params_invariance",
        "check_set_params",
        "check_valid_tag_types",
        "check_estimator_repr",
        "check_mixin_order",
        "check_estimator_cloneable",
        "check_estimators_unfitted",
        "check_estimators_pickle",
        "check_estimators_overwrite_params",
        "check_estimators_nan_inf",
        "check_estimators_fit_returns_self",
        "check_complex_data",
        "check_dict_unchanged",
        "check_fit2d_predict1d",
        "check_fit_idempotent",
        "check_fit_check_is_fitted",
        "check_fit_score_takes_y",
        "check_f_contiguous_array_estimator",
        "check_readonly_memmap_input",
        "check_n_features_in",
        "check_n_features_in_after_fitting",
        "check_classifiers_multilabel_representation_invariance",
        "check_classifiers_multilabel_output_format_predict",
        "check_classifiers_multilabel_output_format_predict_proba",
    ],
)
def test_scikit_learns_checks(check):
    quick = EnergyMultiLabel(
        "cross_entropy", hidden_sizes=(8,), pretrain_epochs=2, max_epochs=1, random_state=0, verbose=0
    )
    getattr(estimator_checks, check)("EnergyMultiLabel", quick)
