import numpy as np
import pytest

from hybridseq.text import DataError, Vocabulary, read_vectors

ROWS = "the 1 2 3\nrome 4 5 6\nRome 7 8 9\n. . 0 0 1\n"


def write(tmp_path, content):
    path = tmp_path / "vectors.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("header", ["", "4 3\n"])
def test_both_formats_give_the_same(tmp_path, header):
    vectors = read_vectors(write(tmp_path, header + ROWS), Vocabulary(("Rome", "the", "absent")))
    assert vectors.matrix.dtype == np.float32
    assert vectors.matrix.tolist() == [[0, 0, 0], [0, 0, 0], [7, 8, 9], [1, 2, 3], [0, 0, 0]]
    assert vectors.found.tolist() == [False, False, True, True, False]
    assert vectors.dim == 3 and vectors.coverage == pytest.approx(2 / 3)


@pytest.mark.parametrize("rows", ["rome 4\nROME 1\n", "ROME 1\nrome 4\n"])
def test_the_exact_spelling_wins_whatever_the_order(tmp_path, rows):
    path = write(tmp_path, "x 0\n" + rows)
    assert read_vectors(path, Vocabulary(("rome",), lowercase=True)).matrix[2] == 4
    assert read_vectors(path, Vocabulary(("Rome",))).matrix[2] == 4
    assert read_vectors(path, Vocabulary(("ROME",))).matrix[2] == 1
    assert not read_vectors(path, Vocabulary(("Rome",)), lower_fallback=False).found.any()


def test_the_first_of_two_equal_rows_wins(tmp_path):
    assert read_vectors(write(tmp_path, "a 1 1\na 2 2\n"), Vocabulary(("a",))).matrix[2].tolist() == [1, 1]


@pytest.mark.parametrize(
    ("content", "line", "match"),
    [
        ("a 1 2\nb 1\n", 2, "got 2 fields, expected 3"),
        ("a 1 2\nb 1 2 3\n", 2, "got 4 fields, expected 3"),
        ("a 1 2\nw 1 x\n", 2, "2 finite numbers"),
        ("a 1 2\nw 1 nan\n", 2, "2 finite numbers"),
        (b"a 1 2\n\xff\xfe 1 2\n", 2, "UTF-8"),
        ("a\n", 1, "got no numbers"),
        ("", None, "no vectors"),
    ],
)
def test_errors_name_file_and_line(tmp_path, content, line, match):
    path = write(tmp_path, content)
    with pytest.raises(DataError, match=match) as caught:
        read_vectors(path, Vocabulary(("w",)))
    assert (caught.value.source, caught.value.line) == (str(path), line)
