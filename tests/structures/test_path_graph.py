"""Every method of a path graph equals enumeration of the paths."""

import pytest
import torch

from hybridseq.kernels.arcs.graph import Graph
from hybridseq.structures import PathGraph
from hybridseq.structures.checks import ShapeError
from tests import tolerances
from tests.drawn import gradients, inside
from tests.kernels.arcs.drawn_graphs import FORMS, ArcCase

EXACT = tolerances.value(torch.float64)
SLOPE = tolerances.gradient(torch.float64)
KINDS = [(packed, form, backend) for packed in (False, True) for form in FORMS for backend in ("cpu", "reference")]
every_kind = pytest.mark.parametrize(("packed", "form", "backend"), KINDS)
DIFFERENTIABLE = (
    *("log_partition", "max_score", "entropy", "marginals"),
    *("state_marginals", "move_marginals", "pair_marginals"),
)


def drawn(packed, form, seed=0, **options):
    return ArcCase(4, 5, 3, 3, packed=packed, form=form, seed=seed, **options).forbid(0.1, (0, 1))


def structure(case, backend="cpu"):
    emissions, moves, initial, final = case.leaves
    return PathGraph(emissions, case.graph, moves, initial, final, case.lengths, backend)


def rows(case):
    """Each row's possible paths: states, labels, moves and scores."""
    for b in range(case.batch):
        paths = [p for p in case.paths(b) if p[3] > -torch.inf]
        yield b, int(case.lengths[b]), paths, torch.tensor([p[3] for p in paths], dtype=torch.float64)


def counts(case, b, length, paths, scores):
    """Expected use of labels, states, moves and label pairs of a row."""
    labels, states, moves, pairs = (
        torch.zeros(case.steps, n, dtype=torch.float64)
        for n in (case.labels, case.graph.max_states, case.graph.num_moves, case.labels**2)
    )
    for (s, y, m, _), p in zip(paths, scores.softmax(0)):
        for t in range(length):
            labels[t, y[t]] += p
            states[t, s[t]] += p
            if t + 1 < length:
                moves[t, m[t]] += p
                pairs[t, y[t] * case.labels + y[t + 1]] += p
    return labels, states, moves[:-1], pairs[:-1].view(-1, case.labels, case.labels)


@every_kind
@pytest.mark.parametrize("seed", [0, 1])
def test_values_and_marginals_equal_enumeration(packed, form, backend, seed):
    case = drawn(packed, form, seed)
    graph = structure(case, backend)
    found = [getattr(graph, name)() for name in DIFFERENTIABLE[3:]]
    for b, length, paths, scores in rows(case):
        assert graph.feasible()[b] == bool(paths)
        if not paths:
            assert graph.log_partition()[b] == graph.max_score()[b] == -torch.inf
            assert graph.entropy()[b] == 0
            assert (graph.decode()[b] == -100).all()
            continue
        torch.testing.assert_close(graph.log_partition()[b], scores.logsumexp(0), **EXACT)
        torch.testing.assert_close(graph.max_score()[b], scores.max(), **EXACT)
        log_probs = scores.log_softmax(0)
        torch.testing.assert_close(graph.entropy()[b], -(log_probs.exp() * log_probs).sum(), **EXACT)
        for x, y in zip(found, counts(case, b, length, paths, scores)):
            torch.testing.assert_close(x[b], y, **SLOPE)
        best = paths[int(scores.argmax())]
        assert graph.paths()[b].tolist() == best[0] + [-100] * (case.steps - length)
        assert graph.decode()[b].tolist() == best[1] + [-100] * (case.steps - length)


