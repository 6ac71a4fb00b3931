"""Kaldi-style data folders: read, checked and written.

A folder describes one utterance a line in each of its files :cite:p:`povey2011kaldi`, in any order:

==============  =====================================================================================
``wav.scp``     id, then the path of an audio file. A relative path is looked for in the folder first,
                then from the current directory, as Kaldi does. Commands (``… |``) are refused.
``segments``    optional: id, recording, start and end in seconds (−1: its end). Then ``wav.scp`` names
                recordings.
``feats.npz``   beside or instead of ``wav.scp``: one (T, D) array an utterance, by its id.
``text``        optional: id, then the words.
``utt2spk``     id, then the speaker. Without it each utterance is its own speaker, as in Kaldi.
``spk2utt``     optional: speaker, then ids; only compared with ``utt2spk``.
==============  =====================================================================================
"""

import math
import warnings
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

import numpy as np

from hybridseq.speech.audio.errors import AudioError
from hybridseq.speech.audio.read import (
    Channel,
    audio_info,
    check_channel,
    odd_file,
    odd_length,
    odd_sound,
    segment_bounds,
)
from hybridseq.speech.audio.tables import read_table
from hybridseq.speech.audio.utterance import Utterance
from hybridseq.text.errors import DataError


@dataclass(frozen=True)
class Problem:
    """Something wrong with a data folder.

    Parameters
    ----------
    file : str
        The file in the folder.
    line : int
        Counted from 1; 0 where the file has no lines.
    kind : str
        "missing_file", "format", "encoding", "duplicate", "command", "missing", "unreadable", "empty", "channels",
        "rate", "segment", "not_finite", "no_audio", "no_text", "no_speaker", "unknown_id", "empty_text", "speakers",
        "width"; among the warnings "no_speakers", "speakers", "silence", "clipping", "too_short", "too_long",
        "cut_short".
    message : str
        What was got, and how to mend it.
    id : str
        The utterance that it concerns; "" for none in particular.
    """

    file: str
    line: int
    kind: str
    message: str
    id: str = ""

    def __str__(self):
        return f"{self.file}{f':{self.line}' if self.line else ''}: {self.message}"


@dataclass(frozen=True)
class FolderReport:
    """What a data folder holds.

    Parameters
    ----------
    path : str
        The folder.
    utterances : list of Utterance
        Those that no problem names, in the order of ``segments``, ``wav.scp`` or ``feats.npz``.
    problems : list of Problem
        What keeps utterances out, or contradicts itself.
    warnings : list of Problem
        What is odd and keeps nothing out.
    left_out : dict of str to tuple of str or None
        The words of the utterances that problems keep out, by id; None where they have no transcript.
    """

    path: str
    utterances: list[Utterance]
    problems: list[Problem]
    warnings: list[Problem]
    left_out: dict[str, tuple | None] = field(default_factory=dict)

    def __str__(self):
        lines = [f"{self.path}: {len(self.utterances)} usable utterances, {len(self.problems)} problems"]
        lines += [f"  {problem}" for problem in self.problems]
        lines += [f"  warning: {warning}" for warning in self.warnings]
        return "\n".join(lines)


def read_folder(path: str | PathLike, strict: bool = False, channel: Channel = None) -> list[Utterance]:
    """The usable utterances of a data folder.

    Parameters
    ----------
    path : path
    strict : bool
        Raise at problems; otherwise utterances with problems are left out, with a warning that counts them.
    channel : int or "mean", optional
        Which channel of files that have several.

    Returns
    -------
    list of Utterance
        Their audio is read when :meth:`Utterance.load` is called.

    Raises
    ------
    DataError
        Where nothing is usable; with ``strict``, at any problem.
    """
    report = check_folder(path, channel=channel)
    if report.problems and (strict or not report.utterances):
        first = report.problems[0]
        others = len(report.problems) - 1
        more = f" ({others} more problems: check_folder lists them)" if others else ""
        raise DataError(first.message + more, str(Path(path, first.file)), first.line or None)
    if report.problems:
        warnings.warn(
            f"{path}: {len(report.problems)} problems; {len(report.utterances)} utterances are usable. The first: "
            f"{report.problems[0]} check_folder lists them all.",
            stacklevel=2,
        )
    return report.utterances


