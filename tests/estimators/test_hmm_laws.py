"""Laws of the HMM estimators: what training and prediction owe, whatever the family."""

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

import hybridseq as hs
from hybridseq.training.hmm.topology import left_to_right
from tests.training.hmm.drawn import counts, frames, symbols, with_gaps

FAMILIES = {
    "diag": (hs.GaussianHMM, {"covariance_type": "diag"}, frames),
    "full": (hs.GaussianHMM, {"covariance_type": "full", "covars_prior": 0.1 * np.eye(2)}, frames),
    "tied": (hs.GaussianHMM, {"covariance_type": "tied", "covars_prior": 0.1 * np.eye(2)}, frames),
    "spherical": (hs.GaussianHMM, {"covariance_type": "spherical"}, frames),
    "mixture": (hs.GMMHMM, {"n_mix": 2, "covars_prior": 1.0, "covars_weight": 0.5}, frames),
    "full mixture": (
        hs.GMMHMM,
        {"n_mix": 2, "covariance_type": "full", "covars_prior": np.eye(2), "covars_weight": 4.0},
        frames,
    ),
    "categorical": (hs.CategoricalHMM, {}, symbols),
    "multinomial": (hs.MultinomialHMM, {}, counts),
}
PRIORS = {"startprob_prior": 1.5, "transmat_prior": 2.0}
laws = settings(max_examples=60, deadline=None, derandomize=True)


def make(family, states=3, **more):
    cls, own, _ = FAMILIES[family]
    return cls(states, random_state=0, **{"n_iter": 15, "tol": 1e-9, **own, **more})


def draw(family, **options):
    return FAMILIES[family][2](**options)


def fitted(family, X, **more):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make(family, **more).fit(X)


@laws
@given(
    family=st.sampled_from(list(FAMILIES)),
    seed=st.integers(0, 99),
    training=st.sampled_from(["baum_welch", "viterbi"]),
    priors=st.booleans(),
    gaps=st.booleans(),
)
def test_the_objective_never_falls(family, seed, training, priors, gaps):
    X = draw(family, seed=seed)
    if gaps and family not in ("categorical", "multinomial"):
        X = with_gaps(X, seed=seed)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="training stops")
        warnings.filterwarnings("ignore", message=".*no frame is expected")
        model = make(family, training=training, **(PRIORS if priors else {})).fit(X)
    history = model.monitor_.history
    assert len(history) >= 2 and (np.diff(history) >= 0).all()
    rows = [
        model.startprob_[None],
        model.transmat_,
        *([model.emissionprob_] if hasattr(model, "emissionprob_") else []),
    ]
    for row in rows:
        np.testing.assert_allclose(row.sum(1), 1)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_order_of_sequences_does_not_matter(family):
    X = draw(family)
    one, other = make(family, init_params=""), make(family, init_params="")
    start = fitted(family, X, n_iter=1)
    for model in (one, other):
        for name in model._attributes.values():
            setattr(model, name, getattr(start, name))
    one.fit(X)
    other.fit(X[::-1])
    assert one.monitor_.history == pytest.approx(other.monitor_.history, rel=1e-10)
    for mine, theirs in zip(one.predict_proba(X), other.predict_proba(X[::-1])[::-1]):
        np.testing.assert_allclose(mine, theirs, atol=1e-7)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_batch_is_its_sequences_one_by_one(family):
    X = draw(family)
    model = fitted(family, X)
    assert model.score(X) == pytest.approx(sum(model.score([x]) for x in X))
    together, paths = model.predict_proba(X), model.predict(X)
    for x, one, path in zip(X, together, paths):
        np.testing.assert_allclose(model.predict_proba([x])[0], one, atol=1e-9)
        assert (model.predict([x])[0] == path).all()


