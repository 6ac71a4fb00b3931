"""What streams carry, against the reference's recursions and chains whose last label is forced."""

import numpy as np
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


def arrays(case):
    emissions, transitions, start, _ = (x.detach().numpy() for x in case.leaves)
    return emissions[0], transitions, start


def in_parts(fill, case):
    """All rows at once, and in two calls."""
    emissions, transitions, start = arrays(case)
    whole = fill(emissions, transitions, start, False)
    if case.steps == 1:
        return whole, whole
    first = fill(emissions[:1], transitions, start, False)
    rows = first[0] if isinstance(first, tuple) else first
    return whole, (first, fill(emissions[1:].copy(), transitions, rows[-1], True))


def forced(case, t):
    """Scores (K,) and paths (K, t + 1) of the best sequences of a prefix that end in each label."""
    emissions, transitions, start, _ = (x.detach() for x in case.leaves)
    ends = torch.full((case.labels, case.labels), -torch.inf).double().fill_diagonal_(0)
    found = [reference.k_best(emissions[:, : t + 1], transitions, start, end, torch.tensor([t + 1]), 1) for end in ends]
    return torch.cat([score[:, 0] for _, score in found]), torch.cat([labels[0] for labels, _ in found])


def test_log_prefixes(case):
    emissions, transitions, start, _ = case.leaves
    expected = torch.stack(reference.forward(emissions, transitions, start, case.lengths), 1)[0].detach()
    (alpha, totals), parts = in_parts(streams.log_prefixes, case)
    torch.testing.assert_close(torch.from_numpy(totals), expected.logsumexp(1), **CLOSE)
    torch.testing.assert_close(torch.from_numpy(alpha), expected.log_softmax(1), **CLOSE)
    if case.steps > 1:
        (head, before), (tail, after) = parts
        np.testing.assert_allclose(np.concatenate([head, tail]), alpha, rtol=1e-12)
        np.testing.assert_allclose(np.concatenate([before, after + before]), totals, rtol=1e-12)


def test_best_prefixes_and_survivors(case):
    prefixes, parts = in_parts(streams.best_prefixes, case)
    transitions = arrays(case)[1]
    for t in range(case.steps):
        scores, paths = forced(case, t)
        torch.testing.assert_close(torch.from_numpy(prefixes[t]), scores - scores.max(), **CLOSE)
        np.testing.assert_array_equal(streams.survivors(prefixes[: t + 1], transitions).T, paths)
    if case.steps > 1:
        np.testing.assert_allclose(np.concatenate(parts), prefixes, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("lag", [0, 1, 5])
def test_lagged(case, lag):
    emissions, transitions, start = arrays(case)
    prefixes = streams.best_prefixes(emissions, transitions, start, False)
    found = streams.lagged(prefixes, transitions, lag)
    assert len(found) == max(0, case.steps - lag)
    for t, label in enumerate(found):
        scores, paths = forced(case, t + lag)
        assert label == paths[scores.argmax(), t]


def test_marginals(case):
    found = streams.marginals(*(x.detach().numpy() for x in case.leaves))
    expected = reference.marginals(*case.leaves, case.lengths).detach()
    torch.testing.assert_close(torch.from_numpy(found), expected, **CLOSE)


def test_what_is_impossible_stays_so():
    emissions, zeros = np.zeros((4, 2)), np.zeros(2)
    emissions[1] = -np.inf
    alpha, totals = streams.log_prefixes(emissions, np.zeros((2, 2)), zeros, False)
    assert totals[0] > -np.inf and (totals[1:] == -np.inf).all() and (alpha[1:] == -np.inf).all()
    prefixes = streams.best_prefixes(emissions, np.zeros((2, 2)), zeros, False)
    assert (prefixes[0] == 0).all() and (prefixes[1:] == -np.inf).all()
    assert (streams.survivors(prefixes, np.zeros((2, 2))) == -100).all()
    assert streams.lagged(prefixes, np.zeros((2, 2)), 1).tolist() == [-100, -100, -100]
