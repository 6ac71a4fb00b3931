"""What the frames so far say of the labels: filtering and fixed-lag smoothing of a stream."""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from hybridseq.inference.streaming import Stream, check_lag
from hybridseq.kernels.chain import streams

#: Numbers in the windows over a long chunk that are made at a time.
_ROOM = 2**21


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
    tensor([0.8000, 0.9193], dtype=torch.float64)
    """

    def __init__(self, transitions, start=None, end=None, *, lag: int = 0):
        check_lag(lag)
        super().__init__(transitions, start, end, lag)

    def _begin(self):
        super()._begin()
        # Log-probabilities after the last frames: those that are pending, and at least the last one; the pending
        # frames themselves; and the log-sum of all prefixes that end at the last frame.
        self._prefixes = np.empty((0, self.num_labels))
        self._window = np.empty((0, self.num_labels))
        self._evidence = 0.0

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
        begun, waiting = self.seen > 0, self.pending
        before = self._prefixes[-1] if begun else self._start
        self.seen += len(frames)
        new, totals = streams.log_prefixes(frames, self._transitions, before, begun)
        totals += self._evidence
        rows = np.concatenate([self._prefixes[len(self._prefixes) - waiting :], new])
        window = np.concatenate([self._window, frames])
        if len(new):
            self._prefixes, self._evidence = rows[-max(self.lag, 1) :].copy(), totals[-1]
            self._window = window[len(window) - self.pending :].copy()
        posteriors = np.exp(new) if self.lag == 0 else self._smoothed(rows, window)
        return Filtered(torch.from_numpy(posteriors), torch.from_numpy(totals))

    def _smoothed(self, rows, window):
        """Posteriors (n, K) of all positions but the last ``lag``, given so many later frames each."""
        posteriors = np.empty((max(0, len(rows) - self.lag), self.num_labels))
        step = max(1, _ROOM // ((self.lag + 1) * self.num_labels))
        free = np.zeros(self.num_labels)
        for first in range(0, len(posteriors), step):
            own = posteriors[first : first + step]
            # A chain begins with all prefixes that end at its position, and so stands for the whole stream.
            chains = np.empty((len(own), self.lag + 1, self.num_labels))
            chains[:, 0] = rows[first : first + len(own)]
            later = window[first + 1 : first + len(own) + self.lag]
            chains[:, 1:] = np.lib.stride_tricks.sliding_window_view(later, self.lag, 0).swapaxes(1, 2)
            own[:] = streams.marginals(chains, self._transitions, free, free)[:, 0]
        return posteriors

    def finish(self) -> Filtered:
        """The posteriors of all frames that are pending, given the whole stream and ``end``; then a new stream begins.

        Returns
        -------
        Filtered
            With one log-evidence, that of the whole stream and ``end``: the log-partition of the chain. None of
            either where nothing was pushed.
        """
        if not self.seen:
            return Filtered(torch.from_numpy(self._window), torch.empty(0, dtype=torch.float64))
        pending = self.pending
        chain = np.concatenate([self._prefixes[:1], self._window[1:]])[None]
        posteriors = streams.marginals(chain, self._transitions, np.zeros(self.num_labels), self._end)
        evidence = self._evidence + np.logaddexp.reduce(self._prefixes[-1:] + self._end, axis=1)
        self._begin()
        return Filtered(torch.from_numpy(posteriors[0, len(chain[0]) - pending :].copy()), torch.from_numpy(evidence))
