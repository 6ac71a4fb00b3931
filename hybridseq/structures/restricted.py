"""A linear chain beside an automaton: label sequences that the automaton accepts, with the chain's scores."""

import functools

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from hybridseq.kernels.arcs import backends
from hybridseq.kernels.chain.reference import log_prob_of
from hybridseq.structures import checks, restriction
from hybridseq.structures.above import Above
from hybridseq.structures.budgeted import BudgetedChain
from hybridseq.structures.expectation import expectation
from hybridseq.structures.following import everything, followed
from hybridseq.structures.linear_chain import LinearChain
from hybridseq.structures.structure import Structure


def _on_arcs(kernel, name, scores, *rest, lengths, graph):
    """A kernel's function, for ``expectation``."""
    return getattr(kernel, name)(*scores, lengths, graph, *rest)


def _own(plan):
    """A plan's own weights. A copy, for torch dislikes what is read-only."""
    return torch.from_numpy(plan.weights.copy())


class RestrictedChain(Above):
    """The distribution of a linear chain over the label sequences that an automaton accepts.

    Made by :meth:`LinearChain.restrict`; all of ``LinearChain``'s methods are exact. Each is O(B·T·(S + A)) for the S
    states and A arcs of the plan's graph, times k for the k best, unless it says otherwise.

    Parameters
    ----------
    base : LinearChain
        The scores.
    plan : AutomatonPlan
        The automaton, and soft constraints that run along.
    weights : (n,) tensor, optional
        What breaking each soft constraint adds to the score, in nats; the plan's weights if not given. Learnable.

    Raises
    ------
    ShapeError
        Where the weights are not one for each soft constraint.

    Notes
    -----
    A state of the graph is a state of the automaton and the label that led there, an arc's move a pair of labels. The
    automaton is deterministic, so that each label sequence is one path.
    """

    def __init__(self, base: LinearChain, plan, weights=None):
        soft = len(plan.weights)
        checks.check_weights(weights, soft)
        self.base, self.plan = base, plan
        self.weights = (_own(plan) if weights is None else weights).to(base.emissions)
        self._scores = None
        # A chain of the reference was asked for by name, or runs where only the reference does.
        self.backend = backends.choose(base.emissions.device, "reference" if base.backend == "reference" else None)

    def __repr__(self):
        return f"RestrictedChain({self.base!r}, {self.plan!r}, backend={self.backend!r})"

    @property
    def _kernel(self):
        return backends.get(self.backend)

    @property
    def graph(self):
        """The states and arcs (``kernels.arcs.Graph``)."""
        graph, device = self.plan.graph, self.emissions.device
        return graph if graph.labels.device == device else graph.to(device)

    def _flags(self, array):
        return torch.from_numpy(array).to(self.emissions.device)

    def _soft_scores(self, broken):
        """What the broken (n, …) soft constraints add. A weight of −inf counts only where it is."""
        return torch.where(broken, self.weights.view(-1, *[1] * (broken.dim() - 1)), 0).sum(0)

    def _parts(self, emissions, transitions, start, end, soft=None):
        """Scores of a chain's parts as scores of the graph's: emissions, moves, initial, final."""
        labels = self.graph.labels
        final = end[labels] if soft is None else end[labels] + soft
        moves = transitions.flatten(-2)
        # A single position has no moves of its own.
        moves = moves if moves.numel() else moves.new_zeros(moves.shape[-1])
        return emissions, moves, start[labels], final

    @property
    def scores(self):
        """The four score tensors of the graph: emissions, moves, initial (S,), final (S,)."""
        # Not a cached_property: its lock is beyond torch.compile. A graph is not kept: a second backward would meet it.
        if self._scores is not None:
            return self._scores
        scores = self._all_parts()
        if not any(x.requires_grad for x in scores):
            self._scores = scores
        return scores

    def _all_parts(self):
        soft = self._soft_scores(self._flags(self.plan.broken)) if len(self.weights) else None
        emissions, moves, initial, final = self._parts(*self.base.scores, soft)
        initial = torch.where(self._flags(self.plan.initial), initial, -torch.inf)
        return emissions, moves, initial, torch.where(self._flags(self.plan.final), final, -torch.inf)

    @property
    def _run(self):
        return *self.scores, self.lengths, self.graph

    def _spelled(self, states):
        """The labels that states consume."""
        return self._kernel.labels_of(states, self.graph)

    def _walk(self, labels):
        """Which label sequences (B, T) are accepted, (B,), and which soft constraints each breaks, (n, B)."""
        return map(self._flags, self.plan.walk(labels.detach().cpu().numpy(), self.lengths.cpu().numpy()))

    def raw_score(self, labels):
        # First, for it checks the labels.
        value = self.base.raw_score(labels)
        if torch.compiler.is_compiling():
            # Dearer than following the labels through a table, but an operator.
            return self._kernel.score_labels(*self._run, labels.to(torch.int64))
        accepted, broken = self._walk(labels)
        return torch.where(accepted, value + self._soft_scores(broken), -torch.inf)

    def raw_log_prob(self, labels):
        if self.backend == "cpu" and not torch.compiler.is_compiling():
            checks.check_label_range(labels, self)
            labels = labels.to(torch.int64)
            ends = self.plan.ends(labels.numpy(), self.lengths.numpy())
            value = self._kernel.pair_log_prob(*self._run, labels, *ends)
            if value is not None:
                return value
        return log_prob_of(self.raw_score(labels), self.raw_log_partition())

    def raw_log_partition(self):
        return self._kernel.log_partition(*self._run)

    @classmethod
    def following(cls, structure, other) -> "RestrictedChain":
        """The distribution of ``structure``, a chain with or without a plan, in states that also know other's plan."""
        if isinstance(structure, cls):
            plan = followed(structure.plan, other.plan)
            weights = torch.cat([structure.weights, structure.weights.new_zeros(len(other.weights) + 1)])
            return cls(structure.base, plan, weights)
        plan = followed(everything(other.plan), other.plan)
        return cls(structure, plan, structure.emissions.new_zeros(len(other.weights) + 1))

    def _as_seen_by(self, other):
        """Parts of ``other`` on this graph, and the final states that it refuses. The graph must follow its plan."""
        refused = soft = None
        if getattr(other, "plan", None) is not None:
            broken = self._flags(self.plan.broken)
            if other.plan is not self.plan:
                first = len(broken) - len(other.weights) - 1
                refused, broken = broken[first], broken[first + 1 :]
            soft = other._soft_scores(broken)
        base = getattr(other, "base", other)
        transitions = base.transitions
        if transitions.dim() < self.base.transitions.dim():
            transitions = transitions.expand(self.base.transitions.shape)
        return self._parts(base.emissions, transitions, base.start, base.end, soft), refused

    def raw_expected_score(self, other):
        theirs = getattr(other, "plan", None)
        chain = self if theirs is None or theirs is self.plan else self.following(self, other)
        return chain.expected_score_here(other, same=other is self)

    def expected_score_here(self, other, same=False):
        """``raw_expected_score`` where the graph follows the plan of ``other``, if it has one."""
        direction, refused = self._as_seen_by(other)
        scores = self.scores
        if scores[1].dim() < direction[1].dim():
            scores = scores[0], scores[1].expand(direction[1].shape), *scores[2:]
        run = functools.partial(_on_arcs, self._kernel, lengths=self.lengths, graph=self.graph)
        return expectation(run, scores, direction, same, refused)

    def marginals(self) -> Float[Tensor, "B T K"]:
        return self._kernel.marginals(*self._run)

    def pair_marginals(self) -> Float[Tensor, "B S K K"]:
        batch, steps, labels = self.emissions.shape
        return self._kernel.move_marginals(*self._run).view(batch, steps - 1, labels, labels)

    def decode(self) -> Int64[Tensor, "B T"]:
        return self._spelled(self._kernel.decode(*self._run))

    def raw_k_best(self, k):
        states, scores = self._kernel.k_best(*self._run, k)
        return self._spelled(states), scores

    def raw_sample(self, uniforms):
        return self._spelled(self._kernel.sample(*self._run, uniforms))

    def _on(self, base):
        return RestrictedChain(base, self.plan, self.weights)

    def double(self) -> "RestrictedChain":
        """The same scores in float64, without their graph."""
        return RestrictedChain(self.base.double(), self.plan, self.weights.detach().double())

    def augment(self, cost: Float[Tensor, "B T K"]) -> "RestrictedChain":
        return self._carry(self._on(self.base.augment(cost)), lambda s: s.augment(cost))

    def restrict(self, what, labels=None, weights=None) -> Structure:
        """As ``LinearChain.restrict``: what both accept. Soft constraints add up, this structure's first."""
        if isinstance(what, Tensor):
            return self._carry(self._on(self.base.restrict(what)), lambda s: s.restrict(what))
        return restriction.apply(self, checks.as_plan(what, labels, self.num_labels), weights)

    def restrict_pairs(self, plan):
        """The structure with −inf where a plan's label pairs are forbidden."""
        return self._on(self.base.restrict_pairs(plan))

    def restrict_automaton(self, plan, weights=None):
        """The structure over what both automata accept."""
        checks.check_weights(weights, len(plan.weights))
        joined = torch.cat([self.weights, (_own(plan) if weights is None else weights).to(self.weights)])
        # Positions of both stand in the emissions already.
        return self.base.restrict_automaton(self.plan.both(plan), joined)

    def restrict_budgets(self, coefficients, low, high):
        """The structure within budgets, as of ``LinearChain``."""
        return BudgetedChain(self, coefficients, low, high)
