"""Lexica: what is given is kept, what is written is read back, and what is wrong is named."""

import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridseq.speech.lexicon import Lexicon, OutOfLexiconError, Pronunciation
from hybridseq.text import DataError

name = st.text(st.characters(exclude_categories=("Cc", "Cs", "Z")), min_size=1, max_size=5).filter(
    lambda text: not text.startswith((";", "\ufeff"))
)
variants = st.dictionaries(st.lists(name, min_size=1, max_size=4).map(" ".join), st.floats(1e-3, 1), min_size=1)
entries = st.dictionaries(name, variants, min_size=1, max_size=5)


def file(tmp_path, text):
    path = tmp_path / "lexicon.txt"
    path.write_text(text, encoding="utf-8")
    return path


def phones(lexicon, word):
    return [(" ".join(p.phones), p.weight) for p in lexicon.pronunciations(word)]


@pytest.mark.parametrize(
    "given",
    [
        {"R IY D": 1.0, "R EH D": 0.5},
        [["R", "IY", "D"], (["R", "EH", "D"], 0.5)],
        [("R IY D", 1), (("R", "EH", "D"), 0.5)],
        [Pronunciation(("R", "IY", "D"), 0.8), Pronunciation(("R", "EH", "D"), 0.4)],
    ],
)
def test_variants_may_be_given_in_several_ways(given):
    assert phones(Lexicon({"READ": given}), "READ") == [("R IY D", 1.0), ("R EH D", 0.5)]


@pytest.mark.parametrize("given", ["R EH D", ["R", "EH", "D"], ("R", "EH", "D"), [["R", "EH", "D"]]])
def test_one_pronunciation_may_be_given_in_several_ways(given):
    assert phones(Lexicon({"RED": given}), "RED") == [("R EH D", 1.0)]


@given(entries)
def test_the_likeliest_variant_has_weight_one(entries):
    lexicon = Lexicon(entries)
    for word, ways in entries.items():
        found = dict(phones(lexicon, word))
        assert max(found.values()) == 1.0
        assert found == {way: pytest.approx(weight / max(ways.values())) for way, weight in ways.items()}


@pytest.mark.parametrize("weights", [(0.2, 0.5), (0.5, 0.2)])
def test_identical_variants_are_merged_and_the_larger_weight_stays(weights):
    lexicon = Lexicon({"A": [("AH", weights[0]), ("EY", 1.0), ("AH", weights[1])]})
    assert phones(lexicon, "A") == [("AH", 0.5), ("EY", 1.0)]


def test_phones_leave_out_the_silence_and_are_sorted():
    lexicon = Lexicon({"B": "Z A", "<sil>": "sil"}, silence="sil")
    assert (lexicon.words, lexicon.phones, lexicon.silence) == (("<sil>", "B"), ("A", "Z"), "sil")


def test_a_whole_word_is_its_own_phone():
    lexicon = Lexicon.whole_words(["two", "one", "two"])
    assert lexicon.words == lexicon.phones == ("one", "two")
    assert phones(lexicon, "one") == [("one", 1.0)]
    with pytest.raises(DataError, match=r"'SIL' is also.*silence="):
        Lexicon.whole_words(["SIL"])


@given(entries)
def test_what_is_written_is_read_back(tmp_path_factory, entries):
    lexicon = Lexicon(entries)
    path = tmp_path_factory.mktemp("lexicon") / "lexiconp.txt"
    lexicon.write(path)
    assert Lexicon.read(path) == lexicon == Lexicon.read(path, format="kaldi")
    assert Lexicon.from_dict(json.loads(json.dumps(lexicon.to_dict()))) == lexicon


@pytest.mark.parametrize("format", ["plain", "cmu"])
def test_formats_without_weights_are_read_back(tmp_path, format):
    lexicon = Lexicon({"A": [["AH"], ["EY"]], "B": "B IY"})
    lexicon.write(tmp_path / "x", format)
    assert Lexicon.read(tmp_path / "x") == lexicon == Lexicon.read(tmp_path / "x", format=format)
    with pytest.raises(DataError, match=r"weight 0.5.*kaldi"):
        Lexicon({"A": {"AH": 1, "EY": 0.5}}).write(tmp_path / "y", format)
    assert not (tmp_path / "y").exists()


