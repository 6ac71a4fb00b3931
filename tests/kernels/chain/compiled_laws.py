"""torch.compile and torch.export see the chain as operators, and change nothing.

``test_compile.py`` runs this file in a process of its own, without the checks of shapes, which no graph can hold.
"""

import pytest
import torch
from torch.library import opcheck

import hybridseq as hs
from hybridseq.kernels.chain import ops
from tests.drawn import Case


@pytest.fixture
def layer():
    torch._dynamo.reset()
    torch.manual_seed(0)
    layer = hs.nn.CRF(5)
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter)
    return layer


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(1)
    emissions = torch.randn(3, 7, 5, generator=generator)
    labels = torch.randint(5, (3, 7), generator=generator)
    mask = torch.ones(3, 7, dtype=torch.bool)
    mask[1, 2:4], mask[2, 5:] = False, False
    return emissions, labels, mask


def step(function, layer, emissions, *rest):
    """A loss with the gradients of emissions and parameters."""
    emissions = emissions.clone().requires_grad_()
    loss = function(emissions, *rest)
    return loss.detach(), *torch.autograd.grad(loss, (emissions, *layer.parameters()))


@pytest.mark.parametrize("objective", hs.objectives.OBJECTIVES)
def test_a_training_step_is_one_graph(layer, batch, objective):
    loss = hs.objectives.OBJECTIVES[objective]

    def with_lengths(emissions, labels, mask):
        return loss(layer(emissions, lengths=torch.tensor([7, 4, 1])), labels).mean()

    def with_mask(emissions, labels, mask):
        return loss(layer(emissions, mask=mask), labels).mean()

    for function in (with_lengths, with_mask):
        compiled = torch.compile(function, fullgraph=True, backend="aot_eager")
        torch.testing.assert_close(step(compiled, layer, *batch), step(function, layer, *batch))


def test_a_training_step_through_inductor(layer, batch):
    def function(emissions, labels):
        return hs.objectives.log_loss(layer(emissions.tanh()), labels).mean()

    compiled = torch.compile(function, fullgraph=True)
    torch.testing.assert_close(step(compiled, layer, *batch[:2]), step(function, layer, *batch[:2]))


def test_inference_is_one_graph(layer, batch):
    def everything(emissions, mask):
        chain = layer(emissions, mask=mask)
        return chain.marginals(), chain.pair_marginals(), chain.entropy(), chain.max_score(), *chain.k_best(2)

    compiled = torch.compile(everything, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(batch[0], batch[2]), everything(batch[0], batch[2]))


class Decoder(torch.nn.Module):
    """Emissions to labels."""

    def __init__(self, layer, name):
        super().__init__()
        self.layer, self.name = layer, name

    def forward(self, emissions, places):
        return self.layer(emissions, **{self.name: places}).decode()


@pytest.mark.parametrize("name", ["lengths", "mask"])
def test_export_of_decoding_for_batches_of_any_size(layer, batch, name):
    emissions, _, mask = batch
    places = mask if name == "mask" else torch.tensor([7, 4, 1])
    rows, steps = torch.export.Dim("rows"), torch.export.Dim("steps")
    shapes = {0: rows, 1: steps}, {0: rows, 1: steps} if name == "mask" else {0: rows}
    exported = torch.export.export(Decoder(layer, name), (emissions, places), dynamic_shapes=shapes).module()
    assert torch.equal(exported(emissions, places), layer(emissions, **{name: places}).decode())
    emissions = torch.randn(4, 11, 5)
    places = torch.rand(4, 11) < 0.9 if name == "mask" else torch.tensor([11, 1, 6, 2])
    assert torch.equal(exported(emissions, places), layer(emissions, **{name: places}).decode())


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("name", sorted(ops._SCHEMAS))
def test_operators_are_registered_faithfully(name, shared):
    case = Case(3, 4, 3, shared)
    direction = Case(3, 4, 3, shared, seed=1).leaves
    _, alpha, scale, status = (x.detach() for x in ops.log_partition(*case.leaves, case.lengths))
    weight = torch.ones(3, dtype=torch.float64, requires_grad=True)
    arguments = {
        "chain_log_partition": (case.lengths,),
        "chain_gradient": (case.lengths, alpha, scale, status, weight),
        "chain_hessian_product": (*direction, case.lengths, weight),
        "chain_expected_score": (*direction, case.lengths),
        "chain_score": (case.lengths, case.paths()),
        "chain_score_gradient": (case.lengths, case.paths(), weight),
        "chain_decode": (case.lengths,),
        "chain_k_best": (case.lengths, 2),
        "chain_sample": (case.lengths, case.uniform(2, 3, 4)),
    }[name]
    constant = name in ("chain_decode", "chain_k_best", "chain_sample")
    leaves = [x.detach() for x in case.leaves] if constant else case.leaves
    checks = ["test_schema", "test_faketensor"]
    # The others have no further derivative, or buffers whose padding holds nothing.
    if name not in ("chain_hessian_product", "chain_gradient", "chain_log_partition"):
        checks += ["test_autograd_registration", "test_aot_dispatch_dynamic"]
    opcheck(getattr(ops, name.removeprefix("chain_")), (*leaves, *arguments), test_utils=checks)
