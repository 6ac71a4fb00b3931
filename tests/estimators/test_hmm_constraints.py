"""Prediction under constraints."""

import numpy as np
import pytest

import hybridseq as hs
from hybridseq import constraints as C
from tests.training.hmm.drawn import frames


@pytest.fixture(scope="module")
def model():
    return hs.GaussianHMM(3, random_state=0).fit(frames(lengths=(40, 30), apart=1.0))


def runs(path):
    edges = np.flatnonzero(np.diff(path)) + 1
    return np.diff([0, *edges, len(path)])


X = frames(seed=3, lengths=(12, 7, 20), apart=1.0)


def test_durations_hold(model):
    least = C.run(C.each, min=4)
    for path in model.predict(X, constraint=least):
        assert (runs(path) >= 4).all() and path.dtype.kind == "i"
    for path, _ in model.predict_k_best(X, 3, constraint=least)[2]:
        assert (runs(path) >= 4).all()
    free, bound = model.decode(X)[0], model.decode(X, constraint=least)[0]
    assert bound < free


def test_a_path_that_keeps_it_is_its_own_answer(model):
    paths = model.predict(X)
    value, found = model.decode(X, constraint=[C.at(0, str(path[0])) for path in paths])
    assert value == pytest.approx(model.decode(X)[0])
    assert all((a == b).all() for a, b in zip(paths, found))


def test_posteriors_under_a_constraint(model):
    found = model.predict_proba(X, constraint=C.at(0, "1"))
    for free, bound in zip(model.predict_proba(X), found):
        assert bound[0].tolist() == pytest.approx([0, 1, 0])
        np.testing.assert_allclose(bound.sum(1), 1)
        assert free.shape == bound.shape
    stacked = model.predict_proba(np.concatenate(X), [12, 7, 20], constraint=C.at(0, "1"))
    np.testing.assert_allclose(stacked, np.concatenate(found))


def test_the_most_probable_states_under_a_constraint(model):
    for path in model.decode(X, algorithm="map", constraint=C.at(-1, "2"))[1]:
        assert path[-1] == 2


def test_states_have_names():
    X, y = hs.datasets.make_activity_segments(8, random_state=0)
    model = hs.GaussianHMM().fit(X, y=y)
    for path in model.predict(X, constraint=C.run("run", min=6) & C.never("sit run")):
        assert path.dtype.kind == "U"
        text = " ".join(path)
        assert "sit run" not in text
    best = model.predict_k_best(X[:1], 2)[0]
    assert best[0][1] >= best[1][1] and set(best[0][0]) <= set(model.classes_)


def test_what_nothing_satisfies_is_named(model):
    with pytest.raises(hs.InfeasibleError, match="1"):
        model.predict(X, constraint=C.run(C.each, min=8))
