"""Words in many typefaces, letter by letter: small noisy images whose letters are told better together than alone."""

from functools import lru_cache

import numpy as np

#: Height and width of a letter's image.
LETTER_SHAPE = 16, 8
_ALPHABET = "abcdefghijklmnopqrstuvwxyz"
_FACES = "DejaVuSans", "DejaVuSans-Oblique", "DejaVuSerif", "DejaVuSerif-Italic", "DejaVuSansMono", "DejaVuSans-Bold"
#: Typefaces are drawn so much larger before they are slanted, turned and made small.
_ENLARGED = 4

_NUMBERS = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
_TENS = "eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand"
_DAYS = "monday tuesday wednesday thursday friday saturday sunday today tomorrow yesterday morning evening"
_MONTHS = "january february march april may june july august september october november december"
_COLOURS = "red green blue yellow orange purple brown black white grey"
#: What the words are drawn from.
LETTER_WORDS = tuple(f"{_NUMBERS} {_TENS} {_DAYS} {_MONTHS} {_COLOURS}".split())


def make_letter_words(n_words: int, *, words=LETTER_WORDS, noise: float = 0.15, random_state: int | None = None):
    """Images of words, a binary image a letter.

    Parameters
    ----------
    n_words : int
        How many.
    words : sequence of str
        What they are drawn from, with like probability; lower-case letters a to z.
    noise : float
        Standard deviation of what is added to a pixel's ink, which is 0 to 1, before it is cut at a half.
    random_state : int, optional
        The seed; the same one gives the same words with the same version of Pillow.

    Returns
    -------
    X : list of (T, 128) float32 arrays
        For each letter an image of 16 × 8 pixels, 0 or 1, row after row.
    y : list of lists of str
        The letters.

    Raises
    ------
    ValueError
        Where a word is empty or has other letters than a to z.

    Notes
    -----
    A word has one typeface and one slant; size, place and turn differ from letter to letter. Some thousands of
    letters a second.

    Examples
    --------
    >>> X, y = make_letter_words(2, words=["may"], random_state=0)
    >>> X[0].shape, "".join(y[0])
    ((3, 128), 'may')
    """
    for word in words:
        if not word or set(word) - set(_ALPHABET):
            raise ValueError(f"words must be of letters from a to z, and not empty; got {word!r}")
    random = np.random.default_rng(random_state)
    drawn = [words[i] for i in random.integers(len(words), size=n_words)]
    X = []
    for word in drawn:
        face, slant = _FACES[random.integers(len(_FACES))], random.normal(0.1, 0.15)
        ink = np.stack([_letter(letter, face, slant, random) for letter in word])
        X.append((ink + noise * random.standard_normal(ink.shape) > 0.5).astype(np.float32))
    return X, [list(word) for word in drawn]


def _letter(letter, face, slant, random):
    """The ink (128,) of a letter, slanted, turned, moved and stretched a little."""
    from PIL import Image

    height, width = LETTER_SHAPE
    turn, (wide, high) = random.normal(0, 0.07), random.normal(1, 0.08, 2)
    move = random.normal(0, 0.5 * _ENLARGED, 2)
    middle = np.array([width, height]) * _ENLARGED / 2
    # From a place in the result to the place in the glyph.
    back = np.linalg.inv([[wide, -slant - turn], [turn, high]])
    start = middle - back @ (middle + move)
    matrix = back[0, 0], back[0, 1], start[0], back[1, 0], back[1, 1], start[1]
    glyph = _glyph(letter, face)
    moved = glyph.transform(glyph.size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
    small = np.asarray(moved, np.float32).reshape(height, _ENLARGED, width, _ENLARGED).mean((1, 3))
    return (small / 255).ravel()


@lru_cache(maxsize=256)
def _glyph(letter, face):
    """A letter in the middle of an enlarged image."""
    from pathlib import Path

    import matplotlib
    from PIL import Image, ImageDraw, ImageFont

    height, width = (n * _ENLARGED for n in LETTER_SHAPE)
    font = ImageFont.truetype(str(Path(matplotlib.get_data_path(), "fonts", "ttf", f"{face}.ttf")), 10 * _ENLARGED)
    image = Image.new("L", (width, height))
    ImageDraw.Draw(image).text((width / 2, 0.72 * height), letter, fill=255, font=font, anchor="ms")
    return image
