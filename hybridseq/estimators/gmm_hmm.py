"""The hidden Markov model whose states emit frames from a mixture of Gaussians."""

from typing import ClassVar

import numpy as np
from sklearn.utils import check_random_state

from hybridseq.estimators import hmm_checks as checks
from hybridseq.estimators.gaussian_hmm import COVARIANCE_TYPES
from hybridseq.estimators.hmm_base import BaseHMM
from hybridseq.training.hmm import starts
from hybridseq.training.hmm.dense import DenseGaussian, check_positive
from hybridseq.training.hmm.diagonal import DiagonalGaussian
from hybridseq.training.hmm.frames import Frames
from hybridseq.training.hmm.gaussian_prior import GaussianPrior
from hybridseq.training.hmm.mixture import Mixture, MixturePrior
from hybridseq.training.sequences import stack


class GMMHMM(BaseHMM):
    """Hidden Markov model with a mixture of Gaussians for each state.

    Parameters
    ----------
    n_components : int, optional
        The number K of states; None: as many as y has, or 1 without y.
    n_mix : int
        The number M of Gaussians of a state.
    min_covar : float
        What is added to the diagonal of the covariances that training starts from.
    startprob_prior, transmat_prior, weights_prior : float or array
        Dirichlet parameters, at least 1, of starts (K,), of each row of transitions (K, K) and of each state's
        weights (K, M); 1 is no prior.
    means_prior, means_weight : float or array
        The normal prior of the means: its mean, that fits (K, M, D), and how many frames it counts for, (K, M).
    covars_prior, covars_weight : float or array, optional
        The prior of the covariances, none if not given. For variances, the inverse gamma's α and β, that fit (K, M,
        D) for ``"diag"`` and (K, M) for ``"spherical"``; for matrices the inverse Wishart's Ψ and ν, that fit (K, M,
        D, D) and (K, M) for ``"full"``, (K, D, D) and (K,) for ``"tied"``. Give both or neither.
    algorithm : {"viterbi", "map"}
        What ``predict`` gives: the best path, or the most probable state at each row.
    covariance_type : {"diag", "full", "tied", "spherical"}
        As of :class:`GaussianHMM` for each Gaussian; ``"tied"``: one matrix for all of a state.
    random_state, n_iter, tol, verbose, topology, start_states, final_states, training
        See :class:`GaussianHMM`.
    params, init_params : str
        Letters as of :class:`GaussianHMM`, and ``"w"`` for ``weights_``.

    Attributes
    ----------
    startprob_, transmat_, classes_, monitor_
        See :class:`GaussianHMM`.
    weights_ : (K, M) array
        The weights of each state's Gaussians.
    means_ : (K, M, D) array
        Their means.
    covars_ : (K, M), (K, M, D), (K, M, D, D) or (K, D, D) array
        Their covariances: ``"spherical"``, ``"diag"``, ``"full"``, ``"tied"``.

    Notes
    -----
    The M-step is exact: covariances are taken about the new means. O(N·(K² + K·M·D)) an iteration.
    """

    _attributes: ClassVar = {"s": "startprob_", "t": "transmat_", "m": "means_", "c": "covars_", "w": "weights_"}

    def __init__(
        self,
        n_components=None,
        n_mix=1,
        min_covar=1e-3,
        startprob_prior=1.0,
        transmat_prior=1.0,
        weights_prior=1.0,
        means_prior=0.0,
        means_weight=0.0,
        covars_prior=None,
        covars_weight=None,
        algorithm="viterbi",
        covariance_type="diag",
        random_state=None,
        n_iter=10,
        tol=1e-2,
        verbose=False,
        params="stmcw",
        init_params="stmcw",
        *,
        topology=None,
        start_states=None,
        final_states=None,
        training="baum_welch",
    ):
        self.n_components = n_components
        self.n_mix = n_mix
        self.min_covar = min_covar
        self.startprob_prior = startprob_prior
        self.transmat_prior = transmat_prior
        self.weights_prior = weights_prior
        self.means_prior = means_prior
        self.means_weight = means_weight
        self.covars_prior = covars_prior
        self.covars_weight = covars_weight
        self.algorithm = algorithm
        self.covariance_type = covariance_type
        self.random_state = random_state
        self.n_iter = n_iter
        self.tol = tol
        self.verbose = verbose
        self.params = params
        self.init_params = init_params
        self.topology = topology
        self.start_states = start_states
        self.final_states = final_states
        self.training = training

    @property
    def n_features(self) -> int:
        """The number D of columns."""
        return np.shape(self.means_)[2]

    def _stack(self, X, lengths):
        return stack(X, lengths, missing=True)

    def _read(self, stacked):
        return Frames.of(stacked)

    def _width(self):
        return self.n_features

    def _emissions(self, count):
        mixtures = self.n_mix
        weights = checks.distributions("weights_", self.weights_, (count, mixtures))
        means = checks.sized("means_", self.means_, (count, mixtures, -1))
        return self._mixture(weights, means, self.covars_)

    def _mixture(self, weights, means, covars):
        checks.check_choice("covariance_type", self.covariance_type, COVARIANCE_TYPES)
        count, mixtures, width = means.shape
        kind = self.covariance_type
        covars = checks.sized("covars_", covars, self._shapes(count, width)[kind])
        flat = means.reshape(-1, width)
        if kind in ("diag", "spherical"):
            if not (covars > 0).all():
                raise ValueError(f"covars_: variances must be positive; got {covars.min()}")
            covars = covars.reshape(len(flat), -1)
            return Mixture(weights, DiagonalGaussian(flat, np.broadcast_to(covars, flat.shape), kind == "spherical"))
        covars = covars.reshape(-1, width, width)
        for i, matrix in enumerate(covars):
            which = f"state {i}" if kind == "tied" else f"state {i // mixtures}, mixture {i % mixtures}"
            check_positive(matrix, f"covars_, {which}")
        shared = np.arange(len(flat)) if kind == "full" else np.repeat(np.arange(count), mixtures)
        return Mixture(weights, DenseGaussian(flat, covars, shared))

    def _shapes(self, count, width):
        mixtures = self.n_mix
        return {
            "spherical": (count, mixtures),
            "diag": (count, mixtures, width),
            "full": (count, mixtures, width, width),
            "tied": (count, width, width),
        }

    def _start(self, stacked, labels, count):
        checks.check_choice("covariance_type", self.covariance_type, COVARIANCE_TYPES)
        filled = Frames.of(stacked).filled()
        width = filled.shape[1]
        weights = np.full((count, self.n_mix), 1 / self.n_mix)
        if self._keeps("w"):
            weights = checks.distributions("weights_", self.weights_, (count, self.n_mix))
        if self._keeps("m"):
            means = checks.sized("means_", self.means_, (count, self.n_mix, width))
        else:
            means = self._start_means(filled, labels, count)
        if self._keeps("c"):
            covars = self.covars_
        else:
            whole = starts.covariance(filled, self.min_covar)
            value = {"diag": np.diagonal(whole), "spherical": np.diagonal(whole).mean()}.get(
                self.covariance_type, whole
            )
            covars = np.broadcast_to(value, self._shapes(count, width)[self.covariance_type])
        return self._mixture(weights, means, covars)

    def _start_means(self, filled, labels, count):
        """The centres of k-means clusters within each state's frames."""
        if labels is None:
            centres, labels = starts.clusters(filled, count, self.random_state)
        else:
            centres = starts.labelled_means(filled, labels, count)[0]
        random, means = check_random_state(self.random_state), []
        deviations = np.sqrt(np.diagonal(starts.covariance(filled, self.min_covar)))
        for i in range(count):
            own = filled[labels == i]
            if len(own) >= self.n_mix:
                means.append(starts.clusters(own, self.n_mix, self.random_state)[0])
            else:
                means.append(centres[i] + deviations * random.standard_normal((self.n_mix, len(deviations))))
        return np.stack(means)

    def _emission_prior(self, emissions):
        count, mixtures = emissions.weights.shape
        width = emissions.components.means.shape[1]
        shape = (count, mixtures, width)
        weights = checks.concentration("weights_prior", self.weights_prior, (count, mixtures))
        means = checks.shaped("means_prior", self.means_prior, shape).reshape(-1, width)
        mean_weight = checks.shaped("means_weight", self.means_weight, (count, mixtures)).reshape(-1, 1)
        scale, weight = self._covariance_prior(count, width)
        return MixturePrior(weights, GaussianPrior(means, mean_weight, scale, weight))

    def _covariance_prior(self, count, width):
        """The prior's scale and weight, as the components take them."""
        if (self.covars_prior is None) != (self.covars_weight is None):
            raise ValueError("give covars_prior and covars_weight together, or neither")
        kind, mixtures = self.covariance_type, self.n_mix
        shape = self._shapes(count, width)[kind]
        free = self.covars_prior is None
        first = np.zeros(shape) if free else checks.shaped("covars_prior", self.covars_prior, shape)
        if kind in ("diag", "spherical"):
            # hmmlearn's order: the first is the exponent, the second the scale.
            second = np.zeros(shape) if free else checks.shaped("covars_weight", self.covars_weight, shape)
            numbers = 1 if kind == "diag" else width
            weight = np.zeros(shape) if free else numbers + 2 * (first + 1)
            return 2 * second.reshape(count * mixtures, -1), weight.reshape(count * mixtures, -1)
        groups = (count, mixtures) if kind == "full" else (count,)
        second = np.zeros(groups) if free else checks.shaped("covars_weight", self.covars_weight, groups)
        weight = np.zeros(groups) if free else second + width + 1 + (1 if kind == "full" else mixtures)
        return np.swapaxes(first, -1, -2).reshape(-1, width, width), weight.ravel()

    def _values(self, emissions):
        parts = emissions.components
        means = parts.means.reshape(*emissions.weights.shape, -1)
        shape = self._shapes(len(means), means.shape[2])[self.covariance_type]
        if self.covariance_type in ("full", "tied"):
            covars = parts.covariances
        else:
            covars = parts.variances[:, 0] if self.covariance_type == "spherical" else parts.variances
        return {"weights_": emissions.weights, "means_": means, "covars_": np.array(covars).reshape(shape)}

    def _free_emissions(self, count):
        width, each = self.n_features, count * self.n_mix
        matrix = width * (width + 1) // 2
        covars = {"spherical": each, "diag": each * width, "full": each * matrix, "tied": count * matrix}
        return each * width + covars[self.covariance_type] + each - count
