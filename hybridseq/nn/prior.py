"""How often each state is seen: the prior that turns a classifier's posteriors into scores of an HMM."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from hybridseq.structures import checks


def _used(shape, lengths, device):
    """(B, T) bool: positions within the lengths."""
    if lengths is None:
        return torch.ones(shape, dtype=torch.bool, device=device)
    checks.check_integers("lengths", lengths, "(B,)")
    return torch.arange(shape[1], device=device) < lengths.to(device)[:, None]


class StateCounts:
    """Counts of states, of first states and of neighbouring states, added up batch by batch.

    Parameters
    ----------
    num_states : int
        K.

    Attributes
    ----------
    states : (K,) float64 tensor
        How often each state was seen; sums of probabilities where posteriors were added.
    starts : (K,) float64 tensor
        How often each state came first.
    pairs : (K, K) float64 tensor
        ``[i, j]``: how often state i was followed by state j.

    Examples
    --------
    >>> counts = StateCounts(3).add_labels(torch.tensor([[0, 0, 2], [2, 1, -100]]))
    >>> counts.states.tolist(), counts.starts.tolist()
    ([2.0, 1.0, 2.0], [1.0, 0.0, 1.0])
    """

    def __init__(self, num_states: int):
        checks.check_count("num_states", num_states)
        self.num_states = num_states
        self.states = torch.zeros(num_states, dtype=torch.float64)
        self.starts = torch.zeros(num_states, dtype=torch.float64)
        self.pairs = torch.zeros(num_states, num_states, dtype=torch.float64)

    def __repr__(self):
        return f"StateCounts(K={self.num_states}, frames={self.states.sum():g})"

    def add_labels(self, labels: Int[Tensor, "B T"], lengths: Int[Tensor, "B"] | None = None) -> "StateCounts":
        """Count an alignment; O(B·T).

        Parameters
        ----------
        labels : (B, T) int64 tensor
            States; −100 where there is none. A pair counts where both neighbours have a state.
        lengths : (B,) int tensor, optional
            Positions in use; all if not given.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            Where a label is not −100 and not in 0 … K-1; names the place.
        """
        checks.check_integers("labels", labels, "(B, T) int64")
        labels = labels.detach().cpu().to(torch.int64)
        labels = torch.where(_used(labels.shape, lengths, labels.device), labels, -100)
        wrong = (labels >= self.num_states) | ((labels < 0) & (labels != -100))
        if wrong.any():
            row, position = wrong.nonzero()[0].tolist()
            raise ValueError(
                f"labels[{row}, {position}] is {int(labels[row, position])}; expected 0 to {self.num_states - 1}, or "
                "-100 where there is no label."
            )
        count, known = self.num_states, labels >= 0
        both = known[:, :-1] & known[:, 1:]
        pairs = labels[:, :-1][both] * count + labels[:, 1:][both]
        self.states += torch.bincount(labels[known], minlength=count)
        self.starts += torch.bincount(labels[:, 0][known[:, 0]], minlength=count)
        self.pairs += torch.bincount(pairs, minlength=count * count).view(count, count)
        return self

    def add_posteriors(
        self, posteriors: Float[Tensor, "B T K"], lengths: Int[Tensor, "B"] | None = None
    ) -> "StateCounts":
        """Add up a classifier's probabilities of states (B, T, K); changes ``states`` only.

        Raises
        ------
        ShapeError
            Where the last axis is not K.
        ValueError
            Where a position's numbers are no probabilities; names the place.
        """
        checks.check_tensor("posteriors", posteriors, "(B, T, K)")
        if posteriors.dim() != 3 or posteriors.shape[2] != self.num_states:
            raise checks.ShapeError(
                f"posteriors must have shape (B, T, K) with K = {self.num_states}; got {tuple(posteriors.shape)}."
            )
        posteriors = posteriors.detach().cpu().double()
        used = _used(posteriors.shape[:2], lengths, posteriors.device)
        wrong = used & ~(((posteriors.sum(2) - 1).abs() < 1e-2) & (posteriors >= 0).all(2))
        if wrong.any():
            row, position = wrong.nonzero()[0].tolist()
            raise ValueError(
                f"posteriors[{row}, {position}] sums to {posteriors[row, position].sum():.4g}; expected probabilities "
                "that sum to 1. Scores become probabilities by scores.softmax(-1)."
            )
        self.states += torch.where(used[:, :, None], posteriors, 0).sum((0, 1))
        return self


class Prior(nn.Module):
    r"""log p(state), by which posteriors are divided: p(x | s) ∝ p(s | x) / p(s)\ :sup:`scale` :cite:p:`bourlard1994`.

    The numbers are buffers: they move with the module that holds them and are saved with it.

    Parameters
    ----------
    probs : (K,) tensor or sequence
        Probabilities of the states; they are divided by their sum.
    scale : float
        The exponent of p(s). 1 is Bayes' rule; 0 does not divide; between them, the classifier is trusted more on
        frequent states.
    floor : float
        Rarer states count as this probable, so that a state that is hardly ever seen does not win by its rarity.

    Attributes
    ----------
    log_probs : (K,) tensor
        In nats.
    scale : tensor
        Of no dimension.

    Raises
    ------
    ValueError
        Where a probability is 0 and ``floor`` is too, or a number is negative or not finite.

    Examples
    --------
    >>> prior = Prior.from_counts([90, 9, 0], smoothing=1)
    >>> prior.log_probs.exp().tolist()  # doctest: +ELLIPSIS
    [0.89..., 0.098..., 0.0098...]
    """

    def __init__(self, probs, scale=1.0, floor=0.0):
        super().__init__()
        probs = torch.as_tensor(probs)
        dtype = probs.dtype if probs.is_floating_point() else torch.get_default_dtype()
        probs = probs.detach().double()
        if probs.dim() != 1 or not len(probs):
            raise checks.ShapeError(f"a prior has one probability a state, (K,); got shape {tuple(probs.shape)}.")
        wrong = ~((probs >= 0) & probs.isfinite())
        if wrong.any():
            state = int(wrong.nonzero()[0])
            raise ValueError(f"a prior's numbers must be finite and at least 0; state {state} has {probs[state]:g}.")
        for name, value, high in (("scale", scale, float("inf")), ("floor", floor, 1.0)):
            if not 0 <= value < high:
                raise ValueError(
                    f"{name} must be at least 0{' and below 1' if high == 1 else ' and finite'}; got {value}."
                )
        total = probs.sum()
        probs = torch.clamp(probs / total if total > 0 else probs, min=floor)
        if (probs == 0).any():
            state = int((probs == 0).nonzero()[0])
            raise ValueError(
                f"state {state} was never seen (count 0): dividing by its probability would make it win everywhere. "
                "Give smoothing=1 (so much is added to each count), floor=1e-4 (the least probability), or leave the "
                "state out of the model."
            )
        self.register_buffer("log_probs", (probs / probs.sum()).log().to(dtype))
        self.register_buffer("scale", torch.tensor(float(scale), dtype=dtype))

    def extra_repr(self):
        return f"num_states={self.num_states}, scale={float(self.scale):g}"

    @property
    def num_states(self):
        """K."""
        return len(self.log_probs)

    @classmethod
    def uniform(cls, num_states: int) -> "Prior":
        """All states alike: dividing by it changes nothing."""
        checks.check_count("num_states", num_states)
        return cls(torch.full((num_states,), 1 / num_states))

    @classmethod
    def from_counts(cls, counts, smoothing=0.0, scale=1.0, floor=0.0) -> "Prior":
        """The prior of an alignment.

        Parameters
        ----------
        counts : (K,) tensor or sequence, or StateCounts
            How often each state was seen.
        smoothing : float
            What is added to each count.
        scale, floor : float
            As in the constructor.

        Raises
        ------
        ValueError
            Where a state was never seen, and neither ``smoothing`` nor ``floor`` is given.
        """
        if not 0 <= smoothing < float("inf"):
            raise ValueError(f"smoothing must be at least 0 and finite; got {smoothing}.")
        counts = torch.as_tensor(counts.states if isinstance(counts, StateCounts) else counts)
        return cls((counts.double() + smoothing).to(torch.get_default_dtype()), scale, floor)

    @classmethod
    def from_labels(cls, labels, num_states: int, lengths=None, smoothing=0.0, **rest) -> "Prior":
        """The prior of labels (B, T), −100 where there is none; the rest as in :meth:`from_counts`.

        More than one batch: :class:`StateCounts`, then :meth:`from_counts`.
        """
        return cls.from_counts(StateCounts(num_states).add_labels(labels, lengths), smoothing, **rest)

    @classmethod
    def from_posteriors(cls, posteriors, lengths=None, smoothing=0.0, **rest) -> "Prior":
        """The mean of a classifier's probabilities (B, T, K); the rest as in :meth:`from_counts`.

        More than one batch: :meth:`StateCounts.add_posteriors`, then :meth:`from_counts`.
        """
        checks.check_tensor("posteriors", posteriors, "(B, T, K)")
        counts = StateCounts(posteriors.shape[-1]).add_posteriors(posteriors, lengths)
        return cls.from_counts(counts, smoothing, **rest)

    def scaled(self, scale) -> "Prior":
        """The same prior with another scale."""
        return Prior(self.log_probs.exp(), scale).to(self.log_probs)

    def forward(self, log_posteriors: Float[Tensor, "*rest K"]) -> Float[Tensor, "*rest K"]:
        """log p(s | x) − scale · log p(s): scaled likelihoods, up to a constant a frame."""
        return log_posteriors - (self.scale * self.log_probs).to(log_posteriors)
