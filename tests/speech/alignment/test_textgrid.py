"""TextGrids are read back as written, have no gaps, and errors name their line."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridseq.speech.alignment import Alignment, Segment, read_textgrid, write_textgrid
from hybridseq.text import DataError
from tests.speech.alignment.drawn import close, segments

#: As Praat writes it, but for the blanks that end its lines, with a tier of points and a doubled quote.
PRAAT = """File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 1.5
tiers? <exists>
size = 2
item []:
    item [1]:
        class = "TextTier"
        name = "bell"
        xmin = 0
        xmax = 1.5
        points: size = 1
        points [1]:
            number = 0.5
            mark = "ding"
    item [2]:
        class = "IntervalTier"
        name = "words"
        xmin = 0
        xmax = 1.5
        intervals: size = 3
        intervals [1]:
            xmin = 0
            xmax = 0.25
            text = ""
        intervals [2]:
            xmin = 0.25
            xmax = 1
            text = "say ""a"" 2"
        intervals [3]:
            xmin = 1
            xmax = 1.5
            text = " b "
"""

SHORT = """File type = "ooTextFile"
Object class = "TextGrid"

0
1.5
<exists>
1 ! one tier
"IntervalTier" "words" 0 1.5 3
0 0.25 ""
0.25 1 "say ""a"" 2"
1 1.5 "b"
"""


def file(tmp_path, content):
    path = tmp_path / "utterance.TextGrid"
    path.write_text(content, encoding="utf-8")
    return path


@given(segments(st.none()), st.none() | segments(st.none()), st.floats(0, 1))
def test_what_is_written_is_read_back(tmp_path_factory, words, phones, silence):
    last = max((s.end for s in [*words, *(phones or [])]), default=0.25)
    alignment = Alignment('u "1"', words, phones, last + silence)
    path = tmp_path_factory.mktemp("textgrid") / "x.TextGrid"
    write_textgrid(alignment, path)
    found = read_textgrid(path, id='u "1"')
    assert (found.id, found.duration) == (alignment.id, alignment.duration)
    assert close(found.words, words)
    assert found.phones is None if phones is None else close(found.phones, phones)


@given(segments(), segments(), st.floats(0, 1))
def test_intervals_cover_all_the_time_without_gap_or_overlap(tmp_path_factory, words, phones, silence):
    last = max((s.end for s in [*words, *phones]), default=0.25)
    path = tmp_path_factory.mktemp("textgrid") / "x.TextGrid"
    write_textgrid(Alignment("u", words, phones, last + silence), path)
    text = path.read_text(encoding="utf-8")
    for tier in text.split("item [")[2:]:
        size = int(re.search(r"intervals: size = (\d+)", tier)[1])
        starts, ends = (re.findall(rf"^ {{12}}{key} = (\S+)$", tier, re.M) for key in ("xmin", "xmax"))
        assert size == len(starts) == len(ends)
        assert starts[0] == "0.0" and starts[1:] == ends[:-1]
        assert float(ends[-1]) == last + silence
        assert all(float(a) < float(b) for a, b in zip(starts, ends))


def test_quotation_marks_are_doubled(tmp_path):
    alignment = Alignment("x", [Segment(0.0, 0.5, '"'), Segment(0.5, 1.0, 'say "a""b"')])
    write_textgrid(alignment, tmp_path / "x.TextGrid")
    assert 'text = """"' in (tmp_path / "x.TextGrid").read_text()
    assert read_textgrid(tmp_path / "x.TextGrid") == alignment


def test_times_that_differ_by_rounding_make_no_interval(tmp_path):
    words = [Segment(1e-9, 0.1 + 0.2, "a"), Segment(0.3, 0.6, "b")]
    write_textgrid(Alignment("u", words, duration=0.6 + 1e-9), tmp_path / "x")
    assert "intervals: size = 2" in (tmp_path / "x").read_text()


@pytest.mark.parametrize("text", [PRAAT, SHORT, PRAAT.replace("\n", " \r\n"), "\ufeff" + PRAAT])
def test_files_of_praat_are_read(tmp_path, text):
    found = read_textgrid(file(tmp_path, text))
    assert found == Alignment(
        "utterance", [Segment(0.25, 1.0, 'say "a" 2'), Segment(1.0, 1.5, "b")], None, duration=1.5
    )


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ('"TextGrid"', '"Pitch 1"', 2, ["ooTextFile", "TextGrid"]),
        ("xmax = 1.5", "xmax = long", 6, ["the end", "'<exists>'"]),
        ("<exists>", "<absent>", 6, ["no tiers"]),
        ("size = 2", "size = 2.5", 7, ["number of tiers", "whole number"]),
        ('"IntervalTier"', '"Tier"', 19, ["IntervalTier or TextTier", "'Tier'"]),
        ('" b "', '" b', 35, ["not closed", "cut short"]),
        ("intervals: size = 3", "intervals: size = 4", 36, ["file ends", "cut short"]),
        ("xmin = 0.25", "xmin = 0,25", 31, ["a time"]),
        ("xmin = 0.25", "xmin = 2.5", 31, ["0 <= start <= end"]),
        ('"say ""a"" 2"', '"say ""a" 2"', 31, ["a time"]),
        ('name = "words"', 'name = "speech"', None, ["no interval tier 'words'", "['bell', 'speech']"]),
        ("xmin = 1\n            xmax = 1.5", "xmin = 0.5\n xmax = 1.5", None, ["'b' starts at 0.5 s, before"]),
    ],
)
def test_errors_name_file_and_line(tmp_path, old, new, line, words):
    assert old in PRAAT
    path = file(tmp_path, PRAAT.replace(old, new, 1))
    with pytest.raises(DataError) as caught:
        read_textgrid(path)
    assert (caught.value.source, caught.value.line) == (str(path), line)
    assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize("kept", range(0, 35, 3))
def test_a_file_cut_short_is_an_error(tmp_path, kept):
    path = file(tmp_path, "".join(PRAAT.splitlines(keepends=True)[:kept]))
    with pytest.raises(DataError, match="cut short"):
        read_textgrid(path)


@pytest.mark.parametrize(
    ("alignment", "match"),
    [
        (Alignment("u", []), "'u' lasts 0 s"),
        (Alignment("u", [Segment(0.5, 0.5, "a")]), "'a' at 0.5 s lasts 0 s"),
    ],
)
def test_what_praat_refuses_is_not_written(tmp_path, alignment, match):
    with pytest.raises(DataError, match=match):
        write_textgrid(alignment, tmp_path / "x")
    assert not (tmp_path / "x").exists()
