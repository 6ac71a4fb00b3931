"""The hidden Markov model whose states emit counts of symbols."""

from typing import ClassVar

import numpy as np
from sklearn.utils import check_random_state

from hybridseq.estimators import hmm_checks as checks
from hybridseq.estimators.hmm_base import BaseHMM
from hybridseq.text import DataError
from hybridseq.training.hmm import starts
from hybridseq.training.hmm.discrete import Counts, Multinomial
from hybridseq.training.hmm.labels import MISSING
from hybridseq.training.sequences import place, stack


class MultinomialHMM(BaseHMM):
    """Hidden Markov model with a multinomial distribution over counts of symbols for each state.

    Parameters
    ----------
    n_components : int, optional
        The number K of states; None: as many as y has, or 1 without y.
    n_trials : int, optional
        The sum of every row of X; None: rows may have different sums, and ``sample`` needs it.
    startprob_prior, transmat_prior, emissionprob_prior : float or array
        Dirichlet parameters, at least 1, of starts (K,), of each row of transitions (K, K) and of each state's
        symbols (K, V); 1 is no prior.
    algorithm, random_state, n_iter, tol, verbose, topology, start_states, final_states, training
        See :class:`GaussianHMM`.
    params, init_params : str
        ``"s"`` ``startprob_``, ``"t"`` ``transmat_``, ``"e"`` ``emissionprob_``.

    Attributes
    ----------
    startprob_, transmat_, classes_, monitor_
        See :class:`GaussianHMM`.
    emissionprob_ : (K, V) array
        Probabilities of symbols in each state.

    Notes
    -----
    X holds counts (T, V). A row of NaN is missing, and integrated out. O(N·(K² + K·V)) an iteration.
    """

    _attributes: ClassVar = {"s": "startprob_", "t": "transmat_", "e": "emissionprob_"}

    def __init__(
        self,
        n_components=None,
        n_trials=None,
        startprob_prior=1.0,
        transmat_prior=1.0,
        algorithm="viterbi",
        random_state=None,
        n_iter=10,
        tol=1e-2,
        verbose=False,
        params="ste",
        init_params="ste",
        *,
        emissionprob_prior=1.0,
        topology=None,
        start_states=None,
        final_states=None,
        training="baum_welch",
    ):
        self.n_components = n_components
        self.n_trials = n_trials
        self.startprob_prior = startprob_prior
        self.transmat_prior = transmat_prior
        self.algorithm = algorithm
        self.random_state = random_state
        self.n_iter = n_iter
        self.tol = tol
        self.verbose = verbose
        self.params = params
        self.init_params = init_params
        self.emissionprob_prior = emissionprob_prior
        self.topology = topology
        self.start_states = start_states
        self.final_states = final_states
        self.training = training

    @property
    def n_features(self) -> int:
        """The number V of symbols."""
        return np.shape(self.emissionprob_)[1]

    def _stack(self, X, lengths):
        stacked, lengths = stack(X, lengths, missing=True)
        if hasattr(stacked, "tocsr"):
            raise DataError("X must be dense here; convert it: X.toarray()")
        lost = np.isnan(stacked)
        wrong = (stacked < 0) | (stacked != np.floor(stacked)) & ~lost
        if wrong.any():
            self._refuse(lengths, wrong.any(1), f"holds {stacked[wrong][0]}; counts are whole numbers from 0")
        if (wrong := lost.any(1) & ~lost.all(1)).any():
            self._refuse(lengths, wrong, "lacks some counts; a row is missing as a whole, all NaN")
        sums = np.where(lost, 0, stacked).sum(1)
        if self.n_trials is not None and (wrong := ~lost.any(1) & (sums != self.n_trials)).any():
            self._refuse(lengths, wrong, f"adds up to {sums[wrong][0]:g}, but n_trials is {self.n_trials}")
        return stacked, lengths

    def _refuse(self, lengths, wrong, what):
        i, position = place(int(np.flatnonzero(wrong)[0]), lengths)
        raise DataError(f"X: sequence {i}, position {position} {what}")

    def _read(self, stacked):
        return Counts.of(stacked)

    def _width(self):
        return self.n_features

    def _emissions(self, count):
        return Multinomial(checks.distributions("emissionprob_", self.emissionprob_, (count, self.n_features)))

    def _start(self, stacked, labels, count):
        shape = count, stacked.shape[1]
        if self._keeps("e"):
            return Multinomial(checks.distributions("emissionprob_", self.emissionprob_, shape))
        if labels is not None:
            counts, given = np.zeros(shape), labels != MISSING
            np.add.at(counts, labels[given], np.nan_to_num(stacked[given]))
            return Multinomial(starts.counted_rows(counts, np.ones(shape)))
        rows = check_random_state(self.random_state).random_sample(shape)
        return Multinomial(rows / rows.sum(1, keepdims=True))

    def _emission_prior(self, emissions):
        return checks.concentration("emissionprob_prior", self.emissionprob_prior, emissions.emissions.shape)

    def _values(self, emissions):
        return {"emissionprob_": emissions.emissions}

    def _free_emissions(self, count):
        return count * (self.n_features - 1)

    def _draw(self, emissions, states, random):
        if self.n_trials is None:
            raise ValueError("sample needs n_trials, the sum of a row; set it")
        return emissions.sample(states, random, self.n_trials)
