"""What pictures are conditioned on: captions, classes, vectors or pictures, as tensors; and their kinds as JSON."""

import difflib
from dataclasses import dataclass

import numpy as np
import scipy.sparse
import torch

from hybridseq.adversarial.images.conditions import ArrayEncoder, CaptionEncoder, ClassEncoder, PictureEncoder
from hybridseq.estimators.gan_images import check_pictures, to_tensor

_FORMS = (
    "a list of captions (str), a list or array of class numbers (int), an array of vectors (n, D), or an array of "
    "pictures (n, H, W) or (n, H, W, C) with pixels from 0 to 1"
)


def learn_conditions(X):
    """The reader of the kind of conditions that X holds, fitted.

    Raises
    ------
    ValueError, TypeError
        Where X is empty or of no known kind.
    """
    if len(X) == 0:
        raise ValueError(f"X is empty; expected {_FORMS}.")
    if isinstance(X[0], str):
        _check_captions(X)
        return Captions(sorted({word for caption in X for word in caption.split()}))
    array = _array(X)
    if array.ndim == 1 and array.dtype.kind in "iub":
        return Classes(np.unique(array).tolist())
    if array.ndim == 2 and array.dtype.kind in "fiu":
        _check_finite(array)
        array = array.astype(np.float64)
        # The deviation of what never varies is rounding, and nothing to divide by.
        scale = np.where(array.max(0) > array.min(0), array.std(0), 1)
        return Vectors(array.mean(0).tolist(), scale.tolist())
    if array.ndim in (3, 4):
        check_pictures("X", array)
        return Pictures(list(array.shape[1:]))
    raise TypeError(f"X is an array of shape {array.shape} and type {array.dtype}; expected {_FORMS}.")


@dataclass
class Captions:
    """Sentences in a vocabulary; 0 is padding."""

    words: list

    kind = "captions"

    def encode(self, X):
        _check_captions(X)
        numbers = {word: i + 1 for i, word in enumerate(self.words)}
        rows = []
        for caption in X:
            for word in caption.split():
                if word not in numbers:
                    near = difflib.get_close_matches(word, self.words, n=1)
                    hint = f" (did you mean {near[0]!r}?)" if near else ""
                    raise ValueError(
                        f"the caption {caption!r} has the word {word!r}, which training never showed{hint}; its words "
                        f"are {', '.join(self.words[:30])}{'…' if len(self.words) > 30 else ''}."
                    )
            rows.append([numbers[word] for word in caption.split()])
        padded = torch.zeros(len(rows), max(map(len, rows)), dtype=torch.int64)
        for i, row in enumerate(rows):
            padded[i, : len(row)] = torch.tensor(row)
        return padded

    def encoder(self, options):
        """A network that reads them."""
        return CaptionEncoder(len(self.words) + 1, reader=options["reader"], slots=options["slots"])


@dataclass
class Classes:
    """Whole numbers of a set."""

    classes: list

    kind = "classes"

    def encode(self, X):
        array = _array(X)
        if array.ndim != 1 or array.dtype.kind not in "iub":
            raise TypeError(f"conditions must be class numbers (n,), as in training; got {_shown(array)}.")
        strange = sorted(set(array.tolist()) - set(self.classes))
        if strange:
            raise ValueError(f"the class {strange[0]!r} was not in training; its classes are {self.classes}.")
        return torch.from_numpy(np.searchsorted(self.classes, array))

    def encoder(self, options):
        """A network that reads them."""
        return ClassEncoder(len(self.classes), output_size=16 * options["slots"])


@dataclass
class Vectors:
    """Vectors, standardised by training's mean and deviation."""

    mean: list
    scale: list

    kind = "vectors"

    def encode(self, X):
        array = _array(X)
        if array.ndim != 2 or array.shape[1] != len(self.mean):
            raise ValueError(f"conditions must be vectors (n, {len(self.mean)}), as in training; got {_shown(array)}.")
        _check_finite(array)
        return torch.from_numpy(((array - self.mean) / self.scale).astype(np.float32))

    def encoder(self, options):
        """A network that reads them."""
        return ArrayEncoder(len(self.mean), output_size=16 * options["slots"])


@dataclass
class Pictures:
    """Pictures of one shape."""

    shape: list

    kind = "pictures"

    def encode(self, X):
        array = _array(X)
        if list(array.shape[1:]) != list(self.shape):
            wanted = ", ".join(map(str, self.shape))
            raise ValueError(f"conditions must be pictures (n, {wanted}), as in training; got {_shown(array)}.")
        check_pictures("X", array)
        return to_tensor(array)

    def encoder(self, options):
        """A network that reads them."""
        height, width, *channels = self.shape
        return PictureEncoder((*(channels or [1]), height, width), output_size=16 * options["slots"])


_KINDS = {cls.kind: cls for cls in (Captions, Classes, Vectors, Pictures)}


def conditions_to_json(conditions):
    """What makes the reader again."""
    return {"kind": conditions.kind, **vars(conditions)}


def conditions_from_json(state):
    """The reader of a saved model."""
    return _KINDS[state["kind"]](**{name: value for name, value in state.items() if name != "kind"})


def check_listed(name, X):
    """Raise where conditions are not one after the other: a single caption, a number, a sparse matrix."""
    if scipy.sparse.issparse(X):
        raise TypeError(
            f"{name} must be a list or an array of conditions, not sparse; make it dense: {name}.toarray()."
        )
    if isinstance(X, str | bytes | dict | set) or not (hasattr(X, "__len__") and hasattr(X, "__getitem__")):
        raise TypeError(
            f"{name} must be a list or an array of conditions; got {type(X).__name__}. Put a single one into a list."
        )


def _check_captions(X):
    for place, caption in enumerate(X):
        if not isinstance(caption, str) or not caption.split():
            raise TypeError(f"X[{place}] must be a caption, a string of at least one word; got {caption!r}.")


def _array(X):
    try:
        return np.asarray(X)
    except ValueError as error:
        raise ValueError(f"X cannot be made an array ({error}); expected {_FORMS}.") from None


def _check_finite(array):
    if not np.isfinite(array).all():
        raise ValueError(f"X[{np.argwhere(~np.isfinite(array))[0].tolist()}] is not a finite number; fill or drop it.")


def _shown(array):
    return f"an array of shape {array.shape} and type {array.dtype}"
