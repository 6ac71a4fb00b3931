"""What every structure owes its users: a few primitives in float64, and all that follows from them."""

from abc import ABC, abstractmethod

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from hybridseq.kernels.chain.reference import log_prob_of
from hybridseq.structures import checks

NO_LABEL = -100
_NARROW = torch.float16, torch.bfloat16


def wide(tensor):
    """float16 and bfloat16 as float32, anything else as it is."""
    return tensor.float() if tensor.dtype in _NARROW else tensor


class Structure(ABC):
    """A distribution over label sequences, p(y) ∝ exp F(y), one a batch row.

    A concrete structure has ``emissions (B, T, K)`` and ``lengths (B,)`` and computes the ``raw_`` values, float64 so
    that the difference of two keeps its digits; public methods check, round and combine them.
    """

    emissions: Tensor
    lengths: Tensor
    #: The plans that restrict the structure, each with its weights or None, in their order.
    restrictions: tuple = ()
    _without_plans = None

    def unrestricted(self) -> "Structure":
        """The structure without the plans that restrict it; costs, and masks of allowed labels, stay."""
        return self if self._without_plans is None else self._without_plans()

    def _carry(self, found, change):
        """``found``, which is ``change(self)``, and knows what it is without the plans."""
        if self.restrictions:
            found.restrictions = self.restrictions
            found._without_plans = lambda: change(self.unrestricted())
        return found

    def _record(self, found, plan, weights):
        """``found``, which is this structure restricted by a plan, and knows that."""
        found.restrictions = *self.restrictions, (plan, weights)
        found._without_plans = self.unrestricted
        return found

    @abstractmethod
    def raw_score(self, labels: Tensor) -> Tensor:
        """Scores (B,) of checked labels, unrounded."""

    @abstractmethod
    def raw_log_partition(self) -> Tensor:
        """Log-partition (B,), unrounded."""

    @abstractmethod
    def raw_expected_score(self, other: "Structure") -> Tensor:
        """Expectation (B,) of ``other``'s score here; −inf where ``other`` forbids what this structure allows."""

    @abstractmethod
    def marginals(self) -> Float[Tensor, "B T K"]:
        """Probability of every label at every position, differentiable; 0 in the padding and in infeasible rows."""

    @abstractmethod
    def pair_marginals(self) -> Float[Tensor, "B S K K"]:
        """Probability of labels (i, j) at positions t and t+1, (B, T-1, K, K), differentiable."""

    @abstractmethod
    def decode(self) -> Int64[Tensor, "B T"]:
        """The label sequence with the highest score, padded with −100; all −100 where none is possible."""

    @abstractmethod
    def raw_k_best(self, k: int) -> tuple[Tensor, Tensor]:
        """The k best label sequences and unrounded scores."""

    @abstractmethod
    def raw_sample(self, uniforms: Tensor) -> Tensor:
        """Draws (n, B, T) from uniform numbers (n, B, T)."""

    @abstractmethod
    def augment(self, cost: Float[Tensor, "B T K"]) -> "Structure":
        """The structure with ``cost`` added to the emissions: loss-augmented scores."""

    @abstractmethod
    def restrict(self, what, labels=None, weights=None) -> "Structure":
        """The structure over the accepted label sequences only; what it takes stands at ``LinearChain.restrict``."""

    def _round(self, value):
        return value.to(self.emissions.dtype)

    def score(self, labels: Int64[Tensor, "B T"]) -> Float[Tensor, "B"]:
        """Score F(y) of one label sequence a row; labels beyond a row's length are ignored.

        Raises
        ------
        ShapeError, ValueError
            Where the shape is not (B, T), or a label within the lengths is not in 0 … K-1.
        """
        checks.check_labels(labels, self.emissions)
        return self._round(self.raw_score(labels))

    def log_partition(self) -> Float[Tensor, "B"]:
        """Log of the sum of exp F over all label sequences, in nats; −inf where there is none. Twice differentiable."""
        return self._round(self.raw_log_partition())

    def log_prob(self, output, labels=None) -> Float[Tensor, "B"]:
        """Log-probability of one label sequence a row, or that the row's label sequence satisfies a constraint.

        Parameters
        ----------
        output : (B, T) int64 tensor; or what ``restrict`` takes
            One label sequence a row; or a (B, T, K) bool tensor of allowed labels, a plan or a constraint. Its soft
            parts do not count: a sequence that breaks only those satisfies it.
        labels : sequence of str, optional
            The K label names, where a constraint is not compiled yet.

        Returns
        -------
        (B,) tensor
            In nats, never above 0, differentiable; −inf where the output is impossible.
        """
        if not isinstance(output, Tensor) or output.dtype == torch.bool:
            return self._round(self.raw_log_prob_that(output, labels))
        checks.check_labels(output, self.emissions)
        return self._round(self.raw_log_prob(output))

    def raw_log_prob_that(self, what, labels=None):
        """Log-probability (B,) that the output satisfies what ``restrict`` takes, unrounded :cite:p:`xu2018`."""
        if isinstance(what, list | tuple):
            checks.check_labels(what, self.emissions)
        weights = None
        if not isinstance(what, Tensor):
            what = checks.as_plan(what, labels, self.emissions.shape[2], allow_empty=True)
            if soft := checks.soft_parts(what):
                weights = self.emissions.new_zeros(soft)
        return log_prob_of(self.restrict(what, weights=weights).raw_log_partition(), self.raw_log_partition())

    @abstractmethod
    def raw_log_prob(self, labels):
        """Log-probability (B,) of checked labels, unrounded, never above 0; −inf where the row allows nothing."""

    def raw_max_score(self):
        """Highest score, unrounded; its gradient is the parts of the best sequence."""
        labels = self.decode()
        feasible = (labels >= 0).any(1)
        score = self.raw_score(torch.where(feasible[:, None], labels, 0))
        return torch.where(feasible, score, -torch.inf)

    def max_score(self) -> Float[Tensor, "B"]:
        """Highest score; −inf where no label sequence is possible. Its gradient is the parts of the best sequence."""
        return self._round(self.raw_max_score())

    def feasible(self) -> Bool[Tensor, "B"]:
        """Whether a row has any possible label sequence."""
        return (self.decode() >= 0).any(1)

    def k_best(self, k: int) -> tuple[Int64[Tensor, "B k T"], Float[Tensor, "B k"]]:
        """The k best label sequences, best first, and their scores (no gradient). Missing ones are −100 and −inf.

        Time O(B·T·K²·k), memory O(T·K·k) a thread.
        """
        checks.check_count("k", k)
        labels, scores = self.raw_k_best(k)
        return labels, self._round(scores)

    def sample(self, n: int, generator: torch.Generator | None = None) -> Int64[Tensor, "n B T"]:
        """n exact draws a row, padded with −100; all −100 where no label sequence is possible."""
        checks.check_count("n", n)
        shape = (n, *self.emissions.shape[:2])
        uniforms = torch.rand(shape, generator=generator, dtype=torch.float64, device=self.emissions.device)
        return self.raw_sample(uniforms)

    def raw_cross_entropy(self, other):
        """Cross-entropy, unrounded; 0 where this structure allows nothing."""
        total, mean = other.raw_log_partition(), self.raw_expected_score(other)
        # Where all is forbidden there, its log-partition is −inf too.
        value = torch.where(mean > -torch.inf, total - mean, torch.inf)
        return torch.where(self.raw_log_partition().detach() > -torch.inf, value, 0)

    def cross_entropy(self, other: "Structure") -> Float[Tensor, "B"]:
        """−Σ p log q for another structure q of the same shape, in nats; +inf where q forbids what p allows."""
        checks.check_same_positions(self, other)
        return self._round(self.raw_cross_entropy(other))

    def entropy(self) -> Float[Tensor, "B"]:
        """Entropy in nats, differentiable; 0 in infeasible rows."""
        return self._round(self.raw_cross_entropy(self))

    def kl(self, other: "Structure") -> Float[Tensor, "B"]:
        """Kullback-Leibler divergence from this distribution to ``other``, in nats, differentiable."""
        checks.check_same_positions(self, other)
        return self._round(self.raw_cross_entropy(other) - self.raw_cross_entropy(self))

    def expected_cost(self, cost: Float[Tensor, "B T K"]) -> Float[Tensor, "B"]:
        """Mean under the distribution of a cost that adds up over positions; its gradient is a covariance."""
        checks.check_like_emissions("cost", cost, self.emissions)
        return (self.marginals() * cost).sum((1, 2))
