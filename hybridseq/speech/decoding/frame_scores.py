"""What decoders accept as frame scores."""

import numpy as np

from hybridseq.structures.checks import ShapeError


def check_frame_scores(scores, num_columns, name="frame_scores"):
    """Frame scores (T, K) of an array or tensor as a C-contiguous float32 or float64 array; the input stays as it is.

    Raises
    ------
    ShapeError
        Unless there are two axes and at least ``num_columns`` columns.
    ValueError
        If a score is NaN or +inf.
    """
    if hasattr(scores, "detach"):
        scores = scores.detach().cpu()
        scores = (scores if scores.dtype.itemsize >= 4 else scores.float()).numpy()
    scores = np.asarray(scores)
    if scores.ndim != 2:
        raise ShapeError(f"{name} must have shape (T, K), frames by columns; got {scores.shape}.")
    if scores.shape[1] < num_columns:
        raise ShapeError(
            f"{name} must have shape (T, K) with K of at least {num_columns}, as the graph's states consume columns up "
            f"to {num_columns - 1}; got {scores.shape}. Was the graph compiled for another model?"
        )
    if scores.dtype not in (np.float32, np.float64):
        scores = scores.astype(np.float64)
    if not (scores < np.inf).all():
        t, k = np.argwhere(~(scores < np.inf))[0]
        raise ValueError(
            f"{name}[{t}, {k}] is {scores[t, k]}: scores must be finite or -inf (impossible). Look for an overflow or "
            "a division by zero in the model, or for a prior of 0."
        )
    return np.ascontiguousarray(scores)
