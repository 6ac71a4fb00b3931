"""
Digits out of nothing
=====================

Speech recognition from the first sample to the last word, without a single recording: a small synthesiser says digits
in twelve voices, a GMM-HMM aligns them from a flat start, a network learns the states of that alignment, and the hybrid
of network and HMM reads what other voices say. The synthesiser knows where every word begins, so we can check.
"""

# %%
# Voices, and what they say
# -------------------------
# Single digits, cut where their first phone begins and their last one ends, are joined into strings with short gaps and
# a little noise. The five voices of the test are not among the twelve of training.
import matplotlib.pyplot as plt
import torch

import hybridseq as hs
from hybridseq.datasets import DIGIT_PHONES, make_aligned_digits, make_connected_digits
from hybridseq.speech import Alignment, Segment, Utterance

torch.set_num_threads(2)


def speak(voices, n, seed):
    """Strings of three to five digits as utterances, and where their words are."""
    digits = make_aligned_digits(20 * len(voices), speakers=voices, random_state=seed)
    cut = [d.samples[round(8000 * d.phones[0][2]) : round(8000 * d.phones[-1][1])] for d in digits]
    words, speakers = [d.word for d in digits], [d.speaker for d in digits]
    made = make_connected_digits(cut, words, speakers, n=n, rate=8000, count=(3, 5), random_state=seed)
    said, truth = [], []
    for i, string in enumerate(made):
        name = f"string{i}"
        said.append(Utterance(name, string.speaker, string.samples, string.rate, words=string.words))
        spans = [Segment(*span, word) for span, word in zip(string.boundaries, string.words)]
        truth.append(Alignment(name, spans, duration=len(string.samples) / string.rate))
    return said, truth


train, _ = speak([f"voice {i}" for i in range(12)], 100, seed=0)
test, truth = speak([f"other {i}" for i in range(5)], 40, seed=1)
print(f"{len(train)} strings to learn from, such as: {' '.join(train[0].words)}")

# %%
# From a flat start to a hybrid
# -----------------------------
# The lexicon says which phones a word has; each phone has three states. The first model cuts every utterance into equal
# parts and takes it from there, with Gaussians for each state. The second lets a network learn the alignment of such a
# model, and divides its posteriors by the states' prior.
lexicon = {word: list(phones) for word, phones in DIGIT_PHONES.items()}
start = hs.SpeechRecognizer(acoustic="gmm", lexicon=lexicon, random_state=0, verbose=0).fit(train)
hybrid = hs.SpeechRecognizer(lexicon=lexicon, hidden_size=128, random_state=0, verbose=0).fit(train)
for name, model in {"GMM-HMM": start, "hybrid": hybrid}.items():
    errors = model.evaluate(test)
    low, high = errors.bootstrap()
    where = hs.speech.boundary_errors(model.align(test), truth)
    print(
        f"{name:8} {errors.errors:3d} errors in {errors.words} words of new voices: {errors.wer:.1%} "
        f"({low:.1%} to {high:.1%}); word boundaries {1000 * where.mean:.0f} ms off"
    )
print("took for another:", ", ".join(f"{a or '∅'} → {b or '∅'}" for a, b, _ in errors.confusions[:5]) or "nothing")

# %%
# What was learnt, pass by pass
# -----------------------------
# On the way the network aligns the utterances anew; the share of frames that moved says how much it disagrees.
for row in hybrid.history_:
    if row["notes"]:
        print(f"after pass {row['epoch']}: {row['notes']['moved']:.0%} of the frames moved")

fig, ax = plt.subplots(figsize=(6, 3), layout="constrained")
ax.plot([row["epoch"] for row in hybrid.history_], [row["loss"] for row in hybrid.history_], "o-", ms=4)
ax.set(xlabel="pass", ylabel="cross-entropy a frame, nats", ylim=0)

# %%
# Words and phones over the spectrogram
# -------------------------------------
# A string and where its words and phones are, found by the hybrid; in green, where the words really are.
ax = hybrid.plot_alignment(test[0])
for word in truth[0].words:
    ax.axvspan(word.start, word.end, ymin=0.95, color="tab:green", alpha=0.7)

# %%
# Which states are taken for which
# --------------------------------
# Each frame of the test: the state that the alignment gives it, and the one that the network finds likeliest. What is
# not on the diagonal is mostly a neighbour: the boundary between two states is a matter of opinion.
hybrid.plot_confusions(test)
plt.show()
