"""The hidden Markov model whose states emit Gaussian frames."""

from typing import ClassVar

import numpy as np

from hybridseq.estimators import hmm_checks as checks
from hybridseq.estimators.hmm_base import BaseHMM
from hybridseq.training.hmm import starts
from hybridseq.training.hmm.dense import DenseGaussian, check_positive
from hybridseq.training.hmm.diagonal import DiagonalGaussian
from hybridseq.training.hmm.frames import Frames
from hybridseq.training.hmm.gaussian_prior import GaussianPrior
from hybridseq.training.sequences import stack

#: The kinds of covariances.
COVARIANCE_TYPES = "spherical", "diag", "full", "tied"


class GaussianHMM(BaseHMM):
    """Hidden Markov model with a Gaussian for each state: segment, cluster or label sequences of frames.

    The calls and names are hmmlearn's; beside them stand labels for some or all rows, lists of sequences, missing
    numbers, topologies, Viterbi training, and constraints on the predicted states.

    Parameters
    ----------
    n_components : int, optional
        The number K of states; None: as many as y has, or 1 without y.
    covariance_type : {"diag", "full", "tied", "spherical"}
        A variance for each column, a matrix for each state, one matrix for all states, a variance for each state.
    min_covar : float
        What is added to the diagonal of the covariances that training starts from.
    startprob_prior, transmat_prior : float or array
        Dirichlet parameters, at least 1, of starts (K,) and of each row of transitions (K, K); 1 is no prior.
    means_prior, means_weight : float or array
        The normal prior of the means: its mean, that fits (K, D), and how many frames it counts for, that fits (K,).
    covars_prior, covars_weight : float or array
        The prior of the covariances, inverse gamma or Wishart: what is added to the sums of squares, and, less 1
        (less D for matrices), to the number of frames.
    algorithm : {"viterbi", "map"}
        What ``predict`` gives: the best path, or the most probable state at each row.
    random_state : int, RandomState or None
        The seed of the start.
    n_iter : int
        The most iterations.
    tol : float
        Training ends when an iteration gains less, in nats.
    verbose : bool
        Whether each iteration is told on standard error.
    params, init_params : str
        The parameters that training changes, and those whose start it finds by itself: ``"s"`` ``startprob_``, ``"t"``
        ``transmat_``, ``"m"`` ``means_``, ``"c"`` ``covars_``. What ``init_params`` leaves out must be set, and its
        zeros stay.
    topology : {"left_to_right"} or (K, K) bool array, optional
        The transitions that are possible; all, if not given. The others are 0 and stay so.
    start_states, final_states : list of int or str, optional
        The states that a sequence may start and end in; all, if not given. ``"left_to_right"`` starts in the first.
    training : {"baum_welch", "viterbi"}
        EM over all paths, or over the best path of each sequence.

    Attributes
    ----------
    startprob_ : (K,) array
        Probabilities of the first state.
    transmat_ : (K, K) array
        ``[i, j]``: probability of state j after state i.
    means_ : (K, D) array
        The states' means.
    covars_ : (K, D, D) array
        The states' covariance matrices.
    classes_ : (K,) array
        The states: 0 … K-1, or those of y.
    monitor_ : ConvergenceMonitor
        ``history``, ``log_likelihood``, ``iter`` and ``converged`` of the fit.

    Notes
    -----
    EM :cite:p:`baum1970` runs all sequences at once on the chain's kernel: O(N·(K² + K·D)) an iteration, O(N·(K² +
    K·D²)) with matrices. ``monitor_.history`` holds what is maximised, the log-likelihood plus the priors'
    log-density (:cite:p:`gauvain1994`; constants left out), and never falls.

    NaN is a number that is missing, at random: it is integrated out. A state that no frame is expected in keeps its
    emissions, with a warning; a covariance that is not positive definite is an error that names the state.

    Examples
    --------
    >>> import hybridseq as hs
    >>> X, y = hs.datasets.make_activity_segments(20, random_state=0)
    >>> model = hs.GaussianHMM(4, random_state=0).fit(X)
    >>> len(model.predict(X)) == len(X)
    True
    >>> named = hs.GaussianHMM().fit(X, y=y[:5] + [None] * 15)
    >>> named.classes_.tolist()
    ['run', 'sit', 'stand', 'walk']
    """

    _attributes: ClassVar = {"s": "startprob_", "t": "transmat_", "m": "means_", "c": "covars_"}

    def __init__(
        self,
        n_components=None,
        covariance_type="diag",
        min_covar=1e-3,
        startprob_prior=1.0,
        transmat_prior=1.0,
        means_prior=0,
        means_weight=0,
        covars_prior=1e-2,
        covars_weight=1,
        algorithm="viterbi",
        random_state=None,
        n_iter=10,
        tol=1e-2,
        verbose=False,
        params="stmc",
        init_params="stmc",
        *,
        topology=None,
        start_states=None,
        final_states=None,
        training="baum_welch",
    ):
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.min_covar = min_covar
        self.startprob_prior = startprob_prior
        self.transmat_prior = transmat_prior
        self.means_prior = means_prior
        self.means_weight = means_weight
        self.covars_prior = covars_prior
        self.covars_weight = covars_weight
        self.algorithm = algorithm
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
        return np.shape(self.means_)[1]

    @property
    def covars_(self) -> np.ndarray:
        """The states' covariance matrices (K, D, D), whatever the type.

        It may be set to these, or in the type's own shape: (K,), (K, D), (K, D, D) or (D, D).
        """
        if not hasattr(self, "_covars_"):
            raise AttributeError("covars_ is not set; call fit, or set it")
        count, width = np.shape(self.means_)
        own = np.asarray(self._covars_, np.float64)
        if self.covariance_type == "tied":
            return np.repeat(own[None], count, 0)
        if self.covariance_type == "full":
            return own.copy()
        return np.eye(width) * (own[:, :, None] if own.ndim == 2 else own[:, None, None])

    @covars_.setter
    def covars_(self, covars):
        self._covars_ = np.array(covars, np.float64)

    def _stack(self, X, lengths):
        return stack(X, lengths, missing=True)

    def _read(self, stacked):
        return Frames.of(stacked)

    def _width(self):
        return self.n_features

    def _emissions(self, count):
        return self._gaussians(self.means_, self._covars_, count)

    def _gaussians(self, means, covars, count):
        means = checks.sized("means_", means, (count, -1))
        covars = self._own_shape(covars, count, means.shape[1])
        if self.covariance_type == "full":
            return DenseGaussian(means, covars, np.arange(count))
        if self.covariance_type == "tied":
            return DenseGaussian(means, covars[None], np.zeros(count, np.int64))
        if covars.ndim == 1:
            covars = np.repeat(covars[:, None], means.shape[1], 1)
        return DiagonalGaussian(means, covars, self.covariance_type == "spherical")

    def _own_shape(self, covars, count, width):
        """Checked covariances in their type's own shape, which matrices for all states are brought to."""
        checks.check_choice("covariance_type", self.covariance_type, COVARIANCE_TYPES)
        covars, kind = np.asarray(covars, np.float64), self.covariance_type
        if covars.shape == (count, width, width) and kind != "full":
            covars = {
                "tied": lambda: covars[0],
                "diag": lambda: np.diagonal(covars, axis1=1, axis2=2),
                "spherical": lambda: covars[:, 0, 0],
            }[kind]()
        shape = {"full": (count, width, width), "tied": (width, width), "diag": (count, width), "spherical": (count,)}
        covars = checks.sized("covars_", covars, shape[kind])
        if kind in ("full", "tied"):
            if not np.allclose(covars, np.swapaxes(covars, -1, -2)):
                raise ValueError("covars_: a covariance matrix must be symmetric")
            for i, matrix in enumerate(covars.reshape(-1, width, width)):
                check_positive(matrix, f"covars_, state {i}" if kind == "full" else "covars_")
        elif not (covars > 0).all():
            raise ValueError(f"covars_: variances must be positive; got {covars.min()}")
        return covars

    def _start(self, stacked, labels, count):
        checks.check_choice("covariance_type", self.covariance_type, COVARIANCE_TYPES)
        if self._keeps("m") and self._keeps("c"):
            return self._gaussians(self.means_, self._covars_, count)
        filled = Frames.of(stacked).filled()
        whole = starts.covariance(filled, self.min_covar)
        if labels is not None:
            means, scatter, rows = starts.labelled_means(filled, labels, count)
            # Few labelled frames tell little of the spread: all frames stand by for D + 1 of them.
            weight = filled.shape[1] + 1
            whole = (scatter + weight * whole) / (rows + weight)
        elif not self._keeps("m"):
            means = starts.clusters(filled, count, self.random_state)[0]
        if self._keeps("m"):
            means = self.means_
        covars = {
            "full": lambda: np.repeat(whole[None], count, 0),
            "tied": lambda: whole,
            "diag": lambda: np.repeat(np.diagonal(whole)[None], count, 0),
            "spherical": lambda: np.full(count, np.diagonal(whole).mean()),
        }[self.covariance_type]
        return self._gaussians(means, self._covars_ if self._keeps("c") else covars(), count)

    def _emission_prior(self, emissions):
        count, width = emissions.means.shape
        means = checks.shaped("means_prior", _columns(self.means_prior, count, width), (count, width))
        mean_weight = checks.shaped("means_weight", self.means_weight, (count,))[:, None]
        weight = float(checks.shaped("covars_weight", self.covars_weight, ()))
        if self.covariance_type in ("diag", "spherical"):
            scale = checks.shaped("covars_prior", self.covars_prior, (count, width))
            weights = np.full((count, width), max(weight - 1, 0.0))
            if self.covariance_type == "spherical":
                scale, weights = scale.sum(1, keepdims=True), weights.sum(1, keepdims=True)
            return GaussianPrior(means, mean_weight, scale, weights)
        matrices = len(emissions.covariances)
        scale = checks.shaped("covars_prior", self.covars_prior, (matrices, width, width))
        return GaussianPrior(means, mean_weight, scale, np.full(matrices, max(weight - width, 0.0)))

    def _values(self, emissions):
        if self.covariance_type == "full":
            covars = emissions.covariances
        elif self.covariance_type == "tied":
            covars = emissions.covariances[0]
        else:
            covars = emissions.variances[:, 0] if self.covariance_type == "spherical" else emissions.variances
        return {"means_": emissions.means, "_covars_": np.array(covars)}

    def _free_emissions(self, count):
        width = self.n_features
        matrix = width * (width + 1) // 2
        covars = {"spherical": count, "diag": count * width, "full": count * matrix, "tied": matrix}
        return count * width + covars[self.covariance_type]


def _columns(value, count, width):
    """A prior of (K,) numbers, one a state, as a column; hmmlearn takes either."""
    return np.asarray(value)[:, None] if np.shape(value) == (count,) and count != width else value
