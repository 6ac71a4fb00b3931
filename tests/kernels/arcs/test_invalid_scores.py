"""NaN and +inf are named where they stand; in the padding they do not matter."""

import pytest
import torch

from hybridseq.kernels.arcs import cpu, reference
from tests.drawn import gradients
from tests.kernels.arcs.drawn_graphs import ArcCase

METHODS = {
    "log_partition": cpu.log_partition,
    "without_gradient": lambda *x: cpu.log_partition(*(y.detach() for y in x[:4]), *x[4:]),
    "marginals": cpu.marginals,
    "move_marginals": cpu.move_marginals,
    "expected_score": lambda *x: cpu.expected_score(*x, x[:4]),
    "decode": cpu.decode,
    "k_best": lambda *x: cpu.k_best(*x, 2),
    "sample": lambda *x: cpu.sample(*x, torch.rand(2, *x[0].shape[:2], dtype=torch.float64)),
}
methods = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)


@methods
@pytest.mark.parametrize("value", [torch.nan, torch.inf])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("spread", [1, 1e4])
def test_emissions(method, value, packed, spread):
    case = ArcCase(20, 6, 3, 9, packed=packed, spread=spread)
    case.lengths[17] = 4
    label = int(case.graph.labels[case.graph.state_offset[17] if packed else 0])
    case.leaves[0].data[17, 3, label] = value
    with pytest.raises(ValueError, match=rf"emissions\[17, 3, {label}\] is {value}"):
        method(*case.arguments)


@methods
@pytest.mark.parametrize("form", ["shared", "rows", "steps"])
@pytest.mark.parametrize("field", ["moves", "initial", "final"])
def test_parameters(method, field, form):
    case = ArcCase(form=form)
    case.leaves[["moves", "initial", "final"].index(field) + 1].data[0] = torch.nan
    with pytest.raises(ValueError, match=f"{field} must be finite or -inf"):
        method(*case.arguments)


@pytest.mark.parametrize("kernel", [cpu, reference])
@pytest.mark.parametrize(("packed", "form"), [(False, "shared"), (False, "steps"), (True, "steps")])
def test_padding_may_hold_anything(kernel, packed, form):
    clean, dirty = (ArcCase(9, 6, 3, 4, packed=packed, form=form) for _ in range(2))
    for b, length in enumerate(dirty.lengths.tolist()):
        dirty.leaves[0].data[b, length:] = torch.nan
        if form == "steps":
            dirty.leaves[1].data[b, length - 1 :] = torch.nan
    uniforms = clean.uniform(2, 9, 6)
    states = kernel.sample(*clean.arguments, uniforms)[0]
    labels = torch.zeros(9, 6, dtype=torch.int64)
    rests = {"score": (states,), "score_labels": (labels,), "sample": (uniforms,)}
    names = "log_partition", "marginals", "state_marginals", "move_marginals", "decode", *rests
    for name in names:
        values = [getattr(kernel, name)(*c.arguments, *rests.get(name, ())) for c in (clean, dirty)]
        torch.testing.assert_close(*values, rtol=0, atol=0)
        if values[0].is_floating_point():
            for ours, theirs in zip(*(gradients(v, c.leaves) for v, c in zip(values, (clean, dirty)))):
                torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)
    for x, y in zip(*(kernel.k_best(*c.arguments, 3) for c in (clean, dirty))):
        assert torch.equal(x, y)
