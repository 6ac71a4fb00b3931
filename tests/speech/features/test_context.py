"""Derivatives and neighbours equal Kaldi's, row by row and piece by piece."""

import kaldi_native_fbank
import numpy as np
import pytest
import torch

from hybridseq.speech.features import DeltaStream, deltas, splice


def frames(*shape, seed=0):
    return torch.tensor(np.random.default_rng(seed).standard_normal(shape))


@pytest.mark.parametrize("steps", [1, 2, 5, 40])
@pytest.mark.parametrize("order", [0, 1, 2, 3])
@pytest.mark.parametrize("window", [1, 2, 3])
def test_deltas_equal_kaldi(steps, order, window):
    x = frames(steps, 3).float()
    expected = kaldi_native_fbank.compute_deltas(kaldi_native_fbank.DeltaOptions(order=order, window=window), x.numpy())
    np.testing.assert_allclose(deltas(x, order, window), expected, atol=1e-5)


@pytest.mark.parametrize("left, right", [(0, 0), (3, 0), (0, 2), (4, 5)])
def test_splicing_equals_kaldi(left, right):
    x = frames(6, 3).float()
    options = kaldi_native_fbank.SpliceOptions(left_context=left, right_context=right)
    np.testing.assert_array_equal(splice(x, left, right), kaldi_native_fbank.splice_frames(x.numpy(), options))


@pytest.mark.parametrize("function", [deltas, lambda x, lengths=None: splice(x, 3, 2, lengths)])
def test_rows_end_where_their_length_says(function):
    x, lengths = frames(4, 9, 3), torch.tensor([9, 5, 1, 0])
    x[torch.arange(9) >= lengths[:, None]] = torch.nan
    batch = function(x, lengths=lengths)
    for row, length, got in zip(x, lengths, batch, strict=True):
        torch.testing.assert_close(got[:length], function(row[:length]))
        assert (got[length:] == 0).all()


def test_deltas_of_a_line_are_its_slope():
    x = 3.0 * torch.arange(20.0, dtype=torch.float64)[:, None]
    inner = deltas(x)[4:-4]
    torch.testing.assert_close(inner[:, 1], torch.full((12,), 3.0, dtype=torch.float64))
    torch.testing.assert_close(inner[:, 2], torch.zeros(12, dtype=torch.float64))


def test_gradients():
    x = frames(2, 5, 2).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: deltas(x, lengths=torch.tensor([5, 3])), x)


@pytest.mark.parametrize("order, window", [(0, 2), (1, 2), (2, 3)])
@pytest.mark.parametrize("steps", [1, 3, 30])
def test_streamed_deltas_equal_the_whole(order, window, steps):
    x = frames(steps, 3)
    stream = DeltaStream(order, window)
    pieces = [stream.accept(piece) for piece in x.tensor_split([0, 1, 1, 2, 7, 20])]
    torch.testing.assert_close(torch.cat([*pieces, stream.finish()]), deltas(x, order, window))


def test_inputs_that_do_not_fit():
    with pytest.raises(ValueError, match=r"\(B, T, D\) with lengths"):
        deltas(frames(3, 2), lengths=torch.tensor([3]))
    with pytest.raises(ValueError, match="window at least 1"):
        deltas(frames(3, 2), window=0)
    with pytest.raises(ValueError, match="at least 0"):
        splice(frames(3, 2), -1, 0)
