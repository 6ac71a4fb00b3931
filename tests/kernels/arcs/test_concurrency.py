"""Several Python threads, forked children, torch's number of threads."""

import multiprocessing
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from hybridseq.kernels import threads as pool
from hybridseq.kernels.arcs import cpu
from tests.kernels.arcs.drawn_graphs import ArcCase
from tests.kernels.same import assert_same


@pytest.fixture(autouse=True)
def threads_cost_nothing(monkeypatch):
    """So that the little work here is shared out."""
    monkeypatch.setattr(pool, "WAKE", 1)


def work(seed):
    """A training step's numbers, the best paths, a second derivative, draws; hard rows among easy ones."""
    # Under 32768 elements: torch's own threads (GNU OpenMP) hang in a forked child.
    case = ArcCase(40, 30, 5, 9, packed=seed % 2 == 1, dtype=torch.float32, seed=seed)
    case.leaves[0].data[::5] *= 1e4
    value = cpu.log_partition(*case.arguments)
    first = torch.autograd.grad(value.sum(), case.leaves, create_graph=True)
    second = torch.autograd.grad(first[0].square().sum(), case.leaves)
    found = value, *first, *second, cpu.decode(*case.arguments), *cpu.k_best(*case.arguments, 2)
    return [x.detach() for x in (*found, cpu.sample(*case.arguments, case.uniform(1, 40, 30)))]


@pytest.mark.parametrize("count", [1, 2, 4])
def test_python_threads_at_once(threads, count):
    threads(count)
    serial = [work(seed) for seed in range(8)]
    with ThreadPoolExecutor(6) as executor:
        for one, other in zip(serial, executor.map(work, range(8))):
            assert_same(one, other)


def answer(connection):
    connection.send([x.numpy() for x in work(3)])


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_computes_the_same(threads):
    threads(2)
    before = work(3)
    assert pool._started, "the parent must have used its second thread"
    fork = multiprocessing.get_context("fork")
    receiver, sender = fork.Pipe(duplex=False)
    child = fork.Process(target=answer, args=(sender,), daemon=True)
    child.start()
    heard = receiver.poll(30)
    if not heard:
        child.kill()
    assert heard, "a forked child hangs or died"
    assert_same(before, [torch.from_numpy(x) for x in receiver.recv()])
    child.join(20)
    assert child.exitcode == 0


@pytest.mark.parametrize("count", [2, 5])
@pytest.mark.parametrize("seed", [6, 7])
def test_results_do_not_depend_on_the_number_of_threads(threads, count, seed):
    threads(1)
    alone = work(seed)
    threads(count)
    assert_same(alone, work(seed))
