"""A tagger with the face of a scikit-learn estimator."""

import copy
import sys
from dataclasses import replace
from functools import partial

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from hybridseq import metrics
from hybridseq.constraints import InfeasibleError
from hybridseq.estimators import predicting
from hybridseq.estimators import tagger_parameters as parameters
from hybridseq.estimators.constrained import keep
from hybridseq.estimators.found_constraint import check_constraint, find_constraint, trained_part
from hybridseq.estimators.persistence import write_model
from hybridseq.estimators.tagger_card import describe_tagger, restore_tagger
from hybridseq.estimators.tagger_hmm import measure_prior
from hybridseq.estimators.tagger_network import build_network
from hybridseq.text import LabelVocabulary, UnknownLabelError
from hybridseq.training.batches import SentenceDataset
from hybridseq.training.fit import fit_network
from hybridseq.training.inputs import check_labels, check_sentences, check_tokens, encode_labels
from hybridseq.training.seeds import seeded


class SequenceTagger(BaseEstimator):
    """Tag the tokens of sentences: a neural encoder under a structured output layer, trained together.

    Parameters
    ----------
    encoder : str or nn.Module
        ``"bilstm"``, ``"lstm"``, ``"bigru"``, ``"gru"``, ``"bielman"``, ``"elman"``, ``"bijordan"``, ``"jordan"``,
        ``"cnn"``, ``"dilated_cnn"``, ``"iterated_cnn"``, ``"none"`` (no context); or any module
        ``forward(inputs (B, T, E), lengths (B,)) -> (B, T, H)``, a copy of which is trained; or a function of E
        that makes one. The module tells H in its attribute ``output_size``.
    objective : str
        ``"log_loss"``, ``"structured_hinge"``, ``"perceptron"``, ``"softmax_margin"``, ``"minimum_risk"``; or
        ``"cross_entropy"``, which trains each token by itself: with ``structure="crf"`` that leaves structure and
        constraint out, with ``"hmm"`` it is the classic hybrid.
    structure : {"crf", "hmm"}
        ``"hmm"``: the encoder gives p(label | token); divided by the label's ``prior``, it is the emission of an HMM
        whose transitions are those of the training labels, or start there and are learned with the other objectives.
    constraint : str, constraint or None
        ``"auto"`` looks whether the labels follow a span scheme and, if so, makes illegal label pairs impossible, in
        training and prediction; ``"BIO"``, ``"IOB1"``, ``"BIOES"``, ``"BMES"`` demand one; a constraint of
        :mod:`hybridseq.constraints`, hard or soft; None leaves every label sequence possible. ``constraint_`` tells
        what was found. Parts that speak of tokens, and budgets, hold in prediction only.
    prior : {"counts", "posteriors", "uniform"}, Prior or (K,) array
        What ``structure="hmm"`` divides by: how frequent the training labels are, each counted once more; the mean of
        what the trained encoder gives on training sentences, measured anew after each epoch; nothing; or your own,
        over the labels in the order of ``classes_``.
    prior_scale : float
        The exponent of the prior: 1 is Bayes' rule, 0 does not divide.
    hidden_size, num_layers : int
        Size of the encoder's state in each direction, and its depth.
    word_size : int
        Components of a word's vector; 0 leaves words out.
    char_encoder : {"cnn", "lstm", None}
        What reads a word's characters.
    char_size : int
        Components of what it gives.
    column_size : int
        Components of the vector of each further column, such as POS.
    word_vectors : path, optional
        A word2vec or GloVe text file that word vectors start from; sets ``word_size``.
    lowercase : bool
        Whether words are looked up in lower case with all digits read as 0; characters keep both.
    min_count : int
        How often training must show a word for it to have a vector.
    word_dropout : float
        α: while training, a word seen n times is taken for unknown with probability α / (α + n).
    dropout : float
        Locked dropout before, within and after the encoder.
    learning_rate : float
        AdamW's, at its highest.
    transition_rate : float, optional
        The learning rate of the structured layer; None: as the rest.
    weight_decay : float
        AdamW's.
    batch_size : int, optional
        Sentences in a batch; None: a hundredth of the data, at least 4 and at most 16.
    max_epochs : int, optional
        Passes over the data; None: some 8,000 steps, in 12 to 80 passes.
    patience : int or None
        Stop after so many epochs without a better held-out score; None runs all epochs.
    schedule : {"cosine", "linear", "constant"}
        How the learning rate moves after a short rise.
    averaging : float
        Predict with a moving average of the weights that reaches back so many epochs; 0 switches it off.
    clip_norm : float or None
        Gradients of a larger norm are scaled down to it.
    valid_fraction : float
        The part of the data held out where ``fit`` gets no held-out data; 0 holds nothing out and keeps the last
        weights.
    callbacks : sequence of skorch callbacks
        Run after the tagger's own.
    unseen_labels : {"error", "miss"}
        What ``score`` does with a label that training never saw: raise, or count as missed.
    on_infeasible : {"raise", "relax", "unconstrained", "skip"}
        What to do with a sentence whose labels break the constraint in training, or that nothing satisfies in
        prediction (an impossible length, say): raise an :class:`~hybridseq.InfeasibleError`; leave out the parts of
        the constraint that are broken, or that exclude one another; leave it out whole; or skip the sentence, with a
        warning that counts them (its prediction is None).
    device : str
        Where to compute.
    random_state : int, RandomState or None
        The same number gives the same model on the same machine.
    verbose : int
        0 is silent; 1 shows a progress table on standard error.

    Attributes
    ----------
    classes_ : (K,) array of str
        The labels, sorted.
    constraint_ : constraint or None
        What predictions keep to.
    scheme_ : str or None
        The span scheme that the labels follow; ``score`` is span F1 where there is one, else token accuracy.
    network_ : TaggerNetwork
        The fitted module.
    history_ : list of dict
        Loss, held-out score and seconds of each epoch.
    best_epoch_, best_score_
        Which epoch was kept, and its held-out score; None without held-out data.

    Notes
    -----
    X is a list of sentences: lists of tokens, lists of tuples (word, column, …), or arrays (T, D). y is a list of
    lists of labels. Ctrl-C while fitting keeps the best weights so far. A fit that fails leaves the fitted model as
    it was.

    Examples
    --------
    >>> import hybridseq as hs
    >>> X, y = hs.datasets.make_ticket_booking(200, random_state=0)
    >>> tagger = hs.SequenceTagger(max_epochs=2, random_state=0, verbose=0).fit(X, y)
    >>> len(tagger.predict(X[:1])[0]) == len(X[0])
    True
    """

    def __init__(
        self,
        encoder="bilstm",
        objective="log_loss",
        structure="crf",
        constraint="auto",
        *,
        prior="counts",
        prior_scale=1.0,
        hidden_size=200,
        num_layers=1,
        word_size=100,
        char_encoder="cnn",
        char_size=100,
        column_size=30,
        word_vectors=None,
        lowercase=True,
        min_count=1,
        word_dropout=0.5,
        dropout=0.4,
        learning_rate=5e-3,
        transition_rate=None,
        weight_decay=5e-2,
        batch_size=None,
        max_epochs=None,
        patience=None,
        schedule="cosine",
        averaging=1.0,
        clip_norm=5.0,
        valid_fraction=0.1,
        callbacks=(),
        unseen_labels="error",
        on_infeasible="raise",
        device="cpu",
        random_state=None,
        verbose=1,
    ):
        self.encoder = encoder
        self.objective = objective
        self.structure = structure
        self.constraint = constraint
        self.prior = prior
        self.prior_scale = prior_scale
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.word_size = word_size
        self.char_encoder = char_encoder
        self.char_size = char_size
        self.column_size = column_size
        self.word_vectors = word_vectors
        self.lowercase = lowercase
        self.min_count = min_count
        self.word_dropout = word_dropout
        self.dropout = dropout
        self.learning_rate = learning_rate
        self.transition_rate = transition_rate
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.patience = patience
        self.schedule = schedule
        self.averaging = averaging
        self.clip_norm = clip_norm
        self.valid_fraction = valid_fraction
        self.callbacks = callbacks
        self.unseen_labels = unseen_labels
        self.on_infeasible = on_infeasible
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X, y, X_valid=None, y_valid=None):
        """Fit anew.

        Parameters
        ----------
        X, y
            Sentences and their labels.
        X_valid, y_valid : optional
            Held-out data, by whose score the epoch is chosen. Without them a part ``valid_fraction`` of the data is
            held out, drawn with ``random_state``.

        Returns
        -------
        self

        Raises
        ------
        DataError
            Where sentences and labels do not fit together, a sentence is empty, a vector not finite; names the place.
        ValueError
            Where a parameter is not usable.
        """
        return self._fit_anew(X, y, X_valid, y_valid)

    def _wanted_constraint(self):
        return parameters.wanted_constraint(self)

    def _fit_anew(self, X, y, X_valid, y_valid, labels=None, **others):
        """Check, hold data out, and fit."""
        self._check_parameters()
        _check(X, y, ("X", "y"))
        random = check_random_state(self.random_state)
        if (X_valid is None) != (y_valid is None):
            raise ValueError("give X_valid and y_valid together, or neither")
        if X_valid is not None:
            _check(X_valid, y_valid, ("X_valid", "y_valid"))
            held_out = (X_valid, y_valid)
        else:
            held_out = None
        check_tokens(X)
        labels = labels or LabelVocabulary.build(y)
        found = find_constraint(self._wanted_constraint(), X, y, self.on_infeasible)
        if found.broken and self.on_infeasible == "skip":
            X, y = _without(X, found.broken), _without(y, found.broken)
        if held_out is None and self.valid_fraction and len(X) > 1:
            X, y, *held_out = _split(X, y, self.valid_fraction, random)
        self._fit(X, y, held_out, labels, found=found, seed=int(random.randint(2**31)), **others)
        return self

    def partial_fit(self, X, y, classes=None):
        """Fit on: one pass over the data, from the weights at hand.

        Parameters
        ----------
        X, y
            Sentences and their labels.
        classes : sequence of str, optional
            At the first call, all labels that will ever come; without it, those of ``y``. Later calls can add none.

        Returns
        -------
        self

        Raises
        ------
        DataError
            Where sentences and labels do not fit together, or a later call brings a new label; names the place.
        ValueError
            Where a parameter is not usable, or labels break the constraint that the first call found.

        Notes
        -----
        The first call fixes the vocabulary: words that come later are unknown, but for their characters. The
        optimiser starts afresh with each call, at the constant ``learning_rate``. An HMM's counts are those of the
        first call; mean posteriors are measured on the latest.
        """
        self._check_parameters()
        _check(X, y, ("X", "y"))
        random = check_random_state(self.random_state)
        start = self if hasattr(self, "network_") else None
        if classes is not None:
            check_labels([classes], [classes], ("classes", "classes"))
        if start is None:
            labels = LabelVocabulary.build([*y, list(classes)] if classes is not None else y)
        else:
            labels = self.labels_
            labels.encode_all([*y, list(classes)] if classes is not None else y)
        check_tokens(X)
        if start is None:
            found, broken = find_constraint(self._wanted_constraint(), X, y, self.on_infeasible), ()
            broken = found.broken
        else:
            found, broken = None, check_constraint(self.constraint_, X, y, self.on_infeasible)
            if len(broken) == len(y) and self.on_infeasible == "skip":
                check_constraint(self.constraint_, X, y)
        if broken and self.on_infeasible == "skip":
            X, y = _without(X, broken), _without(y, broken)
        seed = int(random.randint(2**31))
        passes = getattr(self, "passes_", 0)
        self._fit(X, y, None, labels, found=found, seed=(seed + passes) % 2**31, start=start)
        self.passes_ = passes + 1
        return self

    def _fit(self, X, y, held_out, labels, *, found, seed, start=None):
        """Fit, and take the result on only when all of it is there."""
        recipe = parameters.recipe(self)
        with seeded(seed):
            if start is None:
                reader = parameters.make_reader(self, X)
                scheme, constraint = found.scheme, found.constraint
                if self.verbose:
                    print(found.message, file=sys.stderr)
            else:
                recipe = replace(recipe, max_epochs=1, schedule="constant")
                reader, scheme, constraint = start.input_, start.scheme_, start.constraint_
            encoded = replace(reader.encode(X), labels=encode_labels(y, labels))
            if start is None:
                network = build_network(self, reader, len(labels), encoded)
                trained = trained_part(found.constraint)
                network.constrain(None if trained is None else trained.compile(labels.labels))
            else:
                network = copy.deepcopy(start.network_)
            network = network.to(self.device)
            prepare = partial(measure_prior, encoded=encoded) if parameters.measures_prior(self) else None
            fitted = fit_network(
                network,
                parameters.objective(self, network),
                SentenceDataset(encoded),
                recipe,
                first_objective=parameters.first_objective(self),
                score=held_out and HeldOutScore(self, reader, labels, scheme, constraint, *held_out, prepare=prepare),
                seed=seed,
                callbacks=self.callbacks or (),
                progress=("held-out F1" if scheme else "held-out acc") if self.verbose else None,
            )
            if prepare is not None:
                prepare(fitted.module)
        self.classes_ = np.array(labels.labels)
        self.labels_, self.input_, self.network_ = labels, reader, fitted.module
        self.constraint_, self.scheme_ = constraint, scheme
        self.history_, self.best_epoch_, self.best_score_ = (
            fitted.history,
            fitted.best_epoch,
            fitted.best_score,
        )
        if start is None:
            self.passes_ = 0
            self._fitted_with = self.get_params(deep=False)

    def predict(self, X, constraint=None):
        """The best labels of sentences.

        Parameters
        ----------
        X
            Sentences, as in :meth:`fit`.
        constraint : Constraint, list or dictionary, optional
            What the labels are to keep beside ``constraint_``: for all sentences, or a list with a constraint (or
            None) for each. ``C.at``, ``C.span``, ``C.allowed`` and ``C.tokens`` speak of an example's positions; a
            dictionary, token to labels, is taken for ``C.tokens``.

        Returns
        -------
        list of list of str
            In the order of X. None for a sentence that is skipped, see ``on_infeasible``.

        Raises
        ------
        InfeasibleError
            Where nothing satisfies a sentence's constraint, unless ``on_infeasible`` says otherwise.
        """
        sentences, kept = self._prepare(X, constraint)
        return predicting.decode(sentences, self.labels_.labels, kept, self.on_infeasible)

    def predict_marginals(self, X, constraint=None):
        """Each token's probability of each label, given the whole sentence and what its labels must keep.

        Returns
        -------
        list of (T, K) arrays
            Columns in the order of ``classes_``; rows sum to 1. None for a sentence that is skipped.
        """
        sentences, kept = self._prepare(X, constraint)
        return predicting.marginals(sentences, self.labels_.labels, kept)

    def predict_k_best(self, X, k=5, constraint=None):
        """The k best label sequences of sentences, best first.

        Returns
        -------
        list of list of (list of str, float)
            Label sequences with their log-probability in nats; fewer than k where there are not as many. None for a
            sentence that is skipped.

        Raises
        ------
        ValueError
            Where k is not a whole number of at least 1.
        DataError
            Where a sentence cannot be read; names the place.
        """
        sentences, kept = self._prepare(X, constraint)
        return predicting.k_best(sentences, self.labels_.labels, kept, k)

    def score(self, X, y):
        """Span micro-F1; token accuracy where the labels follow no span scheme.

        Raises
        ------
        DataError
            Where X and y do not fit together, or, unless ``unseen_labels="miss"``, a label is one that training
            never saw.
        """
        check_is_fitted(self, "network_")
        _check(X, y, ("X", "y"))
        if self.unseen_labels != "miss":
            try:
                self.labels_.encode_all(y)
            except UnknownLabelError as error:
                message = f'{error.message}; or set unseen_labels="miss" to count it as missed'
                raise UnknownLabelError(message, error.label, error.sentence, error.position) from None
        return _score(y, self.predict(X), self.scheme_)

    def _check_parameters(self):
        """Raise a ValueError that names the first parameter that is not usable."""
        parameters.check(self)

    def _prepare(self, X, constraint):
        """The sentences in numbers, and what each keeps."""
        check_is_fitted(self, "network_")
        self._check_parameters()
        check_sentences(X)
        encoded = self.input_.encode(X)
        if self.network_.structure is None:
            if constraint is not None:
                raise ValueError(
                    "a tagger with structure='crf' and objective='cross_entropy' has no structure to constrain"
                )
            return _Encoded(self.network_, encoded), None
        names = self.labels_.labels
        kept = keep(self.constraint_, constraint, X, encoded.lengths, names, self.on_infeasible)
        return _Encoded(self.network_, encoded), kept

    def save(self, folder):
        """Save to a folder, which :func:`hybridseq.load` reads.

        Parameters
        ----------
        folder : path
            Made, or replaced where a model stands there; replaced as a whole, once the new model is written.

        Raises
        ------
        ModelFolderError
            Where something else than a model stands at the place.

        Notes
        -----
        Callbacks, and an encoder that is not given by name, are not saved; the latter must be given to ``load``.
        """
        check_is_fitted(self, "network_")
        card = describe_tagger(self)
        write_model(folder, {"estimator": type(self).__name__, **card}, self.network_.state_dict())

    def _restore(self, state, tensors):
        restore_tagger(self, state, tensors)


