"""What is wrong with recordings: told in one warning, or raised where that is asked for."""

import sys
import warnings
from pathlib import Path

import hybridseq
from hybridseq.speech.audio import AudioError, diagnose
from hybridseq.speech.audio.read import odd_file

_PACKAGE = str(Path(hybridseq.__file__).parent)
#: So many are told with their reason; so many more by name.
_TOLD, _NAMED = 5, 20


def report(problems: dict, total: int, what: str, strict: bool) -> None:
    """Warn once about recordings that were left out, or raise.

    Parameters
    ----------
    problems : dict of str to str
        What is wrong, by id.
    total : int
        How many recordings there are.
    what : str
        What is done with them, as in "not trained on".
    strict : bool
        Raise a ValueError instead.
    """
    if not problems:
        return
    message = f"{len(problems)} of {total} recordings {what}: {listed(problems)}"
    if strict:
        raise ValueError(message)
    _warn(message)


def warn_odd(utterances) -> None:
    """Warn once about audio that can be used and is odd: silence, clipping, great length, a file cut short."""
    odd = {}
    for utterance in utterances:
        if utterance.samples is None and utterance.path is None:
            continue
        try:
            found = diagnose(*utterance.load())
        except AudioError:
            continue
        found += [] if utterance.path is None else odd_file(utterance.path)
        found = [message for kind, message in found if kind != "too_short"]
        if found:
            odd[utterance.id] = "; ".join(found)
    if odd:
        _warn(f"{len(odd)} of {len(utterances)} recordings are odd: {listed(odd)}")


def check_grammar(grammar, lexicon, words) -> None:
    """Compare a language model with the words of transcripts, before hours of training.

    Parameters
    ----------
    grammar : NGramModel
    lexicon : Lexicon or None
    words : set of str

    Raises
    ------
    OutOfLexiconError, ValueError
        Where a word of the model's is not in the lexicon; or, without one, in no transcript. Words that transcripts
        have and the model has not are told in a warning.
    """
    there = [word for word in grammar.vocabulary if word != grammar.unknown]
    if lexicon is not None:
        lexicon.check([there])
    elif strange := [word for word in there if word not in words]:
        raise ValueError(
            f"the language model has {len(strange)} words that no transcript has, such as {strange[0]!r}; give a "
            "lexicon that spells them, or a language model of the transcripts' words"
        )
    if missing := sorted(words.difference(there)):
        named = ", ".join(map(repr, missing[:_NAMED])) + (", …" if missing[_NAMED:] else "")
        _warn(
            f"{len(missing)} words of the transcripts are not in the language model and can never be recognised: "
            f"{named}. Add them to it."
        )


def _warn(message):
    """Warn at the line outside the package that called it."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, stacklevel=level)


def listed(problems: dict) -> str:
    """Problems by id, the first with their reasons."""
    items = list(problems.items())
    told = "; ".join(f"{id}: {message.rstrip('.')}" for id, message in items[:_TOLD])
    rest = [id for id, _ in items[_TOLD:]]
    if rest:
        told += "; and " + ", ".join(rest[:_NAMED]) + (f" and {len(rest) - _NAMED} more" if len(rest) > _NAMED else "")
    return told + "."
