import numpy as np
import pytest
import torch

import hybridseq as hs
from hybridseq import constraints
from hybridseq.training.linear.batches import FeatureBatches
from hybridseq.training.linear.likelihood import PenalisedLikelihood
from tests import tolerances
from tests.training.linear import drawn

NAMES = ("a", "b", "c")
CONSTRAINTS = {
    "none": None,
    "pairs": constraints.transitions(forbidden=[("a", "b")]),
    "automaton": constraints.run("c", min=2),
}


def keeping(whole, constraint):
    """The sequences whose labels keep a constraint, as a problem with its plan."""
    if constraint is None:
        return whole
    ends = np.cumsum(whole.lengths)
    rows = [
        b
        for b, (end, length) in enumerate(zip(ends, whole.lengths))
        if constraint.accepts([NAMES[k] for k in whole.labels[end - length : end]])
    ]
    part = drawn.some(whole, rows)
    assert len(part.lengths) > 4
    return type(part)(part.attributes, part.labels, part.pairs, part.counts, constraint.compile(NAMES))


def of_layers(problem, weights, c2):
    """Loss and gradient of nn.CRF over a linear layer, with the same weights and the rest at 0 and left out."""
    pairs = problem.pairs
    linear = torch.nn.Linear(problem.attributes.size, len(NAMES), bias=False).double()
    layer = hs.nn.CRF(len(NAMES)).double()
    places = torch.from_numpy(pairs.labels).long(), torch.from_numpy(pairs.features())
    moves = torch.from_numpy(pairs.sources), torch.from_numpy(pairs.targets)
    with torch.no_grad():
        linear.weight.zero_()
        linear.weight[places] = torch.from_numpy(weights[: pairs.states])
        layer.transitions[moves] = torch.from_numpy(weights[pairs.states :])
    rows = [torch.from_numpy(x) for x in drawn.dense(problem.attributes)]
    lengths = torch.from_numpy(problem.lengths)
    chain = layer(linear(torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)), lengths=lengths)
    if problem.plan is not None:
        chain = chain.restrict(problem.plan)
    labels = torch.from_numpy(problem.padded_labels(np.arange(len(lengths))))
    penalty = linear.weight.square().sum() + layer.transitions.square().sum()
    loss = hs.objectives.log_loss(chain, labels).sum() + c2 * penalty
    loss.backward()
    return loss.detach(), torch.cat([linear.weight.grad[places], layer.transitions.grad[moves]])


@pytest.mark.parametrize("name", CONSTRAINTS)
@pytest.mark.parametrize("all_pairs", [False, True])
@pytest.mark.parametrize("ones", [False, True])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_loss_and_gradient_are_those_of_a_crf_layer_over_a_linear_one(name, all_pairs, ones, dtype):
    whole = drawn.problem(count=60, ones=ones, all_states=all_pairs, all_transitions=all_pairs)
    problem = keeping(whole, CONSTRAINTS[name])
    weights = np.random.default_rng(5).normal(size=len(problem.pairs)).astype(dtype).astype(np.float64)
    batches = FeatureBatches(problem.attributes, problem.pairs, size=7)
    value, gradient = PenalisedLikelihood(batches, problem, 0.3, dtype)(weights)
    wanted, slope = of_layers(problem, weights, 0.3)
    kind = torch.float64 if dtype is np.float64 else torch.float32
    torch.testing.assert_close(torch.tensor(value, dtype=torch.float64), wanted, **tolerances.value(kind))
    # float32: a sum over sequences of what is rounded in each.
    margin = tolerances.gradient(kind) if dtype is np.float64 else {"rtol": 1e-4, "atol": 1e-4}
    torch.testing.assert_close(torch.from_numpy(gradient), slope, **margin)


def test_the_objective_does_not_depend_on_the_batches():
    problem = drawn.problem(ones=False)
    weights = np.random.default_rng(0).normal(size=len(problem.pairs))
    found = [
        PenalisedLikelihood(FeatureBatches(problem.attributes, problem.pairs, size), problem)(weights)
        for size in (1, 5, None)
    ]
    for value, gradient in found[1:]:
        assert value == pytest.approx(found[0][0], rel=1e-12)
        np.testing.assert_allclose(gradient, found[0][1], atol=1e-12)


@pytest.mark.parametrize("choice", ["unconstrained", "relax"])
def test_labels_that_break_the_plan_are_scored_by_what_they_keep(choice):
    keep, broken = (
        constraints.transitions(forbidden=[("a", "b")]),
        constraints.transitions(forbidden=[("b", "c")]) & constraints.transitions(forbidden=[("b", "b")]),
    )
    plan = (keep & broken).compile(NAMES)
    whole = drawn.problem(count=40, all_transitions=True)
    problem = type(whole)(*[getattr(whole, f) for f in ("attributes", "labels", "pairs", "counts")], plan, choice)
    weights = np.random.default_rng(1).normal(size=len(problem.pairs))
    value, _ = PenalisedLikelihood(FeatureBatches(problem.attributes, problem.pairs), problem)(weights)
    wanted, ends = 0.0, np.cumsum(problem.lengths)
    for b, (end, length) in enumerate(zip(ends, problem.lengths)):
        names = [NAMES[k] for k in problem.labels[end - length : end]]
        own = plan
        if not plan.accepts(problem.labels[end - length : end]):
            left = [part for part in (keep & broken).parts if part.accepts(names)]
            own = constraints.combine.And.of_parts(*left).compile(NAMES) if left and choice == "relax" else None
        one = drawn.some(whole, [b])
        one = type(one)(one.attributes, one.labels, one.pairs, one.counts, own)
        wanted += PenalisedLikelihood(FeatureBatches(one.attributes, one.pairs), one)(weights)[0]
    assert value == pytest.approx(wanted, rel=1e-10)


def test_half_the_squared_norm_it_is_not():
    problem = drawn.problem()
    batches = FeatureBatches(problem.attributes, problem.pairs)
    weights = np.random.default_rng(2).normal(size=len(problem.pairs))
    plain, penalised = (PenalisedLikelihood(batches, problem, c2)(weights) for c2 in (0.0, 2.0))
    assert penalised[0] - plain[0] == pytest.approx(2 * (weights**2).sum())
    np.testing.assert_allclose(penalised[1] - plain[1], 4 * weights, atol=1e-10)
