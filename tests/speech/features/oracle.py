"""Kaldi's features, by kaldi-native-fbank."""

import kaldi_native_fbank
import numpy as np


def kaldi(samples, rate, kind="fbank", **options):
    """(T, D) of a signal (N,); ``options`` by the names of their groups: frame_opts__window_type="hanning"."""
    settings = kaldi_native_fbank.FbankOptions() if kind == "fbank" else kaldi_native_fbank.MfccOptions()
    settings.frame_opts.samp_freq = rate
    settings.frame_opts.dither = 0
    settings.mel_opts.num_bins = 40 if kind == "fbank" else 23
    settings.use_energy = False
    for name, value in options.items():
        *group, last = name.split("__")
        setattr(getattr(settings, group[0]) if group else settings, last, value)
    online = kaldi_native_fbank.OnlineFbank if kind == "fbank" else kaldi_native_fbank.OnlineMfcc
    features = online(settings)
    features.accept_waveform(rate, np.asarray(samples, np.float32).tolist())
    features.input_finished()
    return np.stack([features.get_frame(i) for i in range(features.num_frames_ready)])


def signals(rate):
    """Signals by name, as float32 in the two scales that are in use. Each filter hears more than float32's rounding."""
    random = np.random.default_rng(0)
    time = np.arange(int(0.73 * rate) + 5) / rate
    noise = random.standard_normal(len(time))
    chirp = np.sin(2 * np.pi * (100 + 0.4 * rate * time) * time)
    pulses = (np.arange(len(time)) % (rate // 110) == 0).astype(float)
    return {
        "noise": (0.1 * noise).astype(np.float32),
        "noise of 16 bits": (3000 * noise).astype(np.float32),
        "chirp": (0.5 * chirp + 0.3 + 0.2 * noise).astype(np.float32),
        "pulses of 16 bits": (9000 * pulses + 30 * noise).astype(np.float32),
        "silence": np.zeros(len(time), np.float32),
    }
