"""Word errors: the fewest, counted as jiwer counts, summed over speakers, with intervals that cover."""

import io
import json
import math
from functools import cache

import jiwer
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from hybridseq.speech.scoring import score_words
from hybridseq.text import DataError

text = st.lists(st.sampled_from("abc"), max_size=5)
texts = st.lists(st.tuples(text, text), min_size=1, max_size=6)


def distance(old, new):
    """The fewest edits, by the recursion's definition."""

    @cache
    def edits(i, j):
        if i == 0 or j == 0:
            return i + j
        return min(edits(i - 1, j) + 1, edits(i, j - 1) + 1, edits(i - 1, j - 1) + (old[i - 1] != new[j - 1]))

    return edits(len(old), len(new))


def drawn(seed, rate, utterances=60):
    """References of four words; each word is wrong with the given probability."""
    generator = np.random.default_rng(seed)
    wrong = generator.random((utterances, 4)) < rate
    return ["a a a a"] * utterances, [" ".join(np.where(row, "b", "a")) for row in wrong]


@given(texts)
def test_errors_are_the_fewest(pairs):
    references, hypotheses = zip(*pairs)
    errors = score_words(references, hypotheses)
    assert errors.utterance_errors.tolist() == [distance(old, new) for old, new in pairs]
    assert errors.utterance_words.tolist() == [len(old) for old in references]
    assert errors.sentence_errors == sum(old != new for old, new in pairs)
    assert errors.sentences == len(pairs)
    assert errors.insertions - errors.deletions == sum(map(len, hypotheses)) - sum(map(len, references))


@given(texts)
def test_counts_are_those_of_jiwer(pairs):
    references, hypotheses = ([" ".join(words) for words in side] for side in zip(*pairs))
    errors, truth = score_words(references, hypotheses), jiwer.process_words(references, hypotheses)
    assert (errors.substitutions, errors.deletions, errors.insertions) == (
        truth.substitutions,
        truth.deletions,
        truth.insertions,
    )
    if errors.words:
        assert errors.wer == truth.wer == errors.errors / errors.words


@given(texts)
def test_confusions_add_up_to_the_counts(pairs):
    errors = score_words(*zip(*pairs))
    found = errors.confusions
    assert sum(n for *_, n in found) == errors.errors
    assert sum(n for old, new, n in found if old and new) == errors.substitutions
    assert sum(n for old, new, n in found if not new) == errors.deletions
    assert [n for *_, n in found] == sorted((n for *_, n in found), reverse=True)
    assert not any(old == new for old, new, _ in found)


@given(texts, st.data())
def test_speakers_add_up_to_the_whole(pairs, data):
    speakers = data.draw(st.lists(st.sampled_from("xyz"), min_size=len(pairs), max_size=len(pairs)))
    errors = score_words(*zip(*pairs), speakers)
    assert list(errors.by_speaker) == sorted(set(speakers))
    for name in ("errors", "substitutions", "deletions", "insertions", "words", "sentences", "sentence_errors"):
        assert sum(getattr(part, name) for part in errors.by_speaker.values()) == getattr(errors, name)
    for speaker, part in errors.by_speaker.items():
        alone = score_words(*zip(*(pair for pair, who in zip(pairs, speakers) if who == speaker)))
        assert part.confusions == alone.confusions


def test_an_empty_hypothesis_is_all_deletions_and_an_empty_reference_all_insertions():
    errors = score_words(["a b", ""], ["", "c"])
    assert (errors.deletions, errors.insertions, errors.wer) == (2, 1, 1.5)
    assert errors.confusions == [("", "c", 1), ("a", "", 1), ("b", "", 1)]


def test_without_reference_words_there_is_no_rate():
    errors = score_words(["", ""], ["a", ""])
    assert math.isnan(errors.wer) and errors.to_dict()["wer"] is None
    assert (errors.errors, errors.sentence_errors) == (1, 1)
    with pytest.raises(ValueError, match="no word"):
        errors.bootstrap()


def test_strings_and_lists_of_words_are_the_same():
    assert score_words([" a  b\n"], [["a", "c"]]).confusions == [("b", "c", 1)]


@pytest.mark.parametrize(
    ("references", "hypotheses", "speakers", "match"),
    [
        (["a"], ["a", "b"], None, "1 references but 2 hypotheses"),
        (["a"], ["a"], ["x", "y"], "1 references but 2 speakers"),
        ([], [], None, "no utterance"),
        ("a b", ["a"], None, "references must be a list"),
        (["a"], [["a b"]], None, "hypothesis 0.*'a b'"),
        (["a", [""]], ["a", "b"], None, "reference 1.*''"),
    ],
)
def test_what_cannot_be_scored_is_refused(references, hypotheses, speakers, match):
    with pytest.raises(DataError, match=match):
        score_words(references, hypotheses, speakers)


def test_the_same_seed_gives_the_same_interval():
    errors = score_words(*drawn(0, 0.2))
    assert errors.bootstrap(seed=3) == errors.bootstrap(seed=3) != errors.bootstrap(seed=4)


def test_the_interval_covers_the_true_rate_about_as_often_as_it_says():
    hits = 0
    for seed in range(100):
        low, high = score_words(*drawn(seed, 0.2)).bootstrap(n=300, level=0.9, seed=seed)
        hits += low <= 0.2 <= high
    assert 80 <= hits <= 97


