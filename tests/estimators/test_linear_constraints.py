"""Linear models under constraints, in training and prediction."""

import warnings

import numpy as np
import pytest

import hybridseq as hs
from hybridseq import constraints
from hybridseq.text import DataError
from tests.estimators.linear_models import KINDS, MODELS, arrays, model, named, spans

ROWS, Y = spans()
X = named(ROWS)
X_NEW = named(spans(15, seed=1)[0])
every_model = pytest.mark.parametrize("name", MODELS)
every_kind = pytest.mark.parametrize("name", KINDS)


def with_broken(labels):
    """Y with a label sequence that opens with I-A, at place 4."""
    return [["I-A", *row[1:]] if i == 4 else row for i, row in enumerate(labels)]


@every_model
@pytest.mark.parametrize("wanted", ["auto", "BIO", constraints.scheme("BIO")])
def test_a_scheme_is_kept(name, wanted):
    one = model(name, constraint=wanted).fit(X, Y)
    assert one.constraint_ == constraints.scheme("BIO") and one.scheme_ == "BIO"
    # Tokens that want to be inside, first of all.
    tempted = [[["1"], ["1"], ["2"], ["1"]]] * 3 + X_NEW
    for found in (one.predict(tempted), [paths[0][0] for paths in one.predict_k_best(tempted, 2)]):
        assert all(one.constraint_.accepts(labels) for labels in found)
    free = model(name).fit(X, Y)
    assert free.constraint_ is None and free.scheme_ == "BIO"
    marginals = one.predict_marginals(tempted)[0]
    assert marginals[0, one.classes_.tolist().index("I-A")] == 0
    np.testing.assert_allclose(marginals.sum(1), 1, atol=1e-12)


def test_without_a_scheme_auto_leaves_all_possible():
    y = [["x" if tag == "O" else "y" for tag in row] for row in Y]
    one = model("crf", constraint="auto").fit(X, y)
    assert one.constraint_ is None and one.scheme_ is None


def test_training_knows_of_the_constraint():
    free, bound = model("crf").fit(X, Y), model("crf", constraint="BIO").fit(X, Y)
    # What cannot be does not have to be unlearned.
    assert bound.objective_ < free.objective_


def rules():
    return {
        "pairs": constraints.transitions(forbidden=[("B-A", "O"), ("O", "I-A")]),
        "durations": constraints.run("O", max=2),
        "counts": constraints.count("B-A", max=1),
        "both": constraints.scheme("BIO") & constraints.count("B-A", min=1),
    }


@every_kind
@pytest.mark.parametrize("rule", rules())
def test_predictions_keep_a_constraint_of_ones_own(name, rule):
    wanted = rules()[rule]
    rows = [i for i, labels in enumerate(Y) if wanted.accepts(labels)]
    own, labels = [X[i] for i in rows], [Y[i] for i in rows]
    assert len(rows) > 4
    trained = model(name, constraint=wanted).fit(own, labels)
    later = model(name).fit(own, labels)
    long = [row for row in X_NEW if len(row) > 1]
    for found in (trained.predict(long), later.predict(long, constraint=wanted)):
        assert all(wanted.accepts(labels) for labels in found)
    # The best among all that keep it.
    for row, path in zip(long[:4], later.predict(long[:4], constraint=wanted)):
        every = later.predict_k_best([row], 3 ** len(row))[0]
        assert path == next(labels for labels, _ in every if wanted.accepts(labels))


def test_each_sequence_may_have_its_own_constraint():
    one = model("crf").fit(X, Y)
    rules_ = [None if i % 2 else constraints.at(0, ["B-A"]) for i in range(len(X_NEW))]
    free, found = one.predict(X_NEW), one.predict(X_NEW, constraint=rules_)
    for i, (labels, other) in enumerate(zip(found, free)):
        assert labels == other if i % 2 else labels[0] == "B-A"
    stacked = model("crf").fit(arrays(ROWS), Y)
    lengths = [len(row) for row in ROWS]
    found = stacked.predict(np.concatenate(arrays(ROWS)), lengths, constraint=constraints.count("O", max=0))
    assert "O" not in set(found)
    with pytest.raises(DataError, match="constraint has 2 entries, but X has 15"):
        one.predict(X_NEW, constraint=[None, None])


def test_a_constraint_on_words_is_refused():
    # It would be looked for among features, and bind nothing.
    words = constraints.tokens({"Rome": ["O"]})
    with pytest.raises(ValueError, match=r"speaks of words, and a linear model is given features"):
        model("crf", constraint=words & constraints.count("O", min=1)).fit(X, Y)
    one = model("crf").fit(X, Y)
    for wanted in (words, {"Rome": ["O"]}, [None] * 14 + [words]):
        with pytest.raises(ValueError, match=r"speaks of words"):
            one.predict(X_NEW, constraint=wanted)


