"""Every method of the chain equals enumeration."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import hybridseq as hs
from hybridseq.constraints import PairPlan
from tests import tolerances
from tests.drawn import Case, gradients

EXACT = tolerances.value(torch.float64)
DIFFERENTIABLE = ("log_partition", "marginals", "pair_marginals", "entropy", "max_score")
shapes = st.builds(
    Case,
    batch=st.integers(1, 4),
    steps=st.integers(1, 5),
    labels=st.integers(1, 4),
    shared=st.booleans(),
    seed=st.integers(0, 1000),
)
laws = settings(max_examples=25, deadline=None, derandomize=True)


def twins(case):
    return case.chain(), case.chain(hs.BruteForce)


def assert_twins_agree(ours, truth, case):
    for name in DIFFERENTIABLE:
        found, expected = getattr(ours, name)(), getattr(truth, name)()
        torch.testing.assert_close(found, expected, **EXACT)
        weight = torch.linspace(1, 2, found.numel(), dtype=found.dtype).view(found.shape)
        weight = torch.where(found > -torch.inf, weight, 0)
        finite = [torch.where(x > -torch.inf, x, 0) * weight for x in (found, expected)]
        for x, y in zip(*(gradients(f, case.leaves) for f in finite)):
            torch.testing.assert_close(x, y, **tolerances.gradient(torch.float64))
    assert torch.equal(ours.decode(), truth.decode())
    for k in (1, 5):
        for x, y in zip(ours.k_best(k), truth.k_best(k)):
            torch.testing.assert_close(x, y, **EXACT)
    labels = case.paths()
    torch.testing.assert_close(ours.score(labels), truth.score(labels), **EXACT)
    torch.testing.assert_close(ours.log_prob(labels), truth.log_prob(labels), **EXACT)


@laws
@given(case=shapes)
def test_equals_enumeration(case):
    assert_twins_agree(*twins(case), case)


@laws
@given(case=shapes, share=st.sampled_from([0.2, 0.5]))
def test_equals_enumeration_with_forbidden_parts(case, share):
    case.forbid(share)
    assert_twins_agree(*twins(case), case)


@laws
@given(case=shapes, seed=st.integers(0, 1000))
def test_comparisons_equal_enumeration(case, seed):
    other = Case(case.batch, case.steps, case.labels, not case.shared, seed=seed)
    other.lengths = case.lengths
    for name in ("cross_entropy", "kl"):
        found = getattr(case.chain(), name)(other.chain())
        expected = getattr(case.chain(hs.BruteForce), name)(other.chain(hs.BruteForce))
        torch.testing.assert_close(found, expected, **EXACT)
        leaves = *case.leaves, *other.leaves
        for x, y in zip(gradients(found, leaves), gradients(expected, leaves)):
            torch.testing.assert_close(x, y, **tolerances.gradient(torch.float64))
    assert (case.chain().kl(other.chain()) >= -1e-12).all()
    torch.testing.assert_close(case.chain().kl(case.chain()), torch.zeros(case.batch).double(), **EXACT)


@laws
@given(case=shapes)
def test_restricted_augmented_and_costed(case):
    k = case.labels
    first, pairs, last = (case.uniform(*shape).numpy() < 0.8 for shape in ((k,), (k, k), (k,)))
    plan = PairPlan(tuple(map(str, range(k))), first, pairs, last)
    allowed = case.uniform(case.batch, case.steps, k) < 0.7
    cost = case.uniform(case.batch, case.steps, k)
    for change in (lambda c: c.restrict(plan), lambda c: c.restrict(allowed), lambda c: c.augment(cost)):
        assert_twins_agree(*(change(c) for c in twins(case)), case)
    ours, truth = (c.expected_cost(cost) for c in twins(case))
    torch.testing.assert_close(ours, truth, **EXACT)
    for path in case.chain().restrict(plan).decode():
        kept = path[path >= 0]
        assert plan.accepts(kept)


def test_cross_entropy_with_what_is_forbidden_is_infinite():
    case, other = Case(), Case(seed=1)
    other.lengths = case.lengths
    other.leaves[0].data[2, 0, 1] = -torch.inf
    found = case.chain().cross_entropy(other.chain())
    assert found[2] == torch.inf
    assert torch.isfinite(found[[0, 1, 3, 4]]).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_sample_frequencies(dtype):
    case = Case(3, 4, 3, dtype=dtype)
    chain, n = case.chain(), 20_000
    draws = chain.sample(n, torch.Generator().manual_seed(0))
    pairs = chain.pair_marginals().double()
    for b, length in enumerate(case.lengths.tolist()):
        assert (draws[:, b, length:] == -100).all()
        for t in range(length - 1):
            counts = torch.bincount(draws[:, b, t] * 3 + draws[:, b, t + 1], minlength=9).view(3, 3)
            spread = (n * pairs[b, t] * (1 - pairs[b, t])).sqrt()
            assert ((counts - n * pairs[b, t]).abs() <= tolerances.SAMPLE_SIGMAS * spread).all()
    again = chain.sample(n, torch.Generator().manual_seed(0))
    assert torch.equal(draws, again)


@pytest.mark.parametrize("spread", [1.0, 1e4])
@pytest.mark.parametrize("steps", [3, 1000])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_log_prob_is_never_above_zero(dtype, steps, spread):
    if dtype == torch.float16:
        spread = min(spread, 1000)
    case = Case(4, steps, 5, dtype=torch.float32, spread=spread)
    chain = hs.LinearChain(*(x.detach().to(dtype) for x in case.leaves), lengths=case.lengths)
    best = chain.decode()
    assert (chain.log_prob(best.clamp(min=0)) <= 0).all()
    sure = hs.LinearChain(chain.emissions[..., :1], chain.transitions[:1, :1], lengths=case.lengths)
    log_prob = sure.log_prob(torch.zeros_like(best))
    assert (log_prob <= 0).all()
    torch.testing.assert_close(log_prob, torch.zeros_like(log_prob), rtol=0, atol=1e-3)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_narrow_floats_are_computed_in_float32(dtype):
    case = Case(dtype=torch.float32)
    narrow = [x.detach().to(dtype) for x in case.leaves]
    chain = hs.LinearChain(*narrow, lengths=case.lengths)
    wide = hs.LinearChain(*(x.float() for x in narrow), lengths=case.lengths)
    for name in ("log_partition", "marginals", "entropy", "max_score"):
        found = getattr(chain, name)()
        assert found.dtype == torch.float32
        assert torch.equal(found, getattr(wide, name)())


@pytest.mark.parametrize("backend", ["cpu", "reference"])
def test_inputs_are_never_changed(backend):
    case = Case().forbid()
    before = [x.detach().clone() for x in (*case.leaves, case.lengths)]
    chain, labels = case.chain(backend=backend), case.paths()
    given_labels = labels.clone()
    for name in (*DIFFERENTIABLE, "decode"):
        value = getattr(chain, name)()
        if value.is_floating_point():
            gradients(torch.where(value > -torch.inf, value, 0), case.leaves)
    chain.log_prob(labels), chain.k_best(3), chain.sample(2)
    chain.restrict(torch.zeros_like(chain.emissions, dtype=torch.bool)).augment(chain.emissions).decode()
    for x, y in zip((*case.leaves, case.lengths), before):
        assert torch.equal(x, y)
    assert torch.equal(labels, given_labels)


@pytest.mark.parametrize("shared", [True, False])
def test_the_order_of_the_batch_does_not_matter(shared):
    case = Case(9, 6, 4, shared)
    order = torch.randperm(9, generator=torch.Generator().manual_seed(0))
    emissions, transitions, start, end = case.leaves
    moved = hs.LinearChain(
        emissions[order], transitions if shared else transitions[order], start, end, case.lengths[order]
    )
    for name in (*DIFFERENTIABLE, "decode"):
        torch.testing.assert_close(getattr(moved, name)(), getattr(case.chain(), name)()[order])


def test_layout_in_memory_does_not_matter():
    case = Case(4, 6, 5)
    emissions, transitions, *rest = (x.detach() for x in case.leaves)
    strided = emissions.transpose(0, 1).contiguous().transpose(0, 1)
    chain = hs.LinearChain(strided, transitions.T.contiguous().T, *rest, lengths=case.lengths)
    for name in (*DIFFERENTIABLE, "decode"):
        assert torch.equal(getattr(chain, name)(), getattr(case.chain(), name)())
