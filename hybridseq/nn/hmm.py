"""The HMM layer: log-likelihoods of states in, a structure out."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from hybridseq.nn.prior import StateCounts
from hybridseq.structures import LinearChain, MaskedChain, checks


def _allowed(name, given, shape):
    if given is None:
        return torch.ones(shape, dtype=torch.bool)
    given = torch.as_tensor(given)
    if given.dtype != torch.bool or tuple(given.shape) != shape:
        raise checks.ShapeError(
            f"{name} must be of bool and of shape {shape}; got {given.dtype}, {tuple(given.shape)}."
        )
    return given.clone()


def _probabilities(name, given, allowed):
    """Given probabilities, checked; uniform over what is allowed if there are none."""
    if given is None:
        return allowed.double() / allowed.sum(-1, keepdim=True).clamp(min=1)
    given = torch.as_tensor(given).detach().double()
    if given.shape != allowed.shape:
        raise checks.ShapeError(f"{name} must have shape {tuple(allowed.shape)}; got {tuple(given.shape)}.")
    wrong = ~((given >= 0).all(-1) & ((given.sum(-1) - 1).abs() < 1e-4))
    if wrong.any():
        row = f"{name}[{int(wrong.nonzero()[0])}]" if given.dim() == 2 else name
        raise ValueError(
            f"{row} must hold probabilities that sum to 1; they sum to {given.sum(-1)[wrong].tolist()[0]:g}."
        )
    if (given.masked_select(~allowed) > 0).any():
        raise ValueError(f"{name} gives a probability to what the topology forbids; set it to 0 there.")
    return given


def _dtype_of(*given):
    """The dtype of the first floating-point array given; torch's default for lists."""
    found = (torch.as_tensor(x).dtype for x in given if hasattr(x, "dtype"))
    return next((dtype for dtype in found if dtype.is_floating_point), torch.get_default_dtype())


def check_states(emissions, num_states):
    """Raise unless emissions are (B, T, K) for the layer's K."""
    checks.check_emissions(emissions)
    if emissions.shape[2] != num_states:
        raise checks.ShapeError(
            f"emissions must have shape (B, T, K) with K = {num_states} (the layer's num_states); got "
            f"{tuple(emissions.shape)}."
        )


