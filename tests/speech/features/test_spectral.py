"""Filter banks and cepstra equal Kaldi's, whatever the batch, the blocks and the pieces."""

import kaldi_native_fbank
import numpy as np
import pytest
import torch

from hybridseq.speech.features import MFCC, Fbank
from hybridseq.speech.features.mel import mel_bank, warp_frequency
from tests.speech.features.oracle import kaldi, signals
from tests.tolerances import value

RATES = 8000, 16000
TOLERANCE = 1e-3
#: Ours, Kaldi's, and whose they are.
OPTIONS = [
    ({}, {}, "both"),
    ({"snip_edges": False}, {"frame_opts__snip_edges": False}, "both"),
    ({"remove_dc": False}, {"frame_opts__remove_dc_offset": False}, "both"),
    ({"preemphasis": 0.0}, {"frame_opts__preemph_coeff": 0.0}, "both"),
    ({"frame_length": 32.0}, {"frame_opts__frame_length_ms": 32}, "both"),
    ({"frame_shift": 7.5}, {"frame_opts__frame_shift_ms": 7.5}, "both"),
    ({"low": 120.0, "high": -300.0}, {"mel_opts__low_freq": 120, "mel_opts__high_freq": -300}, "both"),
    ({"low": 0.0, "high": 3600.0}, {"mel_opts__low_freq": 0, "mel_opts__high_freq": 3600}, "both"),
    ({"use_energy": True}, {"use_energy": True}, "both"),
    ({"use_energy": True, "raw_energy": False}, {"use_energy": True, "raw_energy": False}, "both"),
    ({"use_energy": True, "energy_floor": 10.0}, {"use_energy": True, "energy_floor": 10.0}, "both"),
    ({"num_mels": 30}, {"mel_opts__num_bins": 30}, "both"),
    ({"use_power": False}, {"use_power": False}, "fbank"),
    ({"num_ceps": 20}, {"num_ceps": 20}, "mfcc"),
    ({"lifter": 0.0}, {"cepstral_lifter": 0.0}, "mfcc"),
    *(
        ({"window": name}, {"frame_opts__window_type": name}, "both")
        for name in ("hanning", "hamming", "sine", "rectangular", "blackman")
    ),
]  # fmt: skip
MAKERS = {"fbank": Fbank, "mfcc": MFCC}
CASES = [
    pytest.param(kind, ours, theirs, id=f"{kind}-{ours}")
    for ours, theirs, whose in OPTIONS
    for kind in MAKERS
    if whose in ("both", kind)
]


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("kind, ours, theirs", CASES)
def test_equal_to_kaldi(rate, kind, ours, theirs):
    features = MAKERS[kind](rate, **ours)
    for name, samples in signals(rate).items():
        expected = kaldi(samples, rate, kind, **theirs)
        got = features(torch.tensor(samples))
        assert got.shape == expected.shape == (len(expected), features.width), name
        np.testing.assert_allclose(got.numpy(), expected, atol=TOLERANCE, rtol=0, err_msg=name)


def test_energies_without_logarithm_equal_kaldi():
    samples = signals(8000)["noise"]
    expected = kaldi(samples, 8000, use_log_fbank=False)
    np.testing.assert_allclose(Fbank(8000, log=False)(torch.tensor(samples)), expected, rtol=1e-4, atol=1e-7)


def test_where_only_rounding_is_left_we_are_as_near_to_the_truth_as_kaldi():
    samples = np.sin(2 * np.pi * 300 * np.arange(8000) / 8000).astype(np.float32)
    ours, theirs = Fbank(8000)(torch.tensor(samples)).numpy(), kaldi(samples, 8000)
    truth = Fbank(8000)(torch.tensor(samples).double()).numpy()
    assert np.abs(ours - truth).max() <= 1.5 * np.abs(theirs - truth).max()


