"""A conditional GAN of small pictures with the face of a scikit-learn estimator."""

import math

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from hybridseq.adversarial.gan_losses import GAN_LOSSES
from hybridseq.adversarial.images.regression import train_regression
from hybridseq.adversarial.recipe import TwoPlayers
from hybridseq.adversarial.train import train_two_players
from hybridseq.estimators.card import describe_parameters, plain
from hybridseq.estimators.epoch_table import EpochTable
from hybridseq.estimators.gan_conditions import check_listed, conditions_from_json, conditions_to_json, learn_conditions
from hybridseq.estimators.gan_images import check_pictures, to_images, to_tensor
from hybridseq.estimators.gan_networks import CRITICS, GENERATORS, build_players
from hybridseq.estimators.numbers import check_number
from hybridseq.estimators.persistence import write_model
from hybridseq.nn.names import choose
from hybridseq.training.schedule import SCHEDULES
from hybridseq.training.seeds import seeded

#: Steps that training takes where ``max_epochs`` is None.
_STEPS = 8000
_ROWS = 256
_TOLD = "epoch", "critic_loss", "generator_loss", "critic_accuracy", "spread", "seconds"


class ConditionalGAN(BaseEstimator):
    """Draw pictures of what is asked for: a generator G(x, z) against a critic F(x, y) :cite:p:`mirza2014`.

    The generator is the inference step of F: it answers a condition with a picture that F scores high, and F is trained
    to score real pictures above its answers, and above real pictures of other conditions.

    Parameters
    ----------
    generator : {"convolutional", "layered"}
        ``"convolutional"`` grows a picture stage by stage; ``"layered"`` paints shapes of one colour each over a
        background, at places and in sizes of their own.
    critic : {"projection", "concatenated"}
        How F compares: by an inner product of the vectors of condition and picture, or by a network that reads both.
    objective : {"non_saturating", "hinge", "least_squares", "wasserstein"}
        The loss of both players.
    training : {"gan", "regression"}
        ``"regression"`` trains the generator alone, to the least squared error, without noise: the baseline, whose
        answer to a condition is the mean of its pictures.
    noise_size : int
        Components of z.
    width : int
        Channels of the networks' largest pictures; other sizes follow from it.
    layers : int
        How many a ``"layered"`` generator paints.
    caption_reader : {"attention", "gru", "bag"}
        What reads captions, see :class:`~hybridseq.adversarial.images.CaptionEncoder`.
    spectral : bool
        Spectral norm of the critic's layers.
    gradient_penalty : float
        Weight of the squared norm of ∂F/∂y at real pictures :cite:p:`mescheder2018`; for ``"wasserstein"`` of
        (norm − 1)² between real and made ones :cite:p:`gulrajani2017`.
    mismatch : float
        The share of what F is to reject that is real pictures beside other conditions :cite:p:`reed2016`; 0 to 1.
    anchor, anchor_end : float
        Weight of the generator's own squared error beside the GAN's loss, at first and at the end.
    critic_steps : int
        Steps of the critic a batch.
    generator_rate, critic_rate : float
        Adam's learning rates.
    averaging : float
        Decay, a step, of the average of the generator's weights that is kept; 0: the last weights.
    batch_size : int
    max_epochs : int, optional
        Passes over the data; None: some 8,000 steps.
    schedule : {"cosine", "linear", "constant"}
        Of the learning rates.
    n_draws : int
        Of how many draws ``predict`` takes the one that F scores highest.
    random_state : int, RandomState or None
        The same number gives the same model on the same machine.
    verbose : int
        0 is silent; 1 shows a progress table on standard error.

    Attributes
    ----------
    generator_, critic_
        The fitted networks; ``critic_`` is None with ``training="regression"``.
    conditions_
        What reads conditions.
    image_shape_ : tuple of int
        (H, W) or (H, W, C).
    history_ : list of dict
        Both losses, the share of pairs where F scores the real picture higher, the generator's gradient norm, the mean
        squared difference of two draws, and seconds, of each epoch.
    warnings_ : list of str
        What went wrong while training, and remedies; also issued as ``CollapseWarning``.

    Notes
    -----
    X is a list of captions, of class numbers, an array of vectors (n, D), or of pictures; Y an array of pictures
    (n, H, W) or (n, H, W, C) from 0 to 1. Ctrl-C while fitting keeps the weights so far. A fit that fails leaves the
    fitted model as it was.

    Examples
    --------
    >>> import hybridseq as hs
    >>> captions, images = hs.datasets.make_captioned_shapes(64, random_state=0)
    >>> gan = hs.ConditionalGAN("layered", max_epochs=1, random_state=0, verbose=0).fit(captions, images)
    >>> gan.sample(captions[:2], 5, random_state=0).shape
    (2, 5, 16, 16, 3)
    """

    def __init__(
        self,
        generator="convolutional",
        critic="projection",
        objective="non_saturating",
        training="gan",
        *,
        noise_size=16,
        width=32,
        layers=2,
        caption_reader="attention",
        spectral=False,
        gradient_penalty=0.2,
        mismatch=0.5,
        anchor=0.0,
        anchor_end=0.0,
        critic_steps=1,
        generator_rate=2e-3,
        critic_rate=2e-3,
        averaging=0.998,
        batch_size=32,
        max_epochs=None,
        schedule="cosine",
        n_draws=8,
        random_state=None,
        verbose=1,
    ):
        self.generator = generator
        self.critic = critic
        self.objective = objective
        self.training = training
        self.noise_size = noise_size
        self.width = width
        self.layers = layers
        self.caption_reader = caption_reader
        self.spectral = spectral
        self.gradient_penalty = gradient_penalty
        self.mismatch = mismatch
        self.anchor = anchor
        self.anchor_end = anchor_end
        self.critic_steps = critic_steps
        self.generator_rate = generator_rate
        self.critic_rate = critic_rate
        self.averaging = averaging
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.schedule = schedule
        self.n_draws = n_draws
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X, Y):
        """Fit anew on pairs of a condition and a picture.

        Parameters
        ----------
        X : list of str, (n,) ints, (n, D) floats, or pictures
            Conditions.
        Y : (n, H, W) or (n, H, W, C) float array
            Pictures, from 0 to 1.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            Where X and Y are not as many, pixels are out of range, or a parameter is not usable.
        """
        self._check()
        Y = check_pictures("Y", Y)
        _check_counts("X", X, Y)
        conditions = learn_conditions(X)
        x, y = conditions.encode(X), to_tensor(Y)
        seed = int(check_random_state(self.random_state).randint(2**31))
        shape = Y.shape[1:]
        with seeded(seed):
            # The most frequent colour, about.
            background = y.transpose(0, 1).flatten(1).median(1).values
            generator, critic = build_players(self, conditions, shape, background)
            told = EpochTable(*_TOLD) if self.verbose else None
            batches, recipe = _Batches(x, y, self.batch_size), self._recipe(len(y))
            if critic is None:
                trained = train_regression(generator, batches, recipe, told=told, seed=seed)
            else:
                trained = train_two_players(generator, critic, batches, recipe, told=told, seed=seed)
        self.generator_, self.critic_, self.conditions_ = trained.generator, trained.critic, conditions
        self.image_shape_, self.history_, self.warnings_ = shape, trained.history, trained.warnings
        self._fitted_with = self.get_params(deep=False)
        return self

    def sample(self, X, n=1, random_state=None):
        """Draw pictures.

        Parameters
        ----------
        X
            Conditions, as in :meth:`fit`.
        n : int
            Pictures of each.
        random_state : int, RandomState or None
            Of z.

        Returns
        -------
        (len(X), n, H, W) or (len(X), n, H, W, C) float32 array
            From 0 to 1.
        """
        x = self._read(X)
        check_number("n", n, least=1, whole=True)
        return self._draw(x, check_random_state(random_state).standard_normal((len(x), n, self.generator_.noise_size)))

    def generate(self, X, z):
        """The pictures of conditions and of noise that you choose, one each.

        Parameters
        ----------
        X
            Conditions, as in :meth:`fit`.
        z : (len(X), noise_size) array
            Standard normal in training.

        Returns
        -------
        (len(X), H, W) or (len(X), H, W, C) float32 array

        Raises
        ------
        ValueError
            Where z has another shape.
        """
        x, z = self._read(X), np.asarray(z, np.float32)
        wanted = len(x), self.generator_.noise_size
        if z.shape != wanted:
            raise ValueError(
                f"z must have shape (len(X), noise_size) = {wanted}; got {z.shape}. Draw it: "
                f"numpy.random.default_rng(0).standard_normal({wanted})."
            )
        if not np.isfinite(z).all():
            raise ValueError("z has numbers that are not finite; noise is standard normal.")
        return self._paint(x, z)

    def predict(self, X):
        """The best picture of each condition: of ``n_draws`` draws, the one that F scores highest.

        The draws of z are the same for every condition and every call.

        Returns
        -------
        (len(X), H, W) or (len(X), H, W, C) float32 array
        """
        x = self._read(X)
        drawn = self._same_draws(x)
        if self.critic_ is None:
            return drawn[:, 0]
        scores = self._judge(x.repeat_interleave(drawn.shape[1], 0), drawn.reshape(-1, *self.image_shape_))
        best = scores.reshape(len(drawn), -1).argmax(1)
        return drawn[np.arange(len(drawn)), best]

    def score_samples(self, X, Y):
        """F(x, y) of each pair.

        Returns
        -------
        (n,) float array
            Higher is better; only differences between pairs mean something.

        Raises
        ------
        ValueError
            Where X and Y are not as many, or there is no critic.
        """
        check_is_fitted(self, "generator_")
        if self.critic_ is None:
            raise ValueError("training='regression' has no critic to score pairs with; use training='gan', or score().")
        return self._judge(self._read(X), self._pictures(X, Y))

    def score(self, X, Y):
        """Minus the mean squared error, a pixel, of the mean of ``n_draws`` draws.

        One number, higher is better, of both kinds of training. It tells how near the centre of the draws is, and
        nothing of how real or how varied they are. The draws are those of :meth:`predict`.
        """
        check_is_fitted(self, "generator_")
        Y = self._pictures(X, Y)
        mean = self._same_draws(self._read(X)).mean(1)
        return -float(((mean - Y) ** 2).mean())

    def save(self, folder):
        """Save to a folder, which :func:`hybridseq.load` reads.

        Parameters
        ----------
        folder : path
            Made, or replaced where a model stands there.
        """
        check_is_fitted(self, "generator_")
        state = {
            "conditions": conditions_to_json(self.conditions_),
            "image_shape": list(self.image_shape_),
            "history": [{k: plain(v) for k, v in row.items()} for row in self.history_],
            "warnings": self.warnings_,
        }
        card = {"estimator": type(self).__name__, **describe_parameters(self._fitted_with), "state": state}
        write_model(folder, card, self._tensors())

    def __getstate__(self):
        state = dict(super().__getstate__())
        if "generator_" in state:
            # Modules with spectral norm cannot be pickled; their tensors can.
            state["_players"] = self._tensors()
            del state["generator_"], state["critic_"]
        return state

    def __setstate__(self, state):
        state = dict(state)
        players = state.pop("_players", None)
        super().__setstate__(state)
        if players is not None:
            own = type(self)(**self._fitted_with)
            self._rebuild(own, players)

    def _tensors(self):
        players = {"generator": self.generator_, "critic": self.critic_}
        return {
            f"{name}.{key}": value
            for name, player in players.items()
            if player is not None
            for key, value in player.state_dict().items()
        }

    def _restore(self, state, tensors):
        self.conditions_ = conditions_from_json(state["conditions"])
        self.image_shape_ = tuple(state["image_shape"])
        self.history_, self.warnings_ = state["history"], state["warnings"]
        self._rebuild(self, tensors)
        self._fitted_with = self.get_params(deep=False)

    def _rebuild(self, fitted_with, tensors):
        """The players of the parameters that an estimator holds, with weights by name."""
        with torch.random.fork_rng(devices=[]):
            self.generator_, self.critic_ = build_players(fitted_with, self.conditions_, self.image_shape_)
        for name, player in {"generator": self.generator_, "critic": self.critic_}.items():
            if player is not None:
                own = {k.removeprefix(f"{name}."): v for k, v in tensors.items() if k.startswith(f"{name}.")}
                player.load_state_dict(own)
                player.eval()

    def _check(self):
        choose("generator", self.generator, GENERATORS)
        choose("critic", self.critic, CRITICS)
        choose("objective", self.objective, GAN_LOSSES)
        choose("training", self.training, {"gan": True, "regression": True})
        choose("caption_reader", self.caption_reader, {"attention": True, "gru": True, "bag": True})
        choose("schedule", self.schedule, SCHEDULES)
        for name in ("noise_size", "width", "layers", "critic_steps", "n_draws"):
            check_number(name, getattr(self, name), least=1, whole=True)
        check_number("batch_size", self.batch_size, least=2, whole=True)
        check_number("max_epochs", self.max_epochs, least=1, whole=True, optional=True)
        for name in ("generator_rate", "critic_rate"):
            check_number(name, getattr(self, name), above=0)
        for name in ("gradient_penalty", "anchor", "anchor_end"):
            check_number(name, getattr(self, name), least=0)
        for name in ("mismatch", "averaging"):
            check_number(name, getattr(self, name), least=0)
            if getattr(self, name) > 1:
                raise ValueError(f"{name} must be a number from 0 to 1; got {getattr(self, name)!r}")
        if not isinstance(self.spectral, bool | np.bool_):
            raise ValueError(f"spectral must be True or False; got {self.spectral!r}")

    def _recipe(self, count):
        epochs = self.max_epochs or max(1, math.ceil(_STEPS / math.ceil(count / self.batch_size)))
        return TwoPlayers(
            objective=self.objective,
            critic_steps=self.critic_steps,
            critic_rate=self.critic_rate,
            generator_rate=self.generator_rate,
            betas=(0.0, 0.99),
            schedule=self.schedule,
            anchor=self.anchor,
            anchor_end=self.anchor_end,
            gradient_penalty=self.gradient_penalty,
            penalty_at="between" if self.objective == "wasserstein" else "gold",
            mismatch=self.mismatch,
            averaging=self.averaging,
            clip_norm=None,
            epochs=epochs,
        )

    def _read(self, X):
        check_is_fitted(self, "generator_")
        check_listed("X", X)
        if len(X) == 0:
            raise ValueError("X is empty: give at least one condition.")
        return self.conditions_.encode(X)

    def _pictures(self, X, Y):
        Y = check_pictures("Y", Y)
        _check_counts("X", X, Y)
        if Y.shape[1:] != tuple(self.image_shape_):
            wanted = ", ".join(map(str, self.image_shape_))
            raise ValueError(f"Y must be pictures (n, {wanted}), as in training; got shape {Y.shape}.")
        return Y

    def _draw(self, x, z):
        """Pictures (len(x), n, …) of noise (len(x), n, noise_size)."""
        n = z.shape[1]
        images = self._paint(x.repeat_interleave(n, 0), z.astype(np.float32).reshape(len(x) * n, -1))
        return images.reshape(len(x), n, *self.image_shape_)

    def _same_draws(self, x):
        check_number("n_draws", self.n_draws, least=1, whole=True)
        n = 1 if self.critic_ is None else self.n_draws
        z = np.random.RandomState(0).standard_normal((1, n, self.generator_.noise_size))
        return self._draw(x, np.repeat(z, len(x), 0))

    def _paint(self, x, z):
        parts = []
        with torch.no_grad():
            for start in range(0, len(x), _ROWS):
                noise = torch.from_numpy(z[start : start + _ROWS]) if self.generator_.noise_size else None
                parts.append(self.generator_(x[start : start + _ROWS], noise))
        return to_images(torch.cat(parts), self.image_shape_)

    def _judge(self, x, images):
        y = to_tensor(images)
        with torch.no_grad():
            parts = [self.critic_.score(x[i : i + _ROWS], y[i : i + _ROWS]) for i in range(0, len(x), _ROWS)]
        return torch.cat(parts).numpy()


class _Batches:
    """Pairs in an order that is drawn anew for each epoch; a last batch of one pair is left out."""

    def __init__(self, x, y, size):
        self.x, self.y, self.size = x, y, size

    def __call__(self, rng):
        order = torch.from_numpy(rng.permutation(len(self.y)))
        for chosen in order.split(self.size):
            if len(chosen) > 1 or len(order) == 1:
                yield self.x[chosen], self.y[chosen]


def _check_counts(name, X, Y):
    check_listed(name, X)
    if len(X) != len(Y):
        raise ValueError(f"{name} and Y must be as many; got {len(X)} conditions and {len(Y)} pictures.")
    if len(X) == 0:
        raise ValueError(f"{name} is empty: give at least one pair of a condition and a picture.")
