"""Word vectors from word2vec and GloVe text files."""

from dataclasses import dataclass, field
from os import PathLike, fspath

import numpy as np

from hybridseq.text.errors import DataError
from hybridseq.text.vocabulary import Vocabulary


@dataclass(frozen=True, eq=False)
class WordVectors:
    """Vectors for a vocabulary.

    Parameters
    ----------
    matrix : (V, D) float32 array
        One row a number of the vocabulary; zeros where there is no vector, as for padding and unknown.
    found : (V,) bool array
        Which rows the file had.
    """

    matrix: np.ndarray = field(repr=False)
    found: np.ndarray = field(repr=False)

    @property
    def dim(self) -> int:
        """The number of components D."""
        return self.matrix.shape[1]

    @property
    def coverage(self) -> float:
        """The fraction of the vocabulary's tokens that have a vector."""
        return float(self.found[2:].mean()) if len(self.found) > 2 else 0.0


def read_vectors(path: str | PathLike, vocabulary: Vocabulary, *, lower_fallback: bool = True) -> WordVectors:
    """Read the vectors of a vocabulary's tokens from a text file.

    Parameters
    ----------
    path : path
        A text file of word2vec (first line: count and dimension) or GloVe (no such line): a word and its D
        numbers a line, split at spaces.
    vocabulary : Vocabulary
        Whose tokens are wanted. The file's words are normalised as it does; of several that then agree, a
        word spelled exactly like the token wins, else the first.
    lower_fallback : bool
        Whether a token without a vector takes that of its lower-case form.

    Returns
    -------
    WordVectors

    Raises
    ------
    DataError
        With file and line: a row with the wrong number of fields, a field that is not a finite number, bytes
        that are not UTF-8 (as in a binary file), no vectors at all.

    Notes
    -----
    Streams: the memory is that of the result, whatever the file's size. Only wanted words' numbers are read.
    """
    name = fspath(path)
    dim: int | None = None
    matrix = np.zeros((len(vocabulary), 0), dtype=np.float32)
    # How well a row's vector fits: 0 none, 1 by the lower-case form, 2 by normalisation, 3 by exact spelling.
    rank = np.zeros(len(vocabulary), dtype=np.int8)
    number_of = {token: i for i, token in enumerate(vocabulary.tokens, 2)}
    lowered: dict[str, list[int]] = {}
    for token, i in number_of.items():
        if lower_fallback and token.lower() != token:
            lowered.setdefault(token.lower(), []).append(i)

    with open(path, "rb") as stream:
        for line, raw in enumerate(stream, 1):
            row = raw.strip(b" \t\r\n")
            if not row:
                continue
            if dim is None:
                head = row.split()
                header = line == 1 and len(head) == 2 and all(part.isdigit() for part in head)
                dim = int(head[1]) if header else len(head) - 1
                if dim < 1:
                    raise DataError("got no numbers, expected a word and its vector, split at spaces", name, line)
                matrix = np.zeros((len(vocabulary), dim), dtype=np.float32)
                if header:
                    continue
            # From the right: a few words of public files hold spaces.
            parts = row.rsplit(None, dim)
            if len(parts) != dim + 1 or _is_number(parts[0].split()[1:]):
                raise DataError(
                    f"got {len(row.split())} fields, expected {dim + 1}: a word and {dim} numbers; "
                    "mend or delete the row",
                    name,
                    line,
                )
            try:
                word = parts[0].decode("utf-8")
            except UnicodeDecodeError:
                raise DataError(
                    "the word is not UTF-8; if the file is binary, write it again in word2vec's text format",
                    name,
                    line,
                ) from None
            form = vocabulary.normalise(word)
            wanted = [(number_of[form], 3 if form == word else 2)] if form in number_of else []
            wanted += [(i, 1) for i in lowered.get(word, ())]
            wanted = [(i, fit) for i, fit in wanted if fit > rank[i]]
            if not wanted:
                continue
            try:
                vector = np.array([float(part) for part in parts[1:]], dtype=np.float32)
            except ValueError:
                vector = np.array([np.nan])
            if not np.isfinite(vector).all():
                raise DataError(
                    f"the vector of {word!r} must be {dim} finite numbers; mend or delete the row", name, line
                )
            for i, fit in wanted:
                matrix[i], rank[i] = vector, fit
    if dim is None:
        raise DataError("no vectors were found; expected a word and its numbers on each line", name)
    return WordVectors(matrix, rank > 0)


def _is_number(parts: list[bytes]) -> bool:
    """Whether the last part reads as a number: a word that ends in one is a row with numbers in excess."""
    try:
        return bool(parts) and float(parts[-1]) is not None
    except ValueError:
        return False
