"""``hybridseq info``."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from hybridseq.cli.errors import one_line_errors
from hybridseq.cli.loading import load_tagger
from hybridseq.cli.options import Model


def info(
    model: Model,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
):
    """Show what a model is: labels, encoder, sizes, constraint, and its score while training.

    Example: hybridseq info --model my-model
    """
    with one_line_errors():
        import hybridseq as hs

        found = hs.load(model)
        facts = describe_recognizer(found) if isinstance(found, hs.SpeechRecognizer) else describe(load_tagger(model))
        facts = {"model": str(model), **facts, "bytes": sum(path.stat().st_size for path in model.iterdir())}
        if as_json:
            print(json.dumps(facts, ensure_ascii=False))
        else:
            _print_table(facts)


def describe_recognizer(model) -> dict:
    """What a fitted speech recogniser is, likewise."""
    parts = model.recognizer_
    network = getattr(parts.acoustic, "network", None)
    return {
        "estimator": type(model).__name__,
        "words": len(model.vocabulary_),
        "units": len(parts.units.names),
        "states": parts.units.num_labels,
        "lexicon": None if parts.lexicon is None else len(parts.lexicon.words),
        "language_model_order": parts.grammar.order,
        "acoustic": model.acoustic,
        "training": model.training,
        "features": parts.pipeline.to_dict(),
        "scales": asdict(parts.scales),
        "weights": 0 if network is None else sum(weights.numel() for weights in network.parameters()),
        "epochs": len(model.history_),
        "left_out": len(model.left_out_),
        "parameters": {name: value for name, value in model.get_params().items() if _plain(value)},
    }


def describe(tagger) -> dict:
    """What a fitted tagger is, in values that JSON can hold."""
    vocabulary = {"words": 0, "characters": 0, "columns": []}
    if hasattr(tagger.input_, "words"):
        vocabulary = {
            "words": len(tagger.input_.words),
            "characters": len(tagger.input_.chars or ()),
            "columns": [len(column) for column in tagger.input_.columns],
        }
    return {
        "estimator": type(tagger).__name__,
        "labels": tagger.classes_.tolist(),
        "scheme": tagger.scheme_,
        "constraint": None if tagger.constraint_ is None else repr(tagger.constraint_),
        "structure": None if tagger.network_.structure is None else tagger.structure,
        "objective": tagger.objective,
        "encoder": tagger.encoder if isinstance(tagger.encoder, str) else type(tagger.encoder).__name__,
        "hidden_size": tagger.hidden_size,
        "num_layers": tagger.num_layers,
        "vocabulary": vocabulary,
        "weights": sum(weights.numel() for weights in tagger.network_.parameters()),
        "epochs": len(tagger.history_),
        "best_epoch": tagger.best_epoch_,
        "held_out_score": tagger.best_score_,
        "metric": "span_f1" if tagger.scheme_ else "token_accuracy",
        "parameters": {name: value for name, value in tagger.get_params().items() if _plain(value)},
    }


def _plain(value):
    return value is None or isinstance(value, str | bool | int | float)


def _recognizer_rows(facts):
    scales = ", ".join(f"{name} {value:g}" for name, value in facts["scales"].items())
    lexicon = "none: words are units" if facts["lexicon"] is None else f"{facts['lexicon']:,} words"
    features = facts["features"]
    return {
        "words": f"{facts['words']:,}",
        "lexicon": lexicon,
        "units": f"{facts['units']:,}, {facts['states']:,} states",
        "language model": f"order {facts['language_model_order']}",
        "acoustic model": f"{facts['acoustic']}, trained by {facts['training']}, {facts['epochs']} passes",
        "features": f"{features['kind']}, {features['rate']:,} Hz, normalised by {features['cmvn']}",
        "scales": scales,
        "weights": f"{facts['weights']:,} ({facts['bytes'] / 1e6:.1f} MB on disk)",
        "left out": f"{facts['left_out']:,} utterances",
    }


def _tagger_rows(facts):
    vocabulary = facts["vocabulary"]
    columns = "".join(f", column {i}: {size:,}" for i, size in enumerate(vocabulary["columns"], 2))
    score = facts["held_out_score"]
    epoch = f"epoch {facts['best_epoch']} of {facts['epochs']}" if facts["best_epoch"] else f"{facts['epochs']} epochs"
    return {
        "labels": f"{len(facts['labels'])}: {', '.join(facts['labels'])}",
        "tag scheme": facts["scheme"] or "none found; scores are token accuracy",
        "constraint": facts["constraint"] or "none: every tag sequence is possible",
        "encoder": f"{facts['encoder']}, size {facts['hidden_size']}, {facts['num_layers']} layer(s)",
        "structure": facts["structure"] or "none: each token by itself",
        "objective": facts["objective"],
        "vocabulary": f"words: {vocabulary['words']:,}, characters: {vocabulary['characters']:,}{columns}",
        "weights": f"{facts['weights']:,} ({facts['bytes'] / 1e6:.1f} MB on disk)",
        "training": epoch,
        "held-out score": "none was held out"
        if score is None
        else f"{score:.4f} ({'span F1' if facts['scheme'] else 'token accuracy'})",
    }


def _print_table(facts):
    from rich.console import Console
    from rich.table import Table

    rows = _recognizer_rows(facts) if "units" in facts else _tagger_rows(facts)
    table = Table(title=facts["model"], show_header=False, title_justify="left")
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows.items():
        table.add_row(name, str(value))
    Console(highlight=False, markup=False).print(table)
