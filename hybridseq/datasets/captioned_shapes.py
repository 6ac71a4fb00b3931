"""Captions such as "a small red circle above a blue square", and pictures of them drawn on the spot."""

from dataclasses import dataclass
from itertools import product
from numbers import Integral

import numpy as np

#: Red, green and blue of each colour word; the background is black.
SHAPE_COLOURS = {
    "red": (0.95, 0.15, 0.15),
    "green": (0.1, 0.8, 0.2),
    "blue": (0.2, 0.35, 1.0),
    "yellow": (1.0, 0.85, 0.1),
    "white": (1.0, 1.0, 1.0),
}
SHAPES = "circle", "square", "triangle"
#: Half the height of a thing, from least to most, in pixels of a picture of 16 × 16.
SHAPE_SIZES = {"small": (1.8, 2.2), "large": (2.9, 3.4)}
RELATIONS = "above", "left of"
#: Pairs of colour and shape that training does not show unless told to.
HELD_OUT_SHAPES = ("red", "square"), ("blue", "triangle"), ("white", "circle")
#: Between the borders of two things, and how far aside their middles may stand, in pixels of a picture of 16 × 16.
_GAP, _ASIDE = 1.0, 3.0
_UNIT = 16


@dataclass(frozen=True)
class Thing:
    """What a caption says of one thing; a size of None leaves it open."""

    size: str | None
    colour: str
    shape: str

    def __str__(self):
        return " ".join(["a", *filter(None, (self.size, self.colour, self.shape))])


@dataclass(frozen=True)
class Scene:
    """One thing, or two and how the first stands to the second."""

    things: tuple[Thing, ...]
    relation: str | None = None

    def __str__(self):
        return f" {self.relation} ".join(map(str, self.things))

    def covers(self, other: "Scene") -> bool:
        """Whether all pictures of another scene are pictures of this one, too."""
        if self.relation != other.relation or len(self.things) != len(other.things):
            return False
        pairs = zip(self.things, other.things)
        return all(
            a.colour == b.colour and a.shape == b.shape and (a.size is None or a.size == b.size) for a, b in pairs
        )


def parse_caption(caption: str) -> Scene:
    """What a caption says.

    Raises
    ------
    ValueError
        Where it is no caption of the grammar; tells the grammar.
    """
    if not isinstance(caption, str):
        raise TypeError(f"a caption must be a string; got {type(caption).__name__}.")
    rest, relation = caption.replace("|", " or "), None
    for word in RELATIONS:
        if f" {word} " in caption:
            rest, relation = rest.replace(f" {word} ", " | ", 1), word
    phrases = [phrase.split() for phrase in rest.split(" | ")]
    things, count = [], 1 if relation is None else 2
    for phrase in phrases:
        size = phrase[1] if len(phrase) == 4 and phrase[1] in SHAPE_SIZES else None
        if (
            len(phrases) != count
            or len(phrase) != 3 + (size is not None)
            or phrase[0] != "a"
            or phrase[-2] not in SHAPE_COLOURS
            or phrase[-1] not in SHAPES
        ):
            raise ValueError(
                f"cannot read the caption {caption!r}; expected 'a [size] colour shape', or two of them joined by "
                f"{' or '.join(RELATIONS)}, with sizes {list(SHAPE_SIZES)}, colours {list(SHAPE_COLOURS)} and shapes "
                f"{list(SHAPES)}."
            )
        things.append(Thing(size, *phrase[-2:]))
    return Scene(tuple(things), relation)


def shape_captions(part: str = "all", held_out=HELD_OUT_SHAPES) -> list[str]:
    """All captions of the grammar, or of a part of it.

    Parameters
    ----------
    part : {"all", "seen", "held_out"}
        ``"held_out"``: those in which a thing has a held-out colour and shape; ``"seen"``: the others.
    held_out : sequence of (colour, shape)
    """
    if part not in {"all", "seen", "held_out"}:
        raise ValueError(f"part must be 'all', 'seen' or 'held_out'; got {part!r}.")
    for pair in held_out:
        if len(pair) != 2 or pair[0] not in SHAPE_COLOURS or pair[1] not in SHAPES:
            raise ValueError(
                f"held_out must hold pairs (colour, shape) with colours {list(SHAPE_COLOURS)} and shapes "
                f"{list(SHAPES)}; got {pair!r}."
            )
    things = [Thing(*parts) for parts in product((None, *SHAPE_SIZES), SHAPE_COLOURS, SHAPES)]
    scenes = [Scene((thing,)) for thing in things]
    scenes += [Scene(pair, relation) for relation in RELATIONS for pair in product(things, repeat=2)]
    kept_out = set(map(tuple, held_out))
    wanted = {"all": {True, False}, "seen": {False}, "held_out": {True}}[part]
    return [str(s) for s in scenes if any((t.colour, t.shape) in kept_out for t in s.things) in wanted]


