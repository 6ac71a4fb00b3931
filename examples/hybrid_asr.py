"""
The hybrid recogniser, call by call
===================================

Spoken digits of five speakers train a hybrid of network and HMM, which then reads others that they said. With the Free
Spoken Digit Dataset where it is (``fsdd/`` in the folder that ``HYBRIDSEQ_DATA`` names, or in ``../shared/data``); else
with digits that are synthesised on the spot, and other voices to read.

    python examples/hybrid_asr.py
"""

import os
import tempfile
from pathlib import Path

import hybridseq as hs
from hybridseq.datasets import DIGIT_PHONES, make_spoken_digits
from hybridseq.speech import NGramModel, Utterance, read_audio

DATA = Path(os.environ.get("HYBRIDSEQ_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")


def recordings():
    """Single digits as utterances, to train on and to read, and where they are from."""
    folder = DATA / "fsdd" / "recordings"
    if not folder.is_dir():
        return synthesised(range(5), 400, 0), synthesised(range(5, 10), 100, 1), "synthetic voices"
    train, test = [], []
    for path in sorted(folder.glob("*.wav")):
        digit, speaker, index = path.stem.split("_")
        if int(index) < 20:
            samples, rate = read_audio(path)
            utterance = Utterance(path.stem, speaker, samples, rate, words=[list(DIGIT_PHONES)[int(digit)]])
            (test if int(index) < 5 else train).append(utterance)
    return train, test, "the Free Spoken Digit Dataset"


def synthesised(voices, n, seed):
    """Digits said by some voices."""
    made = zip(*make_spoken_digits(n, speakers=[f"voice{i}" for i in voices], random_state=seed))
    return [Utterance(f"{seed}-{i}", voice, x, 8000, words=[word]) for i, (x, word, voice) in enumerate(made)]


train, test, source = recordings()
print(f"{source}: {len(train)} recordings train, {len(test)} are read")

# %%
# Fit
# ---
# Without a lexicon every word is a model of its own. A language model of single words says that a recording holds one.
# The second model is a GMM-HMM such as the one that the first starts from.
grammar = NGramModel.single_word(DIGIT_PHONES)
hybrid = hs.SpeechRecognizer(lm=grammar, random_state=0).fit(train)
gmm = hs.SpeechRecognizer(acoustic="gmm", lm=grammar, random_state=0, verbose=0).fit(train)

# %%
# Evaluate
# --------
# Features are normalised by the mean and variance of each speaker, recordings that are read included.
for name, model in {"GMM-HMM": gmm, "hybrid": hybrid}.items():
    errors = model.evaluate(test)
    low, high = errors.bootstrap()
    print(f"{name:8} {errors.errors:3d} of {errors.words} wrong: {errors.wer:.1%} ({low:.1%} to {high:.1%})")
    print(f"         {model.real_time_factor_:.4f} of real time, features included")
    shown = ", ".join(f"{a} → {b or '∅'} ({n})" for a, b, n in errors.confusions[:4])
    print(f"         most confused: {shown or 'none'}")

# %%
# How sure
# --------
# The probability of each word among all that the lattice holds. Frame scores are scaled down for it: neighbouring
# frames say the same thing again, so that their product is far too sure.
said = hybrid.predict_confidences(test, acoustic_scale=0.1)
right, wrong = [], []
for utterance, words in zip(test, said):
    for word, confidence in words:
        (right if word == utterance.words[0] else wrong).append(confidence)
for name, values in {"right": right, "wrong": wrong}.items():
    if values:
        print(f"mean confidence of words that are {name}: {sum(values) / len(values):.2f}")

# %%
# Save and load
# -------------
# Weights as safetensors, the rest as JSON: loading runs no code.
with tempfile.TemporaryDirectory() as folder:
    hybrid.save(Path(folder) / "digits")
    again = hs.load(Path(folder) / "digits")
print("the loaded model says the same:", again.predict(test) == hybrid.predict(test))
