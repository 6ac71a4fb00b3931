"""NaN and +inf are named where they stand; in the padding they do not matter."""

import pytest
import torch

from tests.drawn import Case, gradients

METHODS = {
    "log_partition": lambda c: c.log_partition(),
    "marginals": lambda c: c.marginals(),
    "pair_marginals": lambda c: c.pair_marginals(),
    "decode": lambda c: c.decode(),
    "max_score": lambda c: c.max_score(),
    "k_best": lambda c: c.k_best(2),
    "sample": lambda c: c.sample(2),
    "entropy": lambda c: c.entropy(),
}
methods = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)


@methods
@pytest.mark.parametrize("value", [torch.nan, torch.inf])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("spread", [1, 1e4])
def test_emissions(method, value, dtype, spread):
    case = Case(20, 6, 5, dtype=dtype, spread=spread)
    case.lengths[17] = 4
    case.leaves[0].data[17, 3, 2] = value
    with pytest.raises(ValueError, match=rf"emissions\[17, 3, 2\] is {value}"):
        method(case.chain())


@methods
@pytest.mark.parametrize("field", ["transitions", "start", "end"])
def test_parameters(method, field):
    case = Case()
    case.leaves[["transitions", "start", "end"].index(field) + 1].data[0] = torch.nan
    with pytest.raises(ValueError, match=f"{field} must be finite or -inf"):
        method(case.chain())


@methods
def test_per_position_transitions(method):
    case = Case(shared=False)
    case.leaves[1].data[0, 0] = torch.inf
    with pytest.raises(ValueError, match="transitions must be finite or -inf"):
        method(case.chain())


@pytest.mark.parametrize("backend", ["cpu", "reference"])
@pytest.mark.parametrize("shared", [True, False])
def test_padding_may_hold_anything(shared, backend):
    clean, dirty = Case(9, 6, 3, shared), Case(9, 6, 3, shared)
    for b, length in enumerate(dirty.lengths.tolist()):
        dirty.leaves[0].data[b, length:] = torch.nan
        if not shared:
            dirty.leaves[1].data[b, length - 1 :] = torch.nan
    labels = clean.paths()
    for name in ("log_partition", "marginals", "pair_marginals", "max_score", "entropy", "decode"):
        values = [getattr(c.chain(backend=backend), name)() for c in (clean, dirty)]
        torch.testing.assert_close(*values, rtol=0, atol=0)
        if name != "decode":
            for ours, theirs in zip(*(gradients(v, c.leaves) for v, c in zip(values, (clean, dirty)))):
                torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)
    values = [c.chain(backend=backend).log_prob(labels) for c in (clean, dirty)]
    torch.testing.assert_close(*values, rtol=0, atol=0)
    draws = [c.chain(backend=backend).sample(2, torch.Generator().manual_seed(1)) for c in (clean, dirty)]
    assert torch.equal(*draws)
    for x, y in zip(*(c.chain(backend=backend).k_best(3) for c in (clean, dirty))):
        assert torch.equal(x, y)
