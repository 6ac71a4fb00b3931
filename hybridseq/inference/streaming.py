"""What online inference shares: the scores of a stream, checked, and the frames as they come in."""

from numbers import Integral

import numpy as np
import torch

from hybridseq.structures import LinearChain, checks
from hybridseq.structures.structure import Structure


def _scores(name, value, labels=None):
    """A float64 copy as an array, checked."""
    if isinstance(value, np.ndarray | list):
        value = torch.as_tensor(np.asarray(value))
    shape = "(K, K)" if labels is None else "(K,)"
    checks.check_tensor(name, value, shape)
    value = value.detach().to("cpu", torch.float64, copy=True).contiguous().numpy()
    if labels is None and (value.ndim != 2 or len(set(value.shape)) > 1 or not value.size):
        raise checks.ShapeError(
            f"{name} must have shape (K, K), the same for all positions of a stream; got {value.shape}."
        )
    if labels is not None and value.shape != (labels,):
        raise checks.ShapeError(f"{name} must have shape (K,) = ({labels},); got {value.shape}.")
    if not (value < np.inf).all():
        raise ValueError(f"{name} must be finite or -inf (impossible); got NaN or inf.")
    return value


def check_lag(lag):
    """Raise unless the lag is a whole number of at least 0."""
    if not isinstance(lag, Integral) or isinstance(lag, bool):
        raise TypeError(f"lag must be a whole number of frames; got {lag!r}.")
    if lag < 0:
        raise ValueError(f"lag must be at least 0; got {lag}.")


def parameters_of(source):
    """Transitions, start and end (None where there is none) of a layer or of a chain.

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
        self._transitions = _scores("transitions", transitions)
        self.num_labels = len(self._transitions)
        zeros = np.zeros(self.num_labels)
        self._start = zeros if start is None else _scores("start", start, self.num_labels)
        self._end = zeros if end is None else _scores("end", end, self.num_labels)
        self.lag = lag
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

    @property
    def pending(self) -> int:
        """Frames pushed but not decided."""
        return min(self.seen, self.lag)

    def _frames(self, emissions):
        """Emissions (t, K) of a chunk as a float64 array, checked before anything changes."""
        if isinstance(emissions, torch.Tensor):
            emissions = emissions.detach().cpu()
            emissions = (emissions if emissions.dtype != torch.bfloat16 else emissions.float()).numpy()
        elif not isinstance(emissions, np.ndarray):
            raise TypeError(
                f"emissions must be a tensor or an array, (t, K) with K = {self.num_labels}; got "
                f"{type(emissions).__name__}. Convert it: torch.as_tensor(…)."
            )
        if emissions.ndim != 2 or emissions.shape[1] != self.num_labels or emissions.dtype.kind != "f":
            hint = " A single frame is emissions[None]." if emissions.ndim == 1 else ""
            raise checks.ShapeError(
                f"emissions must be of a floating-point type and of shape (t, K) with K = {self.num_labels}; got "
                f"{emissions.dtype}, {emissions.shape}.{hint}"
            )
        wrong = ~(emissions < np.inf)
        if wrong.any():
            frame, label = np.argwhere(wrong)[0]
            raise ValueError(
                f"frame {self.seen + frame} of the stream (frame {frame} of this chunk), label {label} is "
                f"{emissions[frame, label]}: scores must be finite or -inf. The stream is as it was: mend the chunk "
                "and push it again."
            )
        return np.ascontiguousarray(emissions, np.float64)
