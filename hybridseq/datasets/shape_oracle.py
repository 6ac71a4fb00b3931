"""Reads pictures of shapes: the caption whose best rendering is nearest, over all sizes and places."""

from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np

from hybridseq.datasets.captioned_shapes import (
    _ASIDE,
    _UNIT,
    RELATIONS,
    SHAPE_COLOURS,
    SHAPE_SIZES,
    SHAPES,
    Scene,
    Thing,
    check_size,
    least_distance,
    parse_caption,
    shape_ink,
)

#: Steps of the grid of places, in pixels of a picture of 16 × 16, and radii tried within each size.
_STEP, _RADII = 0.5, 3
_CHUNK = 32
#: By how much pixels may be out of range, from rounding.
_SLACK = 1e-3


@dataclass(frozen=True)
class ShapeReading:
    """What the oracle reads in a picture.

    Attributes
    ----------
    scene : Scene
        All sizes are named.
    places : (1 or 2, 2) array
        Of the things' middles, across and down, in pixels.
    error : float
        The squared distance of the nearest rendering, summed over pixels and colours.
    """

    scene: Scene
    places: np.ndarray
    error: float

    @property
    def caption(self) -> str:
        """In words."""
        return str(self.scene)


class ShapeOracle:
    r"""Knows all pictures that a caption can have.

    The squared distance of a picture D to a rendering of things that do not touch, each of ink a and colour c, is

    .. math::

       \|D\|^2 - \sum_k \Bigl(2 \langle D, a_k ⊗ c_k \rangle - \|a_k\|^2 \|c_k\|^2\Bigr)

    so that each thing's share is found by itself, on a grid of places and radii, and pairs by a running maximum over
    the places that a relation allows: every pair on the grid is compared, without running through the pairs.

    Parameters
    ----------
    size : int
        Height and width of the pictures, in pixels.

    Notes
    -----
    The grid has steps of half a pixel (of 16) and three radii a size. Some hundred pictures of 16 × 16 a second; the
    table of renderings takes 52 KB · size², 13 MB at 16 and 54 MB at 32.

    Examples
    --------
    >>> from hybridseq.datasets import ShapeOracle, draw_captions
    >>> images = draw_captions(["a small red circle above a large blue square"], random_state=0)[0]
    >>> ShapeOracle().read(images)[0].caption
    'a small red circle above a large blue square'
    """

    def __init__(self, size: int = 16):
        check_size(size)
        self.size = size
        self._grid = np.arange(1.5, _UNIT - 1.25, _STEP)
        self._ink, self._norm, self._misses = _templates(size)
        self._colours = np.array(list(SHAPE_COLOURS.values()), np.float32)
        # In the order of the table of shares: size, shape, colour.
        self._things = [Thing(*parts) for parts in _kinds()]

    def read(self, images) -> list[ShapeReading]:
        """The nearest scene of each picture.

        Parameters
        ----------
        images : (n, size, size, 3) array
            From 0 to 1.

        Raises
        ------
        ValueError
            Where they are of another shape, or pixels out of range.
        """
        images = np.asarray(images, np.float32)
        wanted = (self.size, self.size, 3)
        if images.ndim != 4 or images.shape[1:] != wanted:
            raise ValueError(f"images must have shape (n, {', '.join(map(str, wanted))}); got {images.shape}.")
        if images.size and not (images.min() >= -_SLACK and images.max() <= 1 + _SLACK):
            raise ValueError(
                f"the pixels of images must be from 0 to 1; got {images.min():g} to {images.max():g}. Divide bytes by "
                "255."
            )
        readings = []
        for start in range(0, len(images), _CHUNK):
            part = images[start : start + _CHUNK]
            for image, shares in zip(part, self._shares(part)):
                readings.append(self._best(float((image.astype(np.float64) ** 2).sum()), shares))
        return readings

    def agrees(self, captions, images) -> np.ndarray:
        """Whether each picture is read as its caption says (n,); a size that the caption leaves open may be any."""
        return _agreement(captions, self.read(images))

    def _shares(self, images):
        """By how much each thing at each place lowers the squared distance: (n, kinds, places)."""
        n, pixels, colours = len(images), self.size**2, len(self._colours)
        inner = images.reshape(n * pixels, 3) @ self._colours.T
        inner = inner.reshape(n, pixels, colours).transpose(1, 0, 2).reshape(pixels, -1)
        found = (2 * self._ink @ inner).reshape(*self._norm.shape, n, colours)
        found -= self._norm[..., None, None] * (self._colours**2).sum(1)
        found[self._misses] = -np.inf
        # sizes, radii, shapes, places, n, colours -> n, sizes, shapes, colours, places
        best = found.max(1).transpose(3, 0, 1, 4, 2)
        return best.reshape(n, len(self._things), -1)

    def _best(self, whole, shares):
        alone = np.unravel_index(shares.argmax(), shares.shape)
        gain, scene = shares[alone], Scene((self._things[alone[0]],))
        places = alone[1:]
        for relation in RELATIONS:
            reach = _reach(self._grid, shares, relation)
            half = len(shares) // 2
            for (a, size), (b, other) in product(enumerate(SHAPE_SIZES), repeat=2):
                first, second = shares[a * half : (a + 1) * half], reach[size, other][b * half : (b + 1) * half]
                total = (first[:, None] + second[None]).max(2)
                if total.max() > gain:
                    gain = total.max()
                    i, j = np.unravel_index(total.argmax(), total.shape)
                    place = (first[i] + second[j]).argmax()
                    things = self._things[a * half + i], self._things[b * half + j]
                    scene = Scene(things, relation)
                    own = shares[b * half + j]
                    allowed = _allowed(self._grid, place, least_distance(size, other), relation)
                    places = place, np.where(allowed, own, -np.inf).argmax()
        down, across = np.unravel_index(np.array(places), (len(self._grid),) * 2)
        found = np.stack([self._grid[across], self._grid[down]], 1) * self.size / _UNIT
        return ShapeReading(scene, found, max(0.0, whole - float(gain)))


