"""Pictures as users hold them, (n, H, W) or (n, H, W, C) from 0 to 1, and as networks do, (n, C, H, W) from −1 to 1."""

import numpy as np
import torch

_LEAST = 4


def check_pictures(name, images) -> np.ndarray:
    """The pictures as an array; raises where they are none.

    Raises
    ------
    ValueError, TypeError
        Where the shape, the type or the range of pixels is not that of pictures; tells the remedy.
    """
    try:
        array = np.asarray(images)
    except ValueError as error:
        raise ValueError(f"{name} must be pictures of one size, (n, H, W) or (n, H, W, C): {error}.") from None
    if array.ndim not in (3, 4):
        raise ValueError(f"{name} must be pictures (n, H, W) or (n, H, W, C); got shape {array.shape}.")
    if array.dtype.kind != "f":
        remedy = f"divide {name} by {255 if array.dtype == np.uint8 else 'its largest possible value'}"
        if array.dtype.kind in "bO":
            remedy = f"convert it: numpy.asarray({name}, dtype=float)"
        raise TypeError(f"{name} must hold floats from 0 to 1; got {array.dtype}: {remedy}.")
    if min(array.shape[1:3]) < _LEAST or 0 in array.shape[1:]:
        raise ValueError(
            f"pictures must be at least {_LEAST} pixels high and wide, and channels come last; {name} has shape "
            f"{array.shape}."
        )
    if len(array) and not np.isfinite(array).all():
        raise ValueError(f"{name} has pixels that are not finite, the first in picture {_first(~np.isfinite(array))}.")
    if len(array) and (array.min() < 0 or array.max() > 1):
        raise ValueError(
            f"the pixels of {name} must be from 0 to 1; got {array.min():g} to {array.max():g}. Scale them: "
            f"({name} - low) / (high - low) with the lowest and the highest possible value."
        )
    return array


def to_tensor(images) -> torch.Tensor:
    """(n, C, H, W) float32 from −1 to 1."""
    array = np.asarray(images, np.float32)
    array = array[:, None] if array.ndim == 3 else array.transpose(0, 3, 1, 2)
    return torch.from_numpy(np.ascontiguousarray(2 * array - 1))


def to_images(tensor, shape) -> np.ndarray:
    """(n, *shape) float32 from 0 to 1, where shape is (H, W) or (H, W, C)."""
    array = ((tensor.detach() + 1) / 2).clamp(0, 1).permute(0, 2, 3, 1).numpy()
    return np.ascontiguousarray(array).reshape(len(array), *shape)


def _first(wrong):
    return int(np.argwhere(wrong)[0][0])
