"""The best path of a stream: labels come out while frames go in."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from hybridseq.inference.streaming import Stream, check_lag
from hybridseq.kernels.chain.streams import best_prefixes
from hybridseq.structures import LinearChain

NO_LABEL = -100
#: Frames after which the survivors of a long chunk are compared, which bounds the K · chunk · K numbers of one call.
_BLOCK = 32


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
    costs O(L·K²) with a lag, and memory is O(L·K); without one O(K³ + K·pending) and O(K·pending), where nothing but
    the data bounds what is pending. Where no path is possible, labels are −100 from there on.

    Examples
    --------
    >>> import hybridseq as hs
    >>> decoder = hs.inference.OnlineDecoder(torch.tensor([[0.0, -2.0], [-2.0, 0.0]]), lag=1)
    >>> decoder.push(torch.tensor([[1.0, 0.0], [0.0, 1.0]])), decoder.push(torch.tensor([[0.0, 2.0]]))
    (tensor([0]), tensor([1]))
    >>> decoder.finish()
    tensor([1])
    """

    def __init__(self, transitions, start=None, end=None, *, lag: int | None = None):
        if lag is not None:
            check_lag(lag)
        super().__init__(transitions, start, end, lag)

    def _begin(self):
        super()._begin()
        # [t, j]: the label of undecided frame t on the best path to label j of the last frame.
        self._survivors = torch.empty(0, self.num_labels, dtype=torch.int64)

    @property
    def pending(self):
        return len(self._window) if self.lag is not None else len(self._survivors)

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
        self.seen += len(frames)
        if self.lag is not None:
            return self._push_lagged(torch.cat([self._window, frames]))
        decided = [self._agreed(block) for block in frames.split(_BLOCK) if len(block)]
        return torch.cat(decided) if decided else frames.new_empty(0, dtype=torch.int64)

    def finish(self) -> Int64[Tensor, "n"]:
        """The labels of all frames that are pending, given the whole stream and ``end``; then a new stream begins."""
        if self.lag is None:
            final = self._survivors.new_empty(0) if self._carried is None else self._last_path()
        elif len(self._window):
            before, sequence, start = self._sequence(self._window)
            final = best_prefixes(sequence, self.transitions, start, self.end)[0][before:]
        else:
            final = self._survivors.new_empty(0)
        self._begin()
        return final

    def _push_lagged(self, frames):
        count = len(frames) - self.lag
        if count <= 0:
            self._window = frames
            return self._survivors.new_empty(0)
        before, sequence, start = self._sequence(frames)
        labels, prefixes = best_prefixes(sequence, self.transitions, start, self._free)
        if count == 1:
            decided = labels[before : before + 1]
        else:
            chains = self._windows(prefixes, sequence, before, count)
            decided = torch.cat([chain.decode()[:, 0] for chain in chains])
        self._carried, self._window = prefixes[before + count - 1].clone(), frames[count:].clone()
        return decided

    def _agreed(self, frames):
        """Take a few frames in; what all survivors agree on now."""
        before, sequence, start = self._sequence(frames)
        _, prefixes = best_prefixes(sequence, self.transitions, start, self._free)
        # One row for each label of the last frame, which allows that label alone.
        rows = sequence.expand(self.num_labels, *sequence.shape).clone()
        forced = torch.full_like(self.transitions, -torch.inf).fill_diagonal_(0)
        rows[:, -1] += forced
        paths = LinearChain(rows, self.transitions, start).decode().T
        self._carried = prefixes[-1].clone()
        survivors = paths[before:]
        if before:
            survivors = torch.cat([self._survivors[:, paths[0].clamp(min=0)], survivors])
        possible = (paths[0] >= 0).nonzero()[:, 0]
        if not len(possible):
            self._survivors = torch.full_like(survivors, NO_LABEL)
            return self._decide(len(survivors), 0)
        # Best paths to different labels never part again once they have met, seen from the end.
        same = (survivors[:, possible] == survivors[:, possible[:1]]).all(1)
        self._survivors = survivors
        return self._decide(int(same.to(torch.int64).cumprod(0).sum()), int(possible[0]))

    def _decide(self, count, label):
        decided = self._survivors[:count, label].clone()
        self._survivors = self._survivors[count:].clone()
        return decided

    def _last_path(self):
        total = self._carried + self.end
        if not (total > -torch.inf).any():
            return torch.full((len(self._survivors),), NO_LABEL)
        return self._survivors[:, int(total.argmax())]
