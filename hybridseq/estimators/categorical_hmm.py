"""The hidden Markov model whose states emit symbols."""

from typing import ClassVar

import numpy as np
from sklearn.utils import check_random_state

from hybridseq.estimators import hmm_checks as checks
from hybridseq.estimators.hmm_base import BaseHMM
from hybridseq.text import DataError
from hybridseq.training.hmm import starts
from hybridseq.training.hmm.discrete import Categorical
from hybridseq.training.hmm.labels import MISSING
from hybridseq.training.sequences import is_stacked, place, stack


class CategoricalHMM(BaseHMM):
    """Hidden Markov model with a distribution over symbols for each state.

    Parameters
    ----------
    n_components : int, optional
        The number K of states; None: as many as y has, or 1 without y.
    startprob_prior, transmat_prior : float or array
        Dirichlet parameters, at least 1, of starts (K,) and of each row of transitions (K, K); 1 is no prior.
    emissionprob_prior : float or array
        Dirichlet parameters, at least 1, that fit (K, V). Above 1, no symbol is impossible in any state.
    n_features : int, optional
        The number V of symbols; None: one more than the largest seen in training.
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
    X holds symbols 0 … V-1: arrays (T,) or (T, 1), or a stacked one (N, 1) with lengths. In float arrays NaN is a
    missing symbol, which is integrated out. O(N·K²) an iteration.

    Examples
    --------
    >>> import numpy as np, hybridseq as hs
    >>> X = [np.array([0, 0, 1, 2, 2]), np.array([1, 2, 2])]
    >>> hs.CategoricalHMM(2, random_state=0).fit(X).emissionprob_.shape
    (2, 3)
    """

    _attributes: ClassVar = {"s": "startprob_", "t": "transmat_", "e": "emissionprob_"}

    def __init__(
        self,
        n_components=None,
        startprob_prior=1.0,
        transmat_prior=1.0,
        *,
        emissionprob_prior=1.0,
        n_features=None,
        algorithm="viterbi",
        random_state=None,
        n_iter=10,
        tol=1e-2,
        verbose=False,
        params="ste",
        init_params="ste",
        topology=None,
        start_states=None,
        final_states=None,
        training="baum_welch",
    ):
        self.n_components = n_components
        self.startprob_prior = startprob_prior
        self.transmat_prior = transmat_prior
        self.emissionprob_prior = emissionprob_prior
        self.n_features = n_features
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

    def _stack(self, X, lengths):
        X = _column(X) if is_stacked(X) else [_column(x) for x in X] if isinstance(X, list) else X
        stacked, lengths = stack(X, lengths, missing=True)
        if hasattr(stacked, "tocsr") or stacked.shape[1] != 1:
            raise DataError(
                f"X must hold one symbol a row, (T,) or (T, 1); got {stacked.shape[1]} columns. Rows of counts are for "
                "MultinomialHMM"
            )
        symbols = stacked[:, 0]
        if symbols.dtype.kind == "f":
            symbols = np.where(np.isnan(symbols), MISSING, symbols)
            seen = ~np.isnan(stacked[:, 0])
        else:
            seen = np.ones(len(symbols), bool)
        wrong = seen & ((symbols < 0) | (symbols != np.floor(symbols)))
        if wrong.any():
            self._refuse(stacked, lengths, wrong, "symbols are whole numbers from 0")
        return symbols.astype(np.int64)[:, None], lengths

    def _refuse(self, stacked, lengths, wrong, expected):
        i, position = place(int(np.flatnonzero(wrong)[0]), lengths)
        raise DataError(f"X: sequence {i}, position {position} is {stacked[wrong][0, 0]}; {expected}")

    def _read(self, stacked):
        return stacked[:, 0]

    def _width(self):
        return 1

    def _observe(self, X, lengths):
        count = np.shape(getattr(self, "emissionprob_", np.zeros((0, 0))))[1]
        stacked, lengths_ = self._stack(X, lengths)
        if count and (stacked >= count).any():
            known = f"the model knows 0 to {count - 1}; fit it with a larger n_features"
            self._refuse(stacked, lengths_, stacked[:, 0] >= count, known)
        return super()._observe(X, lengths)

    def _emissions(self, count):
        symbols = np.shape(self.emissionprob_)[-1]
        if self.n_features not in (None, symbols):
            raise ValueError(f"emissionprob_ has {symbols} symbols, but n_features is {self.n_features}")
        return Categorical(checks.distributions("emissionprob_", self.emissionprob_, (count, symbols)))

    def _start(self, stacked, labels, count):
        largest = int(stacked.max())
        symbols = self.n_features
        if self._keeps("e"):
            symbols = np.shape(self.emissionprob_)[-1]
        elif symbols is None:
            symbols = largest + 1
        if largest >= symbols:
            raise DataError(f"X holds the symbol {largest}, but there are {symbols}; raise n_features")
        if symbols < 1:
            raise DataError("X holds no symbol that is not missing")
        if self._keeps("e"):
            return Categorical(checks.distributions("emissionprob_", self.emissionprob_, (count, symbols)))
        if labels is not None:
            both = (labels != MISSING) & (stacked[:, 0] != MISSING)
            counts = np.zeros((count, symbols))
            np.add.at(counts, (labels[both], stacked[both, 0]), 1)
            return Categorical(starts.counted_rows(counts, np.ones(counts.shape)))
        rows = check_random_state(self.random_state).random_sample((count, symbols))
        return Categorical(rows / rows.sum(1, keepdims=True))

    def _emission_prior(self, emissions):
        return checks.concentration("emissionprob_prior", self.emissionprob_prior, emissions.emissions.shape)

    def _values(self, emissions):
        return {"emissionprob_": emissions.emissions}

    def _free_emissions(self, count):
        return count * (np.shape(self.emissionprob_)[1] - 1)


def _column(x):
    """Symbols (T,) as a column: an array of floats too, which hold NaN where one is missing."""
    return x[:, None] if getattr(x, "ndim", 0) == 1 else x
