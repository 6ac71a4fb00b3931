"""The linear chain: emissions a position, transitions between neighbours."""

import functools

import torch
from jaxtyping import Float, Int
from torch import Tensor

from hybridseq.kernels.chain import backends
from hybridseq.structures import checks, restriction
from hybridseq.structures.expectation import expectation
from hybridseq.structures.structure import Structure, wide


def _both(one, other):
    """The sum of two constants of which either may be None."""
    if one is None or other is None:
        return other if one is None else one
    return one + other


def _like(tensor, emissions):
    """The tensor in the emissions' dtype and on their device; itself where that is so already."""
    if tensor.dtype == emissions.dtype and tensor.device == emissions.device:
        return tensor
    return tensor.to(emissions)


def _on_chain(kernel, name, scores, *rest, lengths):
    """A kernel's function, for ``expectation``."""
    if name == "k_best":
        return kernel.k_best(*scores, lengths, *rest)
    return kernel.expected_score(*scores, *rest, lengths)


class LinearChain(Structure):
    r"""A distribution over label sequences with first-order dependence.

    .. math::

       F(y) = \mathrm{start}_{y_1} + \sum_t \mathrm{emissions}_{t, y_t}
              + \sum_t \mathrm{transitions}_{y_t, y_{t+1}} + \mathrm{end}_{y_L}

    with p(y) ∝ exp F(y) :cite:p:`lafferty2001`. Nothing is computed until a method asks; each method is O(B·T·K²) in
    time and O(B·T·K) in memory unless it says otherwise.

    Parameters
    ----------
    emissions : (B, T, K) tensor
        Scores in nats. −inf forbids a label; NaN and +inf raise when they are first used. float16 and bfloat16 are
        computed in float32.
    transitions : (K, K) or (B, T-1, K, K) tensor
        ``[i, j]``: score of label i followed by label j.
    start, end : (K,) tensors, optional
        Scores of the first and the last label; 0 if not given.
    lengths : (B,) int tensor, optional
        Positions in use, 1 to T; the rest is padding on the right. All T if not given.
    backend : str, optional
        ``"cpu"`` (compiled) or ``"reference"`` (plain torch). Default: the fastest for the device, which
        ``chain.backend`` names.

    Raises
    ------
    ShapeError
        Where shapes disagree.
    TypeError
        Where an argument is no tensor, or lengths are not whole numbers.
    ValueError
        Where a length is out of range or the backend is unknown.
    """

    def __init__(
        self,
        emissions: Float[Tensor, "..."],
        transitions: Float[Tensor, "..."],
        start: Float[Tensor, "..."] | None = None,
        end: Float[Tensor, "..."] | None = None,
        lengths: Int[Tensor, "..."] | None = None,
        *,
        backend: str | None = None,
    ):
        checks.check_emissions(emissions)
        batch, steps, labels = emissions.shape
        checks.check_transitions(transitions, emissions)
        if lengths is None:
            lengths = torch.full((batch,), steps, device=emissions.device)
        else:
            checks.check_integers("lengths", lengths, "(B,)")
            if lengths.dtype != torch.int64 or lengths.device != emissions.device:
                lengths = lengths.to(emissions.device, torch.int64)
            checks.check_lengths(lengths, emissions)
        self.emissions = wide(emissions)
        # What label pairs a plan forbids is kept apart: adding it needs no place in autograd's graph.
        self._given = _like(transitions, self.emissions), self._vector("start", start), self._vector("end", end)
        self._added = None
        self.lengths = lengths
        self.num_labels = labels
        self.backend = backends.choose(emissions.device, backend)

    def __repr__(self):
        batch, steps, labels = self.emissions.shape
        shared = "shared" if self._given[0].dim() == 2 else "per-position"
        return f"LinearChain(B={batch}, T={steps}, K={labels}, {shared} transitions, backend={self.backend!r})"

    def _vector(self, name, vector):
        if vector is None:
            return self.emissions.new_zeros(self.emissions.shape[2])
        checks.check_vector(name, vector, self.emissions.shape[2])
        return _like(vector, self.emissions)

    @property
    def _kernel(self):
        return backends.get(self.backend)

    @property
    def _parameters(self):
        """Transitions, start and end, −inf where a plan forbids them."""
        if self._added is not None:
            self._given = tuple(x if y is None else x + y for x, y in zip(self._given, self._added))
            self._added = None
        return self._given

    @property
    def transitions(self):
        """Scores of label pairs, (K, K) or (B, T-1, K, K)."""
        return self._parameters[0]

    @property
    def start(self):
        """Scores of first labels, (K,)."""
        return self._parameters[1]

    @property
    def end(self):
        """Scores of last labels, (K,)."""
        return self._parameters[2]

    @property
    def scores(self):
        """The four score tensors: emissions, transitions, start, end."""
        return self.emissions, *self._parameters

    def _with(self, emissions=None, transitions=None, start=None, end=None, added=None):
        """The same chain with some of its (checked) scores replaced, or constants added to its parameters."""
        chain = object.__new__(type(self))
        chain.__dict__.update(self.__dict__)
        if emissions is not None:
            chain.emissions = emissions
        if transitions is not None or start is not None or end is not None:
            new = transitions, start, end
            chain._given = tuple(old if x is None else x for x, old in zip(new, self._parameters))
            chain._added = None
        if added is not None:
            chain._added = added if self._added is None else tuple(map(_both, self._added, added))
        return chain

    def _call(self, name, *rest):
        """A kernel's function, which adds the constants itself where it can."""
        if self.backend == "cpu" and self._added is not None:
            return getattr(self._kernel, name)(self.emissions, *self._given, self.lengths, *rest, added=self._added)
        return getattr(self._kernel, name)(*self.scores, self.lengths, *rest)

    def raw_score(self, labels):
        return self._call("score", labels.to(torch.int64))

    def raw_log_prob(self, labels):
        return self._call("log_prob", labels.to(torch.int64))

    def raw_log_partition(self):
        return self._call("log_partition")

    def raw_expected_score(self, other):
        if getattr(other, "plan", None) is not None:
            from hybridseq.structures.restricted import RestrictedChain

            return RestrictedChain.following(self, other).expected_score_here(other)
        chain, transitions = self, other.transitions
        if transitions.dim() < self.transitions.dim():
            transitions = transitions.expand(self.transitions.shape)
        elif self.transitions.dim() < transitions.dim():
            chain = self._with(transitions=self.transitions.expand(transitions.shape))
        direction = other.emissions, transitions, other.start, other.end
        kernel = functools.partial(_on_chain, chain._kernel, lengths=self.lengths)
        return expectation(kernel, chain.scores, direction, same=other is self)

    def marginals(self) -> Float[Tensor, "B T K"]:
        return self._kernel.marginals(*self.scores, self.lengths)

    def pair_marginals(self) -> Float[Tensor, "B S K K"]:
        return self._kernel.pair_marginals(*self.scores, self.lengths)

    def decode(self):
        return self._call("decode")

    def raw_k_best(self, k):
        return self._kernel.k_best(*self.scores, self.lengths, k)

    def raw_sample(self, uniforms):
        return self._kernel.sample(*self.scores, self.lengths, uniforms)

    def augment(self, cost: Float[Tensor, "B T K"]) -> "LinearChain":
        checks.check_like_emissions("cost", cost, self.emissions)
        found = self._with(emissions=self.emissions + cost.to(self.emissions.dtype))
        return self._carry(found, lambda s: s.augment(cost))

    def double(self) -> "LinearChain":
        """The same scores in float64, without their graph: for searches that compare values."""
        emissions, transitions, start, end = (x.detach().double() for x in self.scores)
        return self._with(emissions=emissions, transitions=transitions, start=start, end=end)

    def restrict(self, what, labels=None, weights=None) -> Structure:
        """The same chain over accepted label sequences only; what is forbidden scores −inf.

        Parameters
        ----------
        what : (B, T, K) bool tensor, plan or constraint
            The allowed labels of every position (partial labels); a compiled constraint; or a constraint, together
            with ``labels``.
        labels : sequence of str, optional
            The K label names in the order of the indices, to compile a constraint for.
        weights : (n,) tensor, optional
            What breaking each soft part adds to the score, instead of the plan's own weights; may need gradients.

        Returns
        -------
        Structure
            A LinearChain where masks and label pairs are enough, a :class:`RestrictedChain` where the plan holds an
            automaton, a :class:`BudgetedChain` where it holds budgets. Restricting again restricts further.

        Raises
        ------
        ShapeError
            Where the plan's labels are not as many as the chain's, or the weights not as many as the soft parts.
        TypeError
            Where none of these is given, or a constraint without ``labels``.
        """
        if isinstance(what, Tensor):
            checks.check_allowed(what, self.emissions)
            found = self._with(emissions=self.emissions.masked_fill(~what, -torch.inf))
            return self._carry(found, lambda s: s.restrict(what))
        return restriction.apply(self, checks.as_plan(what, labels, self.num_labels), weights)

    def restrict_pairs(self, plan) -> "LinearChain":
        """The chain with −inf where a plan's label pairs are forbidden."""
        return self._with(added=plan.added(self.emissions))

    def restrict_automaton(self, plan, weights=None) -> Structure:
        """The chain beside a plan's automaton."""
        from hybridseq.structures.restricted import RestrictedChain

        if not len(plan.initial):
            # The empty language has no states to run on.
            return self._with(emissions=torch.full_like(self.emissions, -torch.inf))
        return RestrictedChain(self, plan, weights)

    def restrict_budgets(self, coefficients, low, high) -> Structure:
        """The chain within budgets: bounds (R,) of sums of coefficients (R, K) over a sequence."""
        from hybridseq.structures.budgeted import BudgetedChain

        return BudgetedChain(self, coefficients, low, high)
