"""Huge scores, hard constraints, rows without a path."""

import pytest
import torch

from hybridseq.kernels.arcs import cpu, reference
from tests import tolerances
from tests.drawn import gradients, inside
from tests.kernels.arcs.drawn_graphs import FORMS, ArcCase

BACKENDS = [cpu, reference]


@pytest.mark.parametrize("spread", [1e4, 1e6])
@pytest.mark.parametrize(("packed", "form"), [(False, form) for form in FORMS] + [(True, "shared")])
def test_float32_marginals_sum_to_one_at_huge_scores(packed, form, spread):
    case = ArcCase(9, 40, 4, 6, packed=packed, form=form, dtype=torch.float32, spread=spread).forbid(0.2, (1,))
    feasible = cpu.log_partition(*case.arguments) > -torch.inf
    assert feasible.any()
    used = inside(case.lengths, case.steps) & feasible[:, None]
    for values in (cpu.marginals(*case.arguments), cpu.state_marginals(*case.arguments)):
        torch.testing.assert_close(values.sum(2), used.float(), rtol=0, atol=tolerances.MARGINAL_SUM)
    moves = cpu.move_marginals(*case.arguments).sum(2)
    torch.testing.assert_close(moves, used[:, 1:].float(), rtol=0, atol=tolerances.MARGINAL_SUM)


@pytest.mark.parametrize("kernel", BACKENDS)
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("spread", [1.0, 1e4])
def test_infeasible_rows(kernel, packed, dtype, spread):
    whole, holed = (ArcCase(21, 6, 4, 5, packed=packed, dtype=dtype, spread=spread) for _ in range(2))
    bad = torch.zeros(21, dtype=torch.bool)
    bad[[0, 3, 20]] = True
    for b in bad.nonzero().flatten().tolist():
        holed.leaves[0].data[b, min(1, int(holed.lengths[b]) - 1)] = -torch.inf
    value = kernel.log_partition(*holed.arguments)
    assert torch.equal(value == -torch.inf, bad)
    torch.testing.assert_close(value[~bad], kernel.log_partition(*whole.arguments)[~bad])
    uniforms = holed.uniform(2, 21, 6)
    assert (kernel.decode(*holed.arguments)[bad] == -100).all()
    assert (kernel.decode(*holed.arguments)[~bad, 0] >= 0).all()
    assert (kernel.sample(*holed.arguments, uniforms)[:, bad] == -100).all()
    assert (kernel.sample(*holed.arguments, uniforms)[:, ~bad, 0] >= 0).all()
    states, scores = kernel.k_best(*holed.arguments, 2)
    assert (states[bad] == -100).all()
    assert (scores[bad] == -torch.inf).all()
    for name in ("marginals", "state_marginals", "move_marginals"):
        found = getattr(kernel, name)(*holed.arguments)
        assert (found[bad] == 0).all()
        assert all(torch.isfinite(g).all() for g in gradients(found.square(), holed.leaves))
    slope = gradients(value, holed.leaves)
    assert all(torch.isfinite(g).all() for g in slope)
    assert (slope[0][bad] == 0).all()
