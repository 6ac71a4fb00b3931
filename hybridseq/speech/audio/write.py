"""Data folders written so that a good one is never replaced by half of another."""

import os
import tempfile
import zipfile
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from urllib.parse import quote

import numpy as np

from hybridseq.speech.audio.utterance import Utterance

_FILES = {"wav.scp", "feats.npz", "text", "utt2spk", "spk2utt", "segments"}


def write_folder(utterances: Iterable[Utterance], path: str | PathLike, overwrite: bool = False) -> Path:
    """Write a data folder: ``wav.scp`` and ``wav/``, or ``feats.npz``, or both; ``utt2spk``; ``text`` if there is one.

    Parameters
    ----------
    utterances : iterable of Utterance
        All with audio, or all with features, or all with both. Audio is written as WAV of 16 bits.
    path : path
        The folder.
    overwrite : bool
        Replace a data folder that is there; another kind of folder is never replaced.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    FileExistsError
        Where there is something at ``path`` already that may not be replaced.
    ValueError
        Where ids repeat, audio lies outside [-1, 1], or some utterances have what others lack.
    AudioError
        Where audio cannot be read.

    Notes
    -----
    Everything is written to a folder beside it, which then takes its place: on an error the old one stays as it was.
    """
    path = Path(path)
    _check_place(path, overwrite)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as room:
        fresh, old = Path(room, "new"), Path(room, "old")
        fresh.mkdir()
        _write(utterances, fresh)
        _put(fresh, path, old)
    return path


def _check_place(path, overwrite):
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        return
    if not path.is_dir() or not _FILES & {entry.name for entry in path.iterdir()}:
        raise FileExistsError(f"{path} exists and is no data folder. Choose another place.")
    if not overwrite:
        raise FileExistsError(f"{path} exists. Choose another place, or overwrite=True.")


def _put(fresh, path, old):
    """Move a folder to its place, and what stands there out of the way."""
    if path.exists():
        os.replace(path, old)
    try:
        os.replace(fresh, path)
    except BaseException:
        if old.exists():
            os.replace(old, path)
        raise


def _write(utterances, folder):
    features, seen = {}, {}
    with_words = with_audio = 0
    names = ("wav.scp", "text", "utt2spk")
    files = {name: (folder / name).open("w", encoding="utf-8") for name in names}
    try:
        for utterance in utterances:
            if utterance.id in seen:
                raise ValueError(f"the id {utterance.id!r} stands twice; ids must be unique.")
            seen[utterance.id] = True
            if utterance.samples is not None or utterance.path is not None:
                with_audio += 1
                files["wav.scp"].write(f"{utterance.id} {_write_audio(utterance, folder)}\n")
            if utterance.features is not None:
                features[utterance.id] = utterance.features
            if utterance.words is not None:
                with_words += 1
                files["text"].write(" ".join([utterance.id, *utterance.words]) + "\n")
            files["utt2spk"].write(f"{utterance.id} {utterance.speaker or utterance.id}\n")
    finally:
        for file in files.values():
            file.close()
    for what, count in (("audio", with_audio), ("features", len(features)), ("words", with_words)):
        if 0 < count < len(seen):
            raise ValueError(
                f"{count} of {len(seen)} utterances have {what}, the others have none. Write them to two folders."
            )
    if not with_audio and not features:
        raise ValueError("there is nothing to write: no utterance has audio or features.")
    if not with_words:
        (folder / "text").unlink()
    if not with_audio:
        (folder / "wav.scp").unlink()
    if features:
        _write_features(features, folder / "feats.npz")


def _write_audio(utterance, folder):
    import soundfile

    samples, rate = utterance.load()
    peak = float(np.abs(samples).max())
    if peak > 1:
        raise ValueError(
            f"utterance {utterance.id}: samples reach {peak:.3g}; 16 bits hold [-1, 1]. Scale them down: samples / "
            f"{peak:.3g}."
        )
    place = Path("wav", quote(utterance.id, safe="") + ".wav")
    (folder / "wav").mkdir(exist_ok=True)
    soundfile.write(folder / place, samples, rate, subtype="PCM_16")
    return place.as_posix()


def _write_features(features, path):
    """As numpy.savez does, whose keyword arguments would clash with an id "file"."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, array in features.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, np.ascontiguousarray(array), allow_pickle=False)
