"""Derivatives of the kernels against differences, float64; draws against probabilities."""

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck

from hybridseq.kernels.arcs import cpu, reference
from tests import tolerances
from tests.kernels.arcs.drawn_graphs import ArcCase

QUANTITIES = ("log_partition", "marginals", "state_marginals", "move_marginals")


@pytest.fixture(params=[(False, "shared"), (False, "rows"), (False, "steps"), (True, "shared")], ids=str)
def case(request):
    packed, form = request.param
    return ArcCase(3, 4, 3, 3, packed=packed, form=form)


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_first_derivatives(quantity, case):
    rest = case.arguments[4:]
    assert gradcheck(lambda *x: getattr(cpu, quantity)(*x, *rest), case.leaves, fast_mode=True)


def test_first_derivatives_of_the_expected_score(case):
    direction = [x.requires_grad_() for x in case.directions()]
    rest = case.arguments[4:]
    assert gradcheck(lambda *x: cpu.expected_score(*x[:4], *rest, x[4:]), (*case.leaves, *direction), fast_mode=True)


def test_second_derivatives(case):
    rest = case.arguments[4:]
    assert gradgradcheck(lambda *x: cpu.log_partition(*x, *rest), case.leaves, fast_mode=True)
    states = torch.zeros(3, 4, dtype=torch.int64)
    assert gradgradcheck(lambda *x: cpu.score(*x, *rest, states).exp(), case.leaves, fast_mode=True)


@pytest.mark.parametrize("name", QUANTITIES[1:])
def test_third_derivatives_are_refused_with_the_remedy(name, case):
    value = getattr(cpu, name)(*case.arguments)
    slope = torch.autograd.grad(value.square().sum(), case.leaves, create_graph=True)
    with pytest.raises(RuntimeError, match="backend='reference'"):
        slope[0].square().sum().backward()


def test_draws_follow_the_distribution():
    case = ArcCase(2, 5, 2, 4, seed=3)
    count = 20000
    with torch.no_grad():
        states = cpu.sample(*case.arguments, case.uniform(count, 2, 5))
        nodes = reference.state_marginals(*case.arguments)
    for b, length in enumerate(case.lengths.tolist()):
        shares = torch.nn.functional.one_hot(states[:, b, :length], 4).double().mean(0)
        deviation = (nodes[b, :length] * (1 - nodes[b, :length]) / count).sqrt()
        assert ((shares - nodes[b, :length]).abs() <= tolerances.SAMPLE_SIGMAS * deviation + 1e-12).all()
        paths, counts = states[:, b, :length].unique(dim=0, return_counts=True)
        padded = torch.zeros(len(paths), 5, dtype=torch.int64)
        padded[:, :length] = paths
        one = [x.detach() if isinstance(x, torch.Tensor) else x for x in case.row(b)]
        total = reference.log_partition(*one)
        chance = torch.cat([(reference.score(*one, p[None, :length]) - total).exp() for p in padded])
        often = chance * count >= 5
        excess = ((counts - chance * count) ** 2 / (chance * count))[often].sum()
        freedom = int(often.sum())
        assert excess < freedom + tolerances.SAMPLE_SIGMAS * (2 * freedom) ** 0.5 + 5
