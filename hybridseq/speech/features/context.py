"""What stands beside a frame: time derivatives, and the neighbours themselves."""

import torch


def deltas(features: torch.Tensor, order: int = 2, window: int = 2, lengths: torch.Tensor | None = None):
    """Features beside their time derivatives, as slopes of regression lines over 2 · window + 1 frames.

    Equal to Kaldi's add-deltas :cite:p:`furui1986speaker`: the i-th derivative is the i-fold convolution with
    j / Σ k², and the first and the last frame are repeated beyond the ends.

    Parameters
    ----------
    features : (T, D) or (B, T, D) tensor
    order : int
        How many derivatives; 0 gives the features.
    window : int
        Frames to either side.
    lengths : (B,) int64 tensor, optional
        Frames of each row of a batch.

    Returns
    -------
    (T, (order + 1) · D) or (B, T, (order + 1) · D) tensor
        The features, their first derivative, and so on; zeros beyond a row's length.
    """
    if order < 0 or window < 1:
        raise ValueError(f"order must be at least 0 and window at least 1; got {order} and {window}.")
    reach = order * window
    rows = _windows(features, lengths, reach, reach)
    mixed = rows @ _kernels(order, window).to(features).T
    return _as_given(mixed.transpose(-1, -2).flatten(2), features, lengths)


def splice(features: torch.Tensor, left: int, right: int, lengths: torch.Tensor | None = None):
    """Each frame with its neighbours, the first and the last frame repeated beyond the ends, as Kaldi's splice-feats.

    Parameters
    ----------
    features : (T, D) or (B, T, D) tensor
    left, right : int
        Frames before and after.
    lengths : (B,) int64 tensor, optional
        Frames of each row of a batch.

    Returns
    -------
    (T, (left + 1 + right) · D) or (B, T, (left + 1 + right) · D) tensor
        Earlier frames first; zeros beyond a row's length.
    """
    if left < 0 or right < 0:
        raise ValueError(f"left and right must be at least 0; got {left} and {right}.")
    rows = _windows(features, lengths, left, right)
    return _as_given(rows.transpose(-1, -2).flatten(2), features, lengths)


def _windows(features, lengths, left, right):
    """(B, T, D, left + 1 + right): frames t - left to t + right of each row."""
    if features.dim() not in (2, 3) or (features.dim() == 2 and lengths is not None):
        raise ValueError(
            "features must have shape (T, D), or (B, T, D) with lengths (B,) where rows differ; got "
            f"{tuple(features.shape)}{' beside lengths' if lengths is not None else ''}."
        )
    batch = features if features.dim() == 3 else features[None]
    rows, steps, width = batch.shape
    if not steps:
        return batch.new_zeros(rows, 0, width, left + 1 + right)
    place = torch.arange(-left, steps + right, device=features.device).clamp(min=0).expand(rows, -1)
    last = torch.full((rows, 1), steps, device=features.device) if lengths is None else lengths[:, None].to(place)
    place = torch.minimum(place, (last - 1).clamp(min=0))
    longer = batch.gather(1, place[..., None].expand(-1, -1, width))
    return longer.unfold(1, left + 1 + right, 1)


def _as_given(result, features, lengths):
    if features.dim() == 2:
        return result[0]
    if lengths is None:
        return result
    inside = torch.arange(features.shape[1], device=features.device) < lengths.to(features.device)[:, None]
    return torch.where(inside[..., None], result, 0)


def _kernels(order, window):
    """(order + 1, 2 · order · window + 1) float64: weights of the neighbours in each derivative."""
    slope = torch.arange(-window, window + 1, dtype=torch.float64)
    slope = slope / slope.square().sum()
    reach = order * window
    kernels = torch.zeros(order + 1, 2 * reach + 1, dtype=torch.float64)
    kernels[0, reach] = 1
    for i in range(order):
        for j, weight in enumerate(slope.tolist(), -window):
            kernels[i + 1] += weight * kernels[i].roll(j)
    return kernels


class DeltaStream:
    """Derivatives of frames that arrive in pieces: together they equal :func:`deltas` of all the frames.

    Results come order · window frames late.

    Parameters
    ----------
    order, window : int
        As of :func:`deltas`.
    """

    def __init__(self, order: int = 2, window: int = 2):
        self._order, self._window = order, window
        self._reach = order * window
        self._rest: torch.Tensor | None = None

    def accept(self, frames: torch.Tensor) -> torch.Tensor:
        """The rows (T, (order + 1) · D) that further frames complete."""
        if len(frames):
            before = frames[:1].expand(self._reach, -1) if self._rest is None else self._rest
            self._rest = torch.cat([before, frames])
        return self._emit(frames)

    def finish(self) -> torch.Tensor:
        """The rows that were still to come; an empty tensor (0, 0) where there was no frame at all."""
        if self._rest is None:
            return torch.zeros(0, 0)
        self._rest = torch.cat([self._rest, self._rest[-1:].expand(self._reach, -1)])
        return self._emit(self._rest)

    def _emit(self, like):
        count = 0 if self._rest is None else max(len(self._rest) - 2 * self._reach, 0)
        if not count:
            return like.new_zeros(0, (self._order + 1) * like.shape[1])
        rows = deltas(self._rest, self._order, self._window)[self._reach : self._reach + count]
        self._rest = self._rest[count:]
        return rows
