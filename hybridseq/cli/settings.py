"""``--set key=value``: any parameter of the tagger, its value read safely."""

import ast
import inspect
import json

from hybridseq.cli.errors import UsageError


def read_value(text: str):
    """A JSON or Python literal; what is neither is taken as text.

    Examples
    --------
    >>> [read_value(text) for text in ("0.5", "true", "None", "cosine", '"0.5"')]
    [0.5, True, None, 'cosine', '0.5']
    """
    for read in (json.loads, ast.literal_eval):
        try:
            return read(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            pass
    return text


def read_settings(assignments: list[str], options: dict) -> dict:
    """The tagger's parameters from ``--set`` and from options of their own; an option that is None is not given.

    Raises
    ------
    UsageError
        Where an assignment has no ``=``, a key is no parameter, is given twice, or its value is a list or the like.
    """
    from hybridseq.estimators import SequenceTagger
    from hybridseq.nn.names import choose

    # Callbacks are objects, which text cannot name.
    known = {name: name for name in inspect.signature(SequenceTagger).parameters if name != "callbacks"}
    settings = {name: value for name, value in options.items() if value is not None}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        key = key.strip().replace("-", "_")
        if not equals:
            raise UsageError(f"--set takes key=value, such as hidden_size=100; got {assignment!r}")
        try:
            choose("the key of --set", key, known)
        except ValueError as error:
            raise UsageError(str(error)) from None
        if key in settings:
            raise UsageError(f"{key} is given twice ({settings[key]!r} and {text!r}); give it once")
        settings[key] = read_value(text.strip())
        if not isinstance(settings[key], str | bool | int | float | None):
            raise UsageError(f"--set {key}: must be a number, a text, true, false or null; got {text!r}")
    return settings


def make_tagger(settings: dict):
    """A tagger with these parameters, checked before any data is read.

    Raises
    ------
    UsageError
        Where a parameter is not usable.
    """
    from hybridseq.estimators import SequenceTagger
    from hybridseq.estimators.tagger_parameters import check

    tagger = SequenceTagger(**settings)
    try:
        check(tagger)
    except (ValueError, TypeError) as error:
        raise UsageError(str(error)) from None
    return tagger
