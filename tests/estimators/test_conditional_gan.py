"""ConditionalGAN: the contract of an estimator, what goes in and out, seeds, saving, errors that tell the remedy."""

import copy
import pickle
import warnings

import numpy as np
import pytest
import scipy.sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import hybridseq as hs
from hybridseq.adversarial.images import CaptionEncoder
from hybridseq.datasets.captioned_shapes import make_captioned_shapes
from hybridseq.estimators.conditional_gan import ConditionalGAN

SMALL = {"width": 4, "max_epochs": 1, "random_state": 0, "verbose": 0}


def stripes(n=32, shape=(8, 8)):
    """Class 0: the upper half is bright; class 1: the lower half; by how much is free."""
    random = np.random.default_rng(0)
    x, y = np.arange(n) % 2, np.zeros((n, *shape), np.float32)
    level = random.uniform(0.5, 1, (n, 1, 1))
    y[x == 0, : shape[0] // 2] = level[x == 0]
    y[x == 1, shape[0] // 2 :] = level[x == 1]
    return x, y


@pytest.fixture(scope="module")
def fitted():
    x, y = stripes()
    return ConditionalGAN(**SMALL).fit(x, y)


def captioned(n=24):
    return make_captioned_shapes(n, random_state=0)


CONDITIONS = {
    "captions": captioned,
    "classes": stripes,
    "strange classes": lambda: (stripes()[0] * 5 - 2, stripes()[1]),
    "vectors": lambda: (np.random.default_rng(0).random((32, 3)), stripes()[1]),
    "pictures": lambda: (stripes()[1][:, :4], stripes()[1][:, 4:]),
    "colours to grey": lambda: (captioned()[1], captioned()[1].mean(3)),
}


@pytest.mark.parametrize("name", CONDITIONS)
@pytest.mark.parametrize(
    "options", [{}, {"generator": "layered", "critic": "concatenated"}, {"training": "regression"}]
)
def test_whatever_goes_in_pictures_come_out(name, options):
    X, Y = CONDITIONS[name]()
    gan = ConditionalGAN(**SMALL, **options).fit(X, Y)
    drawn = gan.sample(X[:3], 4, random_state=0)
    assert drawn.shape == (3, 4, *Y.shape[1:]) and drawn.dtype == np.float32
    assert drawn.min() >= 0 and drawn.max() <= 1
    assert gan.predict(X[:3]).shape == (3, *Y.shape[1:])
    assert gan.score(X, Y) <= 0
    if options.get("training") == "regression":
        assert np.array_equal(drawn[:, 0], drawn[:, 1])
        with pytest.raises(ValueError, match="has no critic"):
            gan.score_samples(X, Y)
    else:
        assert np.abs(drawn[:, 0] - drawn[:, 1]).max() > 0
        assert gan.score_samples(X[:3], Y[:3]).shape == (3,)


def test_it_learns_what_is_asked_for():
    x, y = stripes(64)
    gan = ConditionalGAN(width=8, max_epochs=60, generator_rate=5e-3, averaging=0.9, random_state=0, verbose=0)
    gan.fit(x, y)
    drawn = gan.sample([0, 1], 20, random_state=0)
    upper, lower = drawn[:, :, :4].mean((2, 3)), drawn[:, :, 4:].mean((2, 3))
    assert (upper[0] > lower[0] + 0.3).all() and (lower[1] > upper[1] + 0.3).all()
    # Real pictures beside their conditions score higher than beside the others.
    assert (gan.score_samples(x, y) > gan.score_samples(1 - x, y)).mean() > 0.9


def test_predict_is_the_draw_that_the_critic_likes_best(fitted):
    drawn = fitted.sample([1], fitted.n_draws, random_state=0)[0]
    scores = fitted.score_samples([1] * len(drawn), drawn)
    assert np.array_equal(fitted.predict([1])[0], drawn[scores.argmax()])


def test_score_is_of_the_mean_of_draws(fitted):
    x, y = stripes(6)
    z = np.random.RandomState(0).standard_normal((fitted.n_draws, 16))
    mean = np.mean([fitted.generate(x, [one] * 6) for one in z], axis=0)
    assert fitted.score(x, y) == pytest.approx(-((mean - y) ** 2).mean())


def test_a_condition_is_answered_alike_wherever_it_stands(fitted):
    x, y = stripes(6)
    whole = fitted.predict(x)
    for row in range(6):
        np.testing.assert_allclose(fitted.predict(x[row : row + 1])[0], whole[row], atol=1e-6)
    assert fitted.score(x[::-1], y[::-1]) == pytest.approx(fitted.score(x, y))


@pytest.mark.parametrize("options", [{}, {"spectral": True}, {"generator": "layered"}, {"training": "regression"}])
def test_pickled_and_copied_it_draws_the_same(options):
    x, y = stripes()
    gan = ConditionalGAN(**SMALL, **options).fit(x, y)
    expected = gan.sample([0, 1], 2, random_state=0)
    gan.set_params(width=8, n_draws=2)
    for twin in (pickle.loads(pickle.dumps(gan)), copy.deepcopy(gan)):
        assert np.array_equal(twin.sample([0, 1], 2, random_state=0), expected)
        assert twin.get_params() == gan.get_params() and twin.history_ == gan.history_
        assert (twin.critic_ is None) == (gan.critic_ is None)
        assert np.array_equal(twin.predict([0, 1]), gan.predict([0, 1]))
    assert pickle.loads(pickle.dumps(clone(gan))).get_params() == gan.get_params()


def test_cross_validated_and_in_a_pipeline():
    (captions, images), (_, y) = captioned(), stripes()
    scores = cross_val_score(ConditionalGAN(**SMALL, training="regression"), captions, images, cv=2)
    assert (scores < 0).all()
    search = GridSearchCV(ConditionalGAN(**SMALL), {"noise_size": [2, 3]}, cv=2).fit(*stripes())
    assert search.best_estimator_.generator_.noise_size in (2, 3)
    X = np.random.default_rng(0).random((32, 3))
    assert make_pipeline(StandardScaler(), ConditionalGAN(**SMALL)).fit(X, y).predict(X[:2]).shape == (2, 8, 8)


def test_what_never_varied_in_training_is_not_blown_up():
    """The mean of equal numbers is not quite one of them in floating point."""
    X = np.column_stack([np.full(32, 0.1), np.arange(32)]).astype(np.float32)
    read = ConditionalGAN(**SMALL).fit(X, stripes()[1]).conditions_.encode(X + 1)
    assert read.abs().max() < 10


def test_regression_that_diverges_is_an_error():
    with pytest.raises(FloatingPointError, match="lower generator_rate"):
        ConditionalGAN(**{**SMALL, "max_epochs": 9}, training="regression", generator_rate=1e30).fit(*stripes())


def test_the_seed_decides():
    x, y = stripes()
    one, same = (ConditionalGAN(**SMALL).fit(x, y) for _ in range(2))
    other = ConditionalGAN(**{**SMALL, "random_state": 1}).fit(x, y)
    drawn = [gan.sample([0, 1], 2, random_state=3) for gan in (one, same, other)]
    assert np.array_equal(drawn[0], drawn[1]) and not np.array_equal(drawn[0], drawn[2])
    assert not np.array_equal(drawn[0], one.sample([0, 1], 2, random_state=4))


def test_the_global_random_state_is_left_alone():
    import torch

    x, y = stripes()
    torch.manual_seed(5)
    before = torch.get_rng_state()
    ConditionalGAN(**SMALL).fit(x, y).sample([0])
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("name", CONDITIONS)
@pytest.mark.parametrize("options", [{"spectral": True}, {"generator": "layered"}, {"training": "regression"}])
def test_a_saved_model_draws_the_same(name, options, tmp_path):
    X, Y = CONDITIONS[name]()
    gan = ConditionalGAN(**SMALL, **options).fit(X, Y)
    gan.save(tmp_path / "model")
    loaded = hs.load(tmp_path / "model")
    assert loaded.get_params() == gan.get_params()
    assert np.array_equal(loaded.sample(X[:3], 2, random_state=0), gan.sample(X[:3], 2, random_state=0))
    assert loaded.history_ == gan.history_
    if gan.critic_ is not None:
        assert np.array_equal(loaded.score_samples(X, Y), gan.score_samples(X, Y))


def test_noise_of_ones_own(fitted):
    z = np.random.default_rng(0).standard_normal((2, 16))
    images = fitted.generate([0, 0], np.stack([z[0], z[0]]))
    assert np.allclose(images[0], images[1], atol=1e-6)
    with pytest.raises(ValueError, match=r"\(len\(X\), noise_size\) = \(2, 16\); got \(2, 5\)"):
        fitted.generate([0, 0], z[:, :5])
    with pytest.raises(ValueError, match="not finite"):
        fitted.generate([0, 0], z * np.nan)


def test_inputs_are_not_changed():
    x, y = stripes()
    before = x.copy(), y.copy()
    gan = ConditionalGAN(**SMALL).fit(x, y)
    gan.score_samples(x, y)
    assert np.array_equal(x, before[0]) and np.array_equal(y, before[1])


def test_cloned_and_not_fitted():
    gan = ConditionalGAN("layered", noise_size=7)
    assert clone(gan).get_params() == gan.get_params()
    with pytest.raises(NotFittedError):
        gan.sample([0])


def test_losses_of_both_players_are_told(capsys):
    x, y = stripes()
    gan = ConditionalGAN(**{**SMALL, "verbose": 1}).fit(x, y)
    assert {"critic_loss", "generator_loss", "critic_accuracy", "gradient_norm", "spread"} <= set(gan.history_[0])
    told = capsys.readouterr().err
    assert "D loss" in told and "G loss" in told


def test_interrupted_training_keeps_what_there_is(monkeypatch):
    from hybridseq.estimators import conditional_gan

    class Impatient:
        def __call__(self, row):
            raise KeyboardInterrupt

    monkeypatch.setattr(conditional_gan, "EpochTable", lambda *names: Impatient())
    x, y = stripes()
    gan = ConditionalGAN(**{**SMALL, "max_epochs": 50, "verbose": 1}).fit(x, y)
    assert len(gan.history_) == 1 and gan.sample([0]).shape == (1, 1, 8, 8)


def test_a_critic_that_wins_is_warned_of():
    x, y = stripes()
    options = {**SMALL, "max_epochs": 25, "generator_rate": 1e-9, "averaging": 0.0, "gradient_penalty": 0.0}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        gan = ConditionalGAN(**options, mismatch=0.0).fit(x, y)
    assert any("Lower critic_rate" in str(w.message) for w in caught)
    assert any("Lower critic_rate" in message for message in gan.warnings_)


X, Y = stripes(8)
BAD_PAIRS = {
    "counts": (X[:5], Y, ValueError, "got 5 conditions and 8 pictures"),
    "empty": ([], Y[:0], ValueError, "empty"),
    "too bright": (X, Y * 255, ValueError, "from 0 to 1.*Scale them"),
    "negative": (X, Y - 1, ValueError, "from 0 to 1"),
    "bytes": (X, (Y * 255).astype(np.uint8), TypeError, "divide Y by 255"),
    "not finite": (X, np.where(Y > 0, np.nan, Y), ValueError, "not finite"),
    "flat": (X, Y.reshape(8, 64), ValueError, r"\(n, H, W\)"),
    "ragged": (X, [np.zeros((8, 8)), *np.zeros((7, 4, 4))], ValueError, "pictures of one size"),
    "objects": (X, Y.astype(object), TypeError, "got object: convert it"),
    "no channel": (X, Y[..., None][..., :0], ValueError, r"channels come last; Y has shape \(8, 8, 8, 0\)"),
    "channels first": (X, np.repeat(Y[:, None], 3, 1), ValueError, "channels come last"),
    "sparse": (scipy.sparse.csr_matrix(Y[:, 0]), Y, TypeError, r"make it dense: X.toarray\(\)"),
    "one caption": ("abcdefgh", Y, TypeError, "got str. Put a single one into a list"),
    "tiny": (X, Y[:, :2, :2], ValueError, "at least 4 pixels"),
    "a number": (3, Y, TypeError, "list or an array"),
    "mixed captions": (["a b", 3, *"abcdef"], Y, TypeError, r"X\[1\] must be a caption"),
    "empty caption": (["a", " ", *"abcdef"], Y, TypeError, r"X\[1\] must be a caption"),
    "bright conditions": (Y * 2, Y, ValueError, "pixels of X"),
    "infinite vectors": (np.full((8, 2), np.inf), Y, ValueError, "finite"),
    "strange kind": (np.array([1 + 1j] * 8), Y, TypeError, "expected a list of captions"),
}


@pytest.mark.parametrize("name", BAD_PAIRS)
def test_bad_pairs(name):
    x, y, error, message = BAD_PAIRS[name]
    with pytest.raises(error, match=message):
        ConditionalGAN(**SMALL).fit(x, y)


BAD_PARAMETERS = {
    "generator": "layer",
    "critic": "linear",
    "objective": "margin_rescaled",
    "training": "cross_entropy",
    "noise_size": 0,
    "batch_size": 1,
    "gradient_penalty": -1,
    "mismatch": 1.5,
    "caption_reader": "lstm",
    "max_epochs": 0,
    "critic_rate": 0,
    "spectral": "yes",
}


@pytest.mark.parametrize("name", BAD_PARAMETERS)
def test_bad_parameters(name):
    with pytest.raises(ValueError, match=f"{name} must be"):
        ConditionalGAN(**{**SMALL, name: BAD_PARAMETERS[name]}).fit(X, Y)


def test_conditions_that_training_never_showed(fitted):
    with pytest.raises(ValueError, match=r"class 7 was not in training; its classes are \[0, 1\]"):
        fitted.sample([0, 7])
    with pytest.raises(TypeError, match="class numbers"):
        fitted.sample(["zero"])
    with pytest.raises(ValueError, match="empty"):
        fitted.sample([])
    for single in ("zero", 0, None):
        with pytest.raises(TypeError, match=f"got {type(single).__name__}. Put a single one into a list"):
            fitted.sample(single)
    with pytest.raises(ValueError, match="n must be a whole number"):
        fitted.sample([0], 0)
    with pytest.raises(ValueError, match=r"Y must be pictures \(n, 8, 8\)"):
        fitted.score_samples([0], Y[:1, :, :4])
    captions, images = captioned(8)
    gan = ConditionalGAN(**SMALL).fit(captions, images)
    with pytest.raises(ValueError, match="which training never showed"):
        gan.sample(["a reed circle"])


def test_the_reader_of_captions_is_a_choice():
    captions, images = captioned(8)
    gan = ConditionalGAN(caption_reader="bag", **SMALL).fit(captions, images)
    assert isinstance(gan.generator_.encoder, CaptionEncoder) and gan.generator_.encoder.reader == "bag"
