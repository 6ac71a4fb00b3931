"""Models that a command can use."""

from hybridseq.cli.errors import UsageError


def load_tagger(folder):
    """The tagger of a model folder.

    Raises
    ------
    UsageError
        Where the folder holds another kind of model; tells what to do with it.
    """
    import hybridseq as hs

    model = hs.load(folder)
    if isinstance(model, hs.SequenceTagger):
        return model
    kind = type(model).__name__
    advice = "hybridseq asr" if isinstance(model, hs.SpeechRecognizer) else "hybridseq.load in Python"
    raise UsageError(f"{folder}: holds a {kind}, which is no SequenceTagger; use {advice}")
