"""The state of training, kept after every pass and taken up again."""

import hashlib
import json
import os
import tempfile
from dataclasses import asdict, fields, is_dataclass
from pathlib import Path

import numpy as np
import safetensors
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from hybridseq.speech.acoustic.loop import Progress
from hybridseq.speech.start import Alignments

#: Raised by one when an older reader could not read the files.
_VERSION = "1"

#: The suffix of a file that is not whole yet.
PART = ".part"


class CheckpointError(ValueError):
    """A checkpoint that does not belong to this training, or is not whole."""


class Checkpoint:
    """Keeps a network, its optimiser, the alignments and all generators' states after each pass.

    A training that is interrupted and resumed ends at the same weights, bit for bit, as one that is not.

    Parameters
    ----------
    folder : path, optional
        Where to keep it, one file a stage of training; None keeps the latest state in memory.
    about : dict, optional
        What training is made from, such as ``describe`` tells: a checkpoint that was kept about something else is an
        error.

    Raises
    ------
    CheckpointError
        Where the folder holds a checkpoint of other settings or data; names them.

    Notes
    -----
    A file takes its place when it is whole, so that there is always the state of a complete pass.
    """

    def __init__(self, folder=None, about=None):
        self.folder, self.about = None if folder is None else Path(folder), about or {}
        self._kept = {}
        self._alignments = None
        if self.folder is None:
            return
        if self.folder.exists() and not self.folder.is_dir():
            raise CheckpointError(f"{self.folder}: is a file; name a folder for the checkpoint")
        for path in sorted(self.folder.glob("*.safetensors")):
            self._kept[path.stem] = self._read(path)

    def __repr__(self):
        passes = ", ".join(f"{stage}: {state['epoch']}" for stage, (state, _) in self._kept.items())
        return f"Checkpoint({str(self.folder)!r}, {passes or 'nothing kept'})"

    @property
    def passes(self):
        """The passes kept, of all stages."""
        return sum(state["epoch"] for state, _ in self._kept.values())

    def resume(self, stage, network, optimiser, rng):
        """Put back what was kept of a stage.

        Parameters
        ----------
        stage : str
        network : nn.Module
        optimiser : torch.optim.Optimizer
        rng : numpy Generator
            These three, and torch's own generator, are changed in place.

        Returns
        -------
        epoch : int
            The passes that are over; 0 where nothing was kept, and nothing is changed then.
        history : list of Progress
        """
        if stage not in self._kept:
            return 0, []
        state, tensors = self._kept[stage]
        _put_weights(network, tensors, self.folder)
        own = optimiser.state_dict()
        own["state"] = {
            int(place): {name: tensors[f"optimiser.{place}.{name}"].clone() for name in names}
            for place, names in state["optimiser"].items()
        }
        optimiser.load_state_dict(own)
        rng.bit_generator.state = state["rng"]
        torch.set_rng_state(tensors["torch"])
        return state["epoch"], _history(state)

    def keep(self, stage, epoch, history, network, optimiser, rng):
        """Keep the state after ``epoch`` passes; the rest as of ``resume``."""
        optimised = optimiser.state_dict()["state"]
        state = {
            "epoch": epoch,
            "history": [asdict(row) for row in history],
            "optimiser": {str(place): sorted(values) for place, values in optimised.items()},
            "rng": rng.bit_generator.state,
        }
        tensors = {f"network.{name}": value for name, value in network.state_dict().items()}
        for place, values in optimised.items():
            tensors.update({f"optimiser.{place}.{name}": torch.as_tensor(value) for name, value in values.items()})
        tensors["torch"] = torch.get_rng_state()
        if self._alignments is not None:
            found = self._alignments
            state["ids"], state["problems"] = list(found.ids), [list(p) for p in found.problems]
            tensors.update({f"alignments.{name}": value for name, value in found.state().items()})
        tensors = {name: value.detach().clone().contiguous() for name, value in tensors.items()}
        if self.folder is not None:
            self._write(stage, state, tensors)
        self._kept[stage] = state, tensors

    def alignments(self, default):
        """The alignments that were kept, or the ones given."""
        for state, tensors in reversed(self._kept.values()):
            if "ids" in state:
                parts = {k.removeprefix("alignments."): v for k, v in tensors.items() if k.startswith("alignments.")}
                self._alignments = Alignments.from_state(parts, state["ids"], state["problems"])
                return self._alignments
        return default

    def keep_alignments(self, alignments):
        """Alignments of which the next ``keep`` keeps record: a pass that is not over leaves no trace."""
        self._alignments = alignments

    def as_finished(self):
        """A checkpoint in memory with which training takes the passes so far for all there are."""
        return _Finished(self)

    def _write(self, stage, state, tensors):
        self.folder.mkdir(parents=True, exist_ok=True)
        meta = {"version": _VERSION, "about": json.dumps(self.about), "state": json.dumps(state)}
        handle, temporary = tempfile.mkstemp(suffix=PART, prefix=f".{stage}-", dir=self.folder)
        os.close(handle)
        try:
            save_file(tensors, temporary, meta)
            with open(temporary, "rb") as written:
                os.fsync(written.fileno())
            os.replace(temporary, self.folder / f"{stage}.safetensors")
        except BaseException:
            os.unlink(temporary)
            raise

    def _read(self, path):
        try:
            with safetensors.safe_open(path, "pt") as opened:
                meta = opened.metadata() or {}
            tensors = load_file(path)
            version, about, state = meta["version"], json.loads(meta["about"]), json.loads(meta["state"])
        except (SafetensorError, KeyError, ValueError) as error:
            raise CheckpointError(
                f"{path}: is no checkpoint, or not whole ({error}); delete the folder to begin anew"
            ) from None
        if version != _VERSION:
            raise CheckpointError(f"{path}: has format {version}, this version reads {_VERSION}; begin anew elsewhere")
        differing = _differing(about, json.loads(json.dumps(self.about)))
        if differing:
            raise CheckpointError(
                f"{path}: was kept with other {differing}; train with the same, or delete the folder to begin anew"
            )
        return state, tensors


