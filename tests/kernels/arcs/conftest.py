import pytest


@pytest.fixture(autouse=True)
def poisoned_buffers(poisoned_buffers, monkeypatch):
    """An element that a kernel does not write shows as NaN, here too."""
    from hybridseq.kernels.arcs.numba_cpu import paths, sums
    from hybridseq.kernels.chain import numba_cpu

    for module in (paths, sums):
        monkeypatch.setattr(module, "np", numba_cpu.np)