@pytest.mark.parametrize("rate, fft", [(8000, 256), (16000, 512)])
@pytest.mark.parametrize("warp", [0.8, 0.9, 1.0, 1.07, 1.2])
def test_filters_equal_kaldi_when_warped(rate, fft, warp):
    frames, mels = kaldi_native_fbank.FrameExtractionOptions(), kaldi_native_fbank.MelBanksOptions()
    frames.samp_freq, mels.num_bins = rate, 40
    expected = np.array(kaldi_native_fbank.MelBanks(mels, frames, warp).get_matrix())
    np.testing.assert_allclose(mel_bank(40, rate, fft, 20.0, 0.0, warp).T, expected, atol=1e-4)


def test_warped_features_are_those_of_the_warped_filters():
    samples = torch.tensor(signals(8000)["noise"])
    # A rectangular window, without preemphasis: the spectrum stands plainly here.
    frames = samples.unfold(0, 200, 80)
    power = torch.fft.rfft(frames - frames.mean(1, keepdim=True), 256).abs() ** 2
    expected = (power.double() @ mel_bank(40, 8000, 256, 20.0, 0.0, 1.1)).log().float()
    got = Fbank(8000, window="rectangular", preemphasis=0)(samples, warp=1.1)
    torch.testing.assert_close(got, expected, atol=1e-3, rtol=0)


@pytest.mark.parametrize("warp", [0.85, 1.0, 1.15])
def test_the_warp_is_a_continuous_rising_map_that_keeps_the_ends(warp):
    hertz = torch.linspace(20, 4000, 4001, dtype=torch.float64)
    warped = warp_frequency(hertz, warp, low=20, high=4000, rate=8000)
    assert (warped.diff() > 0).all() and warped.diff().max() < 3
    torch.testing.assert_close(warped[[0, -1]], hertz[[0, -1]])
    middle = (hertz > 300) & (hertz < 2500)
    torch.testing.assert_close(warped[middle], hertz[middle] / warp)


