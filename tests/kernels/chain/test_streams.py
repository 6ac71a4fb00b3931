"""Prefixes of a stream against the reference's recursion, and against chains whose last label is forced."""

import pytest
import torch

from hybridseq.kernels.chain import reference, streams
from tests import tolerances
from tests.drawn import Case

CLOSE = tolerances.value(torch.float64)


@pytest.fixture(params=[(1, 1), (2, 3), (63, 2), (20, 17)], ids="T,K={}".format)
def case(request):
    steps, labels = request.param
    return Case(1, steps, labels).forbid()


def test_log_prefixes(case):
    emissions, transitions, start, _ = case.leaves
    alpha, totals = streams.log_prefixes(emissions[0], transitions, start)
    expected = torch.stack(reference.forward(emissions, transitions, start, case.lengths), 1)[0].detach()
    torch.testing.assert_close(totals, expected.logsumexp(1), **CLOSE)
    torch.testing.assert_close(alpha, expected.log_softmax(1), **CLOSE)


def test_best_prefixes(case):
    emissions, transitions, start, end = (x.detach() for x in case.leaves)
    labels, prefixes = streams.best_prefixes(emissions[0], transitions, start, end)
    assert torch.equal(labels, reference.decode(emissions, transitions, start, end, case.lengths)[0])
    for t in range(case.steps):
        last = end if t + 1 == case.steps else torch.zeros_like(end)
        forced = torch.full((case.labels, case.labels), -torch.inf).double().fill_diagonal_(0) + last
        length = torch.tensor([t + 1])
        best = [reference.k_best(emissions[:, : t + 1], transitions, start, e, length, 1)[1] for e in forced]
        best = torch.cat(best)[:, 0]
        torch.testing.assert_close(prefixes[t], best - best.max(), **CLOSE)


def test_what_is_impossible_stays_so():
    emissions = torch.zeros(4, 2).double()
    emissions[1] = -torch.inf
    zeros = torch.zeros(2).double()
    alpha, totals = streams.log_prefixes(emissions, torch.zeros(2, 2).double(), zeros)
    assert totals[0] > -torch.inf and (totals[1:] == -torch.inf).all() and (alpha[1:] == -torch.inf).all()
    labels, prefixes = streams.best_prefixes(emissions, torch.zeros(2, 2).double(), zeros, zeros)
    assert (labels == -100).all() and (prefixes[1:] == -torch.inf).all()
