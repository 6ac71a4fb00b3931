"""Data folders and models as the commands take them; what is wrong goes to standard error."""

import warnings
from contextlib import contextmanager

from hybridseq.cli.errors import UsageError, tell

#: Problems told in full; further ones are counted.
_TOLD = 20


def channel_of(text: str | None):
    """What ``--channel`` stands for."""
    if text is None or text == "mean":
        return text
    if not text.isdigit():
        raise UsageError(f"--channel must be a number from 0 on, or mean; got {text!r}")
    return int(text)


def read_data(path, *, strict=False, quiet=False, channel=None, words=False) -> list:
    """The usable utterances of a data folder; the rest as of :func:`read_report`."""
    return read_report(path, strict=strict, quiet=quiet, channel=channel, words=words).utterances


def read_report(path, *, strict=False, quiet=False, channel=None, words=False):
    """What a data folder holds, a ``FolderReport``; problems are told by file and line.

    Parameters
    ----------
    path : Path
    strict : bool
        Raise at the first problem.
    quiet : bool
        Tell no problems.
    channel : str, optional
        As given on the command line.
    words : bool
        Transcripts must be there.

    Raises
    ------
    DataError
        Where nothing is usable, or transcripts are wanted and missing.
    """
    from hybridseq.speech import check_folder
    from hybridseq.text import DataError

    report = check_folder(path, channel_of(channel))
    if report.problems and (strict or not report.utterances):
        first = report.problems[0]
        others = len(report.problems) - 1
        more = f" ({others} more: hybridseq asr prepare lists them)" if others else ""
        raise DataError(first.message + more, str(path / first.file), first.line or None)
    if not quiet:
        tell_problems(path, report)
    if words and all(u.words is None for u in report.utterances):
        raise DataError("is missing: one line an utterance, its id and its words", str(path / "text"))
    return report


def tell_problems(path, report, limit=_TOLD) -> None:
    """Each problem of a folder with its file and line, up to a limit; first those that keep utterances out."""
    spoil = [p.kind != "speakers" and p.id in report.left_out for p in report.problems]
    told = [f"left out: {path / str(p)}" for p, bad in zip(report.problems, spoil) if bad]
    told += [f"problem: {path / str(p)}" for p, bad in zip(report.problems, spoil) if not bad]
    for line in told[:limit]:
        tell(line)
    if limit is not None and len(told) > limit:
        tell(f"and {len(told) - limit} more; hybridseq asr prepare --data {path} lists them all")


def load_recognizer(folder):
    """A saved speech recogniser."""
    import hybridseq as hs

    model = hs.load(folder)
    if not isinstance(model, hs.SpeechRecognizer):
        raise UsageError(f"{folder}: holds a {type(model).__name__}; expected a model of 'hybridseq asr train'")
    return model


def with_language(model, lexicon, lm):
    """The model with another lexicon, after which any word may follow any other, and another language model.

    Raises
    ------
    ValueError
        Where a phone is not the model's, or a word of the language model is not in the lexicon.
    """
    if lexicon is None and lm is None:
        return model
    from dataclasses import replace

    from hybridseq.speech import Lexicon, NGramModel, read_arpa

    parts = {}
    if lexicon is not None:
        found = parts["lexicon"] = Lexicon.read(lexicon)
        strange = sorted(set(found.phones) - set(model.recognizer_.units.names))
        if strange:
            raise ValueError(f"{lexicon}: the phone {strange[0]!r} is none of the model's, which was trained on others")
        parts["grammar"] = NGramModel.word_loop(found.words)
    if lm is not None:
        parts["grammar"] = read_arpa(lm)
    model.recognizer_ = replace(model.recognizer_, **parts)
    model.recognizer_.graph()
    return model


@contextmanager
def told_warnings(quiet=False):
    """Warnings as lines on standard error; none where it is to be quiet."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore" if quiet else "always")
        warnings.showwarning = lambda message, *_, **__: tell(f"warning: {message}")
        yield