@pytest.mark.parametrize("family", FAMILIES)
def test_a_list_and_a_stacked_array_give_the_same(family):
    X = draw(family)
    stacked, lengths = np.concatenate(X), [len(x) for x in X]
    stacked = stacked[:, None] if stacked.ndim == 1 else stacked
    listed, whole = fitted(family, X), None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = make(family).fit(stacked, lengths)
    assert listed.monitor_.history == whole.monitor_.history
    found = whole.predict(stacked, lengths)
    assert isinstance(found, np.ndarray) and (np.concatenate(listed.predict(X)) == found).all()
    assert whole.predict_proba(stacked, lengths).shape == (len(stacked), 3)
    assert [len(path) for path in listed.predict(X)] == lengths


@pytest.mark.parametrize("family", FAMILIES)
def test_posteriors_and_paths_are_those_of_the_chain(family):
    X = [x[:4] for x in draw(family)]
    model = fitted(family, draw(family))
    inner = model._model()
    for x in X:
        rows, _ = model._stack([x], None)
        density = inner.emissions.log_density(model._read(rows), slice(0, len(rows)))[0]
        scores = [torch.from_numpy(np.log(p)) for p in (inner.transitions, inner.start)]
        truth = hs.BruteForce(torch.from_numpy(density)[None], *scores)
        assert model.score([x]) == pytest.approx(truth.log_partition().item(), abs=1e-8)
        np.testing.assert_allclose(model.predict_proba([x])[0], truth.marginals()[0], atol=1e-8)
        value, path = model.decode([x])
        assert value == pytest.approx(truth.max_score().item(), abs=1e-8)
        assert (path[0] == truth.decode()[0].numpy()).all()
        best = model.predict_k_best([x], 4)[0]
        logs = truth.k_best(4)[1][0] - truth.log_partition()
        assert [value for _, value in best] == pytest.approx(logs[: len(best)].tolist(), abs=1e-8)


@pytest.mark.parametrize("family", ["diag", "categorical"])
@pytest.mark.parametrize("training", ["baum_welch", "viterbi"])
def test_zeros_stay_zero(family, training):
    X = draw(family, lengths=(20, 30, 9))
    model = make(family, topology="left_to_right", training=training, transmat_prior=2.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X)
    assert (model.transmat_[~left_to_right(3)] == 0).all() and model.startprob_.tolist() == [1, 0, 0]
    for path in model.predict(X):
        assert path[0] == 0 and (np.diff(path) >= 0).all() and (np.diff(path) <= 1).all()
    given_zeros = make(family, init_params="mce".replace("e" if family == "diag" else "mc", ""))
    given_zeros.startprob_ = np.array([0.5, 0.5, 0.0])
    given_zeros.transmat_ = np.array([[0.5, 0.5, 0.0], [0.0, 0.5, 0.5], [1.0, 0.0, 0.0]])
    given_zeros.fit(X)
    assert given_zeros.startprob_[2] == 0
    assert (given_zeros.transmat_ == 0).astype(int).tolist() == [[0, 0, 1], [1, 0, 0], [0, 1, 1]]


def test_final_states_end_every_path():
    X = draw("diag", lengths=(20, 30, 9))
    model = make("diag", topology=left_to_right(3, skip=1), start_states=[0], final_states=[2])
    model.fit(X)
    assert all(path[0] == 0 and path[-1] == 2 for path in model.predict(X))
    assert all(probabilities[-1].tolist() == pytest.approx([0, 0, 1]) for probabilities in model.predict_proba(X))
    free = make("diag", init_params="")
    for name in ("startprob_", "transmat_", "means_", "covars_"):
        setattr(free, name, getattr(model, name))
    assert model.score(X) < free.score(X), "ends elsewhere count for nothing"


@pytest.mark.parametrize("family", FAMILIES)
def test_samples_are_the_models(family):
    X = draw(family)
    model = fitted(family, X)
    if family == "multinomial":
        model.n_trials = 6
    drawn, states = model.sample(400, random_state=0)
    again, _ = model.sample(400, random_state=0)
    assert (drawn == again).all() and len(states) == 400
    assert np.isfinite(model.score(drawn)) and drawn.shape[1] == (X[0].shape[1] if X[0].ndim == 2 else 1)
    assert model.sample(3, random_state=0, currstate=2)[1][0] == 2
    pairs = np.zeros((3, 3))
    np.add.at(pairs, (states[:-1], states[1:]), 1)
    often = pairs.sum(1) > 50
    np.testing.assert_allclose(pairs[often] / pairs[often].sum(1, keepdims=True), model.transmat_[often], atol=0.2)


