"""torch.compile changes nothing about sequence criteria.

``test_sequence.py`` runs this file in a process of its own, without the checks of shapes, which no graph can hold.
"""

import pytest
import torch

import hybridseq as hs
from hybridseq.objectives import boosted_mmi, full_sum, mmi, smbr
from hybridseq.structures import PathGraph
from tests import tolerances
from tests.drawn import gradients
from tests.kernels.arcs.drawn_graphs import ArcCase


@pytest.fixture(autouse=True)
def fresh():
    torch._dynamo.reset()


def same(compute, leaves, fullgraph):
    found = torch.compile(compute, fullgraph=fullgraph, backend="aot_eager")(*leaves)
    expected = compute(*leaves)
    for x, y in zip(found, expected):
        torch.testing.assert_close(x, y, **tolerances.value(torch.float64))
    for x, y in zip(*(gradients(values[0], leaves) for values in (found, expected))):
        torch.testing.assert_close(x, y, **tolerances.gradient(torch.float64))


def test_a_training_step_on_two_graphs_is_one_graph():
    above, below = ArcCase(4, 6, 3, 4), ArcCase(4, 6, 3, 4, packed=True, density=0.3)
    accuracy = above.uniform(4, 6, 3)

    def compute(emissions):
        denominator, numerator = (
            PathGraph(emissions, case.graph, *(x.detach() for x in case.leaves[1:]), above.lengths)
            for case in (above, below)
        )
        loss = mmi(numerator, denominator) + boosted_mmi(numerator, denominator, accuracy)
        loss = loss + smbr(denominator, accuracy) + full_sum(numerator)
        return loss, denominator.marginals(), numerator.decode(), numerator.max_score(), denominator.entropy()

    same(compute, above.leaves[:1], fullgraph=True)


def test_ctc_breaks_the_graph_once():
    scores = torch.randn(3, 8, 4, dtype=torch.float64, requires_grad=True)
    targets, sizes = torch.tensor([[1, 1, 2], [3, 2, 2], [1, 2, 0]]), torch.tensor([3, 3, 2])
    same(lambda x: (hs.objectives.ctc(x.log_softmax(2), targets, None, sizes),), [scores], fullgraph=False)
