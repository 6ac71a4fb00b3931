"""Where to compute."""

import torch


def check_device(device) -> None:
    """Raise a ValueError unless torch can compute there."""
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            f"device must be one that torch can use here, such as 'cpu'; got {device!r} ({reason})"
        ) from None
