import io
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridseq.text import DataError, iter_columns, iter_text, read_columns, read_dataset, write_columns

field = st.text(st.characters(exclude_categories=("Cc", "Cs", "Z")), min_size=1, max_size=6).filter(
    lambda text: text != "-DOCSTART-" and not text.startswith("\ufeff")
)


def file(tmp_path, content, name="data.conll"):
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@given(st.lists(st.lists(st.tuples(field, field, field), min_size=1, max_size=4), min_size=1, max_size=4))
def test_what_is_written_is_read_back(sentences):
    X = [[row[:2] for row in sentence] for sentence in sentences]
    y = [[row[2] for row in sentence] for sentence in sentences]
    stream = io.StringIO()
    assert write_columns(stream, iter(X), iter(y)) == len(X)
    assert read_dataset(io.StringIO(stream.getvalue())) == (X, y)
    assert read_dataset(io.BytesIO(stream.getvalue().encode()), ("word", "pos", "tag")) == (X, y)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("gap", [" ", "\t", " \t  "])
@pytest.mark.parametrize("tail", ["", "\n", "\n\n\n"])
def test_white_space_does_not_matter(tmp_path, end, gap, tail):
    text = f"\ufeff\n\nto{gap}O\nRome{gap}B-city\n\n\n \nbye{gap}O{tail}".replace("\n", end)
    assert read_dataset(file(tmp_path, text)) == ([["to", "Rome"], ["bye"]], [["O", "B-city"], ["O"]])


def test_a_no_break_space_belongs_to_its_token():
    assert read_dataset(io.StringIO("10\u00a0000 B-sum\n"))[0] == [["10\u00a0000"]]
    assert list(iter_text(io.StringIO("10\u00a0000 francs\n"))) == [["10\u00a0000", "francs"]]


def test_columns_are_named_or_left_out():
    text = "a D 1 O\nb N 2 B-x\n"
    (sentence,) = read_columns(io.StringIO(text))
    assert sentence.columns == ("word", "column2", "column3", "tag")
    (sentence,) = read_columns(io.StringIO(text), ("word", "pos", "_", "chunk"))
    assert sentence.fields == {"word": ["a", "b"], "pos": ["D", "N"], "chunk": ["O", "B-x"]}
    assert sentence.tokens == [("a", "D"), ("b", "N")]
    assert sentence.tags == ["O", "B-x"]
    assert read_dataset(io.StringIO(text), ("word", "_", "_", "tag"))[0] == [["a", "b"]]


@pytest.mark.parametrize("text", ["a D O\n\nb N O\n", "a D\n\nb N\n"])
def test_a_tag_column_may_be_there_or_not(text):
    sentences = list(iter_columns(io.StringIO(text), ("word", "pos", "tag"), tag="auto"))
    assert [sentence.tokens for sentence in sentences] == [[("a", "D")], [("b", "N")]]
    assert [sentence.tags for sentence in sentences] == ([["O"], ["O"]] if "O" in text else [None, None])


def test_document_marks_part_sentences_and_are_left_out():
    text = "-DOCSTART- -X- O O\n\na N O\n-DOCSTART-\nb N O\n"
    assert [(s.tokens, s.line) for s in read_columns(io.StringIO(text))] == [([("a", "N")], 3), ([("b", "N")], 5)]


def test_reading_is_lazy():
    endless = (line for _ in itertools.count() for line in ("a O\n", "\n"))
    assert len(list(itertools.islice(iter_columns(endless), 5))) == 5


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        ("a O\nb\n", 2, ["1 field", "expected 2", "line 1"]),
        ("a O\n\nb N O\n", 3, ["3 fields", "expected 2"]),
        ("a\n", 1, ["1 field", "tag"]),
        (b"a O\n\xe9t\xe9 O\n", 2, ["UTF-8", "0xe9", "iconv"]),
        ("a O\n".encode("utf-16"), 1, ["UTF-8", "UTF-16"]),
    ],
)
def test_errors_name_file_and_line(tmp_path, content, line, words):
    path = file(tmp_path, content)
    with pytest.raises(DataError) as caught:
        read_dataset(path)
    assert (caught.value.source, caught.value.line) == (str(path), line)
    assert all(word in str(caught.value) for word in [str(path), f"line {line}:", *words])


def test_a_text_stream_tells_the_line_of_a_bad_byte_too(tmp_path):
    with open(file(tmp_path, b"a O\n\xff O\n"), encoding="utf-8") as stream, pytest.raises(DataError) as caught:
        read_dataset(stream)
    assert caught.value.line == 2


def test_sentences_before_a_bad_row_are_given(tmp_path):
    sentences = iter_columns(file(tmp_path, "a O\n\nb\n"))
    assert next(sentences).tokens == ["a"]
    with pytest.raises(DataError):
        next(sentences)


@pytest.mark.parametrize("content", ["", "\n\n", "-DOCSTART- O\n"])
def test_a_data_set_without_sentences_is_an_error(tmp_path, content):
    path = file(tmp_path, content)
    with pytest.raises(DataError, match="no sentence") as caught:
        read_dataset(path)
    assert caught.value.source == str(path)
    assert list(iter_columns(path)) == []


def test_a_file_without_blank_lines_does_not_fill_the_memory():
    endless = ("a O\n" for _ in itertools.count())
    with pytest.raises(DataError, match="blank line") as caught:
        next(iter_columns(endless, max_tokens=10))
    assert caught.value.line == 11


@pytest.mark.parametrize(
    ("columns", "tag", "match"),
    [
        ("word,tag", True, "list of names"),
        (("word", "word", "tag"), True, "'word' more than once"),
        (("tag",), True, "at least one input column"),
        (("word", "_"), True, "tag last"),
        (None, "auto", "needs columns"),
    ],
)
def test_column_names_are_checked_before_anything_is_read(columns, tag, match):
    with pytest.raises(ValueError, match=match):
        iter_columns(io.StringIO("a O\n"), columns, tag=tag)


def test_more_columns_than_names_is_an_error():
    with pytest.raises(DataError, match=r"3 fields but 2 columns are named \(word, tag\)"):
        read_dataset(io.StringIO("a N O\n"), ("word", "tag"))


@pytest.mark.parametrize(
    ("X", "y", "match"),
    [
        ([["a"], ["b", "c"]], [["O"], ["O"]], "sentence 1 has 2 tokens but 1 tags"),
        ([["a"], ["b"]], [["O"]], "sentence 1 has no tags"),
        ([["a"]], [["O"], ["O"]], "more than the 1 sentences"),
        ([["a"], []], [["O"], []], "sentence 1 is empty"),
        ([["a"], ["New York"]], None, "sentence 1, position 0"),
        ([["a"], [""]], None, "sentence 1, position 0"),
        ([["a"], ["b\n"]], None, "sentence 1, position 0"),
    ],
)
def test_what_could_not_be_read_back_is_not_written(X, y, match):
    stream = io.StringIO()
    with pytest.raises(DataError, match=match):
        write_columns(stream, X, y)
    assert stream.getvalue().startswith("a") and stream.getvalue().count("\n\n") == 1


def test_plain_text_is_split_at_white_space(tmp_path):
    assert list(iter_text(file(tmp_path, "leave  Rome\tnow\n\n \nbye"))) == [["leave", "Rome", "now"], ["bye"]]
    with pytest.raises(DataError, match="line 2"):
        list(iter_text(file(tmp_path, b"a\n\xff\n")))
