import pytest
import torch

import hybridseq as hs

#: Small and quick; what the tests are about is not how good it is.
QUICK = {"hidden_size": 16, "word_size": 12, "char_size": 8, "max_epochs": 3, "random_state": 0, "verbose": 0}


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def sentences():
    return hs.datasets.make_ticket_booking(80, random_state=0)


@pytest.fixture(scope="session")
def quick():
    return QUICK


@pytest.fixture(scope="session")
def fitted(sentences):
    return hs.SequenceTagger(**QUICK).fit(*sentences)
