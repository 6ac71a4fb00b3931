"""What users hand over, arrays, paths, features or utterances, as utterances."""

from collections.abc import Sequence
from dataclasses import replace
from os import PathLike

import numpy as np

from hybridseq.speech.audio.utterance import Utterance


def as_utterances(given, rate=None, speakers=None, texts=None) -> list[Utterance]:
    """Utterances from what users have.

    Parameters
    ----------
    given : sequence
        Of :class:`Utterance`; paths of audio files; float arrays (N,), samples in [-1, 1]; or float arrays (T, D),
        features.
    rate : int, optional
        Samples a second of arrays (N,); of files and utterances it is their own.
    speakers : sequence of str, optional
        Who spoke each; otherwise the utterances' own, or nobody in particular.
    texts : sequence of str or of sequences of str, optional
        What was said; otherwise the utterances' own words.

    Returns
    -------
    list of Utterance
        Those that have no id are numbered.

    Raises
    ------
    TypeError, ValueError
        Where an item is none of these, numbers of items differ, or two utterances have the same id.
    """
    if isinstance(given, str | PathLike | Utterance | np.ndarray) or not isinstance(given, Sequence):
        kind = type(given).__name__
        raise TypeError(f"expected a list of recordings (arrays, paths or Utterance); got {kind}. Put one into a list.")
    for name, values in (("speakers", speakers), ("texts", texts)):
        if values is not None and (isinstance(values, str) or len(values) != len(given)):
            got = "one string" if isinstance(values, str) else f"{len(values)}"
            raise ValueError(
                f"{name} must be a list with one entry for each of the {len(given)} recordings; got {got}."
            )
    found = [_one(item, i, rate) for i, item in enumerate(given)]
    if speakers is not None:
        found = [replace(u, speaker=str(s)) for u, s in zip(found, speakers)]
    if texts is not None:
        found = [u.with_words(t) for u, t in zip(found, texts)]
    seen = set()
    for utterance in found:
        if utterance.id in seen:
            raise ValueError(f"two utterances have the id {utterance.id!r}; ids must differ.")
        seen.add(utterance.id)
    return found


def _one(item, i, rate):
    if isinstance(item, Utterance):
        return item
    name = f"utterance-{i:05d}"
    if isinstance(item, str | PathLike):
        return Utterance(name, path=str(item))
    value = np.asarray(item)
    if value.dtype.kind == "f" and value.ndim == 1:
        if rate is None:
            raise ValueError(f"recording {i} is an array of samples, whose rate is not known: give rate=8000, say.")
        return Utterance(name, samples=value, rate=rate)
    if value.dtype.kind == "f" and value.ndim == 2:
        return Utterance(name, features=value)
    raise TypeError(
        f"recording {i} must be float samples (N,), float features (T, D), a path or an Utterance; got "
        f"{value.dtype} of shape {value.shape}."
        + (" Whole numbers of 16 bits: divide by 32768." if value.dtype.kind in "iu" else "")
    )
