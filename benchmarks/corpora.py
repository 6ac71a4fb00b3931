"""Real corpora, where they are: the folder that HYBRIDSEQ_DATA names, or shared/data beside the project."""

import os
import random
import sys
from pathlib import Path

import numpy as np

from hybridseq.datasets import DIGIT_PHONES
from hybridseq.speech import Lexicon, Utterance, read_audio
from hybridseq.text import read_dataset

FOLDER = Path(os.environ.get("HYBRIDSEQ_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")


def _cut(X, y, share=0.1):
    """A seeded validation part of data that comes without one."""
    order = list(range(len(X)))
    random.Random(0).shuffle(order)
    held = int(share * len(X))
    pick = lambda ids: ([X[i] for i in ids], [y[i] for i in ids])  # noqa: E731
    return pick(order[held:]), pick(order[:held])


def folder(name):
    """Where a corpus is; ends the program where it is not."""
    if not (FOLDER / name).is_dir():
        sys.exit(f"{FOLDER / name} is missing: set HYBRIDSEQ_DATA to the folder that holds {name}/.")
    return FOLDER / name


def load(name):
    """``(train, valid, test)``, each ``(X, y)``."""
    folder(name)
    columns = ("word", "pos", "tag") if name == "conll2000" else None
    read = lambda split: read_dataset(FOLDER / name / f"{split}.conll", columns)  # noqa: E731
    if name == "atis":
        return read("train"), read("valid"), read("test")
    return *_cut(*read("train")), read("test")


def fsdd():
    """The Free Spoken Digit Dataset, ``(train, test)`` in the official split: recordings 0 to 4 of each digit and
    speaker are the test. Lists of utterances with ids ``digit_speaker_index``; the words are "zero" to "nine"."""
    digits = list(DIGIT_PHONES)
    train, test = [], []
    for path in sorted((folder("fsdd") / "recordings").glob("*.wav")):
        digit, speaker, index = path.stem.split("_")
        samples, rate = read_audio(path)
        utterance = Utterance(path.stem, speaker, samples, rate, words=(digits[int(digit)],))
        (test if int(index) < 5 else train).append(utterance)
    return train, test


def an4():
    """CMU AN4's training part: utterances with MFCCs (T, 13) at 100 frames a second, and the lexicon."""
    place = folder("an4")
    found = []
    with np.load(place / "train_mfcc.npz") as features, open(place / "train.text", encoding="utf-8") as lines:
        for line in lines:
            id, *words = line.split()
            found.append(Utterance(id, id.split("-")[1], features=features[id], words=words))
    return found, Lexicon.read(place / "an4.dic")


def split_by_speaker(utterances, share=0.12, seed=0):
    """``(train, held)``: all that a share of the speakers said is held out."""
    speakers = sorted({u.speaker for u in utterances})
    held = set(random.Random(seed).sample(speakers, max(1, round(share * len(speakers)))))
    return [u for u in utterances if u.speaker not in held], [u for u in utterances if u.speaker in held]