class _Finished:
    """The face of a checkpoint whose stages are all over."""

    def __init__(self, checkpoint):
        self._checkpoint = checkpoint

    def resume(self, stage, network, optimiser, rng):
        if stage not in self._checkpoint._kept:
            return _FOREVER, []
        state, tensors = self._checkpoint._kept[stage]
        _put_weights(network, tensors, self._checkpoint.folder)
        return _FOREVER, _history(state)

    def keep(self, stage, epoch, history, network, optimiser, rng):
        raise AssertionError("there is nothing to keep where no pass is made")

    def alignments(self, default):
        return self._checkpoint.alignments(default)

    def keep_alignments(self, alignments):
        pass


#: More passes than any training has.
_FOREVER = 1 << 62


def describe(recipe, utterances, **parts) -> dict:
    """What training is made from, as JSON: two trainings that agree in it are the same.

    Parameters
    ----------
    recipe : Recipe
    utterances : list of Utterance
        Told as a digest. Files count by their path, part and size.
    **parts
        Further settings by name.

    Returns
    -------
    dict
    """
    settings = {field.name: _plain(getattr(recipe, field.name)) for field in fields(recipe)}
    settings.update({name: _plain(value) for name, value in parts.items()})
    return {**settings, "data": data_digest(utterances)}


def data_digest(utterances) -> str:
    """The SHA-256 sum of what utterances hold."""
    digest = hashlib.sha256()
    for u in utterances:
        size = os.path.getsize(u.path) if u.path is not None and os.path.isfile(u.path) else None
        known = [u.id, u.speaker, u.rate, u.words, str(u.path), u.start, u.end, u.channel, size]
        digest.update(json.dumps(known).encode())
        for array in (u.samples, u.features):
            digest.update(b"-" if array is None else np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _plain(value):
    """A setting as JSON that is equal where settings are."""
    if isinstance(value, str | int | float | bool | None):
        return value
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if hasattr(value, "to_dict"):
        return _plain(value.to_dict())
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, torch.nn.Module):
        digest = hashlib.sha256(str(value).encode())
        for name, weights in value.state_dict().items():
            digest.update(name.encode() + weights.detach().cpu().contiguous().numpy().tobytes())
        return f"{type(value).__name__} {digest.hexdigest()}"
    if isinstance(value, np.generic):
        return value.item()
    return getattr(value, "__qualname__", type(value).__name__)


def _differing(old, new):
    """The names of settings that differ, with their values where these are short."""
    told = []
    for name in sorted({*old, *new}):
        if old.get(name) == new.get(name):
            continue
        short = all(isinstance(side.get(name), int | float | bool | None) for side in (old, new))
        told.append(f"{name} ({old.get(name)!r}, now {new.get(name)!r})" if short else name)
    return ", ".join(told)


def _put_weights(network, tensors, folder):
    weights = {k.removeprefix("network."): v for k, v in tensors.items() if k.startswith("network.")}
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise CheckpointError(f"{folder}: holds another network ({error}); delete the folder to begin anew") from None


def _history(state):
    return [Progress(**row) for row in state["history"]]
