"""What linear models of sequences share: features in, labels out, weights that a person can read."""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from hybridseq import metrics
from hybridseq.constraints import Constraint
from hybridseq.constraints.combine import And
from hybridseq.constraints.positions import Tokens
from hybridseq.constraints.serial import from_json, to_json
from hybridseq.constraints.settle import ON_INFEASIBLE
from hybridseq.estimators import predicting
from hybridseq.estimators.card import describe_parameters
from hybridseq.estimators.constrained import keep
from hybridseq.estimators.found_constraint import check_constraint, find_constraint, trained_part
from hybridseq.estimators.linear_labels import Labels, labels_of, learn_labels, names_of
from hybridseq.estimators.linear_weights import WeightTable
from hybridseq.estimators.numbers import check_number
from hybridseq.estimators.persistence import write_model
from hybridseq.nn.names import choose
from hybridseq.structures import LinearChain
from hybridseq.training.linear.batches import FeatureBatches
from hybridseq.training.linear.inputs import input_from_json, learn
from hybridseq.training.linear.online import is_compiled
from hybridseq.training.linear.problem import Learned, Problem
from hybridseq.training.linear.weights import Pairs, count_pairs
from hybridseq.training.sequences import is_stacked


class LinearSequenceModel(BaseEstimator, ABC):
    """Scores of labels are sums of weights of features; scores of neighbours are weights of label pairs.

    Subclasses store ``min_freq``, ``all_possible_states``, ``all_possible_transitions``, ``constraint``,
    ``on_infeasible``, ``random_state`` and ``verbose``, and learn weights.
    """

    @abstractmethod
    def _check_parameters(self):
        """Raise a ValueError that names the first parameter that is not usable."""

    @abstractmethod
    def _learn(self, problem: Problem) -> tuple[Learned, object]:
        """Weights for a problem, and what ``_learn_on`` goes on from."""

    @abstractmethod
    def _learn_on(self, problem: Problem, weights, places, state) -> tuple[Learned, object]:
        """The same after one pass more; ``weights``, those at hand, stand at ``places`` of the problem's.

        ``state`` is what the last call gave; None at first and after loading.
        """

    #: Whether only label pairs can be forbidden while training.
    pairs_only = False

    def fit(self, X, y, lengths=None):
        """Fit anew.

        Parameters
        ----------
        X : list of sequences, array or sparse matrix
            Each sequence a list with the features of every position (a dictionary, or a list of strings), an array
            (T, D), or a sparse matrix (T, D). Or a single array or sparse matrix that holds all sequences one below
            the other.
        y : list of label sequences, or one stacked array
            Labels are strings or whole numbers.
        lengths : sequence of int, optional
            The lengths of the sequences in a single array.

        Returns
        -------
        self

        Raises
        ------
        DataError
            Where X, y and lengths do not fit together, kinds of features are mixed, a number is not finite, a
            sequence is empty, or there is but one label; names the place.
        InfeasibleError
            Where labels break the constraint, unless ``on_infeasible`` says otherwise; names the first.
        ValueError
            Where a parameter is not usable, or ``min_freq`` leaves no weight.

        Notes
        -----
        Ctrl-C keeps the best weights so far. A fit that fails leaves the fitted model as it was.
        """
        self._check()
        reader, attributes = learn(X, lengths)
        labels = learn_labels(y, attributes.lengths)
        found = find_constraint(
            self.constraint,
            None if is_stacked(X) else X,
            names_of(y, attributes.lengths),
            self.on_infeasible,
        )
        attributes, ids = self._left(attributes, labels.encode(y, attributes.lengths), found.broken)
        pairs, counts = self._count(attributes, ids, labels)
        self._new_classes = labels.classes.tolist()
        plan = self._plan(found.constraint, labels, found.broken)
        learned, state = self._learn(Problem(attributes, ids, pairs, counts, *plan))
        if state is None and (learned.weights == 0).any():
            pairs, weights = pairs.where(learned.weights != 0, learned.weights)
            reader, pairs = reader.without_weightless(pairs)
            learned = replace(learned, weights=weights)
        self._take(reader, labels, pairs, learned, found.constraint, found.scheme)
        self._state, self.n_sequences_seen_ = state, len(attributes.lengths)
        return self

    def partial_fit(self, X, y, lengths=None, classes=None):
        """Fit on: one pass over the data, from the weights at hand.

        Parameters
        ----------
        X, y, lengths
            As in :meth:`fit`.
        classes : sequence of labels, optional
            At the first call, all labels that will ever come; without it, those of ``y``. Later calls can add none.

        Returns
        -------
        self

        Raises
        ------
        DataError, InfeasibleError, ValueError
            As :meth:`fit`, and where a later call brings a new label.

        Notes
        -----
        Features and pairs that training had not shown before get weights. :class:`~hybridseq.LinearCRF` takes steps of
        stochastic gradient descent, :class:`~hybridseq.StructuredSVM` of its subgradient. What a learner keeps beside
        the weights (sums for averages) is not saved with a model, and begins afresh after loading.
        """
        self._check()
        first = not hasattr(self, "coef_")
        reader, attributes = learn(X, lengths) if first else self.input_.extended(X, lengths)
        if first:
            labels = learn_labels(y, attributes.lengths) if classes is None else labels_of(classes)
        else:
            labels = self.labels_
            if classes is not None:
                labels.encode([classes], np.array([len(classes)]))
        ids = labels.encode(y, attributes.lengths)
        names = names_of(y, attributes.lengths)
        sentences = None if is_stacked(X) else X
        if first:
            found = find_constraint(self.constraint, sentences, names, self.on_infeasible)
            constraint, scheme, broken = found.constraint, found.scheme, found.broken
        else:
            constraint, scheme = self.constraint_, self.scheme_
            broken = check_constraint(constraint, sentences, names, self.on_infeasible)
            if len(broken) == len(names) and self.on_infeasible == "skip":
                check_constraint(constraint, sentences, names)
        attributes, ids = self._left(attributes, ids, broken)
        pairs, counts = self._count(attributes, ids, labels)
        weights, places, state = np.empty(0), np.empty(0, np.int64), None
        if not first:
            pairs, places, new = self.pairs_.union(pairs)
            counts = np.bincount(new, counts, minlength=len(pairs))
            weights, state = self.coef_, self._state
        self._new_classes = labels.classes.tolist()
        problem = Problem(attributes, ids, pairs, counts, *self._plan(constraint, labels, broken))
        learned, state = self._learn_on(problem, weights, places, state)
        seen = 0 if first else self.n_sequences_seen_
        self._take(reader, labels, pairs, learned, constraint, scheme)
        self._state, self.n_sequences_seen_ = state, seen + len(attributes.lengths)
        return self

    def _count(self, attributes, ids, labels):
        pairs, counts = count_pairs(
            attributes,
            ids,
            len(labels.names),
            min_freq=self.min_freq,
            all_states=self.all_possible_states,
            all_transitions=self.all_possible_transitions,
        )
        if not len(pairs):
            raise ValueError(
                f"min_freq={self.min_freq!r} leaves no weight: training shows no feature that often with a label, and "
                "no label pair; lower it"
            )
        return pairs, counts

    def _plan(self, constraint, labels, broken):
        """What training keeps of a constraint, and how sequences are trained on whose labels break it."""
        trained, unlike = trained_part(constraint), None
        if broken and self.on_infeasible != "skip":
            unlike = self.on_infeasible
        if trained is not None and self.pairs_only:
            parts = [part for part in trained.parts if is_compiled(part.compile(labels.names))]
            trained = And.of_parts(*parts) if parts and unlike is None else None
        return (None, None) if trained is None else (trained.compile(labels.names), unlike)

    def _left(self, attributes, ids, broken):
        """The sequences that are trained on."""
        if not broken or self.on_infeasible != "skip":
            return attributes, ids
        warnings.warn(
            f"{len(broken)} of {len(attributes.lengths)} label sequences break the constraint and are left out "
            f"(the first: {broken[0]})",
            stacklevel=3,
        )
        return attributes.without(broken), np.delete(ids, attributes.tokens(broken))

    def _check(self):
        choose("on_infeasible", self.on_infeasible, dict.fromkeys(ON_INFEASIBLE, True))
        wanted = self.constraint
        if wanted is not None and not isinstance(wanted, str | Constraint):
            raise ValueError(
                f"constraint must be 'auto', the name of a scheme, a constraint of hybridseq.constraints, or None; got "
                f"{wanted!r}"
            )
        _refuse_words(wanted)
        check_number("min_freq", self.min_freq, least=0)
        for name in ("all_possible_states", "all_possible_transitions"):
            if not isinstance(getattr(self, name), bool | np.bool_):
                raise ValueError(f"{name} must be True or False; got {getattr(self, name)!r}")
        self._check_parameters()

    def _take(self, reader, labels, pairs, learned, constraint, scheme):
        self.input_, self.labels_, self.pairs_, self.coef_ = reader, labels, pairs, learned.weights
        self.classes_ = labels.classes
        self.constraint_, self.scheme_ = constraint, scheme
        self.objective_, self.n_iter_ = learned.objective, learned.iterations
        self.converged_, self.history_ = learned.converged, learned.history
        self._fitted_with = self.get_params(deep=False)
        self._state = None

    def predict(self, X, lengths=None, constraint=None):
        """The best labels of sequences.

        Parameters
        ----------
        X, lengths
            As in :meth:`fit`.
        constraint : Constraint, list or dictionary, optional
            What the labels are to keep beside ``constraint_``: for all sequences, or a list with one (or None) each.

        Returns
        -------
        list of lists of labels, or one stacked array
            As X was given. None for a sequence that is skipped, see ``on_infeasible``.

        Raises
        ------
        InfeasibleError
            Where nothing satisfies a sequence's constraint, unless ``on_infeasible`` says otherwise.
        DataError
            Where a sequence cannot be read; names the place.
        """
        sequences, kept = self._prepare(X, lengths, constraint)
        found = self.labels_.spell(predicting.decode(sequences, self.labels_.names, kept, self.on_infeasible))
        return self._as_given(X, found)

    def predict_marginals(self, X, lengths=None, constraint=None):
        """Each position's probability of each label, given the whole sequence.

        Returns
        -------
        list of (T, K) arrays, or one stacked array
            Columns in the order of ``classes_``; rows sum to 1. As X was given.
        """
        sequences, kept = self._prepare(X, lengths, constraint)
        return self._as_given(X, predicting.marginals(sequences, self.labels_.names, kept))

    def predict_k_best(self, X, k=5, lengths=None, constraint=None):
        """The k best label sequences of each sequence, best first.

        Returns
        -------
        list of list of (list of labels, float)
            Label sequences with their log-probability in nats; fewer than k where there are not as many.

        Raises
        ------
        ValueError
            Where k is not a whole number of at least 1.
        """
        sequences, kept = self._prepare(X, lengths, constraint)
        found = predicting.k_best(sequences, self.labels_.names, kept, k)
        return [None if one is None else [(self.labels_.spell([path])[0], p) for path, p in one] for one in found]

    def score(self, X, y, lengths=None):
        """Span micro-F1; token accuracy where the labels follow no span scheme."""
        sequences, kept = self._prepare(X, lengths, None)
        gold = names_of(y, sequences.lengths)
        found = predicting.decode(sequences, self.labels_.names, kept, self.on_infeasible)
        found = [["O"] * len(own) if one is None else one for own, one in zip(gold, found)]
        return metrics.span_f1(gold, found) if self.scheme_ else metrics.token_accuracy(gold, found)

    def _prepare(self, X, lengths, constraint):
        check_is_fitted(self, "coef_")
        _refuse_words(constraint)
        attributes = self.input_.encode(X, lengths)
        sequences = _Features(self, attributes)
        kept = keep(
            self.constraint_,
            constraint,
            [None] * len(attributes.lengths) if is_stacked(X) else X,
            attributes.lengths,
            self.labels_.names,
            self.on_infeasible,
        )
        return sequences, kept

    def _as_given(self, X, found):
        if not is_stacked(X) or any(one is None for one in found):
            return found
        return np.concatenate([np.asarray(one) for one in found])

    @property
    def weights_(self) -> WeightTable:
        """The weights by name."""
        check_is_fitted(self, "coef_")
        return WeightTable(self.input_.names(), self.labels_.classes.tolist(), self.pairs_, self.coef_)

    @property
    def state_features_(self) -> dict:
        """The weight of each (feature, label)."""
        return self.weights_.states()

    @property
    def transition_features_(self) -> dict:
        """The weight of each (label, next label)."""
        return self.weights_.transitions()

    def top_features(self, label, n=10):
        """The features that speak most for a label, and most against it: (feature, weight), largest weight first."""
        return self.weights_.top_features(label, n)

    def top_transitions(self, n=10):
        """The label pairs of the largest and of the smallest weights: (label, next label, weight)."""
        return self.weights_.top_transitions(n)

    def save(self, folder):
        """Save to a folder, which :func:`hybridseq.load` reads; see ``SequenceTagger.save``."""
        check_is_fitted(self, "coef_")
        state = {
            "labels": list(self.labels_.names),
            "numeric": self.labels_.numeric,
            "input": self.input_.to_json(),
            "scheme": self.scheme_,
            "constrained": self.constraint_ is not None,
            "constraint": None if self.constraint_ is None else to_json(self.constraint_),
            "objective": None if np.isnan(self.objective_) else self.objective_,
            "iterations": self.n_iter_,
            "converged": bool(self.converged_),
            "history": self.history_,
            "seen": self.n_sequences_seen_,
        }
        card = {"estimator": type(self).__name__, **describe_parameters(self._fitted_with), "state": state}
        write_model(folder, card, self._tensors())

    def _tensors(self):
        pairs = self.pairs_
        arrays = {
            "weights": self.coef_,
            "offsets": pairs.offsets,
            "labels": pairs.labels,
            "sources": pairs.sources,
            "targets": pairs.targets,
        }
        return {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}

    def _restore(self, state, tensors):
        arrays = {name: tensor.numpy() for name, tensor in tensors.items()}
        labels = Labels(tuple(state["labels"]), state["numeric"])
        pairs = Pairs(
            arrays["offsets"], arrays["labels"], arrays["sources"], arrays["targets"], num_labels=len(labels.names)
        )
        constraint = from_json(state["constraint"]) if state["constraint"] is not None else None
        if constraint is None and state["constrained"]:
            constraint = self.constraint
        objective = np.nan if state["objective"] is None else state["objective"]
        learned = Learned(arrays["weights"], objective, state["iterations"], "", state["converged"], state["history"])
        self._take(input_from_json(state["input"]), labels, pairs, learned, constraint, state["scheme"])
        self.n_sequences_seen_ = state["seen"]


def _refuse_words(constraint):
    """Raise for a constraint on tokens, which would be looked for among features."""
    for one in constraint if isinstance(constraint, list | tuple) else [constraint]:
        if isinstance(one, Mapping) or (isinstance(one, Constraint) and any(isinstance(p, Tokens) for p in one.parts)):
            raise ValueError(
                f"constraint: {one!r} speaks of words, and a linear model is given features; say at which positions "
                "it holds, with constraints.at or constraints.allowed"
            )


class _Features(predicting.Sentences):
    """Encoded sequences, scored by a model's weights."""

    def __init__(self, model, attributes):
        self.lengths = attributes.lengths
        self.batches = FeatureBatches(attributes, model.pairs_)
        self.states = self.batches.lay_out(model.coef_[: model.pairs_.states])
        self.transitions = model.pairs_.transitions(model.coef_)

    def structure(self, indices, constrained=False) -> LinearChain:
        return self.batches.chain(indices, self.states, self.transitions)