@every_kind
def test_labels_sum_over_the_paths_that_spell_them(packed, form, backend):
    case = drawn(packed, form)
    graph = structure(case, backend)
    spelled = [p[int(len(p) > 1)][1] if p else [0] for _, _, p, _ in rows(case)]
    labels = torch.tensor([(y + [0] * case.steps)[: case.steps] for y in spelled])
    for b, _, paths, scores in rows(case):
        same = [p[3] for p in paths if p[1] == spelled[b]]
        expected = torch.stack(same).logsumexp(0) if same else torch.tensor(-torch.inf, dtype=torch.float64)
        torch.testing.assert_close(graph.score(labels)[b], expected, **EXACT)
        expected = expected - scores.logsumexp(0) if same else expected
        torch.testing.assert_close(graph.log_prob(labels)[b], expected, **EXACT)
    allowed = torch.nn.functional.one_hot(labels, case.labels).bool() | (case.uniform(4, 5, 3) < 0.5)
    for b, length, paths, scores in rows(case):
        kept = [p[3] for p in paths if all(allowed[b, t, p[1][t]] for t in range(length))]
        if kept:
            expected = torch.stack(kept).logsumexp(0) - scores.logsumexp(0)
            torch.testing.assert_close(graph.log_prob(allowed)[b], expected, **EXACT)


@every_kind
def test_the_best_paths_in_their_order(packed, form, backend):
    case = drawn(packed, form)
    states, values = structure(case, backend).k_best_paths(4)
    labels, same = structure(case, backend).k_best(4)
    assert torch.equal(values, same)
    for b, length, paths, scores in rows(case):
        expected = torch.full((4,), -torch.inf, dtype=torch.float64)
        best = scores.sort(descending=True).values[:4]
        expected[: len(best)] = best
        torch.testing.assert_close(values[b], expected, **EXACT)
        for n in range(len(best)):
            spelled = [(p[0], p[1]) for p, score in zip(paths, scores) if abs(score - best[n]) < 1e-9]
            assert (states[b, n, :length].tolist(), labels[b, n, :length].tolist()) in spelled


@pytest.mark.parametrize("packed", [False, True])
def test_draws_have_the_paths_frequencies(packed):
    case = ArcCase(3, 4, 3, 3, packed=packed)
    draws = structure(case).sample(4000, torch.Generator().manual_seed(0))
    frequency = torch.nn.functional.one_hot(draws.clamp(min=0), 3).double().mean(0)
    used = inside(case.lengths, case.steps)
    expected = structure(case).marginals()
    assert (draws[:, ~used] == -100).all()
    error = tolerances.SAMPLE_SIGMAS * (expected * (1 - expected) / 4000).clamp(min=0).sqrt() + 1e-9
    assert ((frequency - expected).abs() <= error)[used].all()


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("form", FORMS)
def test_gradients_equal_the_references(packed, form):
    case = drawn(packed, form, seed=2)
    for name in DIFFERENTIABLE:
        found, expected = (getattr(structure(case, b), name)() for b in ("cpu", "reference"))
        weight = torch.where(found > -torch.inf, torch.linspace(1, 2, found.numel()).view(found.shape).double(), 0)
        finite = [torch.where(x > -torch.inf, x, 0) * weight for x in (found, expected)]
        for x, y in zip(*(gradients(f, case.leaves) for f in finite)):
            torch.testing.assert_close(x, y, **SLOPE)


@pytest.mark.parametrize("packed", [False, True])
def test_the_best_scores_gradient_is_the_best_path(packed):
    case = ArcCase(4, 5, 3, 3, packed=packed)
    graph = structure(case)
    slope = gradients(graph.max_score(), case.leaves)[0]
    expected = torch.nn.functional.one_hot(graph.decode().clamp(min=0), 3) * inside(case.lengths, 5)[:, :, None]
    torch.testing.assert_close(slope, expected.double(), **SLOPE)


@every_kind
def test_expected_cost_and_its_gradient(packed, form, backend):
    case = drawn(packed, form, seed=3)
    graph, cost = structure(case, backend), case.normal(4, 5, 3)
    padded = torch.where(inside(case.lengths, 5)[:, :, None], cost, torch.nan)
    mean = (graph.marginals() * cost).sum((1, 2))
    torch.testing.assert_close(graph.expected_cost(padded), mean, **EXACT)
    for x, y in zip(gradients(graph.expected_cost(cost), case.leaves), gradients(mean, case.leaves)):
        torch.testing.assert_close(x, y, **SLOPE)
    slope = (graph.augment(cost * 1e-6).log_partition() - graph.augment(-cost * 1e-6).log_partition()) / 2e-6
    feasible = graph.feasible()
    torch.testing.assert_close(slope[feasible], mean[feasible], rtol=1e-6, atol=1e-7)


