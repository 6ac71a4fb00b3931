"""What cannot be used is named, with the remedy."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

import hybridseq as hs
from hybridseq.text import DataError
from tests.training.hmm.drawn import counts, frames, symbols

PARAMETERS = {
    "n_components": ({"n_components": 0}, "n_components must be a whole number of at least 1; got 0"),
    "n_iter": ({"n_iter": 2.5}, "n_iter must be a whole number"),
    "tol": ({"tol": "x"}, "tol must be a number"),
    "min_covar": ({"min_covar": -1}, "min_covar must be a number of at least 0; got -1"),
    "algorithm": ({"algorithm": "best"}, r"algorithm must be one of \['viterbi', 'map'\]"),
    "training": ({"training": "em"}, "training must be one of"),
    "params": ({"params": "stx"}, "params must be some of the letters 'stmc'"),
    "covariance_type": ({"covariance_type": "round"}, "covariance_type must be one of"),
    "startprob_prior": ({"startprob_prior": 0.5}, "startprob_prior must be at least 1"),
    "transmat_prior": ({"transmat_prior": np.ones((2, 3))}, "transmat_prior must be a number, or an array that fits"),
    "means_prior": ({"means_prior": np.nan}, "means_prior must be finite"),
    "topology": ({"topology": "ring"}, "topology must be one of"),
    "topology shape": ({"topology": np.ones((3, 3))}, r"topology must be .* \(2, 2\)"),
    "dead end": ({"topology": np.array([[1, 1], [0, 0]])}, "lets nothing follow state 1"),
    "start states": ({"start_states": [2]}, "start_states must name states"),
    "final states": ({"final_states": []}, "final_states must hold a state"),
}


@pytest.mark.parametrize("case", PARAMETERS)
def test_parameters(case):
    given, message = PARAMETERS[case]
    with pytest.raises(ValueError, match=message):
        hs.GaussianHMM(**{"n_components": 2, **given}).fit(frames())


def by_hand(**changed):
    model = hs.GaussianHMM(2, init_params="")
    values = {
        "startprob_": [0.5, 0.5],
        "transmat_": np.full((2, 2), 0.5),
        "means_": np.zeros((2, 2)),
        "covars_": np.ones((2, 2)),
    }
    for name, value in {**values, **changed}.items():
        setattr(model, name, value)
    return model


ATTRIBUTES = {
    "start": ({"startprob_": [0.5, 0.6]}, "startprob_: probabilities that sum to 1"),
    "states": ({"startprob_": [0.5, 0.2, 0.3]}, "has 3 states, but n_components is 2"),
    "row": ({"transmat_": [[0.5, 0.5], [0.5, 0.4]]}, "transmat_, row 1: probabilities that sum to 1"),
    "negative": ({"transmat_": [[1.5, -0.5], [0.5, 0.5]]}, "transmat_"),
    "means": ({"means_": np.zeros((3, 2))}, r"means_ must be finite, with shape \(2, 'any'\); got shape \(3, 2\)"),
    "covars": ({"covars_": np.ones((2, 3))}, r"covars_ must be finite, with shape \(2, 2\)"),
    "zero": ({"covars_": np.zeros((2, 2))}, "variances must be positive"),
}


@pytest.mark.parametrize("case", ATTRIBUTES)
def test_attributes_set_by_hand(case):
    changed, message = ATTRIBUTES[case]
    with pytest.raises(ValueError, match=message):
        by_hand(**changed).score(frames())


def test_matrices_set_by_hand():
    model = by_hand().set_params(covariance_type="full")
    model.covars_ = np.array([np.eye(2), [[1.0, 2.0], [2.0, 1.0]]])
    with pytest.raises(ValueError, match="covars_, state 1: the covariance matrix is not positive definite"):
        model.score(frames())
    model.covars_ = np.array([np.eye(2), [[1.0, 0.2], [0.0, 1.0]]])
    with pytest.raises(ValueError, match="symmetric"):
        model.score(frames())


def test_covariances_of_one_model_fit_another():
    for kind in ("diag", "tied", "spherical", "full"):
        model = hs.GaussianHMM(2, kind, random_state=0, covars_prior=0.1).fit(frames(lengths=(40,)))
        other = by_hand().set_params(covariance_type=kind)
        for name in ("startprob_", "transmat_", "means_", "covars_"):
            setattr(other, name, getattr(model, name))
        assert other.score(frames()) == pytest.approx(model.score(frames()))


def test_what_is_not_fitted_says_what_it_lacks():
    with pytest.raises(NotFittedError, match="GaussianHMM has no startprob_ yet; call fit, or set"):
        hs.GaussianHMM(2).predict(frames())
    with pytest.raises(NotFittedError, match="CategoricalHMM has no startprob_"):
        hs.CategoricalHMM(2).score(symbols())


def test_zeros_outside_the_topology_must_be_given():
    with pytest.raises(ValueError, match=r"transmat_\[1\]\[0\] is 0.5, but topology forbids it"):
        by_hand().set_params(topology="left_to_right", start_states=[0, 1]).fit(frames())
    with pytest.raises(ValueError, match=r"startprob_\[1\] is 0.5, but start_states forbids it"):
        by_hand().set_params(topology="left_to_right").fit(frames())


def test_a_start_that_fit_overwrites_is_told():
    model = hs.GaussianHMM(2, random_state=0)
    model.means_ = np.zeros((2, 2))
    with pytest.warns(UserWarning, match="means_ is set, but .* leaving 'm' out of init_params"):
        model.fit(frames())


def test_data():
    model = hs.GaussianHMM(2, random_state=0).fit(frames())
    with pytest.raises(DataError, match="X has 3 columns, but the model knows 2"):
        model.predict(frames(columns=3))
    with pytest.raises(DataError, match="sequence 1, position 0, column 0 is inf"):
        model.fit([np.zeros((2, 1)), np.full((1, 1), np.inf)])
    with pytest.raises(DataError, match="lengths add up to 3"):
        model.fit(np.zeros((4, 2)), [1, 2])
    with pytest.raises(DataError, match="3 states need at least as many frames; got 2"):
        hs.GaussianHMM(3).fit(np.zeros((2, 2)))
    with pytest.raises(ValueError, match="k must be"):
        model.predict_k_best(frames(), 0)
    with pytest.raises(ValueError, match="algorithm must be one of"):
        model.decode(frames(), algorithm="best")
    with pytest.raises(ValueError, match="currstate must be one of"):
        model.sample(2, currstate=7)


SYMBOLS = {
    "negative": ([np.array([0, -1])], "sequence 0, position 1 is -1; symbols are whole numbers"),
    "fraction": ([np.array([[0.0], [0.5]])], "sequence 0, position 1 is 0.5"),
    "columns": ([np.zeros((2, 3), int)], "one symbol a row.*MultinomialHMM"),
    "all missing": ([np.full((2, 1), np.nan)], "no symbol that is not missing"),
}


@pytest.mark.parametrize("case", SYMBOLS)
def test_symbols(case):
    X, message = SYMBOLS[case]
    with pytest.raises(DataError, match=message):
        hs.CategoricalHMM(1).fit(X)


def test_unknown_symbols():
    model = hs.CategoricalHMM(2, random_state=0).fit(symbols(count=4))
    with pytest.raises(DataError, match="sequence 1, position 0 is 9; the model knows 0 to 3"):
        model.predict([np.array([1]), np.array([9])])
    with pytest.raises(DataError, match="symbol 3, but there are 2; raise n_features"):
        hs.CategoricalHMM(2, n_features=2).fit(symbols(count=4))


COUNTS = {
    "negative": ([np.array([[1, -1]])], {}, "sequence 0, position 0 holds -1"),
    "trials": ([np.array([[1, 1], [1, 2]])], {"n_trials": 2}, "position 1 adds up to 3, but n_trials is 2"),
}


@pytest.mark.parametrize("case", COUNTS)
def test_counts(case):
    X, given, message = COUNTS[case]
    with pytest.raises(DataError, match=message):
        hs.MultinomialHMM(1, **given).fit(X)


def test_sampling_counts_needs_their_sum():
    model = hs.MultinomialHMM(2, random_state=0).fit(counts())
    with pytest.raises(ValueError, match="sample needs n_trials"):
        model.sample(3)


def test_what_is_impossible_is_named():
    model = hs.CategoricalHMM(2)
    model.startprob_, model.transmat_ = [1.0, 0.0], [[0.0, 1.0], [0.0, 1.0]]
    model.emissionprob_ = [[1.0, 0.0], [0.5, 0.5]]
    X = [np.array([0, 1]), np.array([1, 0])]
    assert model.score(X) == -np.inf
    for algorithm in ("viterbi", "map"):
        with pytest.raises(DataError, match="sequence 1: no path of states emits it"):
            model.decode(X, algorithm=algorithm)
    with pytest.raises(DataError, match="sequence 1: no path of states emits it"):
        model.set_params(init_params="").fit(X)
    np.testing.assert_allclose(model.predict_proba(X)[0].sum(1), 1)


def test_too_short_for_the_topology():
    model = hs.GaussianHMM(4, topology="left_to_right", final_states=[3], random_state=0)
    with pytest.raises(DataError, match="sequence 1: with length 3 it is too short for the topology"):
        model.fit(frames(lengths=(9, 3, 12)))


def test_degenerate_covariances_name_the_state():
    X = frames(lengths=(30, 30))
    X = [np.column_stack([x, np.zeros(len(x))]) for x in X]
    with pytest.raises(ValueError, match=r"state 0, column 2: the variance is 0 over .* larger covars_prior"):
        hs.GaussianHMM(2, covars_prior=0, random_state=0).fit(X)
    with pytest.raises(ValueError, match=r"state 0: the covariance matrix is not positive definite over"):
        hs.GaussianHMM(2, "full", covars_prior=0, random_state=0).fit(X)
    with pytest.raises(ValueError, match=r"state 0, state 1: the covariance matrix is not positive definite"):
        hs.GaussianHMM(2, "tied", covars_prior=0, random_state=0).fit(X)
    assert np.isfinite(hs.GaussianHMM(2, random_state=0).fit(X).score(X)), "the default prior holds it up"


def test_an_empty_state_is_named():
    model = by_hand(means_=[[0.0, 0.0], [1e3, 1e3]], startprob_=[1.0, 0.0])
    with pytest.warns(UserWarning, match="^state 1: no frame is expected there"):
        model.fit(frames())
    assert model.means_[1].tolist() == [1e3, 1e3]


def test_mixture_priors_come_together():
    with pytest.raises(ValueError, match="covars_prior and covars_weight together"):
        hs.GMMHMM(2, 2, covars_prior=1.0).fit(frames())
