"""Spelled and spoken commands from given features: phones, a lexicon with variants, a trigram; GMM-HMM and hybrid.

An eighth of the speakers are the test. Scales are chosen on an eighth of the others by a model that does not know them;
the model that is tested has them from it, and is trained on all speakers but those of the test. Features are normalised
by speaker, test recordings included.

    python -m benchmarks.recipes.an4
"""

import time

import torch
import typer

import hybridseq as hs
from benchmarks import corpora, report

#: What is given has neither derivatives nor normalisation.
PIPELINE = hs.speech.FeaturePipeline(kind="given", given_width=13, deltas=2, cmvn="speaker")
GRID = {"acoustic_scale": (0.1, 0.14, 0.2, 0.3, 0.5), "grammar_scale": (1.0, 2.0), "word_penalty": (0.0, -2.0, 2.0)}
#: A GMM-HMM that is to recognise by itself needs more than one that only aligns.
MODELS = {"gmm": {"acoustic": "gmm", "gaussians": 16}, "hybrid": {"acoustic": "hybrid"}}


def make(name, lexicon, seed, **scales):
    """A model that is not trained yet."""
    settings = {"features": PIPELINE, "lexicon": lexicon, "lm": 3, "random_state": seed, "verbose": 0}
    return hs.SpeechRecognizer(**MODELS[name], **settings, **scales)


def choose_scales(name, train, lexicon, seed):
    """Weights of a path's parts, chosen on some of the training speakers; and the word errors there."""
    rest, held = corpora.split_by_speaker(train, seed=1)
    model = make(name, lexicon, seed).fit(rest).tune(held, **GRID)
    scales = model.scales_
    chosen = {
        "acoustic_scale": scales.acoustic,
        "grammar_scale": scales.grammar,
        "word_penalty": scales.word_penalty,
    }
    return chosen, min(row["wer"] for row in model.tuning_)


def main(seed: int = 0, threads: int = 2):
    """Train and test; print the errors."""
    torch.set_num_threads(threads)
    utterances, lexicon = corpora.an4()
    train, test = corpora.split_by_speaker(utterances)
    rows = []
    for name in MODELS:
        scales, held = choose_scales(name, train, lexicon, seed)
        began = time.perf_counter()
        model = make(name, lexicon, seed, **scales).fit(train)
        seconds = time.perf_counter() - began
        errors = model.evaluate(test)
        low, high = errors.bootstrap(by="speaker")
        rows.append(
            [
                name,
                " ".join(f"{value:g}" for value in scales.values()),
                f"{held:.1%}",
                f"{errors.errors} of {errors.words}",
                f"{errors.wer:.1%} ({low:.1%} to {high:.1%})",
                f"{seconds:.0f}",
                f"{model.real_time_factor_:.4f}",
            ]
        )
    columns = ["model", "scales: acoustic, grammar, word", "WER held out", "errors", "WER", "seconds", "of real time"]
    title = f"AN4: {len(train)} utterances train, {len(test)} of other speakers test, seed {seed}"
    report.show(title, columns, rows)


if __name__ == "__main__":
    typer.run(main)
