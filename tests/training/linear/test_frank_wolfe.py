"""Block-coordinate Frank-Wolfe comes to the structured SVM's optimum, and its gap says how far it is."""

from itertools import pairwise, product

import numpy as np
import pytest
from scipy.optimize import minimize

import hybridseq as hs
from hybridseq.training.linear import frank_wolfe as module
from hybridseq.training.linear.costs import cost_matrix
from hybridseq.training.linear.frank_wolfe import Solver, frank_wolfe
from hybridseq.training.linear.margins import Margins
from hybridseq.training.linear.problem import Problem
from hybridseq.training.linear.weights import count_pairs
from tests.training.linear import drawn

HAMMING = 1.0 - np.eye(3)
WEIGHTED = cost_matrix({0: 2.0, (1, 2): 0.5}, range(3))
KINDS = {
    "seen pairs": {"ones": True},
    "values": {"ones": False},
    "all pairs": {"ones": True, "all_states": True, "all_transitions": True},
    "all pairs, values": {"ones": False, "all_states": True, "all_transitions": True},
}
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


def features(problem, b, path):
    """φ of a label path, added up one by one."""
    pairs, start = problem.pairs, problem.starts[b]
    places = {pair: n for n, pair in enumerate(zip(pairs.features().tolist(), pairs.labels.tolist()))}
    moves = {pair: pairs.states + n for n, pair in enumerate(zip(pairs.sources.tolist(), pairs.targets.tolist()))}
    out, tokens = np.zeros(len(pairs)), problem.attributes
    for t, label in enumerate(path):
        for n in range(tokens.indptr[start + t], tokens.indptr[start + t + 1]):
            place = places.get((int(tokens.indices[n]), int(label)))
            if place is not None:
                out[place] += 1.0 if tokens.values is None else tokens.values[n]
        if t and (int(path[t - 1]), int(label)) in moves:
            out[moves[int(path[t - 1]), int(label)]] += 1.0
    return out


def right(problem, b):
    return problem.labels[problem.starts[b] : problem.starts[b] + problem.lengths[b]]


def difference(problem, b, path):
    return features(problem, b, right(problem, b)) - features(problem, b, path)


def optimum(problem, costs, strength, allowed=lambda path: True):
    """The dual's greatest value over all label paths, by a solver of quadratic programs."""
    columns, losses, blocks = [], [], []
    for b, length in enumerate(problem.lengths):
        for path in product(range(problem.pairs.num_labels), repeat=int(length)):
            if allowed(path):
                columns.append(difference(problem, b, path))
                losses.append(costs[right(problem, b), np.array(path)].sum())
                blocks.append(b)
    columns, losses, blocks = strength * np.array(columns).T, strength * np.array(losses), np.array(blocks)
    sums = (blocks == np.arange(len(problem.lengths))[:, None]).astype(float)
    found = minimize(
        lambda a: 0.5 * np.sum((columns @ a) ** 2) - losses @ a,
        (sums / sums.sum(1, keepdims=True)).sum(0),
        jac=lambda a: columns.T @ (columns @ a) - losses,
        bounds=[(0, 1)] * len(losses),
        constraints={"type": "eq", "fun": lambda a: sums @ a - 1, "jac": lambda a: sums},
        options={"ftol": 1e-13, "maxiter": 1000},
    )
    assert found.success
    return -found.fun


@every_kind
@pytest.mark.parametrize("costs", [HAMMING, WEIGHTED], ids=["hamming", "weighted"])
def test_the_optimum_is_that_of_a_quadratic_program(kind, costs):
    problem = drawn.problem(seed=1, count=4, longest=3, size=4, **kind)
    learned = frank_wolfe(problem, np.random.RandomState(0), costs, strength=0.3, tolerance=1e-6, passes=500)
    wanted = optimum(problem, costs, 0.3)
    assert learned.converged
    assert learned.objective == pytest.approx(wanted, rel=2e-6)
    assert learned.history[-1]["dual"] <= wanted * (1 + 1e-7)
    assert learned.objective == Margins(problem, costs).primal(learned.weights, 0.3)


def test_the_optimum_under_a_plan_is_that_of_the_paths_it_allows():
    whole = drawn.problem(seed=2, count=10, longest=3, size=4, all_transitions=True)
    plan = hs.constraints.transitions(forbidden=[("c", "a")]).compile(("a", "b", "c"))
    rows = [b for b in range(10) if plan.accepts(right(whole, b))][:4]
    part = drawn.some(whole, rows)
    problem = Problem(part.attributes, part.labels, part.pairs, part.counts, plan)
    learned = frank_wolfe(problem, np.random.RandomState(0), HAMMING, strength=0.5, tolerance=1e-6, passes=500)
    assert learned.converged
    allowed = optimum(problem, HAMMING, 0.5, lambda path: (2, 0) not in pairwise(path))
    assert learned.objective == pytest.approx(allowed, rel=2e-6)
    assert allowed < optimum(problem, HAMMING, 0.5) * (1 - 1e-4)


def rounds(solver, count, random):
    for _ in range(count):
        _, gap = solver.search(random)
        solver.rebalance(random, gap)
        yield gap


