"""Every method of a restricted chain equals enumeration of the accepted label sequences."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import hybridseq as hs
from hybridseq import constraints as C
from hybridseq.constraints.automata import Automaton
from hybridseq.constraints.masks import PositionMask
from hybridseq.constraints.plan import AutomatonPlan
from hybridseq.structures import MaskedChain, RestrictedChain
from hybridseq.structures.checks import ShapeError
from tests import tolerances
from tests.drawn import Case, gradients, inside
from tests.structures.random_plans import automaton_plan, names, pair_plan

EXACT = tolerances.value(torch.float64)
SLOPE = tolerances.gradient(torch.float64)
DIFFERENTIABLE = ("log_partition", "marginals", "pair_marginals", "entropy", "max_score")
cases = st.builds(
    Case,
    batch=st.integers(1, 4),
    steps=st.integers(1, 4),
    labels=st.integers(1, 3),
    shared=st.booleans(),
    seed=st.integers(0, 1000),
)
laws = settings(max_examples=25, deadline=None, derandomize=True)
seeds = st.integers(0, 10_000)


def weights_of(plan):
    return torch.tensor(plan.weights, requires_grad=True)


def agree(found, expected):
    torch.testing.assert_close(found, expected, **EXACT)


def assert_twins_agree(ours, truth, case, leaves):
    for name in DIFFERENTIABLE:
        found, expected = getattr(ours, name)(), getattr(truth, name)()
        agree(found, expected)
        weight = torch.linspace(1, 2, found.numel(), dtype=found.dtype).view(found.shape)
        weight = torch.where(found > -torch.inf, weight, 0)
        finite = [torch.where(x > -torch.inf, x, 0) * weight for x in (found, expected)]
        for x, y in zip(*(gradients(f, leaves) for f in finite)):
            torch.testing.assert_close(x, y, **SLOPE)
    assert torch.equal(ours.decode(), truth.decode())
    assert torch.equal(ours.feasible(), truth.feasible())
    for k in (1, 5):
        for x, y in zip(ours.k_best(k), truth.k_best(k)):
            agree(x, y)
    for _ in range(3):
        labels = case.paths()
        agree(ours.score(labels), truth.score(labels))
        agree(ours.log_prob(labels), truth.log_prob(labels))
    cost = case.uniform(case.batch, case.steps, case.labels)
    agree(ours.expected_cost(cost), truth.expected_cost(cost))


def twins(case, *changes):
    """The chain and its enumerating twin, both restricted by each of (what, weights)."""
    pair = case.chain(), case.chain(hs.BruteForce)
    for what, weights in changes:
        pair = [chain.restrict(what, weights=weights) for chain in pair]
    return pair


@laws
@given(case=cases, seed=seeds, soft=st.integers(0, 2), share=st.sampled_from([0, 0.3]))
def test_equals_enumeration(case, seed, soft, share):
    plan = automaton_plan(case.labels, seed, soft=soft)
    weights = weights_of(plan)
    if share:
        case.forbid(share)
    ours, truth = twins(case, (plan, weights))
    assert isinstance(ours, RestrictedChain)
    assert_twins_agree(ours, truth, case, (*case.leaves, weights))


@laws
@given(case=cases, seed=seeds, order=st.permutations(range(4)))
def test_restrictions_compose_in_any_order(case, seed, order):
    one, two = automaton_plan(case.labels, seed, soft=1), automaton_plan(case.labels, seed + 1, 2, soft=1)
    weights = weights_of(one), weights_of(two)
    allowed = case.uniform(case.batch, case.steps, case.labels) < 0.8
    changes = [(one, weights[0]), (two, weights[1]), (allowed, None), (pair_plan(case.labels, seed), None)]
    ours, truth = twins(case, *(changes[i] for i in order))
    assert_twins_agree(ours, truth, case, (*case.leaves, *weights))


@laws
@given(case=cases, seed=seeds)
def test_augmented(case, seed):
    plan = automaton_plan(case.labels, seed, soft=1)
    cost = case.uniform(case.batch, case.steps, case.labels)
    ours, truth = (chain.augment(cost) for chain in twins(case, (plan, None)))
    assert_twins_agree(ours, truth, case, case.leaves)


@laws
@given(case=cases, seed=seeds)
def test_positions_join_the_emissions(case, seed):
    rng = np.random.default_rng(seed)
    bare, k = automaton_plan(case.labels, seed), case.labels
    table = rng.random((case.batch, case.steps, k)) < 0.8
    mask = PositionMask((0, -1), rng.random((2, k)) < 0.8, table)
    plan = AutomatonPlan(bare.labels, bare.automaton, positions=mask)
    ours, truth = twins(case, (plan, None))
    assert_twins_agree(ours, truth, case, case.leaves)
    agree(
        truth.log_partition(),
        case.chain(hs.BruteForce)
        .restrict(bare)
        .restrict(torch.from_numpy(mask.resolve(case.lengths.numpy(), case.steps)))
        .log_partition(),
    )


def variants(case, seed):
    """The chain by itself, with a plan, with the same plan and other weights, with another plan; and their twins."""
    one, two = automaton_plan(case.labels, seed, soft=1), automaton_plan(case.labels, seed + 1, 2, soft=1)
    return [twins(case)] + [
        twins(case, (plan, torch.tensor([w]).double().requires_grad_()))
        for plan, w in ((one, 1), (one, -0.5), (two, 2))
    ]


@laws
@given(case=cases, seed=seeds)
def test_comparisons_equal_enumeration(case, seed):
    other = Case(case.batch, case.steps, case.labels, not case.shared, seed=seed)
    other.lengths = case.lengths
    leaves = *case.leaves, *other.leaves
    for i, (ours, truth) in enumerate(variants(case, seed)):
        for theirs, their_truth in variants(other, seed)[i % 2 :: 2]:
            for name in ("cross_entropy", "kl"):
                found, expected = getattr(ours, name)(theirs), getattr(truth, name)(their_truth)
                agree(found, expected)
                finite = [torch.where(x < torch.inf, x, 0) for x in (found, expected)]
                for x, y in zip(*(gradients(f, leaves) for f in finite)):
                    torch.testing.assert_close(x, y, **SLOPE)


def test_a_refused_path_counts_however_unlikely_it_is():
    case = Case(1, 3, 2)
    case.leaves[0].data[:] = torch.tensor([0, -1e4])
    never_one = AutomatonPlan(names(2), Automaton(np.array([[0, -1]]), [True]))
    assert case.chain().cross_entropy(case.chain().restrict(never_one)) == torch.inf
    assert case.chain().restrict(never_one).cross_entropy(case.chain()).isfinite()
    other = Case(1, 3, 2)
    other.leaves[0].data[0, 1, 1] = -torch.inf
    assert case.chain().cross_entropy(other.chain()) == torch.inf


@laws
@given(case=cases, seed=seeds)
def test_log_prob_that_a_constraint_holds(case, seed):
    plan = automaton_plan(case.labels, seed, soft=1)
    for ours, truth in variants(case, seed + 2):
        found, expected = ours.log_prob(plan), truth.log_prob(plan)
        agree(found, expected)
        assert (found <= 0).all()
        finite = [torch.where(x > -torch.inf, x, 0) for x in (found, expected)]
        for x, y in zip(*(gradients(f, case.leaves) for f in finite)):
            torch.testing.assert_close(x, y, **SLOPE)
        torch.testing.assert_close(hs.objectives.semantic_loss(ours, plan), -found)


def test_log_prob_of_a_constraint_and_of_its_complement_add_up():
    case = Case()
    plan = automaton_plan(3, 5)
    complement = AutomatonPlan(plan.labels, plan.automaton.complement())
    both = torch.stack([case.chain().log_prob(p) for p in (plan, complement)])
    agree(both.logsumexp(0), torch.zeros(5).double())


def test_log_prob_of_allowed_labels_and_of_a_constraint_by_its_names():
    case = Case(4, 6, 3)
    allowed = case.uniform(4, 6, 3) < 0.8
    agree(case.chain().log_prob(allowed), -hs.objectives.log_loss(case.chain(), allowed))
    bio, labels = hs.constraints.scheme("BIO"), ["O", "B-a", "I-a"]
    agree(case.chain().log_prob(bio, labels), case.chain().log_prob(bio.compile(labels)))
    agree(
        case.chain().restrict(bio, labels).log_partition(), case.chain().restrict(bio.compile(labels)).log_partition()
    )


@pytest.mark.parametrize("shared", [True, False])
def test_gradcheck(shared):
    case = Case(3, 4, 3, shared)
    plan = automaton_plan(3, 3, soft=1)
    weights = weights_of(plan)
    allowed = case.chain().restrict(plan).feasible()
    assert allowed.any()

    def values(*leaves):
        chain = hs.LinearChain(*leaves[:4], lengths=case.lengths).restrict(plan, weights=leaves[4])
        chosen = chain.log_partition()[allowed], chain.entropy(), chain.log_prob(chain.decode().clamp(min=0))[allowed]
        return *chosen, chain.marginals(), chain.pair_marginals()

    leaves = *case.leaves, weights
    assert torch.autograd.gradcheck(values, leaves, fast_mode=True)
    assert torch.autograd.gradgradcheck(lambda *x: values(*x)[0], leaves, fast_mode=True)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("backend", [None, "reference"])
def test_ragged_rows_equal_rows_one_by_one(dtype, backend):
    case = Case(8, 9, 4, dtype=dtype)
    plan = automaton_plan(4, 1, states=4, soft=1)
    chain = case.chain(backend=backend).restrict(plan)
    assert (backend or chain.backend) == chain.backend
    emissions, *rest = case.leaves
    alone = [
        hs.LinearChain(emissions[b : b + 1, :n], *rest).restrict(plan) for b, n in enumerate(case.lengths.tolist())
    ]
    for name in ("log_partition", "entropy", "max_score"):
        found, expected = getattr(chain, name)(), torch.cat([getattr(x, name)() for x in alone])
        torch.testing.assert_close(found, expected, **tolerances.value(dtype))
        for x, y in zip(*(gradients(torch.where(f > -torch.inf, f, 0), case.leaves) for f in (found, expected))):
            torch.testing.assert_close(x, y, **tolerances.gradient(dtype))
    for b, n in enumerate(case.lengths.tolist()):
        assert torch.equal(chain.decode()[b, :n], alone[b].decode()[0])
        assert (chain.decode()[b, n:] == -100).all()
        torch.testing.assert_close(chain.marginals()[b, :n], alone[b].marginals()[0], **tolerances.gradient(dtype))


def test_the_order_of_the_batch_and_the_padding_do_not_matter():
    case = Case(7, 6, 3)
    plan = automaton_plan(3, 4, soft=1)
    emissions, *rest = case.leaves
    used = inside(case.lengths, 6)[:, :, None]
    dirty = torch.nn.functional.pad(torch.where(used, emissions, torch.nan), (0, 0, 0, 3), value=torch.nan)
    order = torch.randperm(7, generator=case.generator)
    chain = case.chain().restrict(plan)
    moved = hs.LinearChain(dirty[order], *rest, lengths=case.lengths[order]).restrict(plan)
    for name in ("log_partition", "entropy", "max_score"):
        torch.testing.assert_close(getattr(moved, name)(), getattr(chain, name)()[order])
    assert torch.equal(moved.decode()[:, :6], chain.decode()[order])
    torch.testing.assert_close(moved.marginals()[:, :6], chain.marginals()[order])


def test_rows_without_a_sequence_leave_the_others_alone():
    # Runs of exactly two: rows of odd length over one label have none.
    pairs = AutomatonPlan(names(1), Automaton(np.array([[1], [0]]), [True, False]))
    chain = hs.LinearChain(
        emissions := torch.randn(3, 4, 1, dtype=torch.float64).requires_grad_(),
        torch.zeros(1, 1),
        lengths=torch.tensor([4, 3, 2]),
    ).restrict(pairs)
    assert (chain.log_partition() == -torch.inf).tolist() == [False, True, False]
    assert (chain.max_score() == -torch.inf).tolist() == [False, True, False]
    assert chain.feasible().tolist() == [True, False, True]
    assert (chain.decode()[1] == -100).all()
    assert (chain.sample(3)[:, 1] == -100).all()
    assert (chain.sample(3)[:, 0] == 0).all()
    assert chain.marginals().sum((1, 2)).tolist() == [4, 0, 2]
    agree(chain.entropy(), torch.zeros(3).double())
    labels, scores = chain.k_best(2)
    assert (labels[1] == -100).all()
    assert (scores[1] == -torch.inf).all()
    (slope,) = gradients(chain.log_partition(), [emissions])
    assert torch.equal(slope[:, :, 0], torch.tensor([[1, 1, 1, 1], [0, 0, 0, 0], [1, 1, 0, 0]]).double())


def test_a_plan_that_accepts_nothing():
    case = Case()
    nothing = AutomatonPlan(names(3), Automaton.nothing(3))
    for chain in (case.chain().restrict(nothing), case.chain().restrict(automaton_plan(3, 5)).restrict(nothing)):
        assert (chain.log_partition() == -torch.inf).all()
        assert (chain.decode() == -100).all()
        assert (chain.marginals() == 0).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_sample_frequencies(dtype):
    case = Case(2, 4, 3, dtype=dtype)
    plan = automaton_plan(3, 8)
    chain, n = case.chain().restrict(plan), 20_000
    assert chain.feasible().all()
    draws = chain.sample(n, torch.Generator().manual_seed(0))
    for b, length, paths, scores in case.chain(hs.BruteForce).restrict(plan)._rows():
        code = (draws[:, b, :length] * 3 ** torch.arange(length)).sum(1)
        counts = torch.bincount(code, minlength=3**length)[(paths * 3 ** torch.arange(length)).sum(1)]
        p = scores.softmax(0)
        assert (counts[p == 0] == 0).all()
        assert ((counts - n * p).abs() <= tolerances.SAMPLE_SIGMAS * (n * p * (1 - p)).sqrt() + 1).all()


def test_what_is_sampled_and_decoded_is_accepted():
    case = Case(6, 30, 4)
    plan = automaton_plan(4, 9, states=5)
    chain = case.chain().restrict(plan)
    found = torch.cat([chain.sample(20), chain.k_best(5)[0].transpose(0, 1), chain.decode()[None]])
    for b, length in enumerate(case.lengths.tolist()):
        assert all(plan.accepts(path[:length].numpy()) for path in found[:, b])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_narrow_floats_are_computed_in_float32(dtype):
    case = Case(dtype=torch.float32)
    plan = automaton_plan(3, 5, soft=1)
    narrow = [x.detach().to(dtype) for x in case.leaves]
    chain, wide = (
        hs.LinearChain(*s, lengths=case.lengths).restrict(plan) for s in (narrow, [x.float() for x in narrow])
    )
    for name in ("log_partition", "marginals", "entropy", "max_score"):
        assert getattr(chain, name)().dtype == torch.float32
        assert torch.equal(getattr(chain, name)(), getattr(wide, name)())


def test_chains_with_gaps():
    case = Case(5, 7, 3)
    plan = automaton_plan(3, 6, soft=1)
    mask = case.uniform(5, 7) < 0.6
    mask[:, 2] = True
    weights = weights_of(plan)
    full = MaskedChain(case.leaves[0], mask, lambda e, n: hs.LinearChain(e, *case.leaves[1:], lengths=n))
    chain = full.restrict(plan, weights=weights)
    other = full.restrict(automaton_plan(3, 7))
    for b in range(5):
        short = hs.LinearChain(case.leaves[0][b : b + 1, mask[b]], *case.leaves[1:])
        alone, apart = short.restrict(plan, weights=weights), short.restrict(automaton_plan(3, 7))
        for name in ("log_partition", "entropy", "max_score"):
            agree(getattr(chain, name)()[b], getattr(alone, name)()[0])
        agree(chain.kl(other)[b], alone.kl(apart)[0])
        agree(full.log_prob(plan)[b], short.log_prob(plan)[0])
        assert torch.equal(chain.decode()[b, mask[b]], alone.decode()[0])
        agree(chain.marginals()[b, mask[b]], alone.marginals()[0])
    assert (chain.decode()[~mask] == -100).all()
    finite = torch.where(chain.log_partition() > -torch.inf, chain.log_partition(), 0)
    assert gradients(finite, [weights])[0].abs().sum() > 0


@pytest.mark.parametrize("name", ["log_partition", "decode", "marginals", "pair_marginals", "entropy", "max_score"])
def test_a_bad_score_beside_gaps_is_named_at_its_own_place(name):
    case = Case(5, 7, 3)
    mask = torch.ones(5, 7, dtype=torch.bool)
    mask[3] = torch.tensor([0, 0, 1, 1, 0, 0, 1]).bool()
    case.leaves[0].data[3, 6, 2] = torch.nan
    full = MaskedChain(case.leaves[0], mask, lambda e, n: hs.LinearChain(e, *case.leaves[1:], lengths=n))
    with pytest.raises(ValueError, match=r"emissions\[3, 6, 2\] is nan"):
        getattr(full.restrict(automaton_plan(3, 6)), name)()


@laws
@given(case=cases, seed=seeds)
def test_objectives_over_restricted_chains(case, seed):
    """The table's losses, on what a plan leaves."""
    ours, truth = twins(case, (automaton_plan(case.labels, seed), None))
    assume(ours.feasible().any())
    gold = truth.sample(1, torch.Generator().manual_seed(0))[0].clamp(min=0)
    for name in hs.objectives.OBJECTIVES:
        loss = getattr(hs.objectives, name)
        found, expected = loss(ours, gold), loss(truth, gold)
        agree(found, expected)
        finite = [torch.where(x < torch.inf, x, 0) for x in (found, expected)]
        for x, y in zip(*(gradients(f, case.leaves) for f in finite)):
            torch.testing.assert_close(x, y, **SLOPE)


