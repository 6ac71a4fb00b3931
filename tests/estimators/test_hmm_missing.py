"""Numbers that are missing are integrated out."""

import numpy as np
import pytest

import hybridseq as hs
from hybridseq.text import DataError
from tests.training.hmm.drawn import counts, frames, symbols, with_gaps


@pytest.mark.parametrize("kind", ["diag", "full", "tied", "spherical"])
def test_a_missing_frame_is_as_if_time_passed_unseen(kind):
    X = frames(lengths=(9, 12))
    model = hs.GaussianHMM(2, kind, random_state=0, covars_prior=0.1 * np.eye(2) if kind in ("full", "tied") else 0.1)
    model.fit(X)
    gone = [x.copy() for x in X]
    gone[0][:3] = np.nan
    # Three steps of the prior, then the rest.
    later = hs.GaussianHMM(2, kind, init_params="")
    later.startprob_ = model.startprob_ @ np.linalg.matrix_power(model.transmat_, 3)
    later.transmat_, later.means_, later._covars_ = model.transmat_, model.means_, model._covars_
    assert model.score([gone[0]]) == pytest.approx(later.score([X[0][3:]]))
    assert model.score([np.full((4, 2), np.nan)]) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("kind", ["diag", "full", "tied", "spherical"])
def test_a_missing_column_is_the_model_of_the_others(kind):
    X = frames(columns=3)
    prior = 0.1 * np.eye(3) if kind in ("full", "tied") else 0.1
    model = hs.GaussianHMM(2, kind, random_state=0, covars_prior=prior).fit(X)
    rest = hs.GaussianHMM(2, "full", init_params="")
    rest.startprob_, rest.transmat_ = model.startprob_, model.transmat_
    rest.means_, rest.covars_ = model.means_[:, [0, 2]], model.covars_[:, [[0], [2]], [0, 2]]
    gone = [np.where([False, True, False], np.nan, x) for x in X]
    assert model.score(gone) == pytest.approx(rest.score([x[:, [0, 2]] for x in X]))


@pytest.mark.parametrize("kind", ["diag", "full"])
def test_training_fills_gaps_well(kind):
    X = frames(lengths=(300, 200), apart=3.0)
    whole = hs.GaussianHMM(3, kind, random_state=0, n_iter=30).fit(X)
    holes = hs.GaussianHMM(3, kind, random_state=0, n_iter=30).fit(with_gaps(X, 0.2))
    order = [np.argmin(((whole.means_ - mean) ** 2).sum(1)) for mean in holes.means_]
    np.testing.assert_allclose(holes.means_, whole.means_[order], atol=0.4)
    np.testing.assert_allclose(holes.covars_, whole.covars_[order], atol=0.6)


def test_all_states_given_still_need_em_where_covariances_fill_gaps():
    X = with_gaps(frames(lengths=(60, 40)))
    y = [np.arange(len(x)) % 2 for x in X]
    model = hs.GaussianHMM(covariance_type="full", n_iter=8).fit(X, y=y)
    assert model.monitor_.iter > 1 and (np.diff(model.monitor_.history) >= 0).all()


def test_missing_symbols_and_counts():
    for cls, X in ((hs.CategoricalHMM, symbols()), (hs.MultinomialHMM, counts())):
        X = [x.astype(float) for x in X]
        model = cls(2, random_state=0).fit(X)
        gone = [x.copy() for x in X]
        gone[0][1:3] = np.nan
        gone[3][:] = np.nan
        assert model.score(gone[3:]) == pytest.approx(0, abs=1e-12)
        history = cls(2, random_state=0).fit(gone).monitor_.history
        assert (np.diff(history) >= 0).all()
        assert all(np.isfinite(p).all() for p in model.predict_proba(gone))
    halves = [np.array([[1.0, np.nan]])]
    with pytest.raises(DataError, match="sequence 0, position 0 lacks some counts"):
        hs.MultinomialHMM(1).fit(halves)