def make_captioned_shapes(
    n: int, *, size: int = 16, part: str = "seen", held_out=HELD_OUT_SHAPES, single: float = 0.2, random_state=None
):
    """Captions, and a picture of each.

    Parameters
    ----------
    n : int
        How many.
    size : int
        Height and width of the pictures, in pixels.
    part : {"seen", "held_out", "all"}
        Which captions are drawn from, see :func:`shape_captions`.
    held_out : sequence of (colour, shape)
        What is never shown in the part ``"seen"``, in any size or place.
    single : float
        The share of captions of a single thing.
    random_state : int, optional
        The seed.

    Returns
    -------
    captions : list of str
    images : (n, size, size, 3) float32 array
        From 0 to 1; edges are antialiased.

    Notes
    -----
    A picture is drawn from all that its caption leaves open: where things stand, how large they are within their size,
    and the size itself where the caption has none. Some 10,000 pictures a second.

    Examples
    --------
    >>> captions, images = make_captioned_shapes(2, random_state=0)
    >>> images.shape
    (2, 16, 16, 3)
    """
    if not 0 <= single <= 1:
        raise ValueError(f"single must be a share from 0 to 1; got {single!r}.")
    _check_whole("n", n, 0)
    random = np.random.default_rng(random_state)
    groups = [], []
    for caption in shape_captions(part, held_out):
        groups[parse_caption(caption).relation is None].append(caption)
    if not groups[0]:
        raise ValueError(f"part={part!r} has no caption where held_out holds {len(held_out)} of 15 pairs.")
    ones = random.random(n) < single
    captions = [groups[int(one)][random.integers(len(groups[int(one)]))] for one in ones]
    return captions, draw_captions(captions, size=size, random_state=random)[:, 0]


def draw_captions(captions, n: int = 1, *, size: int = 16, random_state=None):
    """True pictures of captions.

    Parameters
    ----------
    captions : sequence of str
    n : int
        Pictures of each.
    size : int
        Height and width, in pixels; at least 8.
    random_state : int or Generator, optional
        The seed.

    Returns
    -------
    (len(captions), n, size, size, 3) float32 array
    """
    if isinstance(captions, str):
        raise TypeError("captions must be a list of strings; got one. Put it into a list.")
    _check_whole("n", n, 1)
    check_size(size)
    random = np.random.default_rng(random_state)
    images = np.empty((len(captions), n, size, size, 3), np.float32)
    for row, caption in enumerate(captions):
        scene = parse_caption(caption)
        _sizes, radii, places = _lay_out(scene, n, random)
        images[row] = 0
        for thing, radius, place in zip(scene.things, radii, places):
            ink = shape_ink(thing.shape, place * size / _UNIT, radius * size / _UNIT, size)
            images[row] += ink[..., None] * np.array(SHAPE_COLOURS[thing.colour], np.float32)
    return images


def check_size(size) -> None:
    """Raise where pictures cannot be so many pixels high and wide."""
    _check_whole("size", size, 8)


def _check_whole(name, value, least):
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}; got {value!r}.")


def _lay_out(scene, n, random):
    """Size words (n,), radii (n,) and places (n, 2), across and down, of each thing."""
    names = np.array(list(SHAPE_SIZES))
    sizes = [names[random.integers(len(names), size=n)] if t.size is None else np.full(n, t.size) for t in scene.things]
    radii = [random.uniform(*np.array([SHAPE_SIZES[s] for s in own]).T) for own in sizes]
    if scene.relation is None:
        return sizes, radii, [random.uniform(radii[0], _UNIT - radii[0], (2, n)).T]
    r, s = radii
    apart = np.array([least_distance(a, b) for a, b in zip(*sizes)])
    first = random.uniform(r, _UNIT - s - apart)
    second = random.uniform(first + apart, _UNIT - s)
    aside = random.uniform(r, _UNIT - r)
    beside = random.uniform(np.maximum(s, aside - _ASIDE), np.minimum(_UNIT - s, aside + _ASIDE))
    places = [np.stack([aside, first], 1), np.stack([beside, second], 1)]
    return sizes, radii, places if scene.relation == "above" else [place[:, ::-1] for place in places]


def least_distance(size: str, other: str) -> float:
    """How far apart the middles of two things stand along their relation, in pixels of a picture of 16 × 16."""
    return SHAPE_SIZES[size][1] + SHAPE_SIZES[other][1] + _GAP


def shape_ink(shape: str, places, radii, size: int):
    """What a shape covers of each pixel.

    Parameters
    ----------
    shape : str
    places : (n, 2) array
        Of the middle, across and down from the left upper corner, in pixels.
    radii : (n,) array
        Half the height, in pixels.
    size : int
        Height and width of the picture.

    Returns
    -------
    (n, size, size) float32 array
        From 0 to 1: the signed distance of the pixel's middle to the border, plus a half, clipped.
    """
    middles = np.arange(size, dtype=np.float32) + np.float32(0.5)
    places, radii = np.asarray(places, np.float32), np.asarray(radii, np.float32)[:, None, None]
    x = middles[None, None, :] - places[:, 0, None, None]
    y = middles[None, :, None] - places[:, 1, None, None]
    if shape == "circle":
        outside = np.sqrt(x**2 + y**2) - radii
    elif shape == "square":
        # As large as the circle.
        outside = np.maximum(np.abs(x), np.abs(y)) - np.float32(np.sqrt(np.pi) / 2) * radii
    else:
        # Two sides fall by 2 in 1 from the tip.
        outside = np.maximum(y - radii, (2 * np.abs(x) - y - radii) / np.float32(np.sqrt(5)))
    return np.clip(np.float32(0.5) - outside, 0, 1)
