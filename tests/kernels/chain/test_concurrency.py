"""Several Python threads, forked children, torch's number of threads."""

import multiprocessing
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

import hybridseq as hs
from hybridseq.kernels import threads as pool
from tests.drawn import Case
from tests.kernels.same import assert_same

# Under 32768 elements: torch's own threads (GNU OpenMP) hang in a forked child.
SIZE = 48, 60, 9


@pytest.fixture(autouse=True)
def threads_cost_nothing(monkeypatch):
    """So that the little work here is shared out."""
    monkeypatch.setattr(pool, "WAKE", 1)


def work(seed):
    """A training step's numbers and the decoded labels."""
    case = Case(*SIZE, dtype=torch.float32, seed=seed)
    chain = case.chain()
    labels = case.paths()
    loss = hs.objectives.log_loss(chain, labels).sum()
    return loss.detach(), *torch.autograd.grad(loss, case.leaves), chain.decode()


@pytest.mark.parametrize("count", [1, 2, 4])
def test_python_threads_at_once(threads, count):
    threads(count)
    serial = [work(seed) for seed in range(12)]
    with ThreadPoolExecutor(6) as executor:
        for one, other in zip(serial, executor.map(work, range(12))):
            assert_same(one, other)


def answer(connection):
    connection.send([x.numpy() for x in work(3)])


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_computes_the_same(threads):
    threads(2)
    before = work(3)
    assert pool._started, "the parent must have used its second thread"
    fork = multiprocessing.get_context("fork")
    answers = []
    for _ in range(2):
        receiver, sender = fork.Pipe(duplex=False)
        child = fork.Process(target=answer, args=(sender,), daemon=True)
        child.start()
        answers.append((child, receiver))
    for child, receiver in answers:
        heard = receiver.poll(20)
        if not heard:
            child.kill()
        assert heard, "a forked child hangs or died"
        assert_same(before, [torch.from_numpy(x) for x in receiver.recv()])
        child.join(20)
        assert child.exitcode == 0
    assert_same(before, work(3))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_rows_are_shared_over_as_many_threads_as_torch_has(threads, count):
    threads(count)
    lengths = np.arange(1, 400)
    parts = pool.share_rows(lengths, 1000, 16)
    assert len(parts) == count
    assert sorted(np.concatenate(parts).tolist()) == list(range(399))
    for part in parts:
        assert (np.diff(lengths[part]) <= 0).all()


def test_little_work_stays_on_one_thread(threads, monkeypatch):
    threads(4)
    monkeypatch.setattr(pool, "WAKE", 60_000)
    assert len(pool.share_rows(np.array([3, 2]), 10, 16)) == 1


def test_an_error_on_another_thread_is_raised_here():
    def kernel(number, part):
        if number == 1:
            raise ValueError("from part 1")

    with pytest.raises(ValueError, match="from part 1"):
        pool.run(kernel, [np.arange(2), np.arange(2)])


@pytest.mark.parametrize("count", [1, 2, 5])
def test_results_do_not_depend_on_the_number_of_threads(threads, count):
    threads(1)
    alone = work(7)
    threads(count)
    assert_same(alone, work(7))