class HMM(nn.Module):
    r"""Initial and transition probabilities of an HMM over the log-likelihoods of any emission module.

    .. math:: \log p(x, y) = \log \pi_{y_1} + \sum_t \log p(x_t \mid y_t) + \sum_t \log a_{y_t y_{t+1}}

    :cite:p:`rabiner1989`. The probabilities are a softmax of the parameters over what the topology allows, so that any
    gradient step leaves them probabilities; what it forbids scores exactly −inf. There is no score of the last state.

    Parameters
    ----------
    num_states : int
        K.
    allowed : (K, K) bool tensor, optional
        The topology: whether state i may be followed by state j. All if not given.
    allowed_start : (K,) bool tensor, optional
        Which states may come first.
    transitions : (K, K) tensor, optional
        Probabilities to start from, ``[i, j]`` of i → j; each row sums to 1, and 0 forbids. Uniform if not given. The
        parameters have the dtype of what is given.
    start : (K,) tensor, optional
        Probabilities of first states; likewise.
    learn : bool
        Whether gradients reach the probabilities.

    Attributes
    ----------
    transition_scores, start_scores : (K, K), (K,) parameters
        Whose log-softmax over what is allowed ``transitions`` and ``start`` are.

    Raises
    ------
    ValueError
        Where a state may be followed by none, or probabilities do not sum to 1; names the state.

    Examples
    --------
    >>> layer = HMM(3, allowed=torch.ones(3, 3).triu().bool())  # left to right
    >>> layer.transitions.exp()[1]
    tensor([0.0000, 0.5000, 0.5000], grad_fn=<SelectBackward0>)
    """

    def __init__(self, num_states: int, *, allowed=None, allowed_start=None, transitions=None, start=None, learn=True):
        super().__init__()
        checks.check_count("num_states", num_states)
        self.num_states = num_states
        dtype = _dtype_of(transitions, start)
        self.transition_scores = nn.Parameter(torch.zeros(num_states, num_states, dtype=dtype), requires_grad=learn)
        self.start_scores = nn.Parameter(torch.zeros(num_states, dtype=dtype), requires_grad=learn)
        allowed = _allowed("allowed", allowed, (num_states, num_states))
        allowed_start = _allowed("allowed_start", allowed_start, (num_states,))
        self.register_buffer("allowed", allowed)
        self.register_buffer("allowed_start", allowed_start)
        self.set_probabilities(
            _probabilities("transitions", transitions, allowed), _probabilities("start", start, allowed_start)
        )

    def extra_repr(self):
        kind = "learned" if self.transition_scores.requires_grad else "fixed"
        return f"num_states={self.num_states}, {int(self.allowed.sum())} transitions, {kind}"

    @property
    def transitions(self) -> Float[Tensor, "K K"]:
        """Log-probabilities of transitions, nats; −inf where forbidden."""
        return self.transition_scores.masked_fill(~self.allowed, -torch.inf).log_softmax(1)

    @property
    def start(self) -> Float[Tensor, "K"]:
        """Log-probabilities of first states, nats."""
        return self.start_scores.masked_fill(~self.allowed_start, -torch.inf).log_softmax(0)

    @torch.no_grad()
    def set_probabilities(self, transitions: Float[Tensor, "K K"], start: Float[Tensor, "K"]) -> None:
        """Set the probabilities; what has probability 0 is forbidden from now on.

        Raises
        ------
        ValueError
            Where a state can be followed by none, or none can come first.
        """
        empty = (transitions > 0).sum(1) == 0
        if empty.any():
            raise ValueError(
                f"state {int(empty.nonzero()[0])} can be followed by none; let it be followed by itself where "
                "sequences end in it, or smooth the counts."
            )
        if not (start > 0).any():
            raise ValueError("no state can come first; allow one, or smooth the counts.")
        pairs = (self.transition_scores, self.allowed, transitions), (self.start_scores, self.allowed_start, start)
        for scores, allowed, probabilities in pairs:
            probabilities = probabilities.to(scores.device)
            allowed.copy_(probabilities > 0)
            # Forbidden scores stay finite: averages of weights and weight decay pass over them.
            scores.copy_(torch.where(allowed, probabilities, 1).log())

    def set_counts(self, counts: StateCounts, smoothing=0.0) -> None:
        """Maximum likelihood from counts of labelled sequences, each allowed event counted ``smoothing`` times more.

        Raises
        ------
        ShapeError
            Where the counts are of another number of states.
        ValueError
            Where nothing that is allowed was counted for a state, and ``smoothing`` is 0.
        """
        if counts.num_states != self.num_states:
            raise checks.ShapeError(f"the counts are of {counts.num_states} states; the HMM has {self.num_states}.")
        pairs = (counts.pairs + smoothing) * self.allowed.cpu()
        starts = (counts.starts + smoothing) * self.allowed_start.cpu()
        self.set_probabilities(pairs / pairs.sum(1, keepdim=True).clamp(min=1e-300), starts / starts.sum())

    def forward(
        self,
        emissions: Float[Tensor, "..."],
        lengths: Int[Tensor, "B"] | None = None,
        mask: Bool[Tensor, "B T"] | None = None,
    ) -> LinearChain | MaskedChain:
        """The joint distribution as a chain: ``score`` is log p(x, y), ``log_partition`` is log p(x).

        Parameters
        ----------
        emissions : (B, T, K) tensor
            log p(frame | state).
        lengths, mask
            As in :meth:`hybridseq.nn.CRF.forward`.

        Raises
        ------
        ShapeError, TypeError, ValueError
            As there.
        """
        check_states(emissions, self.num_states)
        if mask is None:
            return self._chain(emissions, lengths)
        if lengths is not None:
            raise ValueError("give lengths= (padding on the right) or mask= (gaps anywhere), not both.")
        checks.check_mask(mask, emissions)
        return MaskedChain(emissions, mask, self._chain)

    def _chain(self, emissions, lengths):
        return LinearChain(emissions, self.transitions, self.start, lengths=lengths)
