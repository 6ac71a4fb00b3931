"""Randomness of its own."""

import contextlib

import torch


@contextlib.contextmanager
def seeded(seed: int):
    """torch's random numbers from a seed, on every device; afterwards they go on as if nothing had been drawn."""
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        yield
