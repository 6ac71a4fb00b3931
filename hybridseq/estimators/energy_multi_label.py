"""Sets of labels, predicted by energies of whole sets."""

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from hybridseq.adversarial.multilabel import relaxed_f1
from hybridseq.estimators import energy_parameters
from hybridseq.estimators.card import describe_parameters, plain
from hybridseq.estimators.energy_model import build_local, build_model
from hybridseq.estimators.energy_rows import Rows, check_bits
from hybridseq.estimators.energy_training import fit_model
from hybridseq.estimators.epoch_table import EpochTable
from hybridseq.estimators.persistence import write_model


class EnergyMultiLabel(ClassifierMixin, BaseEstimator):
    r"""Multi-label classifier whose score sees all labels of an example at once.

    F(x, y) is a sum of the labels' own scores and a network over the whole vector y. What trains it, and what answers:

    =================== ============================================================== ==============================
    ``training``        F learns                                                       answers come from
    =================== ============================================================== ==============================
    ``"cross_entropy"`` every label by itself                                          one pass
    ``"infnet"``        against a network that answers, as a structured SVM learns     that network, one pass
                        against its argmax :cite:p:`tu2018,tu2020joint`
    ``"spen"``          through its own inference, unrolled :cite:p:`belanger2017`     mirror ascent of F + entropy
    ``"value"``         to estimate the F1 of an answer :cite:p:`gygli2017`            ascent of F from the empty set
    =================== ============================================================== ==============================

    All begin with the first, which is also the baseline.

    Parameters
    ----------
    training : {"cross_entropy", "infnet", "spen", "value"}
        ``"value"`` gains most where labels are many and rare, and loses where they are few and frequent.
    hidden_sizes : tuple of int
        Layers of the network of x.
    dropout : float
        Behind each of them.
    num_patterns : int
        Units of the network over y.
    conditional : bool
        Whether these see the features of x, too.
    pretrain_epochs, max_epochs : int
        Passes over the data of the first, and of the second stage.
    learning_rate, energy_rate, generator_rate : float
        Of cross-entropy; of F; of the network that answers, in ``"infnet"``.
    weight_decay : float
    batch_size : int, optional
        None: a fortieth of the rows, at least 4 and at most 32: little data needs many small steps.
    objective : {"margin_rescaled", "slack_rescaled", "contrastive", "perceptron"}
        Of ``"infnet"``.
    cost : {"hamming", "f1"}
        Δ of ``"infnet"``, see :class:`~hybridseq.adversarial.multilabel.spaces.F1Space`.
    anchor : float
        Of ``"infnet"``: the weight of the answering network's own cross-entropy, in nats an example.
    entropy_bonus : float
        Of ``"infnet"``: a reward for the entropy of its answers, nats a label.
    two_heads : bool
        Of ``"infnet"``: whether cost-augmented answers come from a head of their own.
    inference_steps, inference_rate : int, float
        Of gradient ascent, in training and prediction.
    gold_share, adversarial_share : float
        Of ``"value"``: how many of the answers it learns from are gold, or made to be most misjudged; the rest lie on
        the way of inference.
    valid_fraction : float
        The share of the rows, drawn with ``random_state``, on which the epoch and the threshold are chosen. 0: the last
        epoch; the threshold is chosen on the training rows.
    decision : {"auto", "threshold", "score"}
        A relaxed answer becomes a set of labels at a threshold; or its labels are put in order, and of the sets of the
        first 0, 1, 2, … the one with the highest F is taken. Auto: by score with ``"value"``, where F is an estimate
        of what is to be high, else at the threshold.
    threshold : float, optional
        Above which a label is predicted; None: the one with the highest F1 an example.
    device : str
    random_state : int, RandomState or None
    verbose : int
        0 is silent; 1 shows progress on standard error.

    Attributes
    ----------
    threshold_ : float
    most_labels_ : int
        Of a row in training, and of a set that F decides on.
    generator_ : BitGenerator or None
        What answers in one pass.
    score_function_ : BitScore or None
        F, of all but ``"cross_entropy"``.
    history_ : list of dict
        An epoch each: ``stage``, ``epoch``, the losses, ``score`` (held-out F1), ``seconds``.
    best_epoch_, best_score_
        Of the last stage.
    classes_ : list of (2,) arrays
        0 and 1 for every label.
    n_features_in_, n_labels_ : int

    Notes
    -----
    Features are taken as they are: scale them before. Sparse rows are predicted without being made dense. Ctrl-C keeps
    the best so far.

    Examples
    --------
    >>> import hybridseq as hs, numpy as np
    >>> X = np.eye(4).repeat(20, 0)
    >>> Y = np.array([[1, 1, 0], [0, 0, 1], [1, 1, 1], [0, 0, 0]]).repeat(20, 0)
    >>> model = hs.EnergyMultiLabel(hidden_sizes=(16,), dropout=0, learning_rate=1e-2, random_state=0, verbose=0)
    >>> model.fit(X, Y).predict(np.eye(4)).tolist()
    [[1, 1, 0], [0, 0, 1], [1, 1, 1], [0, 0, 0]]
    """

    def __init__(
        self,
        training="infnet",
        *,
        hidden_sizes=(300,),
        dropout=0.6,
        num_patterns=64,
        conditional=False,
        pretrain_epochs=20,
        max_epochs=12,
        learning_rate=1e-3,
        energy_rate=3e-4,
        generator_rate=3e-4,
        weight_decay=1e-2,
        batch_size=None,
        objective="margin_rescaled",
        cost="hamming",
        anchor=1.0,
        entropy_bonus=0.0,
        two_heads=True,
        inference_steps=20,
        inference_rate=0.5,
        gold_share=0.5,
        adversarial_share=0.0,
        valid_fraction=0.1,
        decision="auto",
        threshold=None,
        device="cpu",
        random_state=None,
        verbose=1,
    ):
        self.training = training
        self.hidden_sizes = hidden_sizes
        self.dropout = dropout
        self.num_patterns = num_patterns
        self.conditional = conditional
        self.pretrain_epochs = pretrain_epochs
        self.max_epochs = max_epochs
        self.learning_rate = learning_rate
        self.energy_rate = energy_rate
        self.generator_rate = generator_rate
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.objective = objective
        self.cost = cost
        self.anchor = anchor
        self.entropy_bonus = entropy_bonus
        self.two_heads = two_heads
        self.inference_steps = inference_steps
        self.inference_rate = inference_rate
        self.gold_share = gold_share
        self.adversarial_share = adversarial_share
        self.valid_fraction = valid_fraction
        self.decision = decision
        self.threshold = threshold
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.single_output, tags.target_tags.multi_output = False, True
        tags.classifier_tags.multi_class, tags.classifier_tags.multi_label = False, True
        tags.input_tags.sparse = True
        return tags

    def fit(self, X, y):
        """Fit anew.

        Parameters
        ----------
        X : (n, D) array or sparse matrix
        y : (n, L) array or sparse matrix
            1 where a row has a label, else 0.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            Where a parameter is not usable, X and y differ in their number of rows, X is not finite, or y holds
            anything but 0 and 1.
        """
        energy_parameters.check(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=np.float32, ensure_min_samples=2)
        bits = check_bits(y, X.shape[0])
        random = check_random_state(self.random_state)
        train, held_out = Rows(X, bits, self.device), None
        if self.valid_fraction:
            train, held_out = train.split(self.valid_fraction, random)
        seed = int(random.randint(2**31 - 1))
        columns = "stage", "epoch", "loss", "critic_loss", "generator_loss", "score", "seconds"
        table = EpochTable(*columns, metric="held-out F1") if self.verbose else None
        fitted = fit_model(self, train, held_out, seed, table)
        self._take(fitted.model, bits.shape[1], fitted.threshold, fitted.most_labels)
        self.history_, self.best_epoch_, self.best_score_ = fitted.history, fitted.best_epoch, fitted.best_score
        self._fitted_with = self.get_params(deep=False)
        return self

    def _take(self, model, num_bits, threshold, most_labels):
        self.model_, self.threshold_, self.most_labels_ = model, threshold, most_labels
        self.generator_, self.score_function_ = model.generator, model.score
        self.n_labels_ = num_bits
        self.classes_ = [np.array([0, 1])] * num_bits

    def predict_proba(self, X):
        """How far each label is in, (n, L), from 0 to 1.

        Probabilities with ``"cross_entropy"`` only; else the relaxed answer that ``predict`` makes hard.
        """
        rows = self._rows(X)
        return torch.cat([self.model_.answer(x).cpu() for x in rows.in_order()]).numpy()

    def predict(self, X):
        """The labels of rows, an (n, L) array of 0 and 1."""
        rows, limits = self._rows(X), (self.threshold_, self.most_labels_)
        return torch.cat([self.model_.decide(x, *limits).cpu() for x in rows.in_order()]).numpy()

    def score_samples(self, X, y):
        """F(x, y), (n,), of labels y (n, L) that need not be right. With ``"value"`` the F1 that is expected of them.

        Raises
        ------
        ValueError
            Where X and y differ in their number of rows, or y holds anything but 0 and 1.
        """
        rows = self._rows(X)
        bits = torch.from_numpy(check_bits(y, len(rows), self.n_labels_)).to(self._device())
        found, first = [], 0
        for x in rows.in_order():
            with torch.no_grad():
                found.append(self.model_.energy(x).score(bits[first : first + len(x)]).cpu())
            first += len(x)
        return torch.cat(found).numpy()

    def score(self, X, y):
        """F1 of each row's labels, averaged over the rows; 1 for a row with no labels and none predicted."""
        predicted = self.predict(X)
        gold = check_bits(y, len(predicted), self.n_labels_)
        return float(relaxed_f1(torch.from_numpy(predicted).double(), torch.from_numpy(gold).double()).mean())

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
        check_is_fitted(self, "model_")
        card = describe_parameters({**self._fitted_with, "hidden_sizes": None})
        state = {
            "hidden_sizes": [int(size) for size in self._fitted_with["hidden_sizes"]],
            "num_features": self.n_features_in_,
            "num_labels": self.n_labels_,
            "threshold": self.threshold_,
            "most_labels": self.most_labels_,
            "history": [{name: plain(value) for name, value in row.items()} for row in self.history_],
            "best_epoch": self.best_epoch_,
            "best_score": self.best_score_,
        }
        content = {"estimator": type(self).__name__, **card, "state": state}
        write_model(folder, content, self.model_.modules().state_dict())

    def _restore(self, state, tensors):
        self.hidden_sizes = tuple(state["hidden_sizes"])
        self.n_features_in_ = state["num_features"]
        model = build_model(self, build_local(self, state["num_features"], state["num_labels"]))
        modules = model.modules()
        modules.load_state_dict(tensors)
        modules.to(self.device).eval()
        self._take(model, state["num_labels"], state["threshold"], state["most_labels"])
        self.history_, self.best_epoch_ = state["history"], state["best_epoch"]
        self.best_score_ = state["best_score"]
        self._fitted_with = self.get_params(deep=False)

    def _rows(self, X):
        check_is_fitted(self, "model_")
        X = validate_data(self, X, accept_sparse="csr", dtype=np.float32, reset=False)
        return Rows(X, device=self._device())

    def _device(self):
        return next(self.model_.modules().parameters()).device
