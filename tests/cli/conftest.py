import pytest
import torch
from typer.testing import CliRunner

import hybridseq as hs
from hybridseq.cli import app
from hybridseq.text import write_columns

#: Small and quick; what the tests are about is not how good it is.
SIZES = {"hidden_size": 16, "word_size": 12, "char_size": 8}


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def command():
    """Runs the command line in this process."""

    def run(*words, stdin=None):
        return CliRunner().invoke(app, [str(word) for word in words], input=stdin)

    return run


@pytest.fixture(scope="session")
def small():
    """The options that make training quick."""
    return [word for name, value in SIZES.items() for word in ("--set", f"{name}={value}")] + ["--epochs", "2"]


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """A folder with train.txt and test.txt."""
    folder = tmp_path_factory.mktemp("files")
    for seed, name in enumerate(("train.txt", "test.txt")):
        with open(folder / name, "w", encoding="utf-8") as stream:
            write_columns(stream, *hs.datasets.make_ticket_booking(60, random_state=seed))
    return folder


@pytest.fixture(scope="session")
def model(files, tmp_path_factory):
    """A saved model; do not write to it."""
    X, y = hs.text.read_dataset(files / "train.txt")
    folder = tmp_path_factory.mktemp("models") / "model"
    hs.SequenceTagger(**SIZES, max_epochs=2, random_state=0, verbose=0).fit(X, y).save(folder)
    return folder