def check_folder(path: str | PathLike, channel: Channel = None, samples: bool = False) -> FolderReport:
    """What is wrong with a data folder, each by file and line, and the utterances that can be used all the same.

    Parameters
    ----------
    path : path
    channel : int or "mean", optional
        Which channel of files that have several.
    samples : bool
        Also read all audio through: finds what headers do not tell, silence and clipping. Some thousand times faster
        than real time.

    Returns
    -------
    FolderReport
    """
    return _Check(Path(path), channel, samples).run()


class _Check:
    """One walk over a folder. Problems gather on the way; an id that one names is not usable."""

    def __init__(self, folder, channel, samples):
        self.folder, self.channel, self.samples = folder, channel, samples
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self.listed: list[str] = []
        self.words: dict[str, tuple[str, int]] | None = None

    def problem(self, file, line, kind, message, id=""):
        self.problems.append(Problem(file, line, kind, message, id))

    def warning(self, file, line, kind, message, id=""):
        self.warnings.append(Problem(file, line, kind, message, id))

    def table(self, name, **options):
        """A file's values by id, or None where there is no such file."""
        path = self.folder / name
        return read_table(path, self.problem, **options) if path.is_file() else None

    def run(self):
        if not self.folder.is_dir():
            self.problem("", 0, "missing_file", f"{self.folder} is no folder. Mend the path.")
            return self.report([])
        recordings = self.table("wav.scp")
        features = self.features() if (self.folder / "feats.npz").is_file() else None
        if recordings is None and features is None:
            self.problem("wav.scp", 0, "missing_file", "is missing, and so is feats.npz: one of them must be there.")
            return self.report([])
        audio = None if recordings is None else self.audio(recordings)
        words, speakers = self.table("text", empty=True), self.table("utt2spk")
        self.words = words
        ids = self.ids(audio, features)
        if speakers is None:
            self.warning("utt2spk", 0, "no_speakers", "is missing: each utterance counts as its own speaker.")
        else:
            self.compare(ids, speakers, "utt2spk", "no_speaker")
            self.check_speaker_list(speakers)
        if words is not None:
            self.compare(ids, words, "text", "no_text")
            for id, (value, line) in words.items():
                if not value:
                    self.problem("text", line, "empty_text", f"has no words for {id!r}. Leave the line out.", id)
        return self.report([self.utterance(id, audio, features, words, speakers) for id in ids])

    def report(self, utterances):
        named = {problem.id for problem in self.problems if problem.kind != "speakers"}
        usable = [u for u in utterances if u.id not in named]
        if self.samples:
            usable = [u for u in usable if u.path is None or self.listen(u)]
        there, words = {u.id for u in usable}, self.words or {}
        left_out = {id: tuple(words[id][0].split()) if id in words else None for id in self.listed if id not in there}
        return FolderReport(str(self.folder), usable, self.problems, self.warnings, left_out)

    def listen(self, utterance):
        """Read an utterance's audio; False where it cannot be used."""
        file, line = utterance.source.rsplit(":", 1)
        place = Path(file).name, int(line)
        try:
            samples, _ = utterance.load()
        except AudioError as error:
            self.problem(*place, error.kind, str(error), utterance.id)
            return False
        for kind, message in odd_sound(samples):
            self.warning(*place, kind, f"{utterance.id}: {message}.", utterance.id)
        return True

    def audio(self, recordings):
        """Utterances' (path, start, end, rate, file, line) by id."""
        known = {}
        for id, (value, line) in recordings.items():
            found = self.recording(id, value, line)
            if found:
                known[id] = (*found, line)
        self.check_rates(known)
        segments = self.table("segments")
        self.listed += recordings if segments is None else segments
        if segments is None:
            for id, (_, frames, rate, line) in known.items():
                self.check_length(id, frames / rate, "wav.scp", line)
            return {id: (path, 0.0, None, rate, "wav.scp", line) for id, (path, _, rate, line) in known.items()}
        result = {}
        for id, (value, line) in segments.items():
            segment = self.segment(id, value, line, known, recordings)
            if segment:
                result[id] = segment
        return result

    def recording(self, id, value, line):
        """Path, number of samples and rate of an audio file; None where there is a problem."""
        if value.endswith("|"):
            self.problem(
                "wav.scp", line, "command",
                f"{id!r} is a command, {value!r}: data is never run. Run it yourself and name the file that it writes.",
                id,
            )  # fmt: skip
            return None
        path = self.folder / value
        if not path.is_file() and Path(value).is_file():
            path = Path(value)
        try:
            frames, rate, channels = audio_info(path)
            check_channel(str(path), channels, self.channel)
        except AudioError as error:
            where = f" (nor from the current directory, {value})" if error.kind == "missing" else ""
            self.problem("wav.scp", line, error.kind, f"{error}{where}", id)
            return None
        for kind, message in odd_file(path):
            self.warning("wav.scp", line, kind, f"{id}: {message}.", id)
        return str(path), frames, rate

    def check_length(self, id, seconds, file, line):
        for kind, message in odd_length(seconds):
            self.warning(file, line, kind, f"{id}: {message}.", id)

    def check_rates(self, known):
        counts = Counter(rate for _, _, rate, _ in known.values())
        if len(counts) < 2:
            return
        usual, number = counts.most_common(1)[0]
        for id, (path, _, rate, line) in list(known.items()):
            if rate != usual:
                self.problem(
                    "wav.scp", line, "rate",
                    f"{path} has {rate} samples a second, {number} other recordings have {usual}. Resample it.", id,
                )  # fmt: skip
                del known[id]

    def segment(self, id, value, line, known, recordings):
        parts = value.split()
        try:
            name, start, end = parts[0], float(parts[1]), float(parts[2])
        except (ValueError, IndexError):
            self.problem("segments", line, "format", f"expected id, recording, start, end; got {id} {value!r}.", id)
            return None
        if name not in recordings:
            self.problem("segments", line, "unknown_id", f"recording {name!r} is not in wav.scp.", id)
            return None
        if name not in known:
            self.problem("segments", line, "no_audio", f"recording {name!r} cannot be used; see wav.scp.", id)
            return None
        path, frames, rate, _ = known[name]
        end = None if end == -1 else end
        try:
            segment_bounds(name, frames, rate, start, end)
        except AudioError as error:
            self.problem("segments", line, error.kind, str(error), id)
            return None
        self.check_length(id, (frames / rate if end is None else end) - start, "segments", line)
        return path, start, end, rate, "segments", line

    def features(self):
        """The arrays of feats.npz that can be used, by id."""
        if not zipfile.is_zipfile(self.folder / "feats.npz"):
            self.problem("feats.npz", 0, "unreadable", "is no npz file, or cut short. Write it with numpy.savez.")
            return {}
        try:
            with np.load(self.folder / "feats.npz", allow_pickle=False) as arrays:
                self.listed += [name for name in arrays.files if name not in self.listed]
                found = {name: self.array(name, arrays) for name in arrays.files}
        except (ValueError, OSError, zipfile.BadZipFile) as error:
            self.problem("feats.npz", 0, "unreadable", f"cannot be read ({error}). Write it with numpy.savez.")
            return {}
        found = {name: array for name, array in found.items() if array is not None}
        widths = Counter(array.shape[1] for array in found.values())
        usual = widths.most_common(1)[0][0] if widths else 0
        for name, array in list(found.items()):
            if array.shape[1] != usual:
                self.problem(
                    "feats.npz", 0, "width", f"{name!r} has {array.shape[1]} columns, the others have {usual}.", name
                )
                del found[name]
        return found

    def array(self, name, arrays):
        try:
            array = arrays[name]
        except ValueError as error:
            self.problem("feats.npz", 0, "unreadable", f"{name!r} cannot be read: {error}.", name)
            return None
        if name.split() != [name]:
            self.problem("feats.npz", 0, "format", f"the id {name!r} is empty or has white space.", name)
        elif array.ndim != 2 or array.dtype.kind not in "fiu":
            self.problem(
                "feats.npz", 0, "format", f"{name!r} must be numbers (T, D); got {array.dtype} {array.shape}.", name
            )
        elif not array.size:
            self.problem("feats.npz", 0, "empty", f"{name!r} has shape {array.shape}. Leave it out.", name)
        elif not np.isfinite(array).all():
            row = int(np.flatnonzero(~np.isfinite(array).all(1))[0])
            self.problem("feats.npz", 0, "not_finite", f"{name!r} is not finite in row {row}. Mend it.", name)
        else:
            return array.astype(np.float32, copy=False)
        return None

    def ids(self, audio, features):
        if audio is None or features is None:
            return list(features if audio is None else audio)
        named = {problem.id for problem in self.problems}
        for id in audio:
            if id not in features and id not in named:
                self.problem(audio[id][-2], audio[id][-1], "no_audio", f"{id!r} is not in feats.npz.", id)
        for id in features:
            if id not in audio and id not in named:
                self.problem("feats.npz", 0, "no_audio", f"{id!r} is not in wav.scp.", id)
        return [id for id in audio if id in features]

    def compare(self, ids, table, file, kind):
        """Ids of the audio against those of another file."""
        known = set(ids)
        named = {problem.id for problem in self.problems}
        for id in ids:
            if id not in table and id not in named:
                self.problem(file, 0, kind, f"has no line for {id!r}. Add one.", id)
        for id, (_, line) in table.items():
            if id not in known and id not in named:
                self.problem(file, line, "unknown_id", f"{id!r} has no audio or features. Leave the line out.", id)

    def check_speaker_list(self, speakers):
        for id, (speaker, line) in speakers.items():
            if len(speaker.split()) > 1:
                self.warning("utt2spk", line, "speakers", f"{id!r} is of {speaker!r}: names have no white space.", id)
        listed = self.table("spk2utt")
        if listed is None:
            return
        owners: dict[str, tuple[str, int]] = {}
        for speaker, (value, line) in listed.items():
            for id in value.split():
                owners[id] = speaker, line
                if id not in speakers:
                    self.problem("spk2utt", line, "speakers", f"{id!r} of {speaker} is not in utt2spk.", id)
        if missing := [id for id in speakers if id not in owners]:
            self.problem(
                "spk2utt", 0, "speakers",
                f"lacks {len(missing)} of the {len(speakers)} ids of utt2spk, such as {missing[0]!r}; utt2spk counts. "
                "Add them, or delete spk2utt.",
            )  # fmt: skip
        for id, (speaker, line) in speakers.items():
            if id in owners and owners[id][0] != speaker:
                self.problem(
                    "spk2utt", owners[id][1], "speakers",
                    f"{id!r} is of {owners[id][0]} here, of {speaker} in utt2spk, line {line}; utt2spk counts.", id,
                )  # fmt: skip

    def utterance(self, id, audio, features, words, speakers):
        path, start, end, rate, file, line = audio[id] if audio else (None, 0.0, None, None, "feats.npz", 0)
        return Utterance(
            id,
            speaker=id if speakers is None else speakers.get(id, (id,))[0],
            rate=rate,
            features=features[id] if features else None,
            words=None if words is None else tuple(words.get(id, ("",))[0].split()),
            path=path,
            start=start,
            end=end,
            source=f"{self.folder / file}:{line}",
            channel=self.channel,
        )


def seconds(utterance: Utterance) -> float:
    """How long an utterance's audio is, from the header alone; NaN where it has none."""
    if utterance.samples is not None:
        length = len(utterance.samples) / utterance.rate
    elif utterance.path is not None:
        frames, rate, _ = audio_info(utterance.path)
        length = frames / rate
    else:
        return math.nan
    return (length if utterance.end is None else min(utterance.end, length)) - utterance.start
