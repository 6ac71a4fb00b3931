"""The reference equals the enumeration of all paths."""

import pytest
import torch

from hybridseq.kernels.arcs import reference
from tests import tolerances
from tests.kernels.arcs.drawn_graphs import FORMS, ArcCase

CLOSE = tolerances.value(torch.float64)
SIZES = [(1, 1, 1, 1), (3, 1, 4, 3), (4, 5, 2, 1), (3, 4, 3, 4), (3, 5, 2, 3)]
every_case = pytest.mark.parametrize(
    ("size", "packed", "form", "forbidden"),
    [(size, packed, form, f) for size in SIZES for packed in (False, True) for form in FORMS for f in (0, 0.3)],
)


def enumerated(case, b):
    """All paths of a row, their scores and their probabilities."""
    paths = case.paths(b)
    scores = torch.stack([p[3] for p in paths]) if paths else torch.full((1,), -torch.inf, dtype=torch.float64)
    total = scores.logsumexp(0)
    probability = (scores - total).exp() if total > -torch.inf else torch.zeros_like(scores)
    return paths, scores, total, probability


@every_case
def test_sums(size, packed, form, forbidden):
    case = ArcCase(*size, packed=packed, form=form).forbid(forbidden)
    direction = case.directions()
    other = ArcCase(*size, packed=packed, form=form)
    other.leaves = direction
    with torch.no_grad():
        totals = reference.log_partition(*case.arguments)
        nodes, labels = reference.state_marginals(*case.arguments), reference.marginals(*case.arguments)
        moves = reference.move_marginals(*case.arguments)
        means = reference.expected_score(*case.arguments, direction)
    for b in range(case.batch):
        paths, _, total, probability = enumerated(case, b)
        torch.testing.assert_close(totals[b], total, **CLOSE)
        truth = [torch.zeros_like(x[b]) for x in (nodes, labels, moves)]
        mean = torch.zeros((), dtype=torch.float64)
        for path, p, (*_, value) in zip(paths, probability, other.paths(b)):
            mean += p * value
            for t, (s, y) in enumerate(zip(path[0], path[1])):
                truth[0][t, s] += p
                truth[1][t, y] += p
            for t, m in enumerate(path[2]):
                truth[2][t, m] += p
        for ours, theirs in zip((nodes, labels, moves), truth):
            torch.testing.assert_close(ours[b], theirs, **CLOSE)
        torch.testing.assert_close(means[b], mean, **CLOSE)


@every_case
def test_paths(size, packed, form, forbidden):
    case = ArcCase(*size, packed=packed, form=form, seed=1).forbid(forbidden)
    best = reference.decode(*case.arguments)
    states, scores = reference.k_best(*case.arguments, 4)
    assert torch.equal(states[:, 0], best)
    for b, length in enumerate(case.lengths.tolist()):
        paths, values, _, _ = enumerated(case, b)
        order = [i for i in values.argsort(descending=True).tolist()[:4] if values[i] > -torch.inf]
        expected = values.new_full((4,), -torch.inf)
        expected[: len(order)] = values[order]
        torch.testing.assert_close(scores[b], expected, **CLOSE)
        for n in range(len(order)):
            # Arcs that share a move may tie: any path of that score will do.
            alike = [p[0] for p in paths if torch.isclose(p[3], scores[b, n], **CLOSE)]
            assert states[b, n, :length].tolist() in alike
        assert (states[b, len(order) :] == -100).all()
        assert (states[b, :, length:] == -100).all()


@every_case
def test_scores(size, packed, form, forbidden):
    case = ArcCase(*size, packed=packed, form=form, seed=2).forbid(forbidden)
    states = torch.randint(case.graph.max_states, (case.batch, case.steps), generator=case.generator)
    labels = torch.randint(case.labels, (case.batch, case.steps), generator=case.generator)
    by_states = reference.score(*case.arguments, states)
    by_labels = reference.score_labels(*case.arguments, labels)
    for b, length in enumerate(case.lengths.tolist()):
        paths, values, _, _ = enumerated(case, b)
        for place, given, found in ((0, states, by_states), (1, labels, by_labels)):
            same = [path[place] == given[b, :length].tolist() for path in paths]
            truth = torch.where(torch.tensor(same), values, -torch.inf).logsumexp(0)
            torch.testing.assert_close(found[b], truth, **CLOSE)


def test_derivatives_are_finite_whatever_is_impossible():
    for seed in range(5):
        case = ArcCase(4, 5, 3, 4, seed=seed).forbid(0.4)
        value = reference.log_partition(*case.arguments)
        first = torch.autograd.grad(value.sum(), case.leaves, create_graph=True)
        second = torch.autograd.grad(sum(x.square().sum() for x in first), case.leaves)
        assert all(x.isfinite().all() for x in (*first, *second))


@pytest.mark.parametrize("packed", [False, True])
def test_draws_follow_the_distribution(packed):
    case = ArcCase(2, 3, 2, 3, packed=packed, seed=3)
    states = reference.sample(*case.arguments, case.uniform(20000, 2, 3))
    for b, length in enumerate(case.lengths.tolist()):
        paths, _, _, probability = enumerated(case, b)
        expected = {}
        for path, p in zip(paths, probability):
            expected[tuple(path[0])] = expected.get(tuple(path[0]), 0) + float(p)
        for path, p in expected.items():
            share = float((states[:, b, :length] == torch.tensor(path)).all(1).double().mean())
            assert abs(share - p) < tolerances.SAMPLE_SIGMAS * (p * (1 - p) / 20000) ** 0.5 + 1e-12
