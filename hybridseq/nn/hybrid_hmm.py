"""The hybrid layer: a classifier's scores in, the chain of an HMM out."""

from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from hybridseq.nn.hmm import HMM, check_states
from hybridseq.nn.prior import Prior
from hybridseq.structures import LinearChain, MaskedChain, checks


class HybridHMM(nn.Module):
    r"""A neural classifier of frames as the emissions of an HMM :cite:p:`bourlard1994`.

    By Bayes' rule log p(x | s) = log p(s | x) − log p(s) + log p(x), and log p(x) is the same for all states: so the
    chain's emissions are

    .. math:: \log p(s \mid x_t) - \mathrm{scale} \cdot \log p(s)

    with p(s | x) the softmax of the encoder's scores. Transitions and start are log-probabilities of the HMM.

    Parameters
    ----------
    num_states : int
        K.
    prior : Prior, optional
        p(s) with its scale; uniform (no division) if not given. Set ``layer.prior`` to change it.
    allowed, allowed_start, transitions, start, learn
        Topology and probabilities of the HMM, as in :class:`HMM`.

    Attributes
    ----------
    hmm : HMM
    prior : Prior

    Raises
    ------
    ShapeError
        Where the prior is of another number of states.

    Notes
    -----
    A log-softmax takes the same off all states of a frame, so the log loss of this chain is that of a CRF with locally
    normalised transitions and the prior as a constant bias. The prior matters where the classifier was trained frame
    by frame, by :meth:`cross_entropy`: then it removes how often a state is seen from what the frame says, and leaves
    that to the transitions.

    Examples
    --------
    >>> import torch
    >>> prior = Prior.from_counts([900, 90, 10])
    >>> chain = HybridHMM(3, prior)(torch.randn(2, 7, 3), lengths=torch.tensor([7, 4]))
    >>> chain.decode().shape
    torch.Size([2, 7])
    """

    def __init__(
        self,
        num_states: int,
        prior: Prior | None = None,
        *,
        allowed=None,
        allowed_start=None,
        transitions=None,
        start=None,
        learn: bool = True,
    ):
        super().__init__()
        self.hmm = HMM(
            num_states,
            allowed=allowed,
            allowed_start=allowed_start,
            transitions=transitions,
            start=start,
            learn=learn,
        )
        self.num_states = num_states
        self.prior = Prior.uniform(num_states) if prior is None else prior

    def __setattr__(self, name, value):
        if name == "prior":
            if not isinstance(value, Prior):
                raise TypeError(f"prior must be a hybridseq.nn.Prior; got {value!r}. Build one: Prior.from_counts(…).")
            if value.num_states != self.num_states:
                raise checks.ShapeError(f"the prior is of {value.num_states} states; the layer has {self.num_states}.")
        super().__setattr__(name, value)

    @property
    def transitions(self) -> Float[Tensor, "K K"]:
        """Log-probabilities of transitions, nats; −inf where forbidden."""
        return self.hmm.transitions

    @property
    def start(self) -> Float[Tensor, "K"]:
        """Log-probabilities of first states, nats."""
        return self.hmm.start

    def emissions(self, scores: Float[Tensor, "*rest K"]) -> Float[Tensor, "*rest K"]:
        """log p(state | frame) − scale · log p(state) of an encoder's scores (…, K): what streams take."""
        return self.prior(scores.log_softmax(-1))

    def forward(
        self,
        emissions: Float[Tensor, "..."],
        lengths: Int[Tensor, "B"] | None = None,
        mask: Bool[Tensor, "B T"] | None = None,
    ) -> LinearChain | MaskedChain:
        """The distribution over state sequences given the frames, see ``LinearChain``.

        Parameters
        ----------
        emissions : (B, T, K) tensor
            The encoder's scores; their softmax is p(state | frame).
        lengths, mask
            As in :meth:`hybridseq.nn.CRF.forward`.

        Raises
        ------
        ShapeError, TypeError, ValueError
            As there.
        """
        check_states(emissions, self.num_states)
        return self.hmm(self.emissions(emissions), lengths, mask)

    def cross_entropy(self, structure, labels: Int[Tensor, "B T"]) -> Float[Tensor, "B"]:
        r"""The classic recipe: frames and transitions each by themselves, whatever restricts the structure.

        .. math:: -\sum_t \log p(y_t \mid x_t) - \log \pi_{y_1} - \sum_t \log a_{y_t y_{t+1}}

        Its gradient reaches the classifier frame by frame, and the transitions (if they are learned) as their maximum
        likelihood.

        Parameters
        ----------
        structure : Structure
            What this layer gave, restricted or not.
        labels : (B, T) int64 tensor
            States.

        Returns
        -------
        (B,) tensor
            In nats, never negative; +inf where the topology forbids a transition.
        """
        prior = self.prior
        undivided = structure.unrestricted().augment(
            (prior.scale * prior.log_probs).to(structure.emissions).expand(structure.emissions.shape)
        )
        return -undivided.score(labels)
