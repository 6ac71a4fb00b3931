"""CTM files are read back as written, and errors name their line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridseq.speech.alignment import Alignment, Segment, read_ctm, write_ctm
from hybridseq.text import DataError
from tests.speech.alignment.drawn import close, label, segments


@given(st.dictionaries(label, segments(), max_size=4))
def test_what_is_written_is_read_back(tmp_path_factory, drawn):
    path = tmp_path_factory.mktemp("ctm") / "x.ctm"
    write_ctm((Alignment(name, words) for name, words in drawn.items()), path)
    found = read_ctm(path)
    assert [alignment.id for alignment in found] == [name for name, words in drawn.items() if words]
    assert all(close(alignment.words, drawn[alignment.id]) for alignment in found)


def test_phones_are_written_on_demand(tmp_path):
    alignment = Alignment("u", [Segment(0, 0.5, "a")], [Segment(0, 0.25, "AH"), Segment(0.25, 0.5, "X", 0.5)])
    write_ctm([alignment], tmp_path / "x", level="phones", channel="A")
    assert (tmp_path / "x").read_text() == "u A 0.00 0.25 AH\nu A 0.25 0.25 X 0.5\n"
    with pytest.raises(DataError, match="'v' has no phones"):
        write_ctm([Alignment("v", [])], tmp_path / "y", level="phones")
    with pytest.raises(ValueError, match='"words" or "phones"'):
        write_ctm([], tmp_path / "y", level="states")
    assert not (tmp_path / "y").exists()


def test_remarks_are_left_out_and_segments_sorted(tmp_path):
    path = tmp_path / "x.ctm"
    path.write_text(";; by hand\n\nv 1 0.5 0.25 b\nu 1 0 1 c 0.75\nv A 0.25 0.25 a\n")
    first, second = read_ctm(path)
    assert (first.id, [word.label for word in first.words], first.duration) == ("v", ["a", "b"], 0.75)
    assert second == Alignment("u", [Segment(0, 1, "c", 0.75)])


@pytest.mark.parametrize(
    ("line", "match"),
    [
        ("u 1 0.5 0.1", "got 4 fields"),
        ("u 1 0.5 0.1 a 1 lex", "got 7 fields"),
        ("u 1 half 0.1 a", "'half'"),
        ("u 1 0.5 -0.1 a", "0 <= start <= end"),
        ("u 1 nan 0.1 a", "0 <= start <= end"),
        ("u 1 0.5 0.1 a 7", "between 0 and 1; got 7"),
    ],
)
def test_errors_name_file_and_line(tmp_path, line, match):
    path = tmp_path / "x.ctm"
    path.write_text(f"u 1 0 0.25 a\n{line}\n")
    with pytest.raises(DataError, match=match) as caught:
        read_ctm(path)
    assert (caught.value.source, caught.value.line) == (str(path), 2)


def test_overlapping_words_are_an_error(tmp_path):
    path = tmp_path / "x.ctm"
    path.write_text("u 1 0 0.5 a\nu 1 0.25 0.5 b\n")
    with pytest.raises(DataError, match=r"'b' starts at 0\.25 s") as caught:
        read_ctm(path)
    assert caught.value.source == str(path)


@pytest.mark.parametrize(
    ("alignments", "match"),
    [
        ([Alignment("u v", [Segment(0, 1, "a")])], "got 'u v'"),
        ([Alignment("u", [Segment(0, 1, "a b")])], "got 'a b'"),
        ([Alignment(";;u", [Segment(0, 1, "a")])], "begins with no ;;"),
        ([Alignment("u", []), Alignment("u", [])], "'u' comes twice"),
    ],
)
def test_what_could_not_be_read_back_is_not_written(tmp_path, alignments, match):
    with pytest.raises(DataError, match=match):
        write_ctm(alignments, tmp_path / "x")
    assert not (tmp_path / "x").exists()
