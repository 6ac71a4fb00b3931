"""Models in folders: weights in safetensors, the rest in JSON. Loading runs no code.

A folder holds ``model.safetensors`` and ``model.json``. The latter has the format's version, the SHA-256 sums of the
weights' file and of its own content, the estimator's name and parameters, its vocabularies and its record.
"""

import hashlib
import importlib
import json
import os
import shutil
import tempfile
from pathlib import Path

import safetensors
import safetensors.torch
from safetensors import SafetensorError

from hybridseq.estimators.card import read_parameters
from hybridseq.estimators.device import check_device

#: Raised by one when an older reader could not read the folder.
FORMAT_VERSION = 2
_KIND = "hybridseq-model"
#: Estimators that can be saved, and the module of each. One has ``_restore(state, tensors)``.
_ESTIMATORS = {
    "AdversarialTagger": "adversarial_tagger",
    "LinearCRF": "linear_crf",
    "StructuredPerceptron": "structured_perceptron",
    "StructuredSVM": "structured_svm",
    "CategoricalHMM": "categorical_hmm",
    "ConditionalGAN": "conditional_gan",
    "GMMHMM": "gmm_hmm",
    "GaussianHMM": "gaussian_hmm",
    "MultinomialHMM": "multinomial_hmm",
    "SequenceTagger": "sequence_tagger",
    "SpeechRecognizer": "speech_recognizer",
    "EnergyMultiLabel": "energy_multi_label",
}
_WEIGHTS, _CARD = "model.safetensors", "model.json"


class ModelFolderError(ValueError):
    """A model folder that cannot be read or written, with the place and the remedy."""


