"""torch.compile and torch.export see automata as operators, and change nothing.

``test_compile.py`` runs this file in a process of its own, without the checks of shapes, which no graph can hold.
"""

import pytest
import torch
from torch.library import opcheck

from hybridseq.kernels.arcs import cpu, ops
from tests.kernels.arcs.drawn_graphs import ArcCase

KINDS = [(False, "shared"), (False, "steps"), (True, "shared")]


@pytest.fixture(autouse=True)
def fresh():
    torch._dynamo.reset()


@pytest.mark.parametrize(("packed", "form"), KINDS)
@pytest.mark.parametrize("name", ["log_partition", "marginals", "state_marginals", "move_marginals"])
def test_a_training_step_is_one_graph(name, packed, form):
    case = ArcCase(5, 6, 3, 4, packed=packed, form=form)
    *_, lengths, graph = case.arguments

    def loss(*leaves):
        return getattr(cpu, name)(*(x * 2 for x in leaves), lengths, graph).square().sum()

    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    values = [f(*case.leaves) for f in (compiled, loss)]
    torch.testing.assert_close(*values)
    for ours, theirs in zip(*(torch.autograd.grad(v, case.leaves) for v in values)):
        torch.testing.assert_close(ours, theirs)


def test_inference_is_one_graph():
    case = ArcCase(5, 6, 3, 4)
    arguments = *(x.detach() for x in case.leaves), *case.arguments[4:]
    uniforms = case.uniform(2, 5, 6)

    def everything(*arguments):
        states = cpu.decode(*arguments)
        draws = cpu.sample(*arguments, uniforms)
        labels = arguments[-1].labels[states.clamp(min=0)]
        return (
            states,
            draws,
            cpu.score(*arguments, states),
            cpu.score_labels(*arguments, labels),
            *cpu.k_best(*arguments, 2),
        )

    compiled = torch.compile(everything, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(*arguments), everything(*arguments))


@pytest.mark.parametrize(("packed", "form"), KINDS)
@pytest.mark.parametrize("name", sorted(ops._SCHEMAS))
def test_operators_are_registered_faithfully(name, packed, form):
    case = ArcCase(3, 4, 3, 3, packed=packed, form=form)
    direction = case.directions()
    graph, weight = list(case.graph.tables), torch.ones(3, dtype=torch.float64, requires_grad=True)
    arguments = {
        "arcs_log_partition": (case.lengths, graph),
        "arcs_gradient": (case.lengths, graph, weight),
        "arcs_hessian_product": (*direction, case.lengths, graph, weight),
        "arcs_expected_score": (*direction, case.lengths, graph),
        "arcs_decode": (case.lengths, graph),
        "arcs_k_best": (case.lengths, graph, 2),
        "arcs_sample": (case.lengths, graph, case.uniform(2, 3, 4)),
    }[name]
    constant = name in ("arcs_decode", "arcs_k_best", "arcs_sample")
    leaves = [x.detach() for x in case.leaves] if constant else case.leaves
    checks = ["test_schema", "test_faketensor"]
    # The Hessian has no further derivative.
    if name != "arcs_hessian_product":
        checks += ["test_autograd_registration", "test_aot_dispatch_dynamic"]
    opcheck(getattr(ops, name.removeprefix("arcs_")), (*leaves, *arguments), test_utils=checks)