def test_the_stationary_distribution_is():
    model = fitted("diag", draw("diag"))
    share = model.get_stationary_distribution()
    np.testing.assert_allclose(share @ model.transmat_, share, atol=1e-12)
    assert share.sum() == pytest.approx(1)


@pytest.mark.parametrize("family", FAMILIES)
def test_very_long_sequences_do_not_underflow(family):
    X = draw(family, lengths=(20000,))
    model = fitted(family, X, n_iter=2)
    assert np.isfinite(model.score(X))
    np.testing.assert_allclose(model.predict_proba(X)[0].sum(1), 1)


def test_blocks_do_not_change_the_answer(monkeypatch):
    from hybridseq.training.hmm import blocks

    X = with_gaps(frames(lengths=(9, 4, 4, 12, 1, 7)))
    whole = fitted("full", X)
    monkeypatch.setattr(blocks.Blocks.__init__, "__defaults__", (20,))
    parts = fitted("full", X)
    assert parts.monitor_.history == pytest.approx(whole.monitor_.history, rel=1e-9)
    for a, b in zip(parts.predict_proba(X), whole.predict_proba(X)):
        np.testing.assert_allclose(a, b, atol=1e-7)


def test_viterbi_training_is_hard_em():
    """One step by hand: counts along the best paths."""
    X = symbols(lengths=(8, 5, 11))
    start = fitted("categorical", X, n_iter=1)
    paths = start.predict(X)
    model = make("categorical", init_params="", training="viterbi", n_iter=1)
    for name in ("startprob_", "transmat_", "emissionprob_"):
        setattr(model, name, getattr(start, name))
    model.fit(X)
    table = np.zeros((3, 4))
    for x, path in zip(X, paths):
        np.add.at(table, (path, x), 1)
    used = table.sum(1) > 0
    np.testing.assert_allclose(model.emissionprob_[used], table[used] / table[used].sum(1, keepdims=True))
    assert model.monitor_.history == pytest.approx([start.decode(X)[0]])


def test_ctrl_c_keeps_the_last_complete_iteration(monkeypatch):
    from hybridseq.training.hmm import em

    calls, expect = [], em.expect

    def interrupted(*args, **kwargs):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return expect(*args, **kwargs)

    X = draw("diag")
    expected = fitted("diag", X, n_iter=3, tol=-np.inf)
    monkeypatch.setattr(em, "expect", interrupted)
    model = make("diag", tol=-np.inf).fit(X)
    assert model.monitor_.iter == 3
    np.testing.assert_array_equal(model.means_, expected.means_)


def test_a_failed_fit_leaves_the_model():
    X = draw("diag")
    model = fitted("diag", X)
    before, history = model.means_, model.monitor_.history
    with pytest.raises(ValueError, match="the variance is 0"):
        model.set_params(covars_prior=0.0).fit([np.column_stack([x[:, 0], np.zeros(len(x))]) for x in X])
    assert model.means_ is before and model.monitor_.history is history


def test_fit_again_forgets_unless_told():
    X, Y = frames(seed=0), frames(seed=5)
    model = fitted("diag", X)
    fresh = fitted("diag", Y)
    np.testing.assert_array_equal(model.fit(Y).means_, fresh.means_)
    longer = fresh.monitor_.history[-1]
    fresh.set_params(init_params="", n_iter=1).fit(Y)
    assert fresh.monitor_.history[0] >= longer - 1e-9


@pytest.mark.parametrize("family", FAMILIES)
def test_it_is_an_estimator(family):
    model = make(family)
    copy = clone(model)
    assert copy.get_params().keys() == model.get_params().keys() and not hasattr(copy, "startprob_")
