import numpy as np
import pytest

import hybridseq as hs
from tests.training.hmm.drawn import counts, frames, symbols

MODELS = {
    "diag": (lambda: hs.GaussianHMM(3, random_state=0, means_prior=[0.0, 1.0]), frames),
    "full": (lambda: hs.GaussianHMM(3, "full", random_state=np.random.RandomState(0), covars_prior=np.eye(2)), frames),
    "tied": (lambda: hs.GaussianHMM(3, "tied", random_state=0, covars_prior=np.eye(2)), frames),
    "spherical": (lambda: hs.GaussianHMM(3, "spherical", random_state=0), frames),
    "left to right": (lambda: hs.GaussianHMM(2, topology=np.array([[1, 1], [0, 1]]), final_states=[1]), None),
    "mixture": (lambda: hs.GMMHMM(2, 2, random_state=0, covars_prior=1.0, covars_weight=1.0), frames),
    "categorical": (lambda: hs.CategoricalHMM(2, random_state=0, n_features=6), symbols),
    "multinomial": (lambda: hs.MultinomialHMM(2, n_trials=6, random_state=0), counts),
}


@pytest.mark.parametrize("kind", MODELS)
def test_a_loaded_model_is_the_saved_one(kind, tmp_path):
    make, draw = MODELS[kind]
    X = frames(lengths=(9, 14)) if draw is None else draw()
    model = make().fit(X)
    model.save(tmp_path / "model")
    loaded = hs.load(tmp_path / "model")
    assert type(loaded) is type(model) and loaded.score(X) == model.score(X)
    assert all((a == b).all() for a, b in zip(loaded.predict(X), model.predict(X)))
    assert loaded.monitor_.history == model.monitor_.history and loaded.monitor_.converged == model.monitor_.converged
    assert loaded.classes_.tolist() == model.classes_.tolist()
    assert loaded.bic(X) == model.bic(X) and loaded.n_features_in_ == model.n_features_in_
    first, again = (m.sample(5, random_state=1)[0] for m in (loaded, model))
    assert (first == again).all()


def test_classes_keep_their_names(tmp_path):
    X, y = hs.datasets.make_activity_segments(5, random_state=0)
    model = hs.GaussianHMM().fit(X, y=y)
    model.save(tmp_path / "model")
    loaded = hs.load(tmp_path / "model")
    assert loaded.predict(X)[0].tolist() == model.predict(X)[0].tolist()


def test_parameters_set_by_hand_are_a_model(tmp_path):
    model = hs.CategoricalHMM(2)
    model.startprob_, model.transmat_ = [0.5, 0.5], [[0.9, 0.1], [0.2, 0.8]]
    model.emissionprob_ = [[0.5, 0.5], [0.1, 0.9]]
    model.save(tmp_path / "model")
    assert hs.load(tmp_path / "model").score([np.array([0, 1])]) == model.score([np.array([0, 1])])
