"""Spoken digits from wav files, end to end: the official split, whose speakers are those of training, or new speakers.

Features are normalised by what is heard of a speaker, test recordings included; nothing else is taken from the test.

    python -m benchmarks.recipes.fsdd                        # the official split
    python -m benchmarks.recipes.fsdd --unseen theo          # train on the four others
    python -m benchmarks.recipes.fsdd --unseen all           # each speaker in turn
    python -m benchmarks.recipes.fsdd --normalize online     # without a look ahead
"""

import time

import torch
import typer

import hybridseq as hs
from benchmarks import corpora, report


def splits(unseen=""):
    """title -> (train, test)."""
    train, test = corpora.fsdd()
    if not unseen:
        return {"official": (train, test)}
    everything = train + test
    speakers = sorted({u.speaker for u in everything})
    chosen = speakers if unseen == "all" else [unseen]
    if not set(chosen) <= set(speakers):
        raise typer.BadParameter(f"{unseen} is not among the speakers: {', '.join(speakers)}, or all of them in turn")
    return {
        f"{name} unseen": ([u for u in everything if u.speaker != name], [u for u in everything if u.speaker == name])
        for name in chosen
    }


def recognise(train, test, acoustic, normalize, seed):
    """A model of the training recordings, and its errors on the others."""
    words = {word for u in train for word in u.words}
    model = hs.SpeechRecognizer(
        acoustic=acoustic,
        lm=hs.speech.NGramModel.single_word(words),
        normalize=normalize,
        random_state=seed,
        verbose=0,
    )
    began = time.perf_counter()
    model.fit(train)
    return model, model.evaluate(test), time.perf_counter() - began


def main(unseen: str = "", normalize: str = "speaker", seed: int = 0, threads: int = 2):
    """Train and test; print the errors."""
    torch.set_num_threads(threads)
    rows = []
    for title, (train, test) in splits(unseen).items():
        for acoustic in ("gmm", "hybrid"):
            model, errors, seconds = recognise(train, test, acoustic, normalize, seed)
            low, high = errors.bootstrap()
            confused = ", ".join(f"{a} → {b or '∅'} ({n})" for a, b, n in errors.confusions[:3])
            rows.append(
                [
                    title,
                    acoustic,
                    len(train),
                    f"{errors.errors} of {errors.words}",
                    f"{errors.wer:.2%} ({low:.2%} to {high:.2%})",
                    confused,
                    f"{seconds:.0f}",
                    f"{model.real_time_factor_:.4f}",
                ]
            )
    columns = ["split", "model", "trained on", "errors", "rate", "most confused", "seconds", "of real time"]
    report.show(f"FSDD, normalised by {normalize}, seed {seed}", columns, rows)


if __name__ == "__main__":
    typer.run(main)
