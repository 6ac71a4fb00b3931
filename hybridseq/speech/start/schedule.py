"""When Gaussians are split, and the options of a fit."""

import numpy as np


def check_options(*, iterations, num_gaussians, num_labels, variance_floor, weight_floor, min_frames):
    """Raise a ValueError unless the options of a fit make sense."""
    for name, value in (("iterations", iterations), ("min_frames", min_frames)):
        if not value >= 1:
            raise ValueError(f"{name} must be at least 1; got {value!r}.")
    if not 0 <= weight_floor < 1:
        raise ValueError(f"weight_floor must be a share of a mixture, in [0, 1); got {weight_floor!r}.")
    if not 0 < variance_floor < 1:
        raise ValueError(f"variance_floor is a share of the variance of all frames, in (0, 1); got {variance_floor!r}.")
    counts = np.asarray(num_gaussians)
    if counts.ndim > 1 or (counts.ndim == 1 and len(counts) != num_labels) or (counts < 1).any():
        raise ValueError(
            f"num_gaussians must be at least 1, one number (the mean of the columns) or P = {num_labels}; got "
            f"{num_gaussians!r}."
        )
    if counts.max() > 1 and iterations < 2:
        raise ValueError("Gaussians are split from the second iteration on; give iterations of at least 2.")


def schedule(iterations, num_gaussians, num_labels):
    """How many Gaussians there shall be from each iteration on: {iteration: number, or (P,) array}.

    A third of the iterations, at least one, for single Gaussians, then twice as many at a time; the last third has all.
    """
    target = np.asarray(num_gaussians, np.float64)
    most = float(target.max())
    if most <= 1:
        return {}
    steps = max(1, int(np.ceil(np.log2(most))))
    first = max(1, iterations // 3)
    last = max(first, iterations - 1 - iterations // 3)
    plan = {}
    for n in range(steps):
        at = round(first + (last - first) * n / max(1, steps - 1)) if steps > 1 else first
        now = np.minimum(target, 2.0 ** (n + 1)) if n + 1 < steps else target
        plan[at] = np.round(now).astype(int) if target.ndim else round(float(now) * num_labels)
    return plan
