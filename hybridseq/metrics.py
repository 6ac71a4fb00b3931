"""Figures on lists of label sequences: spans as conlleval counts them, tokens, illegal transitions.

All rates are fractions from 0 to 1, micro-averaged.
"""

from collections.abc import Sequence
from itertools import chain

_PREFIXES = frozenset("BIESM")
_OPENERS = frozenset("BS")

Labels = Sequence[Sequence[str]]


def follows_span_scheme(labels: Labels) -> bool:
    """Whether labels mark spans: every one is ``O`` or ``P-type`` with P of B, I, E, S, M, and one opens a span.

    O(number of tokens).
    """
    names = set(chain.from_iterable(labels))
    split = [name.partition("-") for name in names if name != "O"]
    return all(prefix in _PREFIXES and kind for prefix, _, kind in split) and any(
        prefix in _OPENERS for prefix, _, _ in split
    )


def span_scores(y_true: Labels, y_pred: Labels) -> dict[str, float]:
    """Precision, recall and F1 of the labelled spans.

    A span counts as right where its type, its beginning and its end agree. Tags that break their scheme are read
    as conlleval reads them (seqeval's default mode): an ``I-X`` that continues nothing opens a span.

    Parameters
    ----------
    y_true, y_pred : list of list of str
        The reference and the predicted tags.

    Returns
    -------
    dict
        ``precision``, ``recall``, ``f1``; each 0 where it would divide by 0.

    Raises
    ------
    ValueError
        Where the two differ in the number of sentences or in the length of one, which the message names.

    Notes
    -----
    O(number of tokens).

    Examples
    --------
    >>> span_scores([["B-a", "I-a", "O", "B-b"]], [["B-a", "I-a", "O", "O"]])["recall"]
    0.5
    """
    _check(y_true, y_pred)
    return _span_scores(y_true, y_pred)


def span_f1(y_true: Labels, y_pred: Labels) -> float:
    """The F1 of :func:`span_scores`."""
    return span_scores(y_true, y_pred)["f1"]


def token_accuracy(y_true: Labels, y_pred: Labels) -> float:
    """The fraction of tokens with the right label; 0 where there are no tokens. Errors as :func:`span_scores`."""
    _check(y_true, y_pred)
    return _token_accuracy(y_true, y_pred)


def illegal_transitions(y_pred: Labels) -> int:
    """How often IOB2's rule is broken: an ``I-X`` first, or after anything but ``B-X`` or ``I-X``.

    O(number of tokens). Labels without the prefix ``I-`` are never illegal.
    """
    count = 0
    for labels in y_pred:
        previous = "O"
        for label in labels:
            # The types are compared from the hyphen on, so that "I" alone can continue nothing but itself.
            if label.startswith("I-") and (previous[:2] not in ("B-", "I-") or previous[1:] != label[1:]):
                count += 1
            previous = label
    return count


def summary(y_true: Labels, y_pred: Labels, *, spans: bool | None = None) -> dict[str, float | int]:
    """All figures at once.

    Parameters
    ----------
    y_true, y_pred : list of list of str
        The reference and the predicted labels.
    spans : bool, optional
        Whether the labels mark spans. By default what :func:`follows_span_scheme` finds in both together.

    Returns
    -------
    dict
        ``precision``, ``recall``, ``f1``, ``accuracy``, ``tokens``, ``sentences``, ``illegal_transitions``. Where
        the labels mark no spans, the first three equal ``accuracy`` and no transition is illegal.

    Raises
    ------
    ValueError
        As :func:`span_scores`.
    """
    _check(y_true, y_pred)
    accuracy = _token_accuracy(y_true, y_pred)
    if spans is None:
        spans = follows_span_scheme([*y_true, *y_pred])
    scores = _span_scores(y_true, y_pred) if spans else dict.fromkeys(("precision", "recall", "f1"), accuracy)
    return {
        **scores,
        "accuracy": accuracy,
        "tokens": sum(map(len, y_true)),
        "sentences": len(y_true),
        "illegal_transitions": illegal_transitions(y_pred) if spans else 0,
    }


def _check(y_true, y_pred):
    if len(y_true) != len(y_pred):
        raise ValueError(
            f"y_true and y_pred must have one label list for each sentence; got {len(y_true)} and {len(y_pred)}"
        )
    for i, (true, pred) in enumerate(zip(y_true, y_pred)):
        if len(true) != len(pred):
            raise ValueError(
                f"sentence {i} has {len(true)} labels in y_true but {len(pred)} in y_pred; both need one label a token"
            )


def _token_accuracy(y_true, y_pred):
    total = sum(map(len, y_true))
    hits = sum(t == p for true, pred in zip(y_true, y_pred) for t, p in zip(true, pred))
    return hits / total if total else 0.0


def _span_scores(y_true, y_pred):
    true, pred = _entities(y_true), _entities(y_pred)
    hits = len(true & pred)
    precision = hits / len(pred) if pred else 0.0
    recall = hits / len(true) if true else 0.0
    f1 = 2 * hits / (len(pred) + len(true)) if hits else 0.0
    return {"precision": precision, "recall": recall, "f1": f1}


def _entities(sequences):
    # Imported late: seqeval brings scikit-learn along.
    from seqeval.metrics.sequence_labeling import get_entities

    return set(get_entities([list(map(_as_bioes, labels)) for labels in sequences]))


def _as_bioes(label):
    """The label as seqeval knows it: M is I, and a prefix without a type, as in word segmentation, has one."""
    if label in _PREFIXES:
        label = f"{label}-_"
    return f"I{label[1:]}" if label.startswith("M-") else label
