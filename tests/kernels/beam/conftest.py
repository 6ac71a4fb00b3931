"""Fresh buffers of a search are poisoned."""

import pytest

from hybridseq.kernels.beam import search
from tests.kernels.conftest import _Poisoned


@pytest.fixture(autouse=True)
def poisoned_search(monkeypatch):
    """An element that a kernel reads before it is written shows."""
    monkeypatch.setattr(search, "np", _Poisoned())
