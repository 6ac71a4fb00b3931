"""Frame scores of mixtures are scipy's log-densities, whatever the sizes of mixtures and however far frames lie."""

import numpy as np
import pytest
import torch
from safetensors.torch import load, save
from scipy.special import logsumexp
from scipy.stats import norm

from hybridseq.speech.start import GMM
from hybridseq.structures.checks import ShapeError
from tests import tolerances


def drawn(sizes, width, seed=0, scale=1.0, shift=0.0):
    random = np.random.default_rng(seed)
    columns = np.repeat(np.arange(len(sizes)), sizes)
    weights = np.concatenate([random.dirichlet(np.ones(n)) for n in sizes])
    means = shift + scale * random.normal(size=(len(columns), width))
    return GMM(means, scale**2 * random.uniform(0.2, 2, means.shape), weights, columns)


def log_densities(gmm, x):
    """(T, P) by scipy, Gaussian by Gaussian."""
    x = np.asarray(x, np.float64)
    each = norm.logpdf(x[:, None], gmm.means, np.sqrt(gmm.variances)).sum(2)
    return np.stack(
        [logsumexp(each[:, gmm.columns == p], b=gmm.weights[gmm.columns == p], axis=1) for p in range(gmm.num_labels)],
        1,
    )


@pytest.mark.parametrize("sizes", [[1], [1, 1, 1], [3], [2, 1, 4, 2, 1], [7, 7]], ids=str)
@pytest.mark.parametrize("width", [1, 39])
def test_frame_scores_are_log_densities(sizes, width):
    gmm = drawn(sizes, width)
    x = np.random.default_rng(1).normal(scale=2, size=(63, width)).astype(np.float32)
    scores = gmm.frame_scores(x)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, log_densities(gmm, x), **tolerances.value(torch.float32) | {"atol": 1e-3})
    np.testing.assert_array_equal(scores, gmm.frame_scores(torch.from_numpy(x)))


@pytest.mark.parametrize(("scale", "shift"), [(1e-6, 0), (1e6, 0), (1.0, 1e5), (1e-3, -1e3)])
def test_units_of_the_features_do_not_matter(scale, shift):
    gmm = drawn([2, 1, 3], 5, scale=scale, shift=shift)
    x = shift + scale * np.random.default_rng(2).normal(size=(20, 5))
    np.testing.assert_allclose(gmm.frame_scores(x), log_densities(gmm, x), rtol=1e-5, atol=1e-3)


def test_frames_far_from_all_gaussians_are_improbable_and_not_impossible():
    gmm = drawn([2, 3], 4)
    x = np.array([[0.0] * 4, [1e3] * 4, [-1e7] * 4])
    scores = gmm.frame_scores(x)
    assert np.isfinite(scores).all()
    np.testing.assert_allclose(scores, log_densities(gmm, x), rtol=1e-5, atol=1e-3)


def test_a_sharp_gaussian_far_from_the_others_keeps_its_digits():
    gmm = GMM([[0.0], [1e4]], [[1.0], [1e-4]], [1.0, 1.0], [0, 1])
    x = 1e4 + 1e-2 * np.arange(-3, 4)[:, None]
    np.testing.assert_allclose(gmm.frame_scores(x)[:, 1], log_densities(gmm, x)[:, 1], atol=1e-3)


def test_a_weight_of_zero_is_no_gaussian():
    gmm = drawn([2, 2], 3)
    without = GMM(gmm.means, gmm.variances, [1.0, 0.0, 0.0, 1.0], gmm.columns)
    x = np.random.default_rng(3).normal(size=(9, 3))
    one = GMM(gmm.means[[0, 3]], gmm.variances[[0, 3]], [1.0, 1.0], [0, 1])
    np.testing.assert_allclose(without.frame_scores(x), one.frame_scores(x), rtol=1e-5, atol=1e-4)


def test_no_frames():
    assert drawn([2, 1], 3).frame_scores(np.zeros((0, 3))).shape == (0, 2)


def test_state_round_trip():
    gmm = drawn([2, 1, 3], 4)
    back = GMM.from_state(load(save(gmm.state())))
    x = np.random.default_rng(4).normal(size=(8, 4))
    np.testing.assert_array_equal(back.frame_scores(x), gmm.frame_scores(x))
    with pytest.raises(ValueError, match="weights are missing"):
        GMM.from_state({name: x for name, x in gmm.state().items() if name != "weights"})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"columns": [0, 2]}, "columns must be sorted"),
        ({"columns": [1, 1]}, "columns must be sorted"),
        ({"variances": [[1.0], [0.0]]}, "variances above 0"),
        ({"variances": [[1.0, 1.0]]}, "same shape"),
        ({"means": [[np.nan], [0.0]]}, "means must be finite"),
        ({"weights": [1.0]}, "weights and columns"),
    ],
)
def test_impossible_parameters(change, message):
    good = {"means": [[0.0], [1.0]], "variances": [[1.0], [1.0]], "weights": [1.0, 1.0], "columns": [0, 1]}
    GMM(**good)
    with pytest.raises(ValueError, match=message):
        GMM(**good | change)


def test_features_are_checked():
    gmm = drawn([1, 1], 3)
    with pytest.raises(ShapeError, match=r"\(T, 3\)"):
        gmm.frame_scores(np.zeros((5, 4)))
    with pytest.raises(ValueError, match=r"features\[1, 2\] is nan"):
        gmm.frame_scores(np.array([[0.0, 0, 0], [0, 0, np.nan]]))
