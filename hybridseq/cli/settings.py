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
        Where an assignment has no ``=``, a key is no parameter, is given twice, or its value is of the wrong kind.
    """
    from hybridseq.estimators import SequenceTagger
    from hybridseq.nn.names import choose

    # Callbacks are objects, which text cannot name.
    signature = inspect.signature(SequenceTagger).parameters
    known = {name: parameter.default for name, parameter in signature.items() if name != "callbacks"}
    settings = {name: value for name, value in options.items() if value is not None}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        key = key.strip().replace("-", "_")
        if not equals:
            raise UsageError(f"--set takes key=value, such as hidden_size=100; got {assignment!r}")
        try:
            default = choose("the key of --set", key, known)
        except ValueError as error:
            raise UsageError(str(error)) from None
        if key in settings:
            raise UsageError(f"{key} is given twice ({settings[key]!r} and {text!r}); give it once")
        settings[key] = value = read_value(text.strip())
        if not isinstance(value, str | bool | int | float | None):
            raise UsageError(f"--set {key}: must be a number, a text, true, false or null; got {text!r}")
        if not _fits(value, default, whole=key in _WHOLE):
            kind = "a whole number" if key in _WHOLE or isinstance(default, int) else "a number"
            raise UsageError(f"--set {key}: must be {kind}, as {default!r} is by default; got {text!r}")
    return settings


#: Whole numbers whose default does not tell so.
_WHOLE = "max_epochs", "batch_size", "patience", "random_state"


def _fits(value, default, whole):
    """Whether a value is a number where the default is one, and whole where the default is whole."""
    if value is None or isinstance(default, bool) or (not whole and not isinstance(default, int | float)):
        return True
    kinds = int if whole or isinstance(default, int) else int | float
    return isinstance(value, kinds) and not isinstance(value, bool)


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
    except ValueError as error:
        raise UsageError(str(error)) from None
    return tagger