@every_kind
@pytest.mark.parametrize("strength", [0.05, 2.0])
def test_the_dual_never_falls_and_stays_below_the_primal(kind, strength):
    problem = drawn.problem(seed=3, count=25, **kind)
    solver, random, last = Solver(problem, WEIGHTED, strength, 32, 32), np.random.RandomState(0), 0.0
    primal = Margins(problem, WEIGHTED).primal
    least = np.inf
    for _ in rounds(solver, 30, random):
        weights = solver.exact_weights()
        dual = strength * (solver.cache.masses * solver.cache.losses).sum() - 0.5 * weights @ weights
        least = min(least, primal(weights, strength))
        assert dual >= last - 1e-6 * abs(last)
        last = dual
    assert 0 < last <= least
    assert least - last < 0.02 * least


@every_kind
def test_the_weights_are_those_of_the_masses(kind):
    problem, strength = drawn.problem(seed=4, count=15, **kind), 0.7
    solver = Solver(problem, WEIGHTED, strength, 16, 16)
    list(rounds(solver, 12, np.random.RandomState(0)))
    cache, wanted = solver.cache, np.zeros(len(problem.pairs))
    assert cache.held.max() > 3
    for b, length in enumerate(problem.lengths):
        tokens = slice(problem.starts[b], problem.starts[b] + length)
        psi = [difference(problem, b, cache.paths[tokens, c]) for c in range(cache.held[b])]
        for c, own in enumerate(psi):
            wanted += strength * cache.masses[b, c] * own
            assert cache.losses[b, c] == pytest.approx(WEIGHTED[right(problem, b), cache.paths[tokens, c]].sum())
            np.testing.assert_allclose(cache.products[b, c, : len(psi)], [own @ other for other in psi], atol=1e-4)
        assert (cache.masses[b, : cache.held[b]] >= 0).all() and not cache.masses[b, cache.held[b] :].any()
        assert cache.masses[b].sum() <= 1 + 1e-12
    np.testing.assert_allclose(solver.exact_weights(), wanted, atol=1e-6 if not kind["ones"] else 1e-12)
    np.testing.assert_allclose(solver.online.search.weights, wanted, atol=1e-4)


def test_paths_without_room_leave_the_masses_and_weights_in_step():
    problem = drawn.problem(seed=5, count=15, longest=8)
    solver = Solver(problem, HAMMING, 1.0, 2, 2)
    list(rounds(solver, 20, np.random.RandomState(0)))
    assert (solver.cache.held == 2).any()
    assert solver.cache.masses.sum(1).max() <= 1 + 1e-12
    np.testing.assert_allclose(solver.online.search.weights, solver.exact_weights(), atol=1e-4)


def test_more_room_changes_neither_masses_nor_weights():
    problem = drawn.problem(seed=6, count=15, longest=8)
    small, large = (Solver(problem, HAMMING, 0.3, size, 64) for size in (2, 64))
    for solver in (small, large):
        list(rounds(solver, 60, np.random.RandomState(0)))
    assert small.cache.paths.shape[1] > 2
    assert small.dual() == pytest.approx(large.dual(), rel=1e-4)


@pytest.mark.parametrize("strength", [0.01, 0.1, 1.0])
def test_the_gap_shrinks_to_what_is_asked(strength):
    problem = drawn.problem(seed=7, count=30, all_states=True, all_transitions=True)
    for tolerance in (1e-1, 1e-3, 1e-6):
        random = np.random.RandomState(0)
        learned = frank_wolfe(problem, random, HAMMING, strength=strength, tolerance=tolerance, passes=2000)
        gap = learned.history[-1]["gap"]
        assert learned.converged and 0 <= gap <= tolerance * learned.objective
        assert gap == pytest.approx(learned.objective - learned.history[-1]["dual"])


def test_sequences_of_length_one():
    tokens = drawn.attributes(seed=8, count=6, longest=1)
    ids = drawn.labels(tokens, 3)
    problem = Problem(tokens, ids, *count_pairs(tokens, ids, 3, all_states=True))
    learned = frank_wolfe(problem, np.random.RandomState(0), HAMMING, strength=1.0, tolerance=1e-6, passes=500)
    assert learned.converged and learned.objective == pytest.approx(optimum(problem, HAMMING, 1.0), rel=2e-6)


def test_a_seed_gives_the_same_weights_twice():
    problem = drawn.problem(seed=9, count=20)
    one, same, other = (
        frank_wolfe(problem, np.random.RandomState(seed), HAMMING, strength=0.5, tolerance=1e-3, passes=50).weights
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_the_passes_are_a_bound():
    learned = frank_wolfe(
        drawn.problem(), np.random.RandomState(0), HAMMING, strength=1.0, tolerance=1e-12, passes=3, cached_paths=1
    )
    assert learned.iterations == 3 and not learned.converged and learned.history[-1]["exact"]


@pytest.mark.parametrize("after", [1, 2, 5])
def test_ctrl_c_keeps_weights_with_an_exact_gap(after, monkeypatch):
    problem, calls = drawn.problem(seed=10, count=20), []
    run = module.frank_wolfe_pass

    def interrupted(*arguments):
        run(*arguments)
        calls.append(1)
        if len(calls) == after:
            raise KeyboardInterrupt

    monkeypatch.setattr(module, "frank_wolfe_pass", interrupted)
    learned = frank_wolfe(problem, np.random.RandomState(0), HAMMING, strength=0.5, tolerance=1e-6, passes=50)
    assert learned.reason == "interrupted" and not learned.converged
    assert learned.objective == Margins(problem, HAMMING).primal(learned.weights, 0.5)
    assert learned.history[-1]["gap"] == pytest.approx(learned.objective - learned.history[-1]["dual"])
