"""
Where the words are
===================

Joined digits, whose boundaries are known, are aligned with their transcripts: a table of how far off the boundaries
are, CTM and TextGrid files, and a picture, all in a folder of the system's for temporary files. With the Free Spoken
Digit Dataset where it is (``fsdd/`` in the folder that ``HYBRIDSEQ_DATA`` names, or in ``../shared/data``); else with
digits that are synthesised on the spot.

    python examples/align_speech.py
"""

import os
import tempfile
from pathlib import Path

import matplotlib

import hybridseq as hs
from hybridseq.datasets import DIGIT_PHONES, make_connected_digits, make_spoken_digits
from hybridseq.speech import (
    Alignment,
    Segment,
    Utterance,
    boundary_errors,
    plot_alignment,
    read_audio,
    write_ctm,
    write_textgrid,
)

matplotlib.use("Agg")
DATA = Path(os.environ.get("HYBRIDSEQ_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")
RATE = 8000


def recordings():
    """(samples, words, speakers) to train on, as many to test on, and where they are from."""
    folder = DATA / "fsdd" / "recordings"
    if not folder.is_dir():
        return make_spoken_digits(300), make_spoken_digits(100, random_state=1), "synthetic voices"
    parts = ([], [], []), ([], [], [])
    for path in sorted(folder.glob("*.wav")):
        digit, speaker, index = path.stem.split("_")
        if int(index) < 15:
            row = read_audio(path, RATE)[0], list(DIGIT_PHONES)[int(digit)], speaker
            for column, value in zip(parts[int(index) < 5], row):
                column.append(value)
    return *parts, "the Free Spoken Digit Dataset"


def join(digits, n, seed):
    """Strings of 3 to 7 digits with gaps up to 0.3 s as utterances, and their words in time."""
    utterances, truth = [], []
    for i, string in enumerate(make_connected_digits(*digits, n=n, rate=RATE, random_state=seed)):
        utterances.append(Utterance(f"string{i:02d}", string.speaker, string.samples, RATE, words=string.words))
        spans = [Segment(*span, word) for span, word in zip(string.boundaries, string.words)]
        truth.append(Alignment(f"string{i:02d}", spans, duration=len(string.samples) / RATE))
    return utterances, truth


# %%
# A model of strings
# ------------------
# Its lexicon has the digits' phones, so that alignments tell them too.
learn, check, source = recordings()
train, _ = join(learn, 100, 0)
test, truth = join(check, 30, 1)
print(f"{source}: {len(train)} strings train, {len(test)} strings of other recordings are aligned")
lexicon = {word: list(phones) for word, phones in DIGIT_PHONES.items()}
model = hs.SpeechRecognizer(lexicon=lexicon, random_state=0).fit(train)

# %%
# How far off
# -----------
# The true boundaries are those of the recordings, with what little silence they begin and end with.
found = model.align(test)
errors = boundary_errors(found, truth)
print(
    f"{len(errors.errors)} boundaries: {1000 * errors.mean:.0f} ms off on average, 95% within "
    f"{1000 * errors.percentile_95:.0f} ms"
)
print(f"{'':8} {'true':>13}  {'found':>13}")
for true, own in zip(truth[0].words, found[0].words):
    print(f"{true.label:8} {true.start:6.2f} {true.end:6.2f}  {own.start:6.2f} {own.end:6.2f}")

# %%
# Files for other programs, and a picture
# ---------------------------------------
# CTM for scoring tools, TextGrid for Praat. In the picture words stand above, phones at the foot; green at the top is
# the truth.
folder = Path(tempfile.mkdtemp(prefix="aligned-"))
write_ctm(found, folder / "words.ctm")
write_ctm(found, folder / "phones.ctm", level="phones")
for alignment in found:
    write_textgrid(alignment, folder / f"{alignment.id}.TextGrid")
ax = plot_alignment(test[0].samples, found[0], RATE)
for word in truth[0].words:
    ax.axvspan(word.start, word.end, ymin=0.95, color="tab:green", alpha=0.7)
ax.figure.savefig(folder / "string00.png", dpi=120)
print(f"{len(list(folder.iterdir()))} files in {folder}, among them words.ctm and string00.png")