def test_divergence_over_one_graph():
    case, other = ArcCase(4, 5, 3, 3), ArcCase(4, 5, 3, 3)
    emissions, ours = case.normal(4, 5, 3), case.leaves[0].detach()
    p, q = structure(case), PathGraph(emissions, case.graph, *other.leaves[1:], case.lengths)
    for b, _, paths, scores in rows(case):
        theirs = torch.tensor(
            [s[3] + sum(emissions[b, t, y] - ours[b, t, y] for t, y in enumerate(s[1])) for s in paths]
        ).double()
        expected = (scores.softmax(0) * (scores.log_softmax(0) - theirs.log_softmax(0))).sum()
        torch.testing.assert_close(p.kl(q)[b], expected, **SLOPE)
    with pytest.raises(ValueError, match="one Graph object"):
        p.kl(structure(other))


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_huge_scores(packed, dtype):
    case = ArcCase(4, 5, 3, 3, packed=packed, spread=1e4, dtype=dtype)
    graph = structure(case)
    for b, length, _, scores in rows(case):
        torch.testing.assert_close(graph.log_partition()[b].double(), scores.logsumexp(0), rtol=1e-6, atol=1e-2)
        total = graph.marginals()[b].sum(1)
        expected = (torch.arange(5) < length).to(dtype)
        torch.testing.assert_close(total, expected, rtol=0, atol=tolerances.MARGINAL_SUM)


@pytest.mark.parametrize("packed", [False, True])
def test_gradcheck(packed):
    case = ArcCase(3, 4, 3, 3, packed=packed)
    cost = case.normal(3, 4, 3)

    def values(*leaves):
        graph = PathGraph(leaves[0], case.graph, *leaves[1:], case.lengths)
        return graph.log_partition(), graph.entropy(), graph.expected_cost(cost)

    assert torch.autograd.gradcheck(values, case.leaves, fast_mode=True)


def test_half_precision_is_computed_wider():
    case = ArcCase(2, 4, 3, 3, dtype=torch.float32)
    narrow = PathGraph(case.leaves[0].bfloat16(), case.graph, *case.leaves[1:], case.lengths)
    assert narrow.log_partition().dtype == torch.float32


def wrong(case):
    emissions, moves, initial, final = (x.detach() for x in case.leaves)
    graph, lengths = case.graph, case.lengths
    few = Graph.pack([graph, graph])
    yield (emissions[0], graph, moves, initial, final), ShapeError, r"\(B, T, K\)"
    yield (emissions, "graph", moves, initial, final), TypeError, "arcs Graph; got str"
    yield (emissions, few, moves, initial, final), ShapeError, "one graph for each of B = 3 rows; got 2"
    yield (emissions[:, :, :1], graph, moves, initial, final), ValueError, "columns up to .*K = 1"
    yield (emissions, graph, moves[1:], initial, final), ShapeError, r"moves must have shape \(M,\)"
    yield (emissions, graph, moves, initial[1:], final), ShapeError, r"initial must have shape \(S,\) = \(3,\).*\(2,\)"
    yield (emissions, graph, moves, initial, final.long()), TypeError, "floating-point"
    yield (emissions, graph, moves, initial, final, lengths + 9), ValueError, "every row needs 1 to T"
    yield (emissions, graph, moves, initial, final, lengths, "gpu"), ValueError, "backend"


@pytest.mark.usefixtures("shapes_unchecked")
def test_errors():
    for arguments, error, message in wrong(ArcCase(3, 4, 3, 3)):
        with pytest.raises(error, match=message):
            PathGraph(*arguments)
    with pytest.raises(TypeError, match="bool tensor of allowed labels"):
        structure(ArcCase()).restrict("plan")
