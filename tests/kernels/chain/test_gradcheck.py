"""Derivatives of the kernels against differences, float64."""

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck

import hybridseq as hs
from hybridseq.kernels.chain import cpu
from tests.drawn import Case


def chain_of(case, leaves):
    return hs.LinearChain(*leaves, lengths=case.lengths)


QUANTITIES = {
    "log_partition": lambda case, *x: chain_of(case, x).log_partition(),
    "marginals": lambda case, *x: chain_of(case, x).marginals(),
    "pair_marginals": lambda case, *x: chain_of(case, x).pair_marginals(),
    "entropy": lambda case, *x: chain_of(case, x).entropy(),
    "expected_score": lambda case, *x: cpu.expected_score(*x[:4], x[4:], case.lengths),
    "score": lambda case, *x: chain_of(case, x).score(case.paths() * 0 + 1),
}


@pytest.fixture(params=[True, False], ids=["shared", "per_position"])
def case(request):
    return Case(3, 4, 3, shared=request.param)


@pytest.mark.parametrize("quantity", QUANTITIES.values(), ids=QUANTITIES)
def test_first_derivatives(quantity, case):
    leaves = case.leaves
    if quantity is QUANTITIES["expected_score"]:
        leaves = *leaves, *Case(3, 4, 3, case.shared, seed=1).leaves
    assert gradcheck(lambda *x: quantity(case, *x), leaves, fast_mode=True)


def test_second_derivatives_of_the_log_partition(case):
    assert gradgradcheck(lambda *x: QUANTITIES["log_partition"](case, *x), case.leaves, fast_mode=True)


def test_second_derivatives_of_the_score(case):
    assert gradgradcheck(lambda *x: QUANTITIES["score"](case, *x).square(), case.leaves, fast_mode=True)


@pytest.mark.parametrize("name", ["marginals", "pair_marginals", "entropy"])
def test_third_derivatives_are_refused_with_the_remedy(name, case):
    value = QUANTITIES[name](case, *case.leaves)
    slope = torch.autograd.grad(value.square().sum(), case.leaves, create_graph=True)
    with pytest.raises(RuntimeError, match="backend='reference'"):
        slope[0].square().sum().backward()


@pytest.mark.parametrize("name", ["marginals", "entropy"])
def test_the_reference_has_them(name, case):
    def quantity(*leaves):
        return getattr(hs.LinearChain(*leaves, lengths=case.lengths, backend="reference"), name)()

    assert gradgradcheck(quantity, case.leaves, fast_mode=True)
