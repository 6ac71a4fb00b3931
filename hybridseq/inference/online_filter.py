"""What the frames so far say of the labels: filtering and fixed-lag smoothing of a stream."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from hybridseq.inference.streaming import Stream, check_lag
from hybridseq.kernels.chain.streams import log_prefixes
from hybridseq.structures import LinearChain


class Filtered(NamedTuple):
    """What :class:`OnlineFilter` gives.

    Attributes
    ----------
    posteriors : (n, K) float64 tensor
        Probabilities of labels, one row for each frame that is decided now; 0 where no label sequence is possible.
    log_evidence : (t,) float64 tensor
        After each frame of the chunk, the log-sum of the scores of all prefixes: for an HMM log p(x₁ … x_t), in nats.
    """

    posteriors: Float[Tensor, "n K"]
    log_evidence: Float[Tensor, "t"]


class OnlineFilter(Stream):
    r"""Posteriors of a stream: p(y_t | x_1 … x_t), or p(y_{t−L} | x_1 … x_t) with a lag L :cite:p:`rabiner1989`.

    Exactly the marginals of ``LinearChain(frames[: t + 1], …)`` at position t − L, and its log-partition. For a chain
    that is no HMM, "given the frames so far" means the chain that ends there, without an end score.

    Parameters
    ----------
    transitions : (K, K) tensor
        ``[i, j]``: score of label i followed by label j, in nats; for an HMM log-probabilities. −inf forbids.
    start, end : (K,) tensors, optional
        Scores of the first and the last label; 0 if not given. ``end`` counts when :meth:`finish` is called.
    lag : int
        L: 0 filters, more smooths with so many later frames.

    Attributes
    ----------
    seen, pending : int
        Frames pushed, and those of them, at most L, whose posterior has not come out yet.

    Raises
    ------
    ShapeError, TypeError, ValueError
        Where shapes disagree, scores are NaN or inf, or the lag is no whole number of at least 0.

    Notes
    -----
    A frame costs O((L + 1)·K²), memory is O(L·K). All is computed in float64; the prefixes in log space, so that a
    label that is all but impossible now can still be the only one possible later.

    Examples
    --------
    >>> import hybridseq as hs
    >>> stay = torch.tensor([[0.9, 0.1], [0.1, 0.9]]).log()
    >>> stream = hs.inference.OnlineFilter(stay, torch.tensor([0.5, 0.5]).log())
    >>> posteriors, evidence = stream.push(torch.tensor([[0.8, 0.2], [0.8, 0.2]]).log())
    >>> posteriors[:, 0]
    tensor([0.8000, 0.9174], dtype=torch.float64)
    """

    def __init__(self, transitions, start=None, end=None, *, lag: int = 0):
        check_lag(lag)
        super().__init__(transitions, start, end, lag)

    def _begin(self):
        super()._begin()
        # Log-sum of all prefixes that end at the carried position.
        self._evidence = torch.zeros((), dtype=torch.float64)

    def push(self, emissions: Float[Tensor, "t K"]) -> Filtered:
        """The posteriors that come out now, after those of earlier calls, and the log-evidence after each frame.

        Parameters
        ----------
        emissions : (t, K) tensor or array
            The scores of the next t frames, t ≥ 0; for an HMM log p(frame | state).

        Raises
        ------
        ShapeError, TypeError
            Where these are not (t, K).
        ValueError
            Where a score is NaN or inf; names the frame. The stream stays as it was.
        """
        frames = self._frames(emissions)
        if not len(frames):
            return Filtered(frames, frames.new_empty(0))
        self.seen += len(frames)
        waiting = len(self._window)
        frames = torch.cat([self._window, frames])
        before, sequence, start = self._sequence(frames)
        prefixes, totals = log_prefixes(sequence, self.transitions, start)
        totals = self._evidence + totals[before:]
        count = max(0, len(frames) - self.lag)
        if self.lag == 0:
            posteriors = prefixes[before:].exp()
        elif count:
            chains = self._windows(prefixes, sequence, before, count)
            posteriors = torch.cat([chain.marginals()[:, 0] for chain in chains])
        else:
            posteriors = frames[:0]
        if count:
            self._carried, self._evidence = prefixes[before + count - 1].clone(), totals[count - 1].clone()
        self._window = frames[count:].clone()
        return Filtered(posteriors, totals[waiting:])

    def finish(self) -> Filtered:
        """The posteriors of all frames that are pending, given the whole stream and ``end``; then a new stream begins.

        Returns
        -------
        Filtered
            With one log-evidence, that of the whole stream and ``end``: the log-partition of the chain. None of
            either where nothing was pushed.
        """
        if not self.seen:
            return Filtered(self._window, self._window.new_empty(0))
        before, sequence, start = self._sequence(self._window)
        chain = LinearChain(sequence[None], self.transitions, start, self.end)
        found = Filtered(chain.marginals()[0, before:], self._evidence + chain.log_partition())
        self._begin()
        return found
