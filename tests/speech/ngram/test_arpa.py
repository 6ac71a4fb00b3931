"""ARPA files: what is written is read back, and what is wrong is named with its line."""

import gzip
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridseq.speech.ngram import NGramModel, estimate, read_arpa, write_arpa
from hybridseq.text import DataError
from tests.speech.ngram.toy import smoothings, texts

GOOD = r"""
A remark: \data\ begins the data.

\data\
ngram 1= 4
ngram 2=2

\1-grams:
-0.301030 </s> -99
-99 <s> -0.5
-0.602060	a	-0.25
-0.602060 b

\2-grams:
-0.1 <s> a
-0.2 a </s>

\end\
what follows is left out
"""


def file(tmp_path, content, name="model.arpa"):
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def same(first, second):
    assert first.logprobs == {ngram: pytest.approx(value, rel=1e-7) for ngram, value in second.logprobs.items()}
    assert first.backoffs == {ngram: pytest.approx(value, abs=1e-7) for ngram, value in second.backoffs.items()}
    assert (first.order, first.vocabulary, first.unknown) == (second.order, second.vocabulary, second.unknown)


@settings(deadline=None, max_examples=40)
@given(texts, st.integers(1, 4), smoothings, st.sampled_from([None, "<unk>"]), st.sampled_from(["x.arpa", "x.arpa.gz"]))
def test_what_is_written_is_read_back(tmp_path_factory, drawn, order, smoothing, unknown, name):
    model = estimate(drawn, order, smoothing, unknown=unknown)
    path = tmp_path_factory.mktemp("arpa") / name
    write_arpa(model, path)
    same(read_arpa(path), model)


def test_impossible_stays_impossible(tmp_path):
    model = NGramModel({("</s>",): 0.0, ("a",): -math.inf, ("a", "</s>"): 0.0}, {("a",): -math.inf})
    write_arpa(model, tmp_path / "x")
    assert read_arpa(tmp_path / "x") == model


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_file_is_read_as_it_says(tmp_path, end):
    model = read_arpa(file(tmp_path, GOOD.replace("\n", end)))
    assert (model.order, model.vocabulary, model.unknown) == (2, ("a", "b"), None)
    assert model.logprob("a", "<s>") == pytest.approx(-0.1 * math.log(10))
    assert model.logprob("b", "<s>") == pytest.approx((-0.5 - 0.602060) * math.log(10))
    assert model.logprob("<s>") == -math.inf
    assert ("</s>",) not in model.backoffs


def test_a_packed_file_is_known_by_its_content(tmp_path):
    same(read_arpa(file(tmp_path, gzip.compress(GOOD.encode()))), read_arpa(file(tmp_path, GOOD, "plain")))


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        (r"\data" + "\\\n", "\n", None, [r"no line \data"]),
        ("ngram 1= 4\nngram 2=2\n", "", 6, [r"'ngram 1=COUNT'", "1-grams"]),
        ("ngram 1= 4", "ngram 2= 4", 5, ["expected the count of 1-grams"]),
        ("ngram 1= 4", "ngram 1= 5", 14, ["promises 5 1-grams", "4 are listed"]),
        ("ngram 2=2", "ngram 2=1", 18, ["promises 1 2-grams", "2 are listed"]),
        ("\\2-grams:", "\\3-grams:", 14, [r"expected \2-grams:", r"\\3-grams:"]),
        ("-0.602060 b", "x b", 12, ["expected a number", "'x'"]),
        ("-0.602060 b", "nan b", 12, ["expected a number", "'nan'"]),
        ("a\t-0.25", "a\thigh", 11, ["expected a number", "'high'"]),
        ("-0.602060 b", "0.5 b", 12, ["at most 0", "0.5"]),
        ("-0.602060 b", "-0.6 a", 12, ["'a' is listed twice"]),
        ("-0.602060 b", "-0.6 b 0 0", 12, ["1 word and", "'-0.6 b 0 0'"]),
        ("-0.1 <s> a", "-0.1 a", 15, ["2 words and", "'-0.1 a'"]),
        ("-0.1 <s> a", "-0.1 <s> c", 15, ["'c' is not among the 1-grams"]),
        ("-0.1 <s> a", "-0.1 a <s>", 15, ["<s> can only stand first"]),
        ("-0.301030 </s> -99", "-0.3 c", None, ["'</s>' is not among the 1-grams"]),
        ("\n\\end\\", "\n\\3-grams:", 18, [r"expected \end"]),
        ("-0.602060 b", "-0.602060 \xff", 12, ["not UTF-8"]),
    ],
)
def test_errors_name_file_and_line(tmp_path, old, new, line, words):
    assert old in GOOD
    path = file(tmp_path, GOOD.replace(old, new, 1).encode("latin-1"))
    with pytest.raises(DataError) as caught:
        read_arpa(path)
    assert caught.value.source == str(path)
    assert line is None or caught.value.line == line
    assert all(word in str(caught.value) for word in words)


def test_an_ngram_without_its_history_is_named(tmp_path):
    text = GOOD.replace("ngram 2=2", "ngram 2=2\nngram 3=1").replace("\\end\\", "\\3-grams:\n-0.1 b a b\n\\end\\")
    with pytest.raises(DataError, match=r"line 20: 'b a b': its history 'b a' is not among the 2-grams"):
        read_arpa(file(tmp_path, text))


@pytest.mark.parametrize("kept", range(4, 18))
def test_a_file_cut_short_anywhere_is_an_error(tmp_path, kept):
    cut = "".join(GOOD.splitlines(keepends=True)[:kept])
    with pytest.raises(DataError, match="cut short"):
        read_arpa(file(tmp_path, cut))


@pytest.mark.parametrize("kept", [0.2, 0.4, 0.6])
def test_a_packed_file_cut_short_is_an_error(tmp_path, kept):
    packed = gzip.compress(GOOD.encode())
    path = file(tmp_path, packed[: int(kept * len(packed))])
    with pytest.raises(DataError, match="cut short") as caught:
        read_arpa(path)
    assert caught.value.source == str(path)


def test_the_model_of_an4_is_read(corpus):
    model = read_arpa(corpus("an4") / "an4.ug.lm")
    assert (model.order, model.unknown, len(model.vocabulary)) == (2, "<UNK>", 105)
    assert model.score("YES") == pytest.approx(-2 * 2.0253 * math.log(10))
    assert model.total() == pytest.approx(1, abs=1e-3)
    # Its only bigram gives the empty sentence all the probability, on top of what its words have.
    assert model.score("") == 0.0
    assert model.total("<s>") == pytest.approx(2 - 10**-2.0253, abs=1e-3)
