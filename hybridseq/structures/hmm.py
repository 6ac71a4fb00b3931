"""The hidden Markov model as a linear chain."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from hybridseq.structures.linear_chain import LinearChain


def hmm(
    initial: Float[Tensor, "..."],
    transitions: Float[Tensor, "..."],
    log_likelihoods: Float[Tensor, "..."],
    lengths: Int[Tensor, "..."] | None = None,
    final: Float[Tensor, "..."] | None = None,
) -> LinearChain:
    r"""A hidden Markov model, given what it observed: the chain over its hidden states :cite:p:`rabiner1989`.

    An HMM is a constructor of a chain and no structure of its own. With the observations' log-likelihoods as emissions,
    log-probabilities of states as transitions and start,

    .. math::

       F(z) = \log p(z_1) + \sum_t \log p(z_{t+1} | z_t) + \sum_t \log p(x_t | z_t) = \log p(x, z)

    so that ``log_partition`` is the log-likelihood log p(x) of the forward algorithm, ``marginals`` the posteriors
    p(z_t | x) of forward-backward, ``decode`` the Viterbi path, ``score`` the log-joint and ``log_prob`` the posterior
    of a path, ``sample`` draws of hidden paths given x. ``restrict``, ``k_best`` and all else of a chain are there too.
    In the table of models an HMM trained for maximum likelihood has ``upper`` 0, because it is normalised locally,
    and ``lower`` the log-joint summed over hidden states: its loss is −``log_partition``.

    Parameters
    ----------
    initial : (K,) tensor
        Log-probabilities of the first state, in nats; −inf for 0.
    transitions : (K, K) tensor
        ``[i, j]``: log-probability of state j after state i; −inf for 0.
    log_likelihoods : (B, T, K) tensor
        Log-likelihood of each observation in each state; densities may be positive, a missing observation is 0.
    lengths : (B,) int tensor, optional
        Positions in use. All T if not given.
    final : (K,) tensor, optional
        What is added for the last state: −inf forbids it.

    Returns
    -------
    LinearChain
        In float64.

    Raises
    ------
    ShapeError, TypeError, ValueError
        As of :class:`LinearChain`; and where probabilities do not sum to 1.

    Examples
    --------
    >>> import torch, hybridseq as hs
    >>> start, step = torch.tensor([0.6, 0.4]), torch.tensor([[0.7, 0.3], [0.4, 0.6]])
    >>> emit = torch.tensor([[0.1, 0.4, 0.5], [0.6, 0.3, 0.1]])
    >>> chain = hs.structures.hmm(start.log(), step.log(), emit.log()[:, [0, 1, 2]].T[None])
    >>> chain.decode().tolist()
    [[1, 0, 0]]
    """
    chain = LinearChain(
        log_likelihoods.double(),
        transitions.double(),
        initial.double(),
        None if final is None else final.double(),
        lengths,
    )
    for name, scores in (("initial", chain.start), ("transitions", chain.transitions)):
        total = scores.detach().exp().sum(-1)
        if not torch.allclose(total, torch.ones_like(total), atol=1e-4):
            row = f"row {int((total - 1).abs().argmax())} of " if total.dim() else ""
            raise ValueError(
                f"{row}{name}: log-probabilities whose exponentials sum to 1 are expected; got the sum "
                f"{total.flatten()[(total - 1).abs().argmax()]:.6g}. Take probabilities' logarithms, or log_softmax"
            )
    return chain
