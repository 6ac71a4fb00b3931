"""The adversarial tagger: scikit-learn's contract, its ways to answer, constraints, save and load, bad input."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import hybridseq as hs
from hybridseq import constraints as C
from hybridseq.adversarial import OBJECTIVES, RELAXATIONS
from hybridseq.estimators.adversarial_parameters import recipe
from hybridseq.estimators.persistence import ModelFolderError
from hybridseq.training.inputs import DataError

QUICK = {
    "hidden_size": 16,
    "word_size": 16,
    "char_encoder": None,
    "max_epochs": 3,
    "adversarial_epochs": 2,
    "random_state": 0,
    "verbose": 0,
}


def quick(**settings):
    return hs.AdversarialTagger(**{**QUICK, **settings})


@pytest.fixture(scope="module")
def data():
    return hs.datasets.make_ticket_booking(160, random_state=0)


@pytest.fixture(scope="module")
def fitted(data):
    X, y = data
    return quick().fit(X[:120], y[:120])


@pytest.fixture(scope="module")
def with_term(data):
    X, y = data
    return quick(term="cnn", noise_size=2).fit(X[:120], y[:120])


def scores(model, X, inference):
    return model.score_samples(X, model.set_params(inference=inference).predict(X))


@pytest.mark.parametrize("which", ["fitted", "with_term"])
def test_no_way_to_answer_scores_below_one_pass_but_where_a_rule_forbids(which, request, data):
    model, X = request.getfixturevalue(which), data[0][150:]
    kept, model.constraint_ = model.constraint_, None
    try:
        once = scores(model, X, "one_pass")
        for way in ("refined", "best_of"):
            assert (scores(model, X, way) >= once - 1e-4).all()
    finally:
        model.constraint_ = kept
        model.set_params(inference="one_pass")


def test_exact_answers_score_highest_and_the_report_knows(fitted, data):
    X, y = data[0][120:], data[1][120:]
    kept, fitted.constraint_ = fitted.constraint_, None
    try:
        exact = scores(fitted, X, "exact")
        assert (exact >= scores(fitted, X, "refined") - 1e-4).all()
        fitted.set_params(inference="one_pass")
        reports = fitted.search_error(X, y)
        gaps = np.concatenate([r.gaps.numpy() for r in reports])
        assert all(r.exact for r in reports) and (gaps >= 0).all()
        assert np.isclose(gaps.sum(), (exact - scores(fitted, X, "one_pass")).sum(), rtol=1e-3)
        faults = torch.cat([r.right.int() + r.search_faults.int() + r.model_faults.int() for r in reports])
        assert (faults == 1).all()
    finally:
        fitted.constraint_ = kept
        fitted.set_params(inference="one_pass")


def test_where_refinement_breaks_a_rule_the_best_that_keeps_it_is_found(fitted, data):
    X = data[0][120:]
    # What the sentences say freely breaks this in most.
    rule = C.count("O", max=3)
    try:
        once, refined, exact = (
            fitted.set_params(inference=w).predict(X, rule) for w in ("one_pass", "refined", "exact")
        )
        scored = [fitted.score_samples(X, answers) for answers in (once, refined, exact)]
        assert all(rule.accepts(labels) and fitted.constraint_.accepts(labels) for labels in refined)
        # Around a chain without a term, Viterbi under the rule is exact.
        np.testing.assert_allclose(scored[1], scored[2], rtol=1e-5)
        assert (scored[1] > scored[0] + 1e-3).any()
    finally:
        fitted.set_params(inference="one_pass")


def test_with_a_term_too_an_answer_around_a_broken_one_keeps_the_rule_and_scores_no_less(with_term, data):
    X, rule = data[0][120:], [C.count("O", max=3) if i % 2 else None for i in range(40)]
    try:
        once, refined = (with_term.set_params(inference=w).predict(X, rule) for w in ("one_pass", "refined"))
        assert all(one is None or one.accepts(labels) for one, labels in zip(rule, refined))
        before, after = with_term.score_samples(X, once), with_term.score_samples(X, refined)
        assert (after >= before - 1e-4).all() and (after > before + 1e-3)[1::2].mean() > 0.5
    finally:
        with_term.set_params(inference="one_pass")


@pytest.mark.parametrize("way", ["one_pass", "refined", "best_of", "exact"])
def test_every_answer_keeps_the_constraint(fitted, data, way):
    X = data[0][120:]
    rule = C.count("O", min=1)
    try:
        found = fitted.set_params(inference=way).predict(X, rule)
    finally:
        fitted.set_params(inference="one_pass")
    assert all(rule.accepts(labels) and fitted.constraint_.accepts(labels) for labels in found)


def test_it_learns():
    X, y = hs.datasets.make_ticket_booking(500, random_state=0)
    model = quick(hidden_size=32, word_size=32, max_epochs=8, batch_size=8).fit(X[:400], y[:400])
    assert model.set_params(inference="refined").score(X[400:], y[400:]) > 0.5
    assert [set(row) >= {"critic_loss", "generator_loss", "score"} for row in model.history_] == [True] * 2


def test_a_seed_repeats_the_fit(data):
    X, y = data
    one, other = (quick(noise_size=2, max_epochs=1, adversarial_epochs=1).fit(X[:40], y[:40]) for _ in range(2))
    for a, b in zip(one.network_.state_dict().values(), other.network_.state_dict().values()):
        assert torch.equal(a, b)


@pytest.mark.parametrize("settings", [{}, {"term": "language_model", "noise_size": 2, "two_heads": False}])
def test_saved_and_loaded_it_answers_alike(data, tmp_path, settings):
    X, y = data
    model = quick(max_epochs=1, adversarial_epochs=1, **settings).fit(X[:40], y[:40])
    model.save(tmp_path / "model")
    loaded = hs.load(tmp_path / "model")
    assert type(loaded) is type(model) and loaded.get_params() == model.get_params()
    for way in ("one_pass", "refined", "best_of"):
        assert loaded.set_params(inference=way).predict(X[:3]) == model.set_params(inference=way).predict(X[:3])
    assert np.array_equal(loaded.score_samples(X[:20], y[:20]), model.score_samples(X[:20], y[:20]))
    assert pickle.loads(pickle.dumps(model)).predict(X[:3]) == model.predict(X[:3])


def test_cross_entropy_alone_leaves_the_chain_as_it_was_and_keeps_the_constraint(data):
    X, y = data
    baseline = quick(objective="cross_entropy", max_epochs=1, adversarial_epochs=1).fit(X[:40], y[:40])
    assert "critic_loss" not in baseline.history_[0] and baseline.scheme_ == "BIO"
    assert all(baseline.constraint_.accepts(labels) for labels in baseline.predict(X[100:]))


def test_a_fitted_chain_is_a_start_and_stays_as_it_is(data):
    X, y = data
    shape = {name: QUICK[name] for name in ("hidden_size", "word_size", "char_encoder")}
    chain = hs.SequenceTagger(max_epochs=2, random_state=0, verbose=0, **shape).fit(X[:80], y[:80])
    before = {name: value.clone() for name, value in chain.network_.state_dict().items()}
    # Labels that only the chain has seen are labels here too.
    model = quick(adversarial_epochs=1).fit(X[:40], y[:40], chain=chain)
    assert model.classes_.tolist() == chain.classes_.tolist() and model.chain_history_ == chain.history_
    assert all(torch.equal(before[name], value) for name, value in chain.network_.state_dict().items())
    still = quick(adversarial_epochs=1, critic_rate=None).fit(X[:40], y[:40], chain=chain)
    assert still.set_params(inference="exact").predict(X[:20]) == chain.predict(X[:20])


@pytest.fixture(scope="module")
def chain(data):
    X, y = data
    shape = {name: QUICK[name] for name in ("hidden_size", "word_size", "char_encoder")}
    return hs.SequenceTagger(max_epochs=2, random_state=0, verbose=0, **shape).fit(X[:40], y[:40])


@pytest.mark.parametrize(
    "settings",
    [
        *({"objective": name} for name in OBJECTIVES),
        *({"relaxation": name} for name in RELAXATIONS),
        {"mismatch": 0.5},
        {"mismatch": 0.5, "objective": "hinge"},
        {"gradient_penalty": 1e-2},
        {"gradient_penalty": 1e-2, "objective": "wasserstein", "term": "cnn"},
        {"search_sweeps": 1},
        {"search_sweeps": 1, "term": "attention", "two_heads": False},
        {"entropy_bonus": 0.1, "critic_steps": 2, "generator_steps": 2},
        {"truncate_generator": True, "truncate_critic": False},
        {"passes": 0, "dropout_in_answers": True},
    ],
    ids=lambda settings: "-".join(map(str, settings.values())),
)
def test_every_objective_and_stabiliser_trains_on_sentences_of_any_length(data, chain, settings):
    X, y = data
    model = quick(adversarial_epochs=1, batch_size=8, **settings).fit(X[:40], y[:40], chain=chain)
    row = model.history_[0]
    assert np.isfinite([row["critic_loss"], row["generator_loss"], row["score"]]).all()
    start = chain.network_.state_dict()
    assert any(not torch.equal(start[k], v) for k, v in model.network_.critic.network.state_dict().items())


@pytest.mark.parametrize(
    "chain, message",
    [
        (hs.SequenceTagger(hidden_size=16), "not fitted"),
        ("chain", "must be a fitted SequenceTagger; got str"),
    ],
)
def test_chains_that_cannot_be_a_start(data, chain, message):
    with pytest.raises((TypeError, NotFittedError), match=message):
        quick().fit(*data, chain=chain)


def test_a_chain_of_another_size_is_named(fitted, data):
    X, y = data
    shape = {name: QUICK[name] for name in ("word_size", "char_encoder")}
    chain = hs.SequenceTagger(hidden_size=8, max_epochs=1, random_state=0, verbose=0, **shape).fit(X[:20], y[:20])
    with pytest.raises(ValueError, match="fitted with hidden_size=8, but here it is 16"):
        quick().fit(X, y, chain=chain)
    plain = hs.SequenceTagger(objective="cross_entropy", max_epochs=1, hidden_size=8, verbose=0, **shape)
    with pytest.raises(ValueError, match="has no chain"):
        quick(hidden_size=8).fit(X, y, chain=plain.fit(X[:20], y[:20]))
    with pytest.raises(DataError, match="strange"):
        quick(hidden_size=8).fit(X[:1], [["strange"] * len(X[0])], chain=chain)


@pytest.mark.parametrize("settings, sweeps", [({}, 0), ({"term": "cnn"}, 2), ({"term": "cnn", "search_sweeps": 0}, 0)])
def test_answers_are_searched_in_training_where_f_has_a_term(settings, sweeps):
    assert recipe(quick(**settings)).search_sweeps == sweeps


def test_parameters_are_only_stored():
    model = quick(objective="hinge", term="attention")
    assert clone(model).get_params() == model.get_params()
    assert not hasattr(model, "partial_fit")


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"objective": "log_loss"}, "objective must be one of 'margin_rescaled'"),
        ({"term": "lstm"}, "term must be one of"),
        ({"inference": "viterbi"}, "inference must be one of 'one_pass'"),
        ({"term": "cnn", "inference": "exact"}, "has none"),
        ({"adversarial_epochs": 0}, "adversarial_epochs"),
        ({"temperature": 0}, "temperature"),
        ({"critic_steps": 0}, "critic_steps must be a whole number"),
        ({"hidden_size": 0}, "hidden_size"),
    ],
)
def test_parameters_that_cannot_be(data, wrong, message):
    with pytest.raises(ValueError, match=message):
        quick(**wrong).fit(*data)


def test_labels_outside_the_set_are_named(fitted, data):
    X = data[0]
    with pytest.raises(ValueError, match="strange"):
        fitted.score_samples(X[:1], [["strange"] * len(X[0])])


def test_counts_must_agree(fitted, data):
    X, y = data
    with pytest.raises(ValueError, match="3"):
        fitted.score_samples(X[:3], y[:2])


def test_a_folder_of_another_kind_is_refused(tmp_path):
    with pytest.raises(ModelFolderError):
        hs.load(tmp_path)