def read_shapes(images) -> list[str]:
    """The captions, with all sizes named, whose best renderings are nearest to pictures (n, size, size, 3)."""
    return [reading.caption for reading in _oracle(images).read(images)]


def caption_accuracy(captions, images) -> float:
    """The share of pictures (n, size, size, 3) that the oracle reads as their captions say."""
    if len(captions) != len(images):
        raise ValueError(f"captions and images must be as many; got {len(captions)} and {len(images)}.")
    if len(captions) == 0:
        raise ValueError("captions is empty: give at least one caption and its picture.")
    return float(_oracle(images).agrees(captions, images).mean())


def picture_spread(images) -> np.ndarray:
    """How far pictures of the same caption are from one another.

    Parameters
    ----------
    images : (m, n, …) array
        n pictures of each of m captions.

    Returns
    -------
    (m,) array
        The mean Euclidean distance over all pairs.
    """
    flat = np.asarray(images, np.float64)
    if flat.ndim < 3:
        raise ValueError(f"images must have shape (m, n, …), n pictures of each of m captions; got {flat.shape}.")
    m, n = flat.shape[:2]
    if n < 2:
        raise ValueError(f"a spread needs at least 2 pictures of each caption; got {n}.")
    flat = flat.reshape(m, n, -1)
    square = (flat**2).sum(2)
    distances = square[:, :, None] + square[:, None] - 2 * flat @ flat.transpose(0, 2, 1)
    return np.sqrt(np.maximum(distances, 0)).sum((1, 2)) / (n * (n - 1))


def _agreement(captions, readings):
    if len(captions) != len(readings):
        raise ValueError(f"captions and images must be as many; got {len(captions)} and {len(readings)}.")
    return np.array([parse_caption(caption).covers(reading.scene) for caption, reading in zip(captions, readings)])


def _oracle(images):
    shape = np.shape(images)
    if len(shape) != 4:
        raise ValueError(f"images must have shape (n, size, size, 3); got {shape}.")
    return ShapeOracle(shape[1])


def _kinds():
    return [(size, colour, shape) for size, shape, colour in product(SHAPE_SIZES, SHAPES, SHAPE_COLOURS)]


@lru_cache(maxsize=4)
def _templates(size):
    """Ink (sizes · radii · shapes · places, pixels), its square norms, and which would leave the picture."""
    grid = np.arange(1.5, _UNIT - 1.25, _STEP)
    down, across = (axis.ravel() for axis in np.meshgrid(grid, grid, indexing="ij"))
    places, scale = np.stack([across, down], 1), size / _UNIT
    ink, misses = [], []
    for low, high in SHAPE_SIZES.values():
        for radius in np.linspace(low, high, 2 * _RADII + 1)[1::2]:
            # Half a step of tolerance: places are rounded to the grid.
            off = np.any((places < radius - _STEP / 2) | (places > _UNIT - radius + _STEP / 2), 1)
            for shape in SHAPES:
                ink.append(shape_ink(shape, places * scale, np.full(len(places), radius * scale), size))
                misses.append(off)
    shape = (len(SHAPE_SIZES), _RADII, len(SHAPES), len(places))
    ink = np.stack(ink).reshape(-1, size * size)
    return ink, (ink**2).sum(1).reshape(shape), np.stack(misses).reshape(shape)


def _reach(grid, shares, relation):
    """For each pair of sizes and each place of the first thing, the most that a second thing gains within reach."""
    n = len(grid)
    table = shares.reshape(len(shares), n, n)
    if relation == "left of":
        table = table.transpose(0, 2, 1)
    wide = round(_ASIDE / _STEP)
    padded = np.pad(table, ((0, 0), (0, 0), (wide, wide)), constant_values=-np.inf)
    beside = padded[..., :n]
    for shift in range(1, 2 * wide + 1):
        beside = np.maximum(beside, padded[..., shift : shift + n])
    beyond = np.maximum.accumulate(beside[:, ::-1], 1)[:, ::-1]
    found = {}
    for size, other in product(SHAPE_SIZES, repeat=2):
        steps = _steps(least_distance(size, other))
        moved = np.full_like(beyond, -np.inf)
        moved[:, : n - steps] = beyond[:, steps:]
        moved = moved if relation == "above" else moved.transpose(0, 2, 1)
        found[size, other] = moved.reshape(len(shares), -1)
    return found


def _steps(distance):
    """Steps of the grid that are surely not more than a distance between places that were rounded to it."""
    return int(np.floor(distance / _STEP + 1e-9)) - 1


def _allowed(grid, place, distance, relation):
    """Which places a second thing may have."""
    n = len(grid)
    row, column = divmod(int(place), n)
    rows, columns = (axis.ravel() for axis in np.meshgrid(np.arange(n), np.arange(n), indexing="ij"))
    along, across = (rows - row, columns - column) if relation == "above" else (columns - column, rows - row)
    return (along >= _steps(distance)) & (np.abs(across) <= round(_ASIDE / _STEP))
