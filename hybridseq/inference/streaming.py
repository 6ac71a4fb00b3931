"""What online inference shares: the scores of a stream, checked, and the frames as they come in."""

from numbers import Integral

import numpy as np
import torch
from torch import Tensor

from hybridseq.structures import LinearChain, checks
from hybridseq.structures.structure import Structure

#: Numbers in the copies that windows over a long chunk make at a time.
_ROOM = 2**21


def _scores(name, value, shape):
    """A detached float64 copy on the CPU, checked."""
    if isinstance(value, np.ndarray | list):
        value = torch.as_tensor(np.asarray(value))
    checks.check_tensor(name, value, str(shape))
    value = value.detach().to("cpu", torch.float64, copy=True)
    if shape is None:
        if value.dim() != 2 or value.shape[0] != value.shape[1]:
            raise checks.ShapeError(
                f"{name} must have shape (K, K), the same for all positions of a stream; got {tuple(value.shape)}."
            )
    elif tuple(value.shape) != shape:
        raise checks.ShapeError(f"{name} must have shape {shape}; got {tuple(value.shape)}.")
    if not (value < torch.inf).all():
        raise ValueError(f"{name} must be finite or -inf (impossible); got NaN or inf.")
    return value


def check_lag(lag):
    """Raise unless the lag is a whole number of at least 0."""
    if not isinstance(lag, Integral) or isinstance(lag, bool):
        raise TypeError(f"lag must be a whole number of frames; got {lag!r}.")
    if lag < 0:
        raise ValueError(f"lag must be at least 0; got {lag}.")


def parameters_of(source) -> tuple[Tensor, Tensor, Tensor | None]:
    """Transitions, start and end of a layer or of a chain.

    Raises
    ------
    TypeError
        Where it is neither, or is restricted by more than label pairs.
    """
    if isinstance(source, Structure):
        plans = [plan for plan, _ in source.restrictions]
        if not isinstance(source, LinearChain) or any(plan.positions is not None for plan in plans):
            raise TypeError(
                f"a stream runs on transitions between neighbours; got {source!r}, whose constraint needs more than "
                "label pairs (an automaton, a budget, or single positions). Decode whole sequences under it, or keep "
                "only the label pairs."
            )
    elif not hasattr(source, "transitions") or not hasattr(source, "start"):
        raise TypeError(
            f"give a layer (hs.nn.CRF, hs.nn.HMM, hs.nn.HybridHMM) or a LinearChain; got {type(source).__name__}."
        )
    return source.transitions, source.start, getattr(source, "end", None)


class Stream:
    """Scores of a chain whose frames come in chunks; the base of the online decoder and filter.

    Attributes
    ----------
    num_labels : int
        K.
    lag : int or None
        How many frames a decision waits for.
    seen : int
        Frames pushed so far.
    """

    def __init__(self, transitions, start, end, lag):
        self.transitions = _scores("transitions", transitions, None)
        self.num_labels = len(self.transitions)
        zeros = torch.zeros(self.num_labels, dtype=torch.float64)
        self.start = zeros if start is None else _scores("start", start, (self.num_labels,))
        self.end = zeros if end is None else _scores("end", end, (self.num_labels,))
        self.lag = lag
        self._free = zeros
        self._begin()

    def __repr__(self):
        return f"{type(self).__name__}(K={self.num_labels}, lag={self.lag}, seen={self.seen}, pending={self.pending})"

    @classmethod
    def of(cls, source, **options):
        """The stream with the scores of a layer (``hs.nn.CRF``, ``HMM``, ``HybridHMM``) or of a LinearChain.

        A chain restricted to label pairs brings them along; other constraints cannot be kept online.

        Raises
        ------
        TypeError
            Where the chain is restricted by more than label pairs, or something else is given.
        """
        return cls(*parameters_of(source), **options)

    def _begin(self):
        """Forget the stream."""
        self.seen = 0
        self._carried = None
        self._window = self.transitions.new_empty(0, self.num_labels)

    @property
    def pending(self) -> int:
        """Frames pushed but not decided."""
        return len(self._window)

    def _frames(self, emissions):
        """Emissions (t, K) of a chunk in float64, checked before anything changes."""
        if isinstance(emissions, np.ndarray):
            emissions = torch.from_numpy(emissions)
        checks.check_tensor("emissions", emissions, f"(t, K) with K = {self.num_labels}")
        if emissions.dim() != 2 or emissions.shape[1] != self.num_labels or not emissions.is_floating_point():
            hint = " A single frame is emissions[None]." if emissions.dim() == 1 else ""
            raise checks.ShapeError(
                f"emissions must be of a floating-point type and of shape (t, K) with K = {self.num_labels}; got "
                f"{emissions.dtype}, {tuple(emissions.shape)}.{hint}"
            )
        emissions = emissions.detach().to("cpu", torch.float64)
        wrong = ~(emissions < torch.inf)
        if wrong.any():
            frame, label = wrong.nonzero()[0].tolist()
            raise ValueError(
                f"frame {self.seen + frame} of the stream (frame {frame} of this chunk), label {label} is "
                f"{float(emissions[frame, label])}: scores must be finite or -inf. The stream is as it was: mend the "
                "chunk and push it again."
            )
        return emissions

    def _sequence(self, frames):
        """The chunk behind what is carried, and the start scores that belong before it; (rows carried, …)."""
        if self._carried is None:
            return 0, frames, self.start
        return 1, torch.cat([self._carried[None], frames]), self._free

    def _windows(self, prefixes, sequence, first, count):
        """Chains of lag + 1 positions, one for each of ``count`` positions from ``first``, in groups.

        A window begins with the scores of all prefixes that end at its position, so that it stands for the whole
        stream up to the window's end.
        """
        step = max(1, _ROOM // ((self.lag + 1) * self.num_labels))
        for begin in range(first, first + count, step):
            end = min(begin + step, first + count)
            windows = sequence[begin : end + self.lag].unfold(0, self.lag + 1, 1).transpose(1, 2).contiguous()
            windows[:, 0] = prefixes[begin:end]
            yield LinearChain(windows, self.transitions)
