"""The background below a signal's loudest energy."""

import pytest
import torch

from hybridseq.speech import MFCC, Fbank


@pytest.fixture
def signal():
    generator = torch.Generator().manual_seed(0)
    loud = torch.linspace(0, 1, 8000) * torch.randn(8000, generator=generator)
    return torch.cat([1e-4 * torch.randn(2000, generator=generator), loud])


def test_is_added_below_the_loudest_energy(signal):
    plain, floored = (Fbank(8000, 20, floor_db=db)(signal).double() for db in (None, 40.0))
    expected = torch.log(plain.exp() + plain.max().exp() * 1e-4)
    torch.testing.assert_close(floored, expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("kind", [Fbank, MFCC])
@pytest.mark.parametrize("past", [False, True])
def test_rows_of_a_batch_have_their_own(kind, past, signal):
    features = kind(8000, 20, floor_db=30.0, floor_past=past)
    batch = torch.stack([signal, 0.01 * signal])
    lengths = torch.tensor([10000, 4000])
    rows, frames = features(batch, lengths)
    for row, n, samples, length in zip(rows, frames, batch, lengths):
        torch.testing.assert_close(row[:n], features(samples[:length]), atol=1e-5, rtol=1e-5)


def test_levels_recordings_of_other_loudness(signal):
    features = MFCC(8000, 20, floor_db=30.0)
    loud, quiet = features(signal), features(0.1 * signal)
    torch.testing.assert_close(loud[:, 1:], quiet[:, 1:], atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("chunk", [1, 333, 5000])
def test_stream_knows_the_past(chunk, signal):
    features = MFCC(8000, 20, floor_db=30.0, floor_past=True)
    stream = features.stream()
    parts = [stream.accept(part) for part in signal.split(chunk)] + [stream.finish()]
    torch.testing.assert_close(torch.cat(parts), features(signal), atol=1e-5, rtol=1e-5)


def test_stream_does_not_know_the_future():
    with pytest.raises(ValueError, match="floor_past"):
        Fbank(8000, floor_db=40.0).stream()


def test_must_be_positive():
    with pytest.raises(ValueError, match="floor_db"):
        Fbank(8000, floor_db=0.0)
