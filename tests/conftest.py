import os
from pathlib import Path

import jaxtyping
import pytest
import torch

# Before anything of the package is imported. Not the kernels: their functions are compiled, and carry no shapes.
_CHECKED = "structures", "objectives", "nn"
if os.environ.get("HYBRIDSEQ_CHECK_SHAPES", "1") == "1":
    jaxtyping.install_import_hook([f"hybridseq.{name}" for name in _CHECKED], "beartype.beartype")


@pytest.fixture
def shapes_unchecked():
    """Without the checks of signatures, for the errors that a wrong rank or dtype must raise."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture
def threads():
    """Sets torch's number of threads; the number from before comes back afterwards."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def corpus():
    """``corpus(name)``: the folder of a real data set; the test is skipped where it is missing."""
    default = Path(__file__).parents[2] / "shared" / "data"

    def find(name):
        folder = Path(os.environ.get("HYBRIDSEQ_DATA", default)) / name
        if not folder.is_dir():
            pytest.skip(f"{folder} is missing; set HYBRIDSEQ_DATA to the folder that holds {name}.")
        return folder

    return find
