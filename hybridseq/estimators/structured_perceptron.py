"""The averaged structured perceptron on hand-made features."""

from sklearn.utils import check_random_state

from hybridseq.estimators.linear_model import LinearSequenceModel
from hybridseq.estimators.numbers import check_number
from hybridseq.training.linear.perceptron import AveragedPerceptron


class StructuredPerceptron(LinearSequenceModel):
    """Averaged structured perceptron on sparse or dense features :cite:p:`collins2002`.

    Parameters
    ----------
    max_iterations : int
        Passes over the data.
    min_freq, all_possible_states, all_possible_transitions
        Which pairs have weights, as in :class:`~hybridseq.LinearCRF`.
    constraint, on_infeasible
        As in :class:`~hybridseq.LinearCRF`; of a constraint's parts those that speak of label pairs (tag schemes among
        them) hold in training, all of them in prediction. Where labels break it and ``on_infeasible`` is "relax" or
        "unconstrained", training does without it.
    tolerance : float
        Stop after a pass in which a smaller share of labels was wrong; after one without a mistake in any case.
    shuffle : bool
        Whether the sequences' order is drawn anew before each pass.
    random_state : int, RandomState or None
    verbose : int
        0 is silent; 1 shows progress on standard error.

    Attributes
    ----------
    classes_, weights_, coef_, constraint_, n_iter_, converged_, history_
        As in :class:`~hybridseq.LinearCRF`. ``objective_`` is NaN: the perceptron minimises none.

    Examples
    --------
    >>> import hybridseq as hs
    >>> X = [[["w=to"], ["w=Rome", "before=to"]], [["w=from"], ["w=Rome", "before=from"]]]
    >>> hs.StructuredPerceptron(verbose=0).fit(X, [["O", "toloc"], ["O", "fromloc"]]).predict(X)
    [['O', 'toloc'], ['O', 'fromloc']]
    """

    pairs_only = True

    def __init__(
        self,
        max_iterations=20,
        *,
        min_freq=0,
        all_possible_states=False,
        all_possible_transitions=False,
        constraint=None,
        tolerance=0.0,
        shuffle=True,
        on_infeasible="raise",
        random_state=None,
        verbose=1,
    ):
        self.max_iterations = max_iterations
        self.min_freq = min_freq
        self.all_possible_states = all_possible_states
        self.all_possible_transitions = all_possible_transitions
        self.constraint = constraint
        self.tolerance = tolerance
        self.shuffle = shuffle
        self.on_infeasible = on_infeasible
        self.random_state = random_state
        self.verbose = verbose

    def _check_parameters(self):
        check_number("max_iterations", self.max_iterations, least=1, whole=True)
        check_number("tolerance", self.tolerance, least=0)

    def _learn(self, problem):
        learner = AveragedPerceptron(len(problem.pairs))
        return self._passes(learner, problem, self.max_iterations), learner

    def _learn_on(self, problem, weights, places, learner):
        if learner is None:
            learner = AveragedPerceptron(len(weights), weights)
        learner = learner.extended(places, len(problem.pairs))
        return self._passes(learner, problem, 1), learner

    def _passes(self, learner, problem, passes):
        random = check_random_state(self.random_state)
        options = {"tolerance": self.tolerance, "shuffle": self.shuffle, "verbose": self.verbose}
        return learner.learn(problem, random, passes=passes, **options)