def test_each_row_has_its_warp():
    samples = torch.randn(3, 1000, generator=torch.Generator().manual_seed(0))
    features = MFCC(8000)
    warps = [0.9, 1.0, 1.1]
    together, _ = features(samples, warp=torch.tensor(warps, dtype=torch.float64))
    for row, warp, got in zip(samples, warps, together, strict=True):
        torch.testing.assert_close(got, features(row, warp=warp), **value(torch.float32))
    assert not torch.allclose(together[0], features(samples[0]), atol=0.1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("snip_edges", [True, False])
@pytest.mark.parametrize("kind", MAKERS)
def test_a_batch_equals_its_rows(kind, snip_edges, dtype):
    features = MAKERS[kind](8000, snip_edges=snip_edges, use_energy=True)
    lengths = torch.tensor([1234, 777, 200, 199, 37, 0])
    samples = torch.randn(6, 1300, dtype=dtype, generator=torch.Generator().manual_seed(1))
    # What stands in the padding must not matter.
    samples[torch.arange(1300) >= lengths[:, None]] = torch.nan
    batch, frames = features(samples, lengths)
    assert batch.dtype == dtype
    for row, length, got, count in zip(samples, lengths, batch, frames, strict=True):
        alone = features(row[:length])
        assert len(alone) == count
        torch.testing.assert_close(got[:count], alone, rtol=1e-4, atol=2e-4 if dtype == torch.float32 else 1e-9)
        assert (got[count:] == 0).all()


@pytest.mark.parametrize("block", [1, 7, 50])
def test_blocks_change_nothing(block):
    samples = torch.randn(2, 4000, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    whole, frames = MFCC(8000)(samples)
    parts, same = MFCC(8000, frames_a_block=block)(samples)
    torch.testing.assert_close(parts, whole, rtol=1e-12, atol=1e-12)
    assert torch.equal(frames, same)


def test_float32_is_near_float64():
    samples = torch.tensor(signals(16000)["noise"])
    torch.testing.assert_close(Fbank()(samples).double(), Fbank()(samples.double()), atol=1e-3, rtol=0)


@pytest.mark.parametrize(
    "features",
    [
        Fbank(8000, 10),
        Fbank(8000, 10, use_power=False, log=False),
        MFCC(8000, 12, 5, use_energy=True, snip_edges=False),
    ],
)
def test_gradients(features):
    samples = torch.randn(2, 300, dtype=torch.float64, generator=torch.Generator().manual_seed(3)).requires_grad_()
    lengths = torch.tensor([300, 240])
    assert torch.autograd.gradcheck(lambda x: features(x, lengths)[0], samples)


def test_silence_is_finite_with_finite_gradients():
    for features in (Fbank(8000, use_power=False), MFCC(8000, use_energy=True)):
        samples = torch.zeros(1000, requires_grad=True)
        result = features(samples)
        result.sum().backward()
        assert torch.isfinite(result).all() and torch.isfinite(samples.grad).all()


def test_too_short_for_a_frame():
    assert Fbank(8000)(torch.zeros(199)).shape == (0, 40)
    features, frames = Fbank(8000)(torch.zeros(2, 100))
    assert features.shape == (2, 0, 40) and frames.tolist() == [0, 0]


def test_dither_is_seeded():
    def dithered(seed):
        return Fbank(8000, dither=0.1, generator=torch.Generator().manual_seed(seed))(torch.zeros(1000))

    assert torch.equal(dithered(0), dithered(0)) and not torch.equal(dithered(0), dithered(1))


@pytest.mark.parametrize("snip_edges", [True, False])
@pytest.mark.parametrize("length", [0, 1, 60, 199, 200, 201, 280, 1777])
@pytest.mark.parametrize("seed", range(3))
def test_a_stream_equals_the_whole(length, seed, snip_edges):
    random = np.random.default_rng(seed)
    samples = torch.tensor(random.standard_normal(length))
    features = MFCC(8000, 20, 5, snip_edges=snip_edges, use_energy=True)
    cuts = np.sort(random.integers(0, length + 1, random.integers(0, 12)))
    stream = features.stream(warp=0.9)
    pieces = [stream.accept(torch.tensor(piece)) for piece in np.split(samples.numpy(), cuts)]
    got = torch.cat([*pieces, stream.finish()])
    torch.testing.assert_close(got, features(samples, warp=0.9), rtol=1e-9, atol=1e-9)


def test_a_stream_gives_frames_as_soon_as_they_are_complete():
    stream = Fbank(8000).stream()
    counts = [len(stream.accept(torch.zeros(80))) for _ in range(6)]
    assert counts == [0, 0, 1, 1, 1, 1] and len(stream.finish()) == 0
    with pytest.raises(ValueError, match="finished"):
        stream.accept(torch.zeros(1))


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"window": "kaiser"}, "window must be one of povey.*'kaiser'"),
        ({"low": 3000.0, "high": 2000.0}, "0 <= low < high <= 4000"),
        ({"high": 5000.0}, "high = 5000"),
        ({"num_mels": 200}, "fewer num_mels"),
        ({"frame_shift": 30.0}, "at most frame_length"),
        ({"num_mels": 0}, "num_mels must be a whole number"),
    ],
)
def test_settings_that_do_not_fit(arguments, message):
    with pytest.raises(ValueError, match=message):
        Fbank(8000, **arguments)


def test_inputs_that_do_not_fit():
    features = Fbank(8000)
    with pytest.raises(TypeError, match=r"got torch.int16.*32768"):
        features(torch.zeros(1000, dtype=torch.int16))
    with pytest.raises(ValueError, match=r"\(N,\) or \(B, N\); got \(1, 1, 9\)"):
        features(torch.zeros(1, 1, 9))
    with pytest.raises(ValueError, match="0 to N = 1000"):
        features(torch.zeros(1, 1000), torch.tensor([1001]))
    with pytest.raises(ValueError, match="each of the 1 rows; got 2"):
        features(torch.zeros(1, 1000), warp=[1.0, 1.1])
    with pytest.raises(ValueError, match="Use a warp nearer to 1"):
        features(torch.zeros(1000), warp=40)
    with pytest.raises(ValueError, match="num_ceps must be 1 to num_mels = 10"):
        MFCC(8000, 10, 11)
