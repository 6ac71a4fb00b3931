"""The same numbers as hmmlearn, from the same start."""

import logging
import runpy
from pathlib import Path

import numpy as np
import pytest
from hmmlearn import hmm as peers

import hybridseq as hs

STATES, COLUMNS, ITERATIONS = 3, 2, 12
LENGTHS = [40, 25, 1, 60]
KINDS = "diag", "full", "tied", "spherical"


@pytest.fixture(autouse=True)
def quiet():
    logging.getLogger("hmmlearn").setLevel(logging.CRITICAL)


def data(family):
    random = np.random.default_rng(0)
    states = np.repeat(random.integers(STATES, size=sum(LENGTHS)), 4)[: sum(LENGTHS)]
    if family == "CategoricalHMM":
        return (states[:, None] + random.integers(3, size=(len(states), 1))) % 5
    if family == "MultinomialHMM":
        table = random.dirichlet(np.ones(4), STATES)
        return np.array([random.multinomial(random.integers(5, 30), table[state]) for state in states])
    means = 2 * random.normal(size=(STATES, COLUMNS))
    return means[states] + random.normal(size=(len(states), COLUMNS)) @ np.array([[1.0, 0.6], [0.0, 0.8]])


def start(family, kind):
    random = np.random.default_rng(1)
    values = {
        "startprob_": random.dirichlet(np.ones(STATES)),
        "transmat_": random.dirichlet(np.ones(STATES), STATES),
    }
    if family == "CategoricalHMM":
        return values | {"emissionprob_": random.dirichlet(np.ones(5), STATES)}
    if family == "MultinomialHMM":
        return values | {"emissionprob_": random.dirichlet(np.ones(4), STATES)}
    shape = (STATES,) if family == "GaussianHMM" else (STATES, 2)
    values["means_"] = random.permutation(data(family))[: np.prod(shape)].reshape(*shape, COLUMNS)
    if family == "GMMHMM":
        values["weights_"] = random.dirichlet(np.ones(2), STATES)
    return values | {"covars_": covariances(family, kind, shape)}


def covariances(family, kind, shape):
    matrix = np.array([[2.0, 0.3], [0.3, 1.5]])
    if kind == "tied":
        return matrix if family == "GaussianHMM" else np.tile(matrix, (STATES, 1, 1))
    if kind == "full":
        return np.tile(matrix, (*shape, 1, 1))
    return np.full(shape, 1.7) if kind == "spherical" else np.tile([2.0, 1.5], (*shape, 1))


def twins(family, kind, **settings):
    """Both, fitted from the same start."""
    settings = {"n_components": STATES, "init_params": "", "n_iter": ITERATIONS, "tol": -np.inf} | settings
    if kind:
        settings["covariance_type"] = kind
    if family == "GMMHMM":
        settings["n_mix"] = 2
    made = []
    for package in (hs, peers):
        model = getattr(package, family)(**settings)
        for name, value in start(family, kind).items():
            setattr(model, name, value)
        # hmmlearn takes the number of symbols from the data or the attribute, in turns.
        made.append(model.fit(data(family), LENGTHS))
    return made


CASES = [("GaussianHMM", kind, {}) for kind in KINDS]
CASES += [
    ("GaussianHMM", "diag", {"startprob_prior": 2.0, "transmat_prior": 3.0, "means_prior": 0.5, "means_weight": 2.0}),
    ("GaussianHMM", "diag", {"covars_prior": 0.5, "covars_weight": 4.0}),
    ("GaussianHMM", "full", {"covars_prior": 0.4 * np.eye(2), "covars_weight": 5, "means_weight": 1.5}),
    ("GaussianHMM", "tied", {"covars_prior": 0.4 * np.eye(2), "covars_weight": 5, "means_weight": 1.5}),
    ("GaussianHMM", "full", {"params": "st"}),
    ("CategoricalHMM", None, {}),
    ("CategoricalHMM", None, {"emissionprob_prior": 1.5, "params": "te"}),
    ("MultinomialHMM", None, {}),
]
# hmmlearn takes covariances about the old means; with either kept, both do the same.
CASES += [("GMMHMM", kind, {"params": params}) for kind in KINDS for params in ("stmw", "stcw")]
CASES += [("GMMHMM", "diag", {"params": "stmw", "weights_prior": 2.0, "means_prior": 0.3, "means_weight": 2.0})]
CASES += [("GMMHMM", "diag", {"params": "stcw", "covars_prior": 1.5, "covars_weight": 0.7})]
CASES += [("GMMHMM", "full", {"params": "stcw", "covars_prior": np.eye(2), "covars_weight": 3.0})]


