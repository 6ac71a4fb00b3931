"""The linear-chain CRF on hand-made features."""

import numpy as np
from sklearn.utils import check_random_state

from hybridseq.estimators.linear_model import LinearSequenceModel
from hybridseq.estimators.numbers import check_number
from hybridseq.nn.names import choose
from hybridseq.training.linear.crf import maximise_likelihood
from hybridseq.training.linear.sgd import descend, step_on

#: The learning rate of ``partial_fit``, unless ``learning_rate`` says another.
_RATE = 1.0
_ELSEWHERE = {
    "ap": "hybridseq.StructuredPerceptron",
    "pa": "hybridseq.StructuredSVM, whose margins it approaches step by step",
    "arow": "hybridseq.StructuredSVM or hybridseq.StructuredPerceptron",
}


class LinearCRF(LinearSequenceModel):
    r"""Linear-chain conditional random field on sparse or dense features :cite:p:`lafferty2001`.

    Minimises −log-likelihood + ``c1``·‖w‖₁ + ``c2``·‖w‖², as CRFsuite does: with the same features and penalties the
    optimum is the same.

    Parameters
    ----------
    algorithm : {"lbfgs", "l2sgd"}
        L-BFGS (with ``c1`` above 0 its orthant-wise form), or stochastic gradient descent with averaged weights.
    c1, c2 : float
        Weights of the L1 and of the squared L2 norm (without a factor ½). ``"l2sgd"`` knows ``c2`` only.
    max_iterations : int, optional
        Iterations of L-BFGS, or passes over the data. None: 1,000 and 30.
    min_freq : float
        The least sum of values, in training, for which a feature–label or label–label pair has a weight. 0: every pair
        that training shows (CRFsuite leaves those out whose values add up to less than 0; ``min_freq=1e-9`` does too).
    all_possible_states : bool
        Whether features have weights for labels with which training never shows them.
    all_possible_transitions : bool
        Whether label pairs that training never shows have weights; without one a pair scores 0, it is not forbidden.
    constraint : str, constraint or None
        As in :class:`~hybridseq.SequenceTagger`, in training and prediction; None, the default, leaves every label
        sequence possible.
    delta, period, epsilon : float, int, float
        L-BFGS stops where the objective fell by less than the share ``delta`` over ``period`` iterations, or
        ‖gradient‖ / max(1, ‖w‖) is below ``epsilon``.
    num_memories : int
        Steps that L-BFGS remembers.
    learning_rate : float, optional
        Of ``"l2sgd"``, at first; None: the best on a part of the data.
    batch_size : int
        Sequences in a step of ``"l2sgd"``.
    on_infeasible : {"raise", "relax", "unconstrained", "skip"}
        What to do with a sequence whose labels break the constraint in training, or that nothing satisfies in
        prediction; see :class:`~hybridseq.SequenceTagger`.
    random_state : int, RandomState or None
        Order of the sequences in ``"l2sgd"``.
    verbose : int
        0 is silent; 1 shows progress on standard error.

    Attributes
    ----------
    classes_ : (K,) array
        The labels, sorted.
    objective_ : float
        The regularised objective, summed over sequences, in nats.
    weights_ : WeightTable
        The weights by name; ``state_features_`` and ``transition_features_`` as dictionaries.
    coef_ : (S + P,) array
        The weights, see ``pairs_``.
    constraint_ : constraint or None
        What predictions keep to.
    n_iter_, converged_, history_
        Iterations, whether the stopping rule was met, and the objective of each iteration.
    n_sequences_seen_ : int
        Sequences of ``fit``, and of every ``partial_fit`` since.

    Examples
    --------
    >>> import hybridseq as hs
    >>> X = [[["w=to"], ["w=Rome", "before=to"]], [["w=from"], ["w=Rome", "before=from"]]]
    >>> crf = hs.LinearCRF(verbose=0).fit(X, [["O", "toloc"], ["O", "fromloc"]])
    >>> crf.predict(X)
    [['O', 'toloc'], ['O', 'fromloc']]
    """

    def __init__(
        self,
        algorithm="lbfgs",
        *,
        c1=0.0,
        c2=1.0,
        max_iterations=None,
        min_freq=0,
        all_possible_states=False,
        all_possible_transitions=False,
        constraint=None,
        delta=1e-5,
        period=10,
        epsilon=1e-5,
        num_memories=6,
        learning_rate=None,
        batch_size=8,
        on_infeasible="raise",
        random_state=None,
        verbose=1,
    ):
        self.algorithm = algorithm
        self.c1 = c1
        self.c2 = c2
        self.max_iterations = max_iterations
        self.min_freq = min_freq
        self.all_possible_states = all_possible_states
        self.all_possible_transitions = all_possible_transitions
        self.constraint = constraint
        self.delta = delta
        self.period = period
        self.epsilon = epsilon
        self.num_memories = num_memories
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.on_infeasible = on_infeasible
        self.random_state = random_state
        self.verbose = verbose

    def _check_parameters(self):
        if self.algorithm in _ELSEWHERE:
            raise ValueError(f"algorithm={self.algorithm!r} is not of this model: use {_ELSEWHERE[self.algorithm]}")
        choose("algorithm", self.algorithm, {"lbfgs": True, "l2sgd": True})
        for name in ("c1", "c2"):
            check_number(name, getattr(self, name), least=0)
        if self.algorithm == "l2sgd" and self.c1:
            raise ValueError(f"algorithm='l2sgd' has no L1 penalty, but c1={self.c1!r}; use 'lbfgs', or c1=0")
        check_number("max_iterations", self.max_iterations, least=1, whole=True, optional=True)
        for name in ("delta", "epsilon"):
            check_number(name, getattr(self, name), least=0)
        for name in ("period", "num_memories", "batch_size"):
            check_number(name, getattr(self, name), least=1, whole=True)
        check_number("learning_rate", self.learning_rate, above=0, optional=True)

    def _learn(self, problem):
        if self.algorithm == "l2sgd":
            learned = descend(
                problem,
                check_random_state(self.random_state),
                c2=self.c2,
                passes=self.max_iterations or 30,
                size=self.batch_size,
                rate=self.learning_rate,
                delta=self.delta,
                period=self.period,
                verbose=self.verbose,
            )
            return learned, None
        learned = maximise_likelihood(
            problem,
            c1=self.c1,
            c2=self.c2,
            max_iterations=self.max_iterations or 1000,
            memories=self.num_memories,
            delta=self.delta,
            period=self.period,
            epsilon=self.epsilon,
            verbose=self.verbose,
        )
        return learned, None

    def _learn_on(self, problem, weights, places, state):
        start = np.zeros(len(problem.pairs))
        start[places] = weights
        learned = step_on(
            problem,
            check_random_state(self.random_state),
            start,
            c2=self.c2,
            size=self.batch_size,
            rate=self.learning_rate or _RATE,
            seen=getattr(self, "n_sequences_seen_", 0) + len(problem.lengths),
            verbose=self.verbose,
        )
        return learned, None