@pytest.mark.parametrize("level", [0.2, 0.5, 0.9])
def test_the_interval_equals_the_enumeration_of_all_resamples(level):
    """Four utterances have 256 resamples, all alike probable."""
    errors = score_words(["a a", "a a a a", "a", "a a a"], ["b b", "a a a a", "b", "a b a"])
    counts = np.array(list(np.ndindex(4, 4, 4, 4)))
    rates = errors.utterance_errors[counts].sum(1) / errors.utterance_words[counts].sum(1)
    expected = np.quantile(rates, [0.5 - level / 2, 0.5 + level / 2], method="inverted_cdf")
    assert errors.bootstrap(n=50_000, level=level) == pytest.approx(tuple(expected), abs=0.01)


def test_a_comparison_equals_the_enumeration_of_all_resamples():
    first = score_words(["a a", "a a a a", "a", "a a a"], ["b b", "a a b a", "b", "a b a"])
    second = score_words(["a a", "a a a a", "a", "a a a"], ["b a", "a a b b", "a", "a b a"])
    counts = np.array(list(np.ndindex(4, 4, 4, 4)))
    own, other = (errors.utterance_errors[counts].sum(1) for errors in (first, second))
    better = np.mean((other < own) + 0.5 * (other == own))
    found = first.compare(second, n=50_000, level=0.8)
    assert found.better == pytest.approx(better, abs=0.01)
    expected = np.quantile((other - own) / own, [0.1, 0.9], method="inverted_cdf")
    assert (found.low, found.high) == pytest.approx(tuple(expected), abs=0.01)


def test_resamples_without_a_reference_word_do_not_count():
    """Of two utterances, one without words, only those resamples have a rate that hold the other."""
    assert score_words(["a", ""], ["b", ""]).bootstrap() == (1.0, 1.0)


def test_an_interval_over_speakers_is_wider_where_speakers_differ():
    easy, hard = drawn(0, 0.02), drawn(1, 0.5)
    speakers = [name for name in "abcd" for _ in range(15)] + [name for name in "efgh" for _ in range(15)]
    errors = score_words(easy[0] + hard[0], easy[1] + hard[1], speakers)
    (low, high), (wide_low, wide_high) = errors.bootstrap(), errors.bootstrap(by="speaker")
    assert wide_low < low < errors.wer < high < wide_high


def test_one_speaker_alone_varies_not_at_all():
    errors = score_words(*drawn(0, 0.2), ["x"] * 60)
    assert errors.bootstrap(by="speaker") == (errors.wer, errors.wer)


def test_a_better_system_is_found_better():
    references, worse = drawn(0, 0.3)
    better = [" ".join("a" if i % 2 else word for i, word in enumerate(text.split())) for text in worse]
    first, second = score_words(references, worse), score_words(references, better)
    found = first.compare(second)
    assert found.relative == (second.errors - first.errors) / first.errors
    assert found.low < found.relative < found.high < 0
    assert found.better > 0.999
    assert second.compare(first).better < 0.001
    assert second.compare(first).relative == pytest.approx(first.errors / second.errors - 1)


def test_pairing_makes_the_interval_narrower():
    """Two systems that err at the same places but for a few: the difference is certain, the rates are not."""
    references, worse = drawn(2, 0.3)
    first = score_words(references, worse)
    low, high = first.bootstrap()
    found = first.compare(score_words(references, [references[0], *worse[1:]]))
    assert found.high - found.low < (high - low) / first.wer


def test_a_system_is_as_good_as_itself():
    errors = score_words(*drawn(0, 0.2))
    found = errors.compare(errors)
    assert (found.relative, found.low, found.high, found.better) == (0, 0, 0, 0.5)


def test_a_comparison_with_no_error_at_all_is_told_without_a_warning():
    right, wrong = score_words(["a"], ["a"]), score_words(["a"], ["b"])
    assert right.compare(wrong).relative == math.inf
    assert right.compare(wrong).to_dict()["relative"] is None
    assert wrong.compare(right).relative == -1
    assert right.compare(right).relative == 0


def test_wrong_arguments_are_refused():
    errors = score_words(["a"], ["b"])
    with pytest.raises(ValueError, match="same references"):
        errors.compare(score_words(["a a"], ["b"]))
    with pytest.raises(ValueError, match="speakers="):
        errors.bootstrap(by="speaker")
    with pytest.raises(ValueError, match='"utterance" or "speaker"'):
        errors.bootstrap(by="word")
    with pytest.raises(ValueError, match="at least 1"):
        errors.bootstrap(n=0)
    with pytest.raises(ValueError, match="between 0 and 1"):
        errors.compare(errors, level=95)


def test_json_holds_every_figure():
    errors = score_words(["a b", "a"], ["a", "b"], ["x", "y"])
    data = json.loads(json.dumps(errors.to_dict(confusions=1)))
    assert data["wer"] == errors.wer == 2 / 3
    assert data["confusions"] == [["a", "b", 1]]
    assert data["by_speaker"]["y"] == {
        "wer": 1.0,
        "errors": 1,
        "substitutions": 1,
        "deletions": 0,
        "insertions": 0,
        "words": 1,
        "sentences": 1,
        "sentence_errors": 1,
    }


def test_the_table_shows_speakers_total_and_confusions():
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(score_words(["a b", "", "a"], ["a", "b", "b"], ["x", "[red]", "x"]).table())
    shown = console.export_text()
    assert [line.split("│")[1].strip() for line in shown.splitlines() if "│" in line] == ["[red]", "x", "all"]
    assert "100.00" in shown and "a → b (1)" in shown and "b → ∅ (1)" in shown