def write_model(folder, card: dict, tensors: dict) -> None:
    """Write a model folder as a whole or not at all.

    Parameters
    ----------
    folder : path
        Its parents are made. A model folder that stands there is replaced only when the new one is complete.
    card : dict
        What JSON can hold.
    tensors : dict of str to tensor
        The weights.

    Raises
    ------
    ModelFolderError
        Where something else than a model folder stands at the place.
    """
    folder = Path(folder)
    if folder.exists() or folder.is_symlink():
        strangers = None if not folder.is_dir() else {p.name for p in folder.iterdir()} - {_WEIGHTS, _CARD}
        if strangers is None or strangers:
            found = "a file" if strangers is None else f"a folder with {sorted(strangers)[0]!r} in it"
            raise ModelFolderError(f"{folder}: is {found}, not a model folder, and is left as it is; name a new folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        new, old = temporary / "new", temporary / "old"
        new.mkdir()
        weights = safetensors.torch.save({k: v.detach().cpu().contiguous() for k, v in tensors.items()})
        _write(new / _WEIGHTS, weights)
        content = {
            "kind": _KIND,
            "format_version": FORMAT_VERSION,
            "weights_sha256": hashlib.sha256(weights).hexdigest(),
            **card,
        }
        content["sha256"] = _digest(content)
        _write(new / _CARD, json.dumps(content, ensure_ascii=False, indent=1).encode())
        if folder.exists():
            os.replace(folder, old)
        try:
            os.replace(new, folder)
        except OSError:
            if old.exists():
                os.replace(old, folder)
            raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def read_model(folder) -> tuple[dict, dict]:
    """The card and the tensors of a model folder, checked.

    Raises
    ------
    ModelFolderError
        Where the folder or a part of it is missing, truncated, altered, or of a later format.
    """
    folder = Path(folder)
    if folder.is_file():
        raise ModelFolderError(f"{folder}: is a file; give the folder that save() wrote")
    if not folder.is_dir():
        raise ModelFolderError(f"{folder}: there is no such folder; give the one that save() wrote")
    for name in (_CARD, _WEIGHTS):
        if not (folder / name).is_file():
            raise ModelFolderError(f"{folder}: {name} is missing; a model folder holds {_CARD} and {_WEIGHTS}")
    try:
        card = json.loads((folder / _CARD).read_bytes())
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ModelFolderError(f"{folder / _CARD}: is not whole ({error}); save the model again") from None
    if not isinstance(card, dict) or card.get("kind") != _KIND:
        raise ModelFolderError(f"{folder / _CARD}: is not the description of a hybridseq model")
    version = card.get("format_version")
    if not isinstance(version, int) or version > FORMAT_VERSION:
        raise ModelFolderError(
            f"{folder}: has format {version!r}, but this version reads up to {FORMAT_VERSION}; "
            "update hybridseq, or save the model again with this version"
        )
    if card.pop("sha256", None) != _digest(card):
        raise ModelFolderError(f"{folder / _CARD}: was altered after saving (checksum); save the model again")
    weights = (folder / _WEIGHTS).read_bytes()
    if hashlib.sha256(weights).hexdigest() != card.get("weights_sha256"):
        raise ModelFolderError(
            f"{folder / _WEIGHTS}: was truncated or altered after saving (checksum); save the model again"
        )
    try:
        return card, safetensors.torch.load(weights)
    except SafetensorError as error:
        raise ModelFolderError(f"{folder / _WEIGHTS}: cannot be read ({error})") from None


def load(folder, **objects):
    """Load a saved model.

    Parameters
    ----------
    folder : path
        What ``save`` wrote.
    **objects
        Parameters that are objects and are not saved, such as ``encoder=`` where it was a module of your own; and
        ``device=``, to use a model elsewhere than where it was trained.

    Returns
    -------
    estimator
        Fitted; it predicts as the saved one did.

    Raises
    ------
    ModelFolderError
        Where the folder or a part of it is missing, truncated, altered, or of a later format; names the place.

    Notes
    -----
    No code is run: weights are safetensors, the rest is JSON.
    """
    card, tensors = read_model(folder)
    if card.get("estimator") not in _ESTIMATORS:
        raise ModelFolderError(
            f"{folder}: holds a {card.get('estimator')!r}, which this version does not know; it knows "
            f"{list(_ESTIMATORS)}"
        )
    module = importlib.import_module(f"hybridseq.estimators.{_ESTIMATORS[card['estimator']]}")
    estimator = unfitted(getattr(module, card["estimator"]), card, objects, folder)
    try:
        estimator._restore(card["state"], tensors)
    except (RuntimeError, KeyError) as error:
        raise ModelFolderError(f"{folder}: the weights do not fit the description ({error})") from None
    return estimator


def unfitted(cls, card, objects, folder):
    """The estimator that a card describes, without its fitted state."""
    lacking = [part for part in ("parameters", "objects", "state") if part not in card]
    if lacking:
        raise ModelFolderError(f"{folder}: the description lacks {lacking[0]!r}; save the model again")
    missing = [name for name in card["objects"] if name not in objects]
    if missing:
        raise ModelFolderError(
            f"{folder}: the parameter {missing[0]!r} was an object, which is not saved; "
            f"give it again: load(folder, {missing[0]}=...)"
        )
    known = set(cls().get_params())
    unknown = sorted(set(objects) - {*card["objects"], *({"device"} & known)})
    if unknown:
        raise ModelFolderError(f"{folder}: the parameter {unknown[0]!r} was saved and need not be given; leave it out")
    strange = sorted(set(card["parameters"]) - known)
    if strange:
        raise ModelFolderError(
            f"{folder}: has the parameter {strange[0]!r}, which this version does not know; update hybridseq"
        )
    estimator = cls(**{**read_parameters(card["parameters"]), **objects})
    try:
        check_device(getattr(estimator, "device", "cpu"))
    except ValueError as error:
        raise ModelFolderError(f"{folder}: {error}; load it elsewhere: load(folder, device='cpu')") from None
    return estimator


def _write(path, content):
    with open(path, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _digest(card):
    return hashlib.sha256(json.dumps(card, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
