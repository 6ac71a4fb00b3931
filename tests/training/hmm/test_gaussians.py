"""Gaussian components: densities, moments and the M-step, also where numbers are missing."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from hybridseq.training.hmm.dense import DenseGaussian
from hybridseq.training.hmm.diagonal import DiagonalGaussian
from hybridseq.training.hmm.errors import DegenerateError
from hybridseq.training.hmm.frames import Frames
from hybridseq.training.hmm.gaussian_prior import GaussianPrior

C, D = 3, 4


def drawn(kind, seed=0):
    random = np.random.default_rng(seed)
    means = random.normal(size=(C, D))
    if kind == "diagonal":
        return DiagonalGaussian(means, random.gamma(2.0, size=(C, D)))
    roots = random.normal(size=(C if kind == "full" else 1, D, D))
    shared = np.arange(C) if kind == "full" else np.zeros(C, np.int64)
    return DenseGaussian(means, roots @ roots.transpose(0, 2, 1) + 0.1 * np.eye(D), shared)


def matrices(gaussians):
    if isinstance(gaussians, DiagonalGaussian):
        return np.array([np.diag(row) for row in gaussians.variances])
    return gaussians.covariances[gaussians.shared]


def data(rows=50, missing=0.0, seed=1):
    random = np.random.default_rng(seed)
    X = random.normal(size=(rows, D)) * 2 + 5
    return np.where(random.random(X.shape) < missing, np.nan, X)


def prior(gaussians, strength=0.0):
    zero = np.zeros((C, D))
    if isinstance(gaussians, DiagonalGaussian):
        return GaussianPrior(zero, np.full((C, 1), strength), np.full((C, D), strength), np.full((C, D), strength))
    count = len(gaussians.covariances)
    scale = np.repeat(strength * np.eye(D)[None], count, 0)
    return GaussianPrior(zero, np.full((C, 1), strength), scale, np.full(count, strength))


KINDS = "diagonal", "full", "tied"
EVERY = slice(0, 50)
NAMES = ["a", "b", "c"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("missing", [0.0, 0.4])
def test_densities_marginalise_what_is_missing(kind, missing):
    gaussians, X = drawn(kind), data(missing=missing)
    X[7] = np.nan if missing else X[7]
    found, _ = gaussians.log_density(Frames.of(X), EVERY)
    for n, row in enumerate(X):
        seen = ~np.isnan(row)
        for c, matrix in enumerate(matrices(gaussians)):
            expected = 0.0
            if seen.any():
                expected = multivariate_normal(gaussians.means[c, seen], matrix[np.ix_(seen, seen)]).logpdf(row[seen])
            assert found[n, c] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("missing", [False, True])
def test_far_frames_of_narrow_components_keep_their_digits(missing):
    means = np.array([[0.0, 1.0], [1e6, 1.0]])
    gaussians = DiagonalGaussian(means, np.full((2, 2), 1e-4))
    X = np.array([[1e6 + 0.01, 1.0], [0.01, 1.02], [0.0, np.nan if missing else 1.0]])
    frames = Frames.of(X)
    found, _ = gaussians.log_density(frames, slice(0, 3))
    constant = -np.log(2 * np.pi * 1e-4)
    assert found[0, 1] == pytest.approx(constant - 0.5, rel=1e-6)
    assert found[1, 0] == pytest.approx(constant - 2.5, rel=1e-6)
    assert found[2, 0] == pytest.approx(constant / (2 if missing else 1), rel=1e-6)
    moments = gaussians.statistics(frames, slice(0, 3), None, np.array([[0, 1.0], [1, 0], [1, 0]]))
    flat = GaussianPrior(np.zeros((2, 2)), np.zeros((2, 1)), np.full((2, 2), 1e-9), np.zeros((2, 2)))
    best = gaussians.maximise(moments, flat, "mc", "ab")
    assert best.means[0, 0] == pytest.approx(0.005) and best.variances[0, 0] == pytest.approx(0.005**2, rel=1e-3)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("strength", [0.0, 2.5])
def test_the_m_step_is_the_mode(kind, strength):
    gaussians, frames = drawn(kind), Frames.of(data())
    posteriors = np.random.default_rng(2).dirichlet(np.ones(C), 50)
    rule = prior(gaussians, strength)
    best = gaussians.maximise(gaussians.statistics(frames, EVERY, None, posteriors), rule, "mc", NAMES)

    def value(candidate):
        return (posteriors * candidate.log_density(frames, EVERY)[0]).sum() + candidate.log_prior(rule)

    top = value(best)
    for seed in range(6):
        other = drawn(kind, seed)
        means = 0.95 * best.means + 0.05 * other.means
        if kind == "diagonal":
            near = DiagonalGaussian(means, 0.95 * best.variances + 0.05 * other.variances)
        else:
            near = DenseGaussian(means, 0.95 * best.covariances + 0.05 * other.covariances, best.shared)
        assert top > value(near)


def test_moments_add_up_over_blocks():
    gaussians, frames = drawn("diagonal"), Frames.of(data(missing=0.2))
    posteriors = np.random.default_rng(2).dirichlet(np.ones(C), 50)
    whole = gaussians.statistics(frames, EVERY, None, posteriors)
    parts = [gaussians.statistics(frames, part, None, posteriors[part]) for part in (slice(0, 20), slice(20, 50))]
    joined = parts[0] + parts[1]
    for name in ("count", "first", "second", "origin"):
        np.testing.assert_allclose(getattr(joined, name), getattr(whole, name), rtol=1e-10)


@pytest.mark.parametrize("kind", ["full", "tied"])
def test_moments_take_conditional_expectations(kind):
    gaussians, X = drawn(kind), data(rows=1, missing=0.0)
    X[0, [1, 3]] = np.nan
    posteriors = np.array([[0.2, 0.5, 0.3]])
    found = gaussians.statistics(Frames.of(X), slice(0, 1), None, posteriors)
    seen, hidden = np.array([0, 2]), np.array([1, 3])
    for c, matrix in enumerate(matrices(gaussians)):
        gain = matrix[np.ix_(hidden, seen)] @ np.linalg.inv(matrix[np.ix_(seen, seen)])
        filled = X[0].copy()
        filled[hidden] = gaussians.means[c, hidden] + gain @ (X[0, seen] - gaussians.means[c, seen])
        left = np.zeros((D, D))
        left[np.ix_(hidden, hidden)] = matrix[np.ix_(hidden, hidden)] - gain @ matrix[np.ix_(seen, hidden)]
        apart = filled - gaussians.means[c]
        np.testing.assert_allclose(found.first[c], posteriors[0, c] * apart, atol=1e-10)
        np.testing.assert_allclose(found.second[c], posteriors[0, c] * (np.outer(apart, apart) + left), atol=1e-10)


@pytest.mark.parametrize("kind", ["diagonal", "full"])
def test_an_empty_component_stays_and_is_named(kind):
    gaussians, frames = drawn(kind), Frames.of(data())
    posteriors = np.tile([0.5, 0.0, 0.5], (50, 1))
    moments = gaussians.statistics(frames, EVERY, None, posteriors)
    with pytest.warns(UserWarning, match="^b: no frame is expected"):
        best = gaussians.maximise(moments, prior(gaussians), "mc", NAMES)
    assert (best.means[1] == gaussians.means[1]).all() and (matrices(best)[1] == matrices(gaussians)[1]).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_degenerate_covariance_is_named(kind):
    gaussians, X = drawn(kind), data()
    X[:, 2] = 1.5
    frames, posteriors = Frames.of(X), np.random.default_rng(2).dirichlet(np.ones(C), 50)
    moments = gaussians.statistics(frames, EVERY, None, posteriors)
    with pytest.raises(DegenerateError, match=r"^a.*covars_prior"):
        gaussians.maximise(moments, prior(gaussians), "mc", NAMES)


@pytest.mark.parametrize("kind", KINDS)
def test_samples_have_the_moments(kind):
    gaussians = drawn(kind)
    drawn_frames = gaussians.sample(np.full(20000, 1), np.random.RandomState(0))
    np.testing.assert_allclose(drawn_frames.mean(0), gaussians.means[1], atol=0.1)
    np.testing.assert_allclose(np.cov(drawn_frames.T), matrices(gaussians)[1], atol=0.4)
