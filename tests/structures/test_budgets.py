"""The best label sequence within budgets equals enumeration, and is called exact only where that is proven."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import hybridseq as hs
from hybridseq.inference import Solution, solve
from hybridseq.structures import BudgetedChain, MaskedChain
from hybridseq.structures.budgeted import BudgetedError
from hybridseq.structures.budgets import METHODS, Sums
from hybridseq.structures.checks import ShapeError
from tests import tolerances
from tests.drawn import Case, gradients
from tests.structures.random_plans import automaton_plan

EXACT = tolerances.value(torch.float64)
BACKENDS = {"dynamic programming", "lagrangian", "labelling", "milp"}
cases = st.builds(
    Case,
    batch=st.integers(1, 3),
    steps=st.integers(1, 6),
    labels=st.integers(1, 3),
    shared=st.booleans(),
    seed=st.integers(0, 1000),
)
laws = settings(max_examples=40, deadline=None, derandomize=True)


def random_budgets(case, seed, rows, kind, equal):
    """Coefficients and bounds near the sums of a random sequence, so that many rows have an answer."""
    rng = np.random.default_rng(seed)
    coefficients = rng.normal(size=(rows, case.labels))
    if kind == "whole":
        coefficients = np.round(2 * coefficients)
    elif kind == "decimal":
        coefficients = np.round(coefficients, 1)
    middle = coefficients[:, rng.integers(0, case.labels, case.steps)].sum(1)
    low = middle if equal else middle - rng.random(rows)
    high = middle if equal else middle + rng.random(rows)
    low, high = (np.where(rng.random(rows) < 0.3, infinite, x) for infinite, x in ((-np.inf, low), (np.inf, high)))
    return coefficients, low, high


def assert_solved(found, truth, must_be_exact=True):
    labels, scores = truth.raw_k_best(1)
    assert set(found.backend) <= BACKENDS
    assert (found.bound >= scores[:, 0] - 1e-7).all()
    assert (found.score <= scores[:, 0] + 1e-9).all()
    torch.testing.assert_close(found.score[found.exact], scores[found.exact, 0], **EXACT)
    assert torch.equal(found.labels[found.exact], labels[found.exact, 0])
    if must_be_exact:
        assert found.exact.all()


@laws
@given(
    case=cases,
    seed=st.integers(0, 10_000),
    rows=st.integers(1, 2),
    kind=st.sampled_from(["whole", "decimal", "real"]),
    equal=st.booleans(),
    planned=st.booleans(),
    method=st.sampled_from(METHODS),
)
def test_equals_enumeration(case, seed, rows, kind, equal, planned, method):
    budgets = random_budgets(case, seed, rows, kind, equal)
    ours, truth = case.chain(), case.chain(hs.BruteForce)
    if planned:
        plan = automaton_plan(case.labels, seed, soft=1)
        ours, truth = ours.restrict(plan), truth.restrict(plan)
    found = solve(ours, *budgets, method=method)
    assert_solved(
        found, truth.restrict_budgets(*budgets), must_be_exact=method == "auto" or (method == "milp" and kind != "real")
    )


@laws
@given(case=cases, seed=st.integers(0, 10_000), rows=st.integers(1, 2), equal=st.booleans(), wide=st.booleans())
def test_what_the_multipliers_leave_open(case, seed, rows, equal, wide):
    """With little help from them, the dynamic programming over the sums and the programs must prove the answer."""
    budgets = random_budgets(case, seed, rows, "decimal", equal)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hybridseq.structures.budgets.lagrangian.ROUNDS", 1)
        patch.setattr("hybridseq.structures.budgets.lagrangian.RANKED", 1)
        patch.setattr("hybridseq.structures.budgets.labelling.WIDTHS", (1, 50) if wide else (2,))
        found = solve(case.chain(), *budgets)
    assert_solved(found, case.chain(hs.BruteForce).restrict_budgets(*budgets))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("planned", [False, True])
def test_longer_rows(method, planned):
    case = Case(6, 7, 4, seed=3)
    coefficients = torch.tensor([[1, 0, -2, 0.5], [0, 3, 1, -1]])
    low, high = torch.tensor([1.5, -torch.inf]), torch.tensor([1.5, 4])
    plan = automaton_plan(4, 2, soft=1)
    ours, truth = (c.restrict(plan) if planned else c for c in (case.chain(), case.chain(hs.BruteForce)))
    assert_solved(
        solve(ours, coefficients, low, high, method),
        truth.restrict_budgets(coefficients, low, high),
        method != "lagrangian",
    )


def test_sums_that_no_sequence_has():
    """An even sum is asked to be odd: whole numbers show it before any search."""
    case = Case(2, 8, 2)
    for method in METHODS:
        found = solve(case.chain(), [[2.0, 0.0]], [3.0], [3.5], method)
        assert found.exact.all()
        assert (found.labels == -100).all()
        assert (found.bound == -torch.inf).all()


def test_what_is_not_proven_is_not_called_exact():
    budgets = [[1.0, 2**0.5]], [70.0], [70.0001]
    case = Case(3, 60, 2, seed=1)
    case.lengths[:] = 60
    found = solve(case.chain(), *budgets, method="lagrangian")
    assert not found.exact.all()
    assert (found.bound[~found.exact] > found.score[~found.exact]).all()
    proven = solve(case.chain(), *budgets)
    assert proven.exact.all()
    assert (found.bound >= proven.score - 1e-9).all()
    late = solve(case.chain(), *budgets, time_limit=0)
    satisfied = Sums(*map(np.asarray, budgets)).kept(case.chain().decode().numpy())
    assert late.exact.tolist() == satisfied.tolist()
    assert (late.bound >= found.bound - 1e-9).all()
    assert (late.score[~late.exact] == -torch.inf).all()


def test_each_backend_settles_what_it_can():
    case = Case(4, 7, 3, seed=5)
    free = solve(case.chain(), [[1.0, 0, 0]], [0], [7])
    assert free.backend == ["dynamic programming"] * 4
    assert torch.equal(free.labels, case.chain().decode())
    assert repr(free) == "Solution(4 of 4 rows exact, {'dynamic programming': 4})"
    assert "lagrangian" in solve(case.chain(), [[1.0, 0, 0]], [1], [1]).backend
    assert "milp" in solve(case.chain(), [[1.0, 0, 0]], [1], [1], method="milp").backend


def test_rows_without_a_sequence():
    case = Case(3, 4, 2)
    case.lengths = torch.tensor([4, 3, 2])
    for method in METHODS:
        found = solve(case.chain(), [[1.0, 0], [0, 1.0]], [3, -np.inf], [3, 0], method)
        assert found.exact.all()
        assert (found.score == -torch.inf).tolist() == [True, False, True]
        assert (found.labels >= 0).any(1).tolist() == [False, True, False]
        assert (found.bound == found.score).all()
    impossible = solve(case.chain().restrict(torch.zeros(3, 4, 2, dtype=torch.bool)), [[1.0, 0]], [0], [9])
    assert impossible.exact.all()
    assert (impossible.labels == -100).all()


def test_bounds_in_decimals_are_exact():
    sums = Sums(np.array([[0.1, 0.7], [0.25, 3]]), np.array([0.3, -np.inf]), np.array([0.3, 0.75]))
    assert sums.kept(np.array([[0, 0, 0, -100], [0, 0, -100, -100]])).tolist() == [True, False]
    assert sums.coefficients.tolist() == [[1, 7], [1, 12]]
    assert Sums(np.array([[2.0, 4.0]]), np.array([3.0]), np.array([3.0])).empty


@pytest.fixture
def chain():
    return BudgetedChain(Case(4, 6, 3).chain(), [[1.0, 0, -1]], [0], [0])


def test_a_budgeted_chain_is_a_structure(chain):
    case = Case(4, 6, 3)
    truth = case.chain(hs.BruteForce).restrict_budgets(chain.coefficients, chain.low, chain.high)
    assert torch.equal(chain.decode(), truth.decode())
    torch.testing.assert_close(chain.max_score(), truth.max_score(), **EXACT)
    assert chain.feasible().all()
    assert chain.solve().exact.all()
    for _ in range(5):
        labels = case.paths()
        torch.testing.assert_close(chain.score(labels), truth.score(labels), **EXACT)
    gold = chain.decode().clamp(min=0)
    for loss in (hs.objectives.structured_hinge, hs.objectives.perceptron):
        other = gold.roll(1, 1)
        torch.testing.assert_close(loss(chain, other), loss(truth, other), **EXACT)
    ours = BudgetedChain(case.chain(), chain.coefficients, chain.low, chain.high)
    for x, y in zip(
        *(
            gradients(c.max_score(), case.leaves)
            for c in (ours, case.chain(hs.BruteForce).restrict_budgets(chain.coefficients, chain.low, chain.high))
        )
    ):
        torch.testing.assert_close(x, y, **EXACT)


def test_budgets_compose_with_everything():
    case = Case(4, 5, 3)
    one, two, plan = ([[1.0, 0, -1]], [0], [0]), ([[0, 1.0, 0]], [1], [3]), automaton_plan(3, 4, soft=1)
    allowed = case.uniform(4, 5, 3) < 0.8
    found = []
    for make in (hs.LinearChain, hs.BruteForce):
        bare = case.chain(make)
        found += [
            bare.restrict_budgets(*one).restrict_budgets(*two).restrict(plan).restrict(allowed).decode(),
            bare.restrict(plan).restrict_budgets(*two).restrict(allowed).restrict_budgets(*one).decode(),
        ]
    assert all(torch.equal(found[0], x) for x in found)
    assert (found[0] >= 0).any()


def test_a_constraint_with_budgets_restricts():
    C, case = hs.constraints, Case(3, 6, 3)
    constraint = C.linear({"a": 1, "b": -0.5}, min=0.5, max=0.5) & C.run("a", max=2)
    chain = case.chain().restrict(constraint, labels=["a", "b", "c"])
    truth = case.chain(hs.BruteForce).restrict(constraint, labels=["a", "b", "c"])
    assert isinstance(chain, BudgetedChain)
    assert torch.equal(chain.decode(), truth.decode())
    plan = constraint.compile(["a", "b", "c"])
    for path in chain.decode()[chain.feasible()]:
        assert plan.accepts(path[path >= 0].numpy())


def test_budgets_of_chains_with_gaps():
    case = Case(4, 6, 3)
    mask = case.uniform(4, 6) < 0.6
    mask[:, 0] = True
    full = MaskedChain(case.leaves[0], mask, lambda e, n: hs.LinearChain(e, *case.leaves[1:], lengths=n))
    plan = hs.constraints.linear({"a": 1, "b": 1}, max=1).compile(["a", "b", "c"])
    chain = full.restrict(plan)
    for b in range(4):
        short = hs.LinearChain(case.leaves[0][b : b + 1, mask[b]], *case.leaves[1:]).restrict(plan)
        assert torch.equal(chain.decode()[b, mask[b]], short.decode()[0])
        torch.testing.assert_close(chain.max_score()[b], short.max_score()[0])
    assert (chain.decode()[~mask] == -100).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_an_exact_count_of_a_label_in_long_rows(dtype):
    case = Case(4, 40, 5, dtype=dtype)
    counted = hs.constraints.count("a", exactly=7).compile(list("abcde"))
    expected = case.chain().restrict(counted)
    found = solve(case.chain(), [[1.0, 0, 0, 0, 0]], [7], [7])
    feasible = expected.feasible()
    assert found.exact.all()
    torch.testing.assert_close(found.score[feasible].to(dtype), expected.max_score()[feasible])
    assert torch.equal(found.labels, expected.decode())
    assert (found.score[~feasible] == -torch.inf).all()


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.log_partition(),
        lambda c: c.log_prob(c.decode()),
        lambda c: c.marginals(),
        lambda c: c.pair_marginals(),
        lambda c: c.k_best(2),
        lambda c: c.sample(2),
        lambda c: c.entropy(),
        lambda c: c.kl(c),
        lambda c: c.base.kl(c),
        lambda c: c.expected_cost(torch.zeros(4, 6, 3)),
        lambda c: hs.objectives.log_loss(c, c.decode()),
    ],
)
def test_sums_over_sequences_cannot_be_had(chain, call):
    with pytest.raises(BudgetedError, match=r"What works: score, decode, max_score.*constraints.count"):
        call(chain)


@pytest.mark.usefixtures("shapes_unchecked")
@pytest.mark.parametrize(
    ("budgets", "options", "error", "message"),
    [
        (([[1.0, 0]], [0], [1]), {}, ShapeError, r"with K = 3 .*got \(1, 2\), \(1,\), \(1,\)"),
        (([1.0, 0, 0], 0, 1), {}, ShapeError, "at least one"),
        (([[1.0, 0, np.nan]], [0], [1]), {}, ValueError, "must be finite"),
        (([[1.0, 0, 0]], [np.nan], [1]), {}, ValueError, "bounds numbers"),
        (([[1.0, 0, 0]], [0], [1]), {"method": "simplex"}, ValueError, r"one of \['auto'.*got 'simplex'"),
    ],
)
def test_errors(budgets, options, error, message):
    with pytest.raises(error, match=message):
        solve(Case().chain(), *budgets, **options)


def test_a_program_too_large_for_memory(monkeypatch):
    monkeypatch.setattr("hybridseq.structures.budgets.program.LARGEST", 20)
    case = Case(2, 30, 3)
    case.lengths[:] = 30
    budgets = [[1.0, 2**0.5, 3**0.5]], [40.0], [40.001]
    with pytest.raises(ValueError, match=r"arcs, more than 20. Use method='lagrangian'"):
        solve(case.chain(), *budgets, method="milp")
    monkeypatch.setattr("hybridseq.structures.budgets.labelling.WIDTHS", (1,))
    found = solve(case.chain(), *budgets)
    assert isinstance(found, Solution)
    assert not found.exact.all()
    with pytest.warns(UserWarning, match="not proven"):
        BudgetedChain(case.chain(), *budgets).decode()