# Labels that break it


@every_model
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_training_labels_that_break_it_are_named(name, method):
    with pytest.raises(hs.InfeasibleError, match=r"sentence 4 breaks the constraint .* at position 0") as raised:
        getattr(model(name, constraint="BIO"), method)(X, with_broken(Y))
    assert raised.value.example == 4 and raised.value.position == 0
    lengths = [len(row) for row in ROWS]
    stacked = np.concatenate(arrays(ROWS)), np.concatenate(with_broken(Y)), lengths
    with pytest.raises(hs.InfeasibleError, match="sentence 4 breaks"):
        getattr(model(name, constraint="BIO"), method)(*stacked)


@every_model
def test_skip_is_training_without_them(name):
    without = model(name, constraint="BIO").fit(X[:4] + X[5:], Y[:4] + Y[5:])
    with pytest.warns(UserWarning, match=r"1 of 30 label sequences break the constraint and are left out .*first: 4"):
        one = model(name, constraint="BIO", on_infeasible="skip").fit(X, with_broken(Y))
    assert one.objective_ == pytest.approx(without.objective_, nan_ok=True)
    assert one.state_features_ == pytest.approx(without.state_features_)
    with pytest.raises(hs.InfeasibleError, match="sentence 0 breaks"):
        model(name, constraint=constraints.count("O", max=0), on_infeasible="skip").fit([[["a"]] * 2], [["O", "B-A"]])


@every_model
@pytest.mark.parametrize("choice", ["unconstrained", "relax"])
def test_otherwise_they_are_trained_on_without_what_they_break(name, choice):
    y = with_broken(Y)
    one = model(name, constraint="BIO", on_infeasible=choice).fit(X, y)
    assert np.isfinite(one.coef_).all() and np.abs(one.coef_).max() < 30
    assert all(one.constraint_.accepts(labels) for labels in one.predict(X_NEW))
    if name in ("crf", "sparse crf"):
        # Between knowing nothing of the constraint and that all sequences keep it.
        free = model(name).fit(X, y)
        alone = model(name, constraint="BIO").fit(X[:4] + X[5:], Y[:4] + Y[5:])
        assert alone.objective_ < one.objective_ < free.objective_


def test_what_relaxed_training_minimises():
    y, rule = with_broken(Y), constraints.scheme("BIO")
    one = model("crf", constraint=rule, on_infeasible="relax").fit(X, y)
    total = 0.1 * (one.coef_**2).sum()
    one.constraint_ = None
    for i, (row, labels) in enumerate(zip(X, y)):
        paths = one.predict_k_best([row], 3 ** len(row), constraint=None if i == 4 else rule)[0]
        total -= next(log_prob for path, log_prob in paths if path == labels)
    assert one.objective_ == pytest.approx(total, rel=1e-9)


# Sequences that nothing satisfies


@every_kind
def test_what_nothing_satisfies(name):
    wanted = constraints.count("B-A", min=3)
    short = [row for row in X_NEW if len(row) < 3][:1] + [row for row in X_NEW if len(row) > 4][:2]
    one = model(name).fit(X, Y)
    with pytest.raises(hs.InfeasibleError, match="example 0"):
        one.predict(short, constraint=wanted)
    one.set_params(on_infeasible="skip")
    with pytest.warns(UserWarning, match="1 of 3 sentences are skipped"):
        found = one.predict(short, constraint=wanted)
    assert found[0] is None and all(row.count("B-A") >= 3 for row in found[1:])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert one.predict_marginals(short, constraint=wanted)[0] is None
        assert one.predict_k_best(short, constraint=wanted)[0] is None
    one.set_params(on_infeasible="unconstrained")
    assert one.predict(short, constraint=wanted)[0] == one.predict(short)[0]


def test_a_stacked_answer_with_skipped_sequences_is_a_list():
    one = model("crf", on_infeasible="skip").fit(arrays(ROWS), Y)
    parts = [x for x in arrays(ROWS) if len(x) == 1][:1] + [x for x in arrays(ROWS) if len(x) > 3][:1]
    with pytest.warns(UserWarning, match="1 of 2"):
        found = one.predict(np.concatenate(parts), [len(x) for x in parts], constraint=constraints.count("B-A", min=2))
    assert found[0] is None and found[1].count("B-A") >= 2


def test_skipped_sequences_count_as_wrong():
    one = model("crf", constraint=constraints.scheme("BIO"), on_infeasible="skip").fit(X, Y)
    one.constraint_ = one.constraint_ & constraints.count("B-A", min=1) & constraints.count("O", min=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert 0 <= one.score(X, Y) < 1
