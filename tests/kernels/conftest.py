import numpy as np
import pytest


class _Poisoned:
    """numpy whose fresh buffers hold NaN, or −1 where the type has none."""

    def __getattr__(self, name):
        return getattr(np, name)

    @staticmethod
    def empty(*args, **kwargs):
        out = np.empty(*args, **kwargs)
        out.fill(np.nan if out.dtype.kind == "f" else -1)
        return out

    @classmethod
    def empty_like(cls, like):
        return cls.empty(like.shape, like.dtype)


@pytest.fixture(autouse=True)
def poisoned_buffers(monkeypatch):
    """An element that a kernel does not write shows as NaN."""
    from hybridseq.kernels.chain import numba_cpu

    monkeypatch.setattr(numba_cpu, "np", _Poisoned())