def _check(X, y, names):
    check_sentences(X, names[0])
    check_labels(X, y, names)


def _split(X, y, fraction, random):
    """Hold out a fraction, at least one sentence."""
    order = random.permutation(len(X))
    held = max(1, round(len(X) * fraction))
    keep, out = np.sort(order[held:]), np.sort(order[:held])
    return [X[i] for i in keep], [y[i] for i in keep], [X[i] for i in out], [y[i] for i in out]


def _without(items, left_out):
    left_out = set(left_out)
    return [item for i, item in enumerate(items) if i not in left_out]


def _score(y, predicted, scheme):
    """The score; a sentence that was skipped counts as if nothing was found in it."""
    predicted = [["O"] * len(gold) if own is None else own for gold, own in zip(y, predicted)]
    return metrics.span_f1(y, predicted) if scheme else metrics.token_accuracy(y, predicted)


class HeldOutScore:
    """Score a network on held-out sentences, encoded and their constraints settled once."""

    def __init__(self, tagger, reader, labels, scheme, constraint, X, y, prepare=None):
        self.encoded, self.labels, self.scheme, self.y = reader.encode(X), labels, scheme, y
        self.prepare = prepare
        settled = (constraint, None, X, self.encoded.lengths, labels.labels, tagger.on_infeasible)
        try:
            self.kept = keep(*settled) if parameters.structured(tagger) else None
        except InfeasibleError as error:
            raise error.among("the held-out sentences") from None
        self.on_infeasible = tagger.on_infeasible

    def __call__(self, module):
        if self.prepare is not None:
            self.prepare(module)
        sentences = _Encoded(module, self.encoded)
        found = predicting.decode(sentences, self.labels.labels, self.kept, self.on_infeasible)
        return _score(self.y, found, self.scheme)


class _Encoded(predicting.Sentences):
    """Sentences in numbers, scored by a network."""

    def __init__(self, network, encoded):
        self.network, self.lengths = network, encoded.lengths
        self.dataset = SentenceDataset(encoded)

    def structure(self, indices, constrained=False):
        batch, _ = self.dataset[indices]
        device = self.network.emissions.weight.device
        inputs = {name: value.to(device) for name, value in batch.inputs.items()}
        return self.network(**inputs) if constrained else self.network.unrestricted(**inputs)

    def restricted(self, structure, plan):
        return self.network.restricted(structure, plan)
