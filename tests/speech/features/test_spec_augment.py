"""Masks stay within their bounds, the seed decides, and evaluation sees everything."""

import pytest
import torch

from hybridseq.speech.features import SpecAugment


def hidden(module, rows=64, steps=50, width=12, lengths=None):
    """(B, T, D) bool: what is masked of ones."""
    return module(torch.ones(rows, steps, width), lengths) == 0


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_evaluation_sees_everything():
    x = torch.randn(2, 9, 4)
    assert SpecAugment().eval()(x) is x


def test_the_seed_decides_and_inputs_stay():
    one, same, other = (hidden(SpecAugment(generator=generator(seed))) for seed in (1, 1, 2))
    assert torch.equal(one, same) and not torch.equal(one, other)
    x = torch.ones(2, 9, 4)
    SpecAugment(generator=generator())(x)
    assert (x == 1).all()


def test_a_time_mask_is_one_stretch_of_all_columns():
    got = hidden(SpecAugment(1, 8, 0, 0, time_share=1.0, generator=generator()))
    assert (got.all(2) == got.any(2)).all()
    frames = got.all(2).int()
    assert frames.sum(1).unique().tolist() == list(range(9))
    # One beginning at most.
    assert ((frames.diff(dim=1) == 1).sum(1) + frames[:, 0] <= 1).all()


def test_a_frequency_mask_is_one_band_of_all_frames():
    got = hidden(SpecAugment(0, 0, 1, 5, generator=generator()))
    assert (got.all(1) == got.any(1)).all()
    assert got.all(1).sum(1).unique().tolist() == list(range(6))


def test_blocks_hide_the_same_columns():
    got = hidden(SpecAugment(0, 0, 2, 3, blocks=3, generator=generator()))
    assert got.any()
    for block in got.split(4, 2):
        assert torch.equal(block, got[..., :4])


def test_masks_lie_within_lengths_and_their_share():
    lengths = torch.randint(0, 51, (64,), generator=generator())
    got = hidden(SpecAugment(1, 40, 0, 0, time_share=0.25, generator=generator()), lengths=lengths)
    assert not got[torch.arange(50) >= lengths[:, None]].any()
    assert (got.all(2).sum(1) <= 0.25 * lengths).all() and got.any()


def test_every_place_is_hidden_now_and_then():
    got = hidden(SpecAugment(1, 8, 1, 4, time_share=1.0, generator=generator()), rows=2000)
    assert got.float().mean(0).min() > 0.02


def test_the_mean_may_stand_in_masks():
    x = torch.randn(8, 30, 6, generator=generator())
    lengths = torch.tensor([30, 20, 10, 30, 30, 5, 30, 30])
    got = SpecAugment(1, 10, 0, 0, time_share=1.0, value="mean", generator=generator())(x, lengths)
    changed = (got != x).any(2)
    assert changed.any()
    for row, length, new, where in zip(x, lengths, got, changed, strict=True):
        torch.testing.assert_close(new[where], row[:length].mean(0).expand(int(where.sum()), -1))


def test_gradients_flow_where_nothing_is_hidden():
    x = torch.ones(4, 20, 6, requires_grad=True)
    result = SpecAugment(generator=generator())(x)
    result.sum().backward()
    assert torch.equal(x.grad, (result != 0).float())


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"time_masks": -1}, "at least 0"),
        ({"time_share": 2}, "from 0 to 1"),
        ({"value": "median"}, "a number or \"mean\"; got 'median'"),
    ],
)
def test_settings_that_do_not_fit(arguments, message):
    with pytest.raises(ValueError, match=message):
        SpecAugment(**arguments)


def test_inputs_that_do_not_fit():
    with pytest.raises(ValueError, match=r"\(B, T, D\); got \(3, 4\)"):
        SpecAugment()(torch.ones(3, 4))
    with pytest.raises(ValueError, match="12 columns do not make 5 blocks"):
        hidden(SpecAugment(blocks=5))
