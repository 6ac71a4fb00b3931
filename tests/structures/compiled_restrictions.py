"""torch.compile sees restricted chains whole, and changes nothing.

``test_compiled_restrictions.py`` runs this file in a process of its own, without the checks of shapes, which no graph
can hold.
"""

import pytest
import torch

import hybridseq as hs
from tests import tolerances
from tests.drawn import Case, gradients
from tests.structures.random_plans import automaton_plan, pair_plan


@pytest.mark.parametrize("make", [automaton_plan, pair_plan])
def test_a_training_step_is_one_graph(make):
    case, plan = Case(4, 6, 3, dtype=torch.float32), make(3, 5)
    labels = case.chain().restrict(plan).decode().clamp(min=0)

    def compute(*leaves):
        chain = hs.LinearChain(*leaves, lengths=case.lengths).restrict(plan)
        loss = hs.objectives.log_loss(chain, labels)
        return torch.where(loss < torch.inf, loss, 0), chain.marginals(), chain.decode(), chain.max_score()

    torch._dynamo.reset()
    found = torch.compile(compute, fullgraph=True, backend="aot_eager")(*case.leaves)
    expected = compute(*case.leaves)
    for x, y in zip(found, expected):
        torch.testing.assert_close(x, y, **tolerances.value(torch.float32))
    for x, y in zip(*(gradients(values[0], case.leaves) for values in (found, expected))):
        torch.testing.assert_close(x, y, **tolerances.gradient(torch.float32))