def test_plain_files(tmp_path):
    lexicon = Lexicon.read(file(tmp_path, ";;; remark\n\nA  AH\nA\tEY\nB(2) B IY\n"))
    assert phones(lexicon, "A") == [("AH", 1.0), ("EY", 1.0)]
    assert "B(2)" in lexicon


def test_cmu_files(tmp_path):
    lexicon = Lexicon.read(file(tmp_path, "A  AH0\nA(2) EY1 # stressed\n(PAREN P AH0\n"), format="cmu")
    assert phones(lexicon, "A") == [("AH0", 1.0), ("EY1", 1.0)]
    assert lexicon.words == ("(PAREN", "A")


def test_kaldi_files_and_what_only_looks_like_one(tmp_path):
    lexicon = Lexicon.read(file(tmp_path, "A 1.0 AH\nA 0.5 EY\n"))
    assert phones(lexicon, "A") == [("AH", 1.0), ("EY", 0.5)]
    assert phones(Lexicon.read(file(tmp_path, "ONE 1\nTEN 1 0\n")), "TEN") == [("1 0", 1.0)]


@pytest.mark.parametrize(
    ("text", "format", "line", "words"),
    [
        ("A AH\nB\n", None, 2, ["'B' has no phones", "WORD PHONE"]),
        ("A 0.5 AH\nB x AH\n", "kaldi", 2, ["'B'", "'x'", "weight"]),
        ("A 0.5 AH\nB 0.5\n", "kaldi", 2, ["'B' has no phones", "WORD WEIGHT PHONE"]),
        ("A -1 AH\n", "kaldi", 1, ["above 0", "'-1'"]),
        ("A nan AH\n", "kaldi", 1, ["above 0", "'nan'"]),
    ],
)
def test_errors_name_file_and_line(tmp_path, text, format, line, words):
    path = file(tmp_path, text)
    with pytest.raises(DataError) as caught:
        Lexicon.read(path, format=format)
    assert (caught.value.source, caught.value.line) == (str(path), line)
    assert all(word in str(caught.value) for word in words)


def test_a_file_without_words_is_an_error(tmp_path):
    with pytest.raises(DataError, match="no word was found"):
        Lexicon.read(file(tmp_path, ";;; nothing\n\n"))
    with pytest.raises(ValueError, match="format must be one of"):
        Lexicon.read(file(tmp_path, "A AH\n"), format="htk")


@pytest.mark.parametrize(
    ("entries", "match"),
    [
        ({}, "at least one word"),
        (["A"], "mapping"),
        ({"A": ""}, "at least one phone"),
        ({"A": []}, "at least one phone"),
        ({"A": [[]]}, "at least one phone"),
        ({"A B": "AH"}, "white space; got 'A B'"),
        ({"A": ["AH", "E Y"]}, r"list of lists.*'E', 'Y'"),
        ({"A": [("AH", 0)]}, "positive number; got 0"),
        ({"A": [("AH", float("inf"))]}, "positive number"),
        ({"A": [["AH"], 3]}, "got 3"),
    ],
)
def test_what_cannot_be_a_lexicon_is_refused(entries, match):
    with pytest.raises(DataError, match=match):
        Lexicon(entries)


def test_words_outside_the_lexicon_are_named_with_counts():
    lexicon = Lexicon.whole_words("abc")
    assert lexicon.missing("axbyxcz") == {"x": 2, "y": 1, "z": 1}
    lexicon.check(["a b", ["c"], ""])
    with pytest.raises(OutOfLexiconError, match=r"2 words are not among the 3.*'x' \(2×\), 'y' \(1×\)\. Add") as caught:
        lexicon.check(["a x", ["y", "x"]])
    assert caught.value.words == pickle.loads(pickle.dumps(caught.value)).words == {"x": 2, "y": 1}
    with pytest.raises(OutOfLexiconError, match=r"'k10' \(1×\).* and 2 more"):
        lexicon.check([" ".join(f"k{i}" for i in range(10, 22))])
    with pytest.raises(OutOfLexiconError, match="1 word is"):
        lexicon.pronunciations("x")


def test_the_lexicon_of_an4_covers_its_transcripts(corpus):
    folder = corpus("an4")
    lexicon = Lexicon.read(folder / "an4.dic")
    assert phones(lexicon, "A") == [("AH", 1.0), ("EY", 1.0)]
    assert set(lexicon.phones) | {"SIL"} == set((folder / "an4.phone").read_text().split())
    lines = (folder / "train.text").read_text().splitlines()
    lexicon.check(line.split()[1:] for line in lines)
