"""What all hidden Markov models share: hmmlearn's calls, labels that are given in part, constraints."""

import warnings
from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.utils import check_random_state

from hybridseq.estimators import hmm_checks as checks
from hybridseq.estimators import predicting
from hybridseq.estimators.card import describe_parameters
from hybridseq.estimators.constrained import keep
from hybridseq.estimators.hmm_sequences import ObservedSequences
from hybridseq.estimators.persistence import write_model
from hybridseq.text import DataError
from hybridseq.training.hmm import em, inference, starts
from hybridseq.training.hmm.blocks import Blocks
from hybridseq.training.hmm.diagnose import explain
from hybridseq.training.hmm.expectations import ImpossibleSequence
from hybridseq.training.hmm.labels import read_labels
from hybridseq.training.hmm.model import Model, Prior
from hybridseq.training.hmm.monitor import ConvergenceMonitor
from hybridseq.training.sequences import is_stacked, split


class BaseHMM(BaseEstimator, ABC):
    """A hidden Markov model, but for what its states emit.

    A concrete one names its parameters' letters and attributes, reads its data, and makes its emissions from and into
    attributes.
    """

    #: The letter of each parameter in ``params`` and ``init_params``, with its attribute.
    _attributes: ClassVar[dict]

    @abstractmethod
    def _stack(self, X, lengths):
        """The rows (N, D) and lengths of sequences, checked."""

    @abstractmethod
    def _read(self, stacked):
        """Rows as the emissions take them."""

    @abstractmethod
    def _emissions(self, count):
        """The emissions that the attributes describe, checked."""

    @abstractmethod
    def _start(self, stacked, labels, count):
        """Emissions to start from; attributes that ``init_params`` leaves out are kept."""

    @abstractmethod
    def _emission_prior(self, emissions):
        """The prior of the emissions."""

    @abstractmethod
    def _values(self, emissions) -> dict:
        """Emissions as attributes."""

    @abstractmethod
    def _free_emissions(self, count) -> int:
        """How many of the emissions' parameters are free."""

    @abstractmethod
    def _width(self) -> int:
        """The columns of X."""

    def _draw(self, emissions, states, random):
        return emissions.sample(states, random)

    def fit(self, X, lengths=None, y=None):
        """Estimate the parameters.

        Parameters
        ----------
        X : list of arrays, or an array
            Sequences; a list holds one array for each, a single array holds them one below the other.
        lengths : list of int, optional
            The length of each sequence in a single array; without it, that is one sequence.
        y : list or array, optional
            States that are known: strings or whole numbers; None, NaN or −1 where one is not, None for a whole
            sequence of a list. The states are then the classes, in the order of ``classes_``. Where all are known (and
            nothing is missing that needs EM), one pass counts; otherwise EM keeps to those that are.

        Returns
        -------
        self

        Raises
        ------
        DataError
            Where the data cannot be used; names the sequence.
        ValueError
            Where a parameter cannot be used, or a state's covariance is not positive definite; names the state.

        Notes
        -----
        Ctrl-C keeps the last complete iteration. A fit that fails leaves the model as it was.
        """
        checks.check_parameters(self, "".join(self._attributes))
        if y is None and lengths is not None and _are_states(lengths):
            raise DataError("the second argument of fit is lengths; give states by name: fit(X, y=…)")
        stacked, lengths = self._stack(X, lengths)
        classes = labels = None
        if y is not None:
            classes, labels = read_labels(y, lengths, is_stacked(X))
        elif self._keeps("s") and len(getattr(self, "classes_", ())) == np.size(self.startprob_):
            # Training goes on with the states at hand.
            classes = self.classes_
        count = self._count_states(classes)
        names = [
            f"state {i}" if classes is None else f"state {name!r}" for i, name in enumerate(_plain(classes, count))
        ]
        self._warn_of_overwriting()
        masks = checks.masks(self.topology, self.start_states, self.final_states, _names(classes, count))
        model = self._first_model(stacked, lengths, labels, count, masks)
        prior = Prior(
            checks.concentration("startprob_prior", self.startprob_prior, (count,)),
            checks.concentration("transmat_prior", self.transmat_prior, (count, count)),
            self._emission_prior(model.emissions),
        )
        monitor = ConvergenceMonitor(self.tol, self.n_iter, bool(self.verbose))
        blocks = Blocks(lengths, max(count, model.emissions.width))
        sorted_labels = None if labels is None else blocks.sort(labels)
        try:
            model = em.fit(
                model,
                self._read(blocks.sort(stacked)),
                blocks,
                prior,
                monitor,
                labels=sorted_labels,
                hard=self.training == "viterbi",
                update=self.params,
                names=names,
            )
        except ImpossibleSequence as error:
            self._raise_impossible(error.sequence, model, lengths, labels, names)
        values = self._values(model.emissions)
        self.startprob_, self.transmat_, self._final = model.start, model.transitions, model.final
        for name, value in values.items():
            setattr(self, name, value)
        self.classes_ = np.arange(count) if classes is None else classes
        self.monitor_, self.n_features_in_ = monitor, stacked.shape[1]
        return self

    def _count_states(self, classes):
        if classes is None:
            return self.n_components or (np.size(self.startprob_) if self._keeps("s") else 1)
        if self.n_components not in (None, len(classes)):
            raise ValueError(
                f"there are {len(classes)} states ({', '.join(map(repr, _plain(classes, 0)[:5]))}…), but n_components "
                f"is {self.n_components}; leave n_components out"
            )
        return len(classes)

    def _warn_of_overwriting(self):
        if hasattr(self, "monitor_"):
            return
        for letter, name in self._attributes.items():
            if letter in self.init_params and self._has(name):
                warnings.warn(
                    f"{name} is set, but fit() finds its own start for it; keep yours by leaving {letter!r} out of "
                    "init_params",
                    stacklevel=3,
                )

    def _has(self, name):
        """Whether an attribute is set; a property stands for one with an underscore before its name."""
        return name in vars(self) or f"_{name}" in vars(self)

    def _keeps(self, letter):
        """Whether a start was given that ``fit`` is to keep."""
        return letter not in self.init_params and self._has(self._attributes[letter])

    def _first_model(self, stacked, lengths, labels, count, masks):
        first, follows, final = masks
        start, transitions = self.__dict__.get("startprob_"), self.__dict__.get("transmat_")
        counts = (0, 0) if labels is None else starts.label_counts(labels, lengths, count)
        random = check_random_state(self.random_state)
        if self._keeps("s"):
            start = checks.distributions("startprob_", start, (count,))
            _check_within("startprob_", start, first, "start_states")
        elif labels is None:
            start = starts.random_rows((count,), first, random)
        else:
            start = starts.counted_rows(counts[0], first)
        if self._keeps("t"):
            transitions = checks.distributions("transmat_", transitions, (count, count))
            _check_within("transmat_", transitions, follows, "topology")
        elif labels is None:
            transitions = starts.random_rows((count, count), follows, random)
        else:
            transitions = starts.counted_rows(counts[1], follows)
        return Model(start, transitions, self._start(stacked, labels, count), final)

    def _raise_impossible(self, i, model, lengths, labels, names):
        own = None if labels is None else split(labels, lengths)[i]
        raise DataError(f"sequence {i}: {explain(model, int(lengths[i]), own, names)}") from None

    def _model(self) -> Model:
        """The model that the attributes describe, checked: they may be set by hand."""
        lacking = [name for name in self._attributes.values() if not self._has(name)]
        if lacking:
            raise NotFittedError(
                f"this {type(self).__name__} has no {lacking[0]} yet; call fit, or set {', '.join(lacking)}"
            )
        count = np.size(self.startprob_)
        if self.n_components not in (None, count):
            raise ValueError(f"startprob_ has {count} states, but n_components is {self.n_components}")
        start = checks.distributions("startprob_", self.startprob_, (count,))
        transitions = checks.distributions("transmat_", self.transmat_, (count, count))
        final = getattr(self, "_final", None)
        if final is None and self.final_states is not None:
            final = checks.masks(None, None, self.final_states, self._state_names())[2]
        return Model(start, transitions, self._emissions(count), final)

    def _classes(self):
        """The states; numbers, where the parameters are set by hand."""
        count = np.size(self.startprob_)
        classes = getattr(self, "classes_", ())
        return classes if len(classes) == count else np.arange(count)

    def _state_names(self):
        return _names(self._classes(), np.size(self.startprob_))

    def _observe(self, X, lengths):
        """The model, with the sequences: their rows, lengths, data and blocks."""
        model = self._model()
        stacked, lengths = self._stack(X, lengths)
        self._check_width(stacked)
        blocks = Blocks(lengths, max(model.num_states, model.emissions.width))
        return model, stacked, lengths, self._read(blocks.sort(stacked)), blocks

    def _check_width(self, stacked):
        if stacked.shape[1] != self._width():
            raise DataError(f"X has {stacked.shape[1]} columns, but the model knows {self._width()}")

    def score(self, X, lengths=None) -> float:
        """The log-likelihood of all sequences together, in nats; −inf where one is impossible."""
        model, _, lengths, data, blocks = self._observe(X, lengths)
        return float(inference.log_likelihoods(model, data, blocks, len(lengths)).sum())

    def score_samples(self, X, lengths=None):
        """The log-likelihood of all sequences together, and the probability of each state at each row.

        Returns
        -------
        log_prob : float
            In nats.
        posteriors : (N, K) array, or a list of (T, K) arrays where X is a list
            Columns in the order of ``classes_``; 0 throughout an impossible sequence.
        """
        model, _, lengths, data, blocks = self._observe(X, lengths)
        values, found = inference.posteriors(model, data, blocks, len(lengths))
        return float(values.sum()), _like(X, found, lengths)

    def predict_proba(self, X, lengths=None, constraint=None):
        """The probability of each state at each row, given the whole sequence and what its states must keep.

        Parameters
        ----------
        X, lengths
            Sequences, as in :meth:`fit`.
        constraint : Constraint, list or None
            What the states are to keep: for all sequences, or a list with one, or None, for each. States are called
            by their names in ``classes_``, as strings: ``"0"``, ``"1"``, … without y.

        Returns
        -------
        (N, K) array, or a list of (T, K) arrays where X is a list

        Raises
        ------
        InfeasibleError
            Where nothing satisfies a sequence's constraint.
        """
        if constraint is None:
            return self.score_samples(X, lengths)[1]
        sequences, kept = self._constrain(X, lengths, constraint)
        found = np.concatenate(predicting.marginals(sequences, self._state_names(), kept))
        return _like(X, found, sequences.lengths)

    def decode(self, X, lengths=None, algorithm=None, constraint=None):
        """The best states, and the log-probability of the sequences together with them.

        Parameters
        ----------
        X, lengths
            Sequences, as in :meth:`fit`.
        algorithm : {"viterbi", "map"}, optional
            The best path, or at each row the most probable state; ``self.algorithm`` if not given.
        constraint : Constraint, list or None
            As in :meth:`predict_proba`.

        Returns
        -------
        log_prob : float
            log p(x, z) of observations and returned states, in nats; −inf where the most probable states one by one
            make no possible path.
        states : (N,) array, or a list of (T,) arrays where X is a list
            Numbers, or classes where the model was fitted with y.

        Raises
        ------
        DataError
            Where a sequence is impossible under the model.
        InfeasibleError
            Where nothing satisfies a sequence's constraint.
        """
        algorithm = self.algorithm if algorithm is None else algorithm
        checks.check_choice("algorithm", algorithm, ("viterbi", "map"))
        model, _, lengths_, data, blocks = self._observe(X, lengths)
        count = len(lengths_)
        if constraint is None and algorithm == "viterbi":
            values, states = inference.best_paths(model, data, blocks, count)
            self._check_possible(values, model, lengths_)
        else:
            if algorithm == "map":
                found = self.predict_proba(X, lengths, constraint)
                found = found if is_stacked(X) else np.concatenate(found)
                states = found.argmax(1)
                alive = found.sum(1)[np.cumsum(lengths_) - 1] > 0
                self._check_possible(np.where(alive, 0, -np.inf), model, lengths_)
            else:
                states = self._best_under(constraint, X, lengths)
            values = inference.path_scores(model, data, blocks, count, states)
        return float(values.sum()), _like(X, self._classes()[states], lengths_)

    def _best_under(self, constraint, X, lengths):
        sequences, kept = self._constrain(X, lengths, constraint)
        names = self._state_names()
        number = {name: i for i, name in enumerate(names)}
        found = predicting.decode(sequences, names, kept, "raise")
        return np.array([number[name] for row in found for name in row])

    def _check_possible(self, values, model, lengths):
        dead = np.flatnonzero(values == -np.inf)
        if len(dead):
            names = [f"state {name}" for name in self._state_names()]
            self._raise_impossible(int(dead[0]), model, lengths, None, names)

    def predict(self, X, lengths=None, constraint=None):
        """The best states, by ``algorithm``; see :meth:`decode`."""
        return self.decode(X, lengths, constraint=constraint)[1]

    def predict_k_best(self, X, k=5, lengths=None, constraint=None) -> list:
        """The k best paths of each sequence, best first.

        Returns
        -------
        list of list of ((T,) array, float)
            States with the log-probability of the path given the sequence, in nats; fewer than k where there are not
            as many.

        Raises
        ------
        ValueError
            Where k is not a whole number of at least 1.
        InfeasibleError
            Where nothing satisfies a sequence's constraint.
        """
        sequences, kept = self._constrain(X, lengths, constraint)
        names = self._state_names()
        classes = self._classes()
        number = {name: i for i, name in enumerate(names)}
        found = predicting.k_best(sequences, names, kept, k)
        return [[(classes[[number[name] for name in path]], value) for path, value in one] for one in found]

    def _constrain(self, X, lengths, constraint):
        model, stacked, lengths, _, _ = self._observe(X, lengths)
        kept = keep(None, constraint, split(stacked, lengths), lengths, self._state_names(), "raise")
        return ObservedSequences(model, self._read, stacked, lengths), kept

    def sample(self, n_samples=1, random_state=None, currstate=None):
        """Draw one sequence from the model.

        Parameters
        ----------
        n_samples : int
            How long.
        random_state : int, RandomState or None
            The seed; ``self.random_state`` if not given.
        currstate : int or class, optional
            The first state; drawn from ``startprob_`` if not given.

        Returns
        -------
        X : (n_samples, D) array
            What is observed.
        states : (n_samples,) array
            The hidden states.
        """
        model = self._model()
        random = check_random_state(self.random_state if random_state is None else random_state)
        classes = self._classes()
        steps, uniforms = np.cumsum(model.transitions, 1), random.random_sample(n_samples)
        states = np.empty(n_samples, np.int64)
        for t, uniform in enumerate(uniforms):
            if t:
                limits = steps[states[t - 1]]
            elif currstate is None:
                limits = np.cumsum(model.start)
            else:
                if currstate not in classes:
                    raise ValueError(f"currstate must be one of the states {classes.tolist()}; got {currstate!r}")
                states[0] = int(np.flatnonzero(classes == currstate)[0])
                continue
            # Rounding may leave the last limit below 1.
            states[t] = np.searchsorted(limits, uniform * limits[-1], side="right")
        return self._draw(model.emissions, states, random), classes[states]

    def get_stationary_distribution(self) -> np.ndarray:
        """The distribution (K,) over states that ``transmat_`` leaves as it is.

        Where there are several, it is one of them.
        """
        transitions = self._model().transitions
        count = len(transitions)
        system = np.vstack([transitions.T - np.eye(count), np.ones(count)])
        found = np.linalg.lstsq(system, np.append(np.zeros(count), 1.0), rcond=None)[0]
        found = np.maximum(found, 0)
        return found / found.sum()

    def _free_parameters(self):
        count = np.size(self.startprob_)
        start, follows, _ = checks.masks(self.topology, self.start_states, None, self._state_names())
        return int(start.sum() - 1 + follows.sum() - count) + self._free_emissions(count)

    def aic(self, X, lengths=None) -> float:
        """Akaike's information criterion on X: −2 log-likelihood + 2 for each free parameter; lower is better."""
        return -2 * self.score(X, lengths) + 2 * self._free_parameters()

    def bic(self, X, lengths=None) -> float:
        """The Bayesian information criterion on X: −2 log-likelihood + log N for each free parameter, N rows."""
        rows = len(self._stack(X, lengths)[0])
        return -2 * self.score(X, lengths) + self._free_parameters() * np.log(rows)

    def save(self, folder):
        """Save to a folder, which :func:`hybridseq.load` reads.

        Parameters
        ----------
        folder : path
            Made, or replaced where a model stands there.

        Raises
        ------
        ModelFolderError
            Where something else than a model stands at the place.
        """
        model = self._model()
        tensors = {"startprob_": model.start, "transmat_": model.transitions, **self._values(model.emissions)}
        parameters = {
            name: np.asarray(value) if isinstance(value, list | tuple) else value
            for name, value in self.get_params(deep=False).items()
        }
        monitor = getattr(self, "monitor_", None)
        state = {
            "classes": self._classes().tolist(),
            "final": None if model.final is None else model.final.tolist(),
            "history": None if monitor is None else monitor.history,
            "log_likelihood": None if monitor is None else monitor.log_likelihood,
            "converged": monitor is not None and monitor.converged,
        }
        card = {"estimator": type(self).__name__, **describe_parameters(parameters), "state": state}
        write_model(folder, card, {name: torch.tensor(value) for name, value in tensors.items()})

    def _restore(self, state, tensors):
        for name, value in tensors.items():
            setattr(self, name, value.numpy())
        self.classes_ = np.array(state["classes"])
        self._final = None if state["final"] is None else np.array(state["final"], bool)
        self.n_features_in_ = self._width()
        if state["history"] is not None:
            self.monitor_ = ConvergenceMonitor(self.tol, self.n_iter, bool(self.verbose))
            self.monitor_.history, self.monitor_.log_likelihood = state["history"], state["log_likelihood"]
            self.monitor_.converged = state["converged"]


def _are_states(lengths):
    """Whether what stands for lengths holds strings or lists."""
    first = next(iter(lengths), 0) if hasattr(lengths, "__len__") else 0
    return isinstance(first, str) or np.ndim(first) > 0


def _plain(classes, count):
    return list(range(count)) if classes is None else classes.tolist()


def _names(classes, count):
    return tuple(map(str, _plain(classes, count)))


def _like(X, rows, lengths):
    """Rows as one array or as a list, as X came."""
    return rows if is_stacked(X) else split(rows, lengths)


def _check_within(name, probabilities, allowed, by):
    wrong = (probabilities > 0) & ~allowed
    if wrong.any():
        place = "".join(f"[{i}]" for i in np.argwhere(wrong)[0])
        raise ValueError(f"{name}{place} is {probabilities[wrong][0]:.3g}, but {by} forbids it; set it to 0")
