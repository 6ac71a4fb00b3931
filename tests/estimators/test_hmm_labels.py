"""Hidden Markov models whose states are given, all or some."""

import itertools

import numpy as np
import pytest
from scipy.special import logsumexp

import hybridseq as hs
from hybridseq.text import DataError
from tests.training.hmm.drawn import counts, frames, symbols


def labelled(seed=0):
    return hs.datasets.make_activity_segments(12, random_state=seed)


def test_all_states_given_are_counted():
    X, y = labelled()
    model = hs.GaussianHMM(covars_prior=0).fit(X, y=y)
    rows, names = np.concatenate(X), np.concatenate(y)
    assert model.classes_.tolist() == sorted(set(names)) and model.monitor_.iter == 1 and model.monitor_.converged
    for k, name in enumerate(model.classes_):
        own = rows[names == name].astype(float)
        np.testing.assert_allclose(model.means_[k], own.mean(0), rtol=1e-6)
        np.testing.assert_allclose(np.diagonal(model.covars_[k]), own.var(0), rtol=1e-6)
        pairs = [(a, b) for path in y for a, b in itertools.pairwise(path) if a == name]
        for j, other in enumerate(model.classes_):
            assert model.transmat_[k, j] == pytest.approx(sum(b == other for _, b in pairs) / len(pairs))
        assert model.startprob_[k] == pytest.approx(np.mean([path[0] == name for path in y]))
    predicted = model.predict(X)
    assert set(np.concatenate(predicted)) <= set(names)
    assert np.mean(np.concatenate(predicted) == names) > 0.7


@pytest.mark.parametrize(
    ("cls", "draw", "attribute"), [(hs.CategoricalHMM, symbols, None), (hs.MultinomialHMM, counts, None)]
)
def test_emissions_are_counted(cls, draw, attribute):
    X = draw(lengths=(30, 20))
    y = [np.arange(len(x)) % 3 for x in X]
    model = cls().fit(X, y=y)
    table = np.zeros((3, 4))
    for x, path in zip(X, y):
        if x.ndim == 1:
            np.add.at(table, (path, x), 1)
        else:
            np.add.at(table, path, x)
    np.testing.assert_allclose(model.emissionprob_, table / table.sum(1, keepdims=True))


def test_full_covariances_are_counted():
    X, y = labelled()
    model = hs.GaussianHMM(covariance_type="full", covars_prior=0).fit(X, y=y)
    rows, names = np.concatenate(X), np.concatenate(y)
    for k, name in enumerate(model.classes_):
        np.testing.assert_allclose(model.covars_[k], np.cov(rows[names == name].T, bias=True), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("training", ["baum_welch", "viterbi"])
def test_given_states_bind_the_others(training):
    """One step of EM beside every path that keeps to the labels."""
    X = symbols(lengths=(4, 3))
    y = [[1, None, None, 0], [None, 1, -1]]
    model = hs.CategoricalHMM(init_params="", n_iter=1, training=training)
    random = np.random.default_rng(0)
    start, steps, emit = (random.dirichlet(np.ones(n), size) for n, size in ((2, None), (2, 2), (4, 2)))
    model.startprob_, model.transmat_, model.emissionprob_ = start, steps, emit
    model.fit(X, y=y)
    total, table = 0.0, np.zeros((2, 4))
    for x, given in zip(X, y):
        paths = [
            path
            for path in itertools.product(range(2), repeat=len(x))
            if all(want in (None, -1, state) for want, state in zip(given, path))
        ]
        scores = np.array(
            [
                np.log(start[path[0]] * np.prod(emit[list(path), x]))
                + sum(np.log(steps[a, b]) for a, b in itertools.pairwise(path))
                for path in paths
            ]
        )
        if training == "viterbi":
            paths, scores = [paths[scores.argmax()]], scores[[scores.argmax()]]
        total += logsumexp(scores)
        for path, weight in zip(paths, np.exp(scores - logsumexp(scores))):
            np.add.at(table, (list(path), x), weight)
    assert model.monitor_.history == pytest.approx([total])
    np.testing.assert_allclose(model.emissionprob_, table / table.sum(1, keepdims=True), atol=1e-12)


def test_some_labels_name_the_states():
    X, y = labelled()
    model = hs.GaussianHMM(n_iter=30).fit(X, y=[y[0], y[1], *[None] * 10])
    assert (np.diff(model.monitor_.history) >= 0).all()
    assert model.classes_.tolist() == ["run", "sit", "stand", "walk"]
    right = np.mean(np.concatenate(model.predict(X[2:])) == np.concatenate(y[2:]))
    alone = hs.GaussianHMM().fit(X[:2], y=y[:2])
    assert right > np.mean(np.concatenate(alone.predict(X[2:])) == np.concatenate(y[2:])) - 0.05


def test_a_mixture_learns_within_given_states():
    X, y = labelled()
    model = hs.GMMHMM(n_mix=2, n_iter=8, random_state=0).fit(X, y=y)
    assert model.means_.shape == (4, 2, 3) and (np.diff(model.monitor_.history) >= 0).all()
    names = np.concatenate(y)
    counted = hs.GaussianHMM().fit(X, y=y)
    np.testing.assert_allclose(model.transmat_, counted.transmat_)
    assert np.mean(np.concatenate(model.predict(X)) == names) > 0.7


def test_stacked_labels():
    X = frames()
    y = np.arange(25) % 2
    y[3] = -1
    stacked, lengths = np.concatenate(X), [len(x) for x in X]
    one = hs.GaussianHMM(n_iter=3).fit(stacked, lengths, y=y)
    other = hs.GaussianHMM(n_iter=3).fit(X, y=np.split(y, np.cumsum(lengths)[:-1]))
    np.testing.assert_allclose(one.means_, other.means_)


def test_a_forbidden_transition_in_y_is_named():
    X = frames(lengths=(4, 4))
    with pytest.raises(DataError, match="sequence 1: at position 2 its states go from state 'b' to state 'a', which"):
        hs.GaussianHMM(topology="left_to_right").fit(X, y=[["a", "a", "b", "b"], ["a", "b", "a", "b"]])
    with pytest.raises(DataError, match="sequence 0: its first state is state 'b', which startprob_"):
        hs.GaussianHMM(topology="left_to_right").fit(X, y=[["b", None, None, None], ["a", "a", "b", "b"]])
    with pytest.raises(DataError, match="sequence 1: its last state is state 'a', which is no final state"):
        hs.GaussianHMM(final_states=["b"]).fit(X, y=[["a", "a", "b", "b"], ["a", "b", "a", "a"]])


def test_n_components_must_be_the_classes():
    with pytest.raises(ValueError, match=r"there are 2 states .* n_components is 3"):
        hs.GaussianHMM(3).fit(frames(), y=[[0] * 7, [1], None, None])


def test_y_in_the_place_of_lengths_is_told():
    X, y = labelled()
    with pytest.raises(DataError, match="give states by name"):
        hs.GaussianHMM().fit(X, y)


def test_training_goes_on_without_labels():
    X, y = labelled()
    model = hs.GaussianHMM().fit(X[:4], y=y[:4])
    before = model.score(X)
    model.set_params(init_params="", n_iter=5).fit(X)
    assert model.classes_.tolist() == ["run", "sit", "stand", "walk"] and model.score(X) > before
    assert set(np.concatenate(model.predict(X))) <= set(model.classes_)