def settings_for(family, kind, settings):
    if family == "GMMHMM" and kind == "spherical" and "c" in settings["params"]:
        # hmmlearn's default prior is none only where there are as many columns as components.
        return settings | {"covars_prior": 1.0, "covars_weight": 0.5}
    return settings


@pytest.mark.parametrize(("family", "kind", "settings"), CASES)
def test_every_call_agrees(family, kind, settings):
    ours, theirs = twins(family, kind, **settings_for(family, kind, settings))
    X = data(family)
    np.testing.assert_allclose(ours.monitor_.log_likelihood, list(theirs.monitor_.history), rtol=1e-9)
    for name in start(family, kind):
        if (name, kind) != ("covars_", "spherical"):
            np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-6, atol=1e-9)
    assert ours.score(X, LENGTHS) == pytest.approx(theirs.score(X, LENGTHS), rel=1e-9)
    for mine, other in zip(ours.score_samples(X, LENGTHS), theirs.score_samples(X, LENGTHS)):
        np.testing.assert_allclose(mine, other, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(ours.predict_proba(X, LENGTHS), theirs.predict_proba(X, LENGTHS), rtol=1e-6, atol=1e-9)
    for mine, other in zip(ours.decode(X, LENGTHS), theirs.decode(X, LENGTHS)):
        np.testing.assert_allclose(mine, other, rtol=1e-9)
    assert (ours.decode(X, LENGTHS, "map")[1] == theirs.decode(X, LENGTHS, "map")[1]).all()
    assert (ours.predict(X, LENGTHS) == theirs.predict(X, LENGTHS)).all()
    # hmmlearn counts the free weights of a single state.
    weights = (STATES - 1) * (2 - 1) if family == "GMMHMM" else 0
    assert ours.aic(X, LENGTHS) == pytest.approx(theirs.aic(X, LENGTHS) + 2 * weights)
    assert ours.bic(X, LENGTHS) == pytest.approx(theirs.bic(X, LENGTHS) + np.log(len(X)) * weights)
    np.testing.assert_allclose(ours.get_stationary_distribution(), theirs.get_stationary_distribution(), atol=1e-9)


@pytest.mark.parametrize("family", ["GaussianHMM", "GMMHMM", "CategoricalHMM", "MultinomialHMM"])
def test_the_same_seed_gives_the_same_start(family):
    settings = {"n_components": STATES, "n_iter": 1, "random_state": 3}
    if family == "GMMHMM":
        settings["n_mix"] = 2
    X = data(family)
    ours, theirs = (getattr(package, family)(**settings).fit(X, LENGTHS) for package in (hs, peers))
    assert ours.monitor_.log_likelihood == pytest.approx(list(theirs.monitor_.history), rel=1e-9)


@pytest.mark.parametrize("kind", ["diag", "full", "tied"])
def test_mixtures_stop_at_the_same_places(kind):
    """On different ways: hmmlearn takes covariances about the old means."""
    settings = {"n_components": 2, "n_mix": 2, "covariance_type": kind, "tol": 0.0}
    X = data("GMMHMM")
    theirs = peers.GMMHMM(n_iter=3000, random_state=1, **settings).fit(X, LENGTHS)
    ours = hs.GMMHMM(n_iter=3, init_params="", **settings)
    for name in ("startprob_", "transmat_", "weights_", "means_", "covars_"):
        setattr(ours, name, getattr(theirs, name))
    ours.fit(X, LENGTHS)
    assert ours.monitor_.history == pytest.approx([theirs.monitor_.history[-1]] * ours.monitor_.iter, rel=1e-7)
    np.testing.assert_allclose(ours.means_, theirs.means_, atol=1e-4)


def test_the_script_for_users_finds_no_difference(capsys):
    script = Path(__file__).parents[2] / "examples" / "from_hmmlearn.py"
    assert runpy.run_path(str(script))["main"]() == 0
    assert "DIFFERENT" not in capsys.readouterr().out
