"""``hybridseq evaluate``."""

import json
import time
from pathlib import Path
from typing import Annotated

import typer

from hybridseq.cli.errors import one_line_errors, tell
from hybridseq.cli.loading import load_tagger
from hybridseq.cli.options import Columns, Model, Quiet, columns_of


def evaluate(
    model: Model,
    data: Annotated[Path, typer.Option(metavar="FILE", help="Labelled sentences, other than those of training.")],
    columns: Columns = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Fail on a tag that training never saw, instead of counting it as missed.")
    ] = False,
    quiet: Quiet = False,
):
    """Measure a model on labelled sentences.

    The last line of standard output is a JSON object: precision, recall and f1 of the labelled spans, accuracy of
    the tokens (all from 0 to 1), tokens, sentences, illegal_transitions (tags that break the tag scheme),
    tokens_per_second (tagging alone) and unseen_labels (tags in the file that training never saw). Where the tags
    mark no spans, f1 is the accuracy.

    Example: hybridseq evaluate --model my-model --data test.txt
    """
    with one_line_errors():
        from hybridseq import constraints, metrics
        from hybridseq.text import DataError, read_columns

        tagger = load_tagger(model)
        sentences = read_columns(data, columns_of(tagger, columns))
        X, y = [s.tokens for s in sentences], [s.tags for s in sentences]
        unseen = _unseen(sentences, set(tagger.classes_.tolist()))
        if unseen:
            names = ", ".join(map(repr, list(unseen)[:5])) + (", ..." if len(unseen) > 5 else "")
            line = next(iter(unseen.values()))
            message = f"{len(unseen)} tag(s) that training never saw: {names}"
            if strict:
                raise DataError(
                    f"{message}; mend the file, or leave out --strict to count them as missed", str(data), line
                )
            if not quiet:
                tell(f"warning: {data}, line {line}: {message}; counted as missed")
        tagger.predict(X[:1])  # loads the compiled kernels
        begin = time.perf_counter()
        # A sentence that nothing satisfies may be skipped: nothing was found in it.
        predicted = [["O"] * len(x) if tags is None else tags for x, tags in zip(X, tagger.predict(X))]
        seconds = time.perf_counter() - begin
        figures = metrics.summary(y, predicted, spans=tagger.scheme_ is not None)
        if tagger.scheme_:
            rule = constraints.scheme(tagger.scheme_)
            figures["illegal_transitions"] = sum(len(rule.violations(labels)) for labels in predicted)
        figures["tokens_per_second"] = round(figures["tokens"] / seconds, 1)
        figures["unseen_labels"] = len(unseen)
        if not quiet:
            what = "spans" if tagger.scheme_ else "tokens (the tags mark no spans)"
            tell(
                f"{data}: F1 {figures['f1']:.4f} (precision {figures['precision']:.4f}, recall "
                f"{figures['recall']:.4f}) of the {what}, accuracy {figures['accuracy']:.4f} of the tokens"
            )
        print(json.dumps(figures))


def _unseen(sentences, known):
    """Tags that are not known, each with the line where it first stands."""
    found = {}
    for sentence in sentences:
        for offset, tag in enumerate(sentence.tags):
            if tag not in known:
                found.setdefault(tag, sentence.line + offset)
    return found
