"""``--set key=value``: any parameter of the speech recogniser, its value read safely."""

import inspect

from hybridseq.cli.errors import UsageError
from hybridseq.cli.settings import read_value

#: What decoding can set: fields of the scales and of the search.
SEARCH = {
    "word_penalty": "word_penalty",
    "acoustic_scale": "acoustic",
    "grammar_scale": "grammar",
    "beam": None,
    "max_active": None,
    "backend": None,
}


def read_settings(assignments, options: dict, known=None) -> dict:
    """Parameters from ``--set`` and from options of their own; an option that is None is not given.

    Raises
    ------
    UsageError
        Where an assignment has no ``=``, a key is unknown or given twice, or a value is no plain one.
    """
    from hybridseq.estimators import SpeechRecognizer
    from hybridseq.nn.names import choose

    if known is None:
        # Where training is kept goes with the model's folder.
        known = [name for name in inspect.signature(SpeechRecognizer).parameters if name != "checkpoint"]
    settings = {name: value for name, value in options.items() if value is not None}
    for assignment in assignments or ():
        key, equals, text = assignment.partition("=")
        key = key.strip().replace("-", "_")
        if not equals:
            raise UsageError(f"--set takes key=value, such as epochs=20; got {assignment!r}")
        try:
            choose("the key of --set", key, dict.fromkeys(known))
        except ValueError as error:
            raise UsageError(str(error)) from None
        if key in settings:
            raise UsageError(f"{key} is given twice ({settings[key]!r} and {text!r}); give it once")
        settings[key] = value = _value(text.strip())
        if not isinstance(value, str | bool | int | float | list | tuple | dict | None):
            raise UsageError(f"--set {key}: must be a number, a text, a list, true, false or null; got {text!r}")
    return settings


def _value(text):
    return float(text) if text in {"inf", "-inf"} else read_value(text)


def make_recognizer(settings: dict):
    """An unfitted recogniser, its parameters checked before any data is read.

    Raises
    ------
    UsageError
        Where a parameter is not usable.
    """
    from hybridseq.estimators import SpeechRecognizer
    from hybridseq.estimators.speech_parameters import check

    model = SpeechRecognizer(**settings)
    try:
        check(model)
    except (ValueError, TypeError) as error:
        raise UsageError(str(error)) from None
    return model
