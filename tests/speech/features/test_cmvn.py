"""Normalised features have mean 0 and variance 1, constants become 0, and online means the past only."""

import json

import kaldi_native_fbank
import numpy as np
import pytest
import torch

from hybridseq.speech.features import Moments, OnlineCMVN, SpeakerCMVN, utterance_cmvn


def frames(*shape, seed=0):
    return torch.tensor(3 + 2 * np.random.default_rng(seed).standard_normal(shape))


def normalised(x, past):
    mean, deviation = past.mean(0), past.std(0, correction=0)
    return (x - mean) / deviation


@pytest.mark.parametrize("variance", [True, False])
def test_an_utterance_has_mean_0_and_variance_1(variance):
    x = frames(50, 4)
    got = utterance_cmvn(x, variance=variance)
    torch.testing.assert_close(got.mean(0), torch.zeros(4).double(), atol=1e-12, rtol=0)
    deviation = torch.ones(4).double() if variance else x.std(0, correction=0)
    torch.testing.assert_close(got.std(0, correction=0), deviation)


def test_means_equal_kaldi():
    x = frames(50, 4).float()
    expected = kaldi_native_fbank.apply_cmvn(
        kaldi_native_fbank.compute_cmvn_stats(x.numpy()), kaldi_native_fbank.CmvnOptions(), x.numpy()
    )
    np.testing.assert_allclose(utterance_cmvn(x, variance=False), expected, atol=1e-5)


def test_rows_end_where_their_length_says():
    x, lengths = frames(4, 9, 3), torch.tensor([9, 5, 1, 0])
    x[torch.arange(9) >= lengths[:, None]] = torch.nan
    got = utterance_cmvn(x, lengths)
    for row, length, result in zip(x, lengths, got, strict=True):
        torch.testing.assert_close(result[:length], utterance_cmvn(row[:length]))
        assert (result[length:] == 0).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("level", [0.0, -15.942385, 1e6])
def test_constants_become_0(dtype, level):
    x = torch.full((301, 2), level, dtype=dtype)
    speakers = SpeakerCMVN().add("s", x)
    for result in (utterance_cmvn(x), speakers.apply("s", x), OnlineCMVN(50)(x), OnlineCMVN(None)(x)):
        assert result.abs().max() < 0.05
    x = x.requires_grad_()
    utterance_cmvn(x).sum().backward()
    assert torch.isfinite(x.grad).all()


def test_a_speaker_is_normalised_over_all_that_was_said():
    parts = [frames(n, 3, seed=n) for n in (10, 25, 7)]
    cmvn = SpeakerCMVN()
    for part in parts:
        cmvn.add("ann", part)
    cmvn.add("bob", 5 * frames(8, 3))
    torch.testing.assert_close(cmvn.apply("ann", parts[0]), normalised(parts[0], torch.cat(parts)))
    everything = torch.cat([*parts, 5 * frames(8, 3)])
    torch.testing.assert_close(cmvn.apply("eve", parts[1], unknown="global"), normalised(parts[1], everything))
    torch.testing.assert_close(cmvn.apply("eve", parts[1], unknown="utterance"), utterance_cmvn(parts[1]))
    with pytest.raises(ValueError, match=r"no statistics of speaker 'eve', only of 2 others.*unknown="):
        cmvn.apply("eve", parts[1])


def test_statistics_survive_json():
    cmvn = SpeakerCMVN(unknown="global").add("ann", frames(10, 3)).add("bob", frames(9, 3, seed=1))
    again = SpeakerCMVN.from_dict(json.loads(json.dumps(cmvn.to_dict())))
    for speaker in ("ann", "bob", "eve"):
        assert torch.equal(again.apply(speaker, frames(5, 3)), cmvn.apply(speaker, frames(5, 3)))
    online = OnlineCMVN(9, prior=cmvn.moments(), prior_frames=4)
    again = OnlineCMVN.from_dict(json.loads(json.dumps(online.to_dict())))
    assert torch.equal(again(frames(20, 3)), online(frames(20, 3)))


@pytest.mark.parametrize("window", [1, 7, 600, None])
def test_online_uses_the_past_and_nothing_else(window):
    x = frames(40, 3)
    got = OnlineCMVN(window)(x)
    for t in range(1, 40):
        past = x[max(0, t + 1 - (window or 40)) : t + 1]
        if len(past) > 1:
            torch.testing.assert_close(got[t], normalised(x[t], past), rtol=1e-6, atol=1e-8)
    changed = torch.cat([x[:20], 100 * x[20:]])
    assert torch.equal(OnlineCMVN(window)(changed)[:20], got[:20])


@pytest.mark.parametrize("window", [1, 7, None])
def test_streamed_online_equals_the_whole(window):
    x = frames(40, 3)
    cmvn = OnlineCMVN(window, prior=Moments.of(frames(100, 3, seed=1)), prior_frames=5)
    stream = cmvn.stream()
    pieces = [stream.accept(piece) for piece in x.tensor_split([0, 1, 1, 2, 9, 30])]
    torch.testing.assert_close(torch.cat(pieces), cmvn(x), rtol=1e-6, atol=1e-8)


def test_blocks_change_nothing(monkeypatch):
    x = frames(40, 3)
    whole = OnlineCMVN(7)(x)
    monkeypatch.setattr("hybridseq.speech.features.online_cmvn._BLOCK", 6)
    torch.testing.assert_close(OnlineCMVN(7)(x), whole, rtol=1e-9, atol=1e-9)


def test_a_prior_counts_as_so_many_frames_until_the_window_is_full():
    x, before = frames(12, 2), frames(50, 2, seed=1)
    got = OnlineCMVN(10, prior=Moments.of(before), prior_frames=5)(x)
    for t, weight in ((0, 5), (4, 5), (7, 2), (9, 0), (11, 0)):
        past = x[max(0, t - 9) : t + 1]
        shares = torch.cat([torch.full((len(past),), 1.0), torch.full((50,), weight / 50)]).double()
        everything = torch.cat([past, before])
        mean = (shares[:, None] * everything).sum(0) / shares.sum()
        variance = (shares[:, None] * (everything - mean).square()).sum(0) / shares.sum()
        torch.testing.assert_close(got[t], (x[t] - mean) / variance.sqrt())


def test_inputs_that_do_not_fit():
    with pytest.raises(ValueError, match="unknown must be one of raise, global, utterance"):
        SpeakerCMVN(unknown="ignore")
    with pytest.raises(ValueError, match="got 2 columns after 3"):
        SpeakerCMVN().add("a", frames(4, 3)).add("b", frames(4, 2))
    with pytest.raises(ValueError, match="no statistics yet"):
        SpeakerCMVN().moments()
    with pytest.raises(ValueError, match="window must be at least 1"):
        OnlineCMVN(0)
