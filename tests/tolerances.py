"""Every tolerance of the tests, by dtype: keyword arguments of ``torch.testing.assert_close``."""

import torch

_VALUE = {torch.float64: (1e-10, 1e-10), torch.float32: (1e-5, 1e-4)}
_GRADIENT = {torch.float64: (1e-9, 1e-10), torch.float32: (1e-4, 1e-5)}
_SECOND = {torch.float64: (1e-8, 1e-9), torch.float32: (1e-3, 1e-4)}
#: Units in the last place of an exponential.
EXP_ULPS = 2.5
#: How far float32 marginals of a position may sum from 1, whatever the scores.
MARGINAL_SUM = 1e-3
#: Standard deviations of a sampled frequency.
SAMPLE_SIGMAS = 4.5


def _of(table, dtype):
    relative, absolute = table[dtype]
    return {"rtol": relative, "atol": absolute}


def value(dtype):
    """For log-partitions, scores and losses."""
    return _of(_VALUE, dtype)


def gradient(dtype):
    """For marginals and first derivatives."""
    return _of(_GRADIENT, dtype)


def second(dtype):
    """For second derivatives."""
    return _of(_SECOND, dtype)
