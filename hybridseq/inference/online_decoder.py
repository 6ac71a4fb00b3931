"""The best path of a stream: labels come out while frames go in."""

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from hybridseq.inference.streaming import Stream, check_lag
from hybridseq.kernels.chain import streams
from hybridseq.structures import checks

NO_LABEL = -100


class OnlineDecoder(Stream):
    """Viterbi decoding of a stream, with a fixed lag or exactly.

    With a **fixed lag** L, the label of frame t − L is decided when frame t is in: it is that label of the best path
    given all frames up to t, ``LinearChain(frames[: t + 1], …).decode()[t - L]``. Labels that are decided one by one
    need not lie on one path. **Without a lag**, a label is decided as soon as the best paths to all labels of the last
    frame agree on it :cite:p:`sramek2007`: the labels are those of the full Viterbi path, and how long a decision
    waits depends on the data.

    Parameters
    ----------
    transitions : (K, K) tensor
        ``[i, j]``: score of label i followed by label j, in nats; −inf forbids.
    start, end : (K,) tensors, optional
        Scores of the first and the last label; 0 if not given. ``end`` counts when :meth:`finish` is called.
    lag : int or None
        L, at least 0; None decides exactly.
    max_pending : int, optional
        Without a lag: the most frames, at least 1, that may be pending after a call. What is older is decided as on the
        best path so far, and all paths that disagree are given up, so that the labels are still one path. None: no
        bound, and always the Viterbi path.

    Attributes
    ----------
    seen, pending : int
        Frames pushed, and those of them whose label is not decided: at most L with a lag. Without one, 0 tells that
        the survivors have just agreed on everything.

    Raises
    ------
    ShapeError, TypeError, ValueError
        Where shapes disagree, scores are NaN or inf, or the lag is no whole number of at least 0.

    Notes
    -----
    All is computed in float64 and relative to the best prefix, so that nothing drifts however long the stream. A frame
    costs O(K² + L·K) with a lag, and memory is O(L·K); without one O(K² + K·pending) a call and O(K·pending), where
    nothing but the data and ``max_pending`` bounds what is pending. Where no path is possible, or none of those that
    were kept, labels are −100 from there on.

    Examples
    --------
    >>> import hybridseq as hs
    >>> decoder = hs.inference.OnlineDecoder(torch.tensor([[0.0, -2.0], [-2.0, 0.0]]), lag=1)
    >>> decoder.push(torch.tensor([[1.0, 0.0], [0.0, 1.0]])), decoder.push(torch.tensor([[0.0, 2.0]]))
    (tensor([0]), tensor([1]))
    >>> decoder.finish()
    tensor([1])
    """

    def __init__(self, transitions, start=None, end=None, *, lag: int | None = None, max_pending: int | None = None):
        if lag is not None:
            check_lag(lag)
        if max_pending is not None:
            checks.check_count("max_pending", max_pending)
            if lag is not None:
                raise ValueError("max_pending belongs to a decoder without a lag; a lag is a bound by itself.")
        self.max_pending = max_pending
        super().__init__(transitions, start, end, lag)

    def _begin(self):
        super()._begin()
        # Best prefixes of the last frames: those that are pending, and at least the last one.
        self._prefixes = np.empty((0, self.num_labels))
        # Without a lag: [t, j], the label of pending frame t on the best path to label j of the last frame.
        self._survivors = np.empty((0, self.num_labels), np.int64)

    @property
    def pending(self):
        return len(self._survivors) if self.lag is None else super().pending

    def push(self, emissions: Float[Tensor, "t K"]) -> Int64[Tensor, "n"]:
        """The labels that are decided now, in order, after those of earlier calls.

        Parameters
        ----------
        emissions : (t, K) tensor or array
            The scores of the next t frames, t ≥ 0.

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
        new = streams.best_prefixes(frames, self._transitions, before, begun)
        if self.lag is None:
            return torch.from_numpy(self._agreed(new))
        rows = np.concatenate([self._prefixes[len(self._prefixes) - waiting :], new])
        if len(new):
            self._prefixes = rows[-max(self.lag, 1) :].copy()
        return torch.from_numpy(streams.lagged(rows, self._transitions, self.lag))

    def finish(self) -> Int64[Tensor, "n"]:
        """The labels of all frames that are pending, given the whole stream and ``end``; then a new stream begins."""
        if not self.pending:
            final = np.empty(0, np.int64)
        else:
            last = self._prefixes[-1] + self._end
            if self.lag is None:
                paths = self._survivors
            else:
                paths = streams.survivors(self._prefixes, self._transitions)
            final = paths[:, last.argmax()].copy() if last.max() > -np.inf else np.full(len(paths), NO_LABEL)
        self._begin()
        return torch.from_numpy(final)

    def _agreed(self, new):
        """Take new prefixes in; what all survivors agree on now."""
        if not len(new):
            return np.empty(0, np.int64)
        begun = len(self._prefixes)
        paths = streams.survivors(np.concatenate([self._prefixes, new]), self._transitions)
        possible = np.flatnonzero(new[-1] > -np.inf)
        waiting = self._survivors[:, np.maximum(paths[0], 0)] if begun else self._survivors
        self._survivors = np.concatenate([waiting, paths[begun:]])
        self._prefixes = new[-1:].copy()
        if not len(possible):
            lost = np.full(len(self._survivors), NO_LABEL)
            self._survivors = self._survivors[:0].copy()
            return lost
        # Seen from the end, best paths that have met never part: where they agree is the beginning.
        kept = self._survivors[:, possible]
        count = int((kept == kept[:, :1]).all(1).cumprod().sum())
        best = possible[0]
        if self.max_pending is not None and len(kept) - count > self.max_pending:
            count, best = len(kept) - self.max_pending, new[-1].argmax()
            apart = (self._survivors[:count] != self._survivors[:count, best, None]).any(0)
            self._prefixes[-1, apart] = -np.inf
        decided, self._survivors = self._survivors[:count, best].copy(), self._survivors[count:].copy()
        return decided