def test_weights_of_minus_infinity_forbid():
    case = Case()
    hard, soft = (automaton_plan(3, seed).automaton for seed in (5, 6))
    plan = AutomatonPlan(names(3), hard, [soft], [0.5])
    forbidding = case.chain().restrict(plan, weights=torch.tensor([-torch.inf]))
    agree(
        forbidding.log_partition(), case.chain().restrict(AutomatonPlan(names(3), hard.intersect(soft))).log_partition()
    )


@pytest.mark.usefixtures("shapes_unchecked")
@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda c, p: c.restrict(p, weights=torch.zeros(2)), ShapeError, r"weights must have shape \(1,\).*got \(2,\)"),
        (lambda c, p: c.restrict(p, weights=[1.0]), TypeError, "weights must be a tensor.*got list"),
        (lambda c, p: c.restrict(p, weights=torch.zeros(1).long()), TypeError, "floating-point.*int64"),
        (lambda c, p: c.restrict(pair_plan(3), weights=torch.zeros(1)), ShapeError, r"weights must have shape \(0,\)"),
        (lambda c, p: c.restrict(p, ["a", "b", "c"]), TypeError, "labels= belongs to a constraint"),
        (lambda c, p: c.restrict(automaton_plan(4)), ShapeError, "compiled for 4 labels, but the chain has K = 3"),
        (lambda c, p: c.restrict(hs.constraints.scheme("BIO")), TypeError, r"labels=\[the K = 3 names"),
        (lambda c, p: c.log_prob(hs.constraints.scheme("BIO")), TypeError, r"labels=\[the K = 3 names"),
        (lambda c, p: c.log_prob("BIO"), TypeError, "got 'BIO'"),
        (lambda c, p: c.log_prob([[0, 0]]), TypeError, "labels must be a tensor.*got list"),
        (lambda c, p: c.score(torch.full((5, 7), 3)), ValueError, r"labels\[0, 0\] is 3; expected 0 to 2"),
        (lambda c, p: c.log_prob(torch.zeros(5, 6).long()), ShapeError, "labels must have shape"),
    ],
)
@pytest.mark.parametrize("restricted", [False, True])
def test_errors(call, error, message, restricted):
    chain, plan = Case().chain(), automaton_plan(3, 5, soft=1)
    with pytest.raises(error, match=message):
        call(chain.restrict(plan) if restricted else chain, plan)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_log_prob_in_one_call_is_score_less_log_partition(dtype):
    rule = C.run(C.each, min=2) & C.first("A").soft(-1.0) & C.count("B", max=3).soft(0.5)
    plan, case = rule.compile(("A", "B", "C")), Case(batch=6, steps=7, labels=3, dtype=dtype)
    weights = torch.tensor([-1.0, 0.5], dtype=dtype, requires_grad=True)
    chain, leaves = case.chain().restrict(plan, weights=weights), (*case.leaves, weights)
    labels = chain.sample(1, case.generator)[0].clamp(min=0)
    labels[1] = torch.tensor([0, 1, 0, 1, 0, 1, 0])
    possible = chain.log_prob(labels) > -torch.inf
    assert possible.any() and not possible.all()
    scale, directions = torch.rand(6, dtype=torch.float64), [torch.randn_like(x) for x in leaves]
    found = []
    for value in (chain.raw_log_prob(labels), chain.raw_score(labels) - chain.raw_log_partition()):
        total = (value * scale)[possible].sum()
        first = torch.autograd.grad(total, leaves, create_graph=True)
        second = gradients(sum((g * d).sum() for g, d in zip(first, directions)), leaves)
        found.append((total, first, second))
    for ours, theirs, close in zip(*found, (tolerances.value, tolerances.gradient, tolerances.second)):
        torch.testing.assert_close(ours, theirs, **close(dtype))
    # A second loss of the same chain has a graph of its own.
    chain.log_prob(labels)[possible].sum().backward()
    chain.entropy().sum().backward()
