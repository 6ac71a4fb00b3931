"""What cannot be used is named, and does not keep the rest from being used."""

import numpy as np
import pytest

import hybridseq as hs
from hybridseq.speech import OutOfLexiconError, Utterance

QUICK = {"rate": 8000, "acoustic": "gmm", "states_per_word": 4, "word_penalty": -4.0, "random_state": 0, "verbose": 0}


def quick(**changed):
    return hs.SpeechRecognizer(**{**QUICK, **changed})


@pytest.fixture(scope="module")
def digits():
    return hs.datasets.make_spoken_digits(20, speakers=1, random_state=0)


@pytest.fixture(scope="module")
def fitted(digits):
    return quick().fit(*digits)


def utterance(id, samples, rate=8000, words="one", **rest):
    return Utterance(id, "voice0", samples=None if samples is None else samples, rate=rate, words=words, **rest)


def bad_recordings(folder):
    """By kind: an utterance, and what the message must say."""
    import soundfile

    noise = np.random.default_rng(0).normal(0, 0.1, 8000).astype(np.float32)
    soundfile.write(folder / "stereo.wav", np.stack([noise, noise], 1), 8000)
    (folder / "empty.wav").write_bytes(b"")
    (folder / "text.wav").write_text("no audio")
    soundfile.write(folder / "whole.wav", noise, 8000)
    (folder / "cut.wav").write_bytes((folder / "whole.wav").read_bytes()[:3000])
    return {
        "no-samples": (utterance("no-samples", noise[:0]), "no samples"),
        "another-rate": (utterance("another-rate", noise, rate=16000), "16000 samples a second; expected 8000"),
        "stereo": (utterance("stereo", None, None, path=str(folder / "stereo.wav")), "2 channels"),
        "empty": (utterance("empty", None, None, path=str(folder / "empty.wav")), "0 bytes"),
        "no-audio": (utterance("no-audio", None, None, path=str(folder / "text.wav")), "no audio file"),
        "not-there": (utterance("not-there", None, None, path=str(folder / "none.wav")), "no such file"),
        "not-finite": (utterance("not-finite", np.where(np.arange(8000) == 9, np.nan, noise)), "not finite"),
        "a-click": (utterance("a-click", noise[:100]), "too short"),
    }


KINDS = ["no-samples", "another-rate", "stereo", "empty", "no-audio", "not-there", "not-finite", "a-click"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_recording_that_cannot_be_read_is_named_and_the_rest_is_recognised(fitted, digits, tmp_path, kind):
    bad, shown = bad_recordings(tmp_path)[kind]
    X = [utterance(f"good-{i}", x) for i, x in enumerate(digits[0][:3])]
    alone = fitted.decode(X)
    mixed = [X[0], bad, *X[1:]]
    with pytest.warns(UserWarning, match=f"1 of 4 recordings cannot be read: {kind}: .*{shown}"):
        found = fitted.decode(mixed)
    assert found[1] is None
    assert [h.words for i, h in enumerate(found) if i != 1] == [h.words for h in alone]
    with pytest.warns(UserWarning, match=kind):
        assert fitted.predict(mixed)[1] == ""
    with pytest.warns(UserWarning, match=kind):
        assert fitted.align(mixed)[1] is None
    with pytest.raises(ValueError, match=kind):
        fitted.predict(mixed, strict=True)


def test_training_goes_on_without_what_cannot_be_read(digits, tmp_path):
    bad = {kind: u for kind, (u, _) in bad_recordings(tmp_path).items()}
    X = [utterance(f"good-{i}", x, words=w) for i, (x, w) in enumerate(zip(*digits[:2]))]
    with pytest.warns(UserWarning, match="8 of 28 recordings were not trained on"):
        model = quick(rate=None).fit([*X, *bad.values()])
    assert set(model.left_out_) == set(bad)
    assert model.predict(X) == quick().fit(X).predict(X)
    with pytest.raises(ValueError, match="8 of 28"):
        quick(rate=None).fit([*X, *bad.values()], strict=True)
    with pytest.raises(ValueError, match="no audio can be read"):
        quick(rate=None).fit([bad["empty"], bad["not-there"]])


def test_words_outside_the_lexicon(digits):
    X, y, _ = digits
    phones = hs.datasets.spoken_digits.DIGIT_PHONES
    lexicon = {word: list(spelt) for word, spelt in phones.items() if word != "five"}
    with pytest.warns(UserWarning, match="2 of 20 recordings cannot be trained on: .*outside the lexicon: 'five'"):
        model = quick(lexicon=lexicon).fit(*digits)
    assert len(model.left_out_) == y.count("five") == 2
    with pytest.warns(UserWarning, match="2 of 20 recordings cannot be aligned: .*'five'"):
        found = model.align(*digits)
    assert [a is None for a in found] == [text == "five" for text in y]
    with pytest.raises(OutOfLexiconError, match="'five'"):
        quick(lexicon=lexicon).fit([X[y.index("five")]], ["five"])


def test_a_word_that_training_never_saw_cannot_be_aligned(fitted, digits):
    with pytest.warns(UserWarning, match="1 of 2 recordings cannot be aligned: utterance-00001: .*'ten' is no unit"):
        found = fitted.align(digits[0][:2], [digits[1][0], "ten"])
    assert found[0] is not None and found[1] is None


def test_a_word_with_the_name_of_the_silence(digits):
    X, y, speakers = digits
    with pytest.warns(UserWarning, match="utterance-00002: has the word 'SIL'"):
        model = quick().fit(X, [*y[:2], "SIL", *y[3:]], speakers)
    assert list(model.left_out_) == ["utterance-00002"] and "SIL" not in model.vocabulary_


def test_an_utterance_too_short_for_its_transcript(fitted, digits):
    X, y, speakers = digits
    long = " ".join(["seven"] * 40)
    with pytest.warns(UserWarning, match="1 of 20 recordings were not trained on: utterance-00003: .*frames"):
        model = quick().fit(X, [*y[:3], long, *y[4:]], speakers)
    assert list(model.left_out_) == ["utterance-00003"]
    with pytest.warns(UserWarning, match="utterance-00001: .*shortest path needs"):
        assert fitted.align(X[:2], [y[0], long])[1] is None


def test_no_transcript(digits):
    X, y, speakers = digits
    with pytest.warns(UserWarning, match="1 of 20 recordings were not trained on: utterance-00000: has no transcript"):
        quick().fit(X, ["", *y[1:]], speakers)
    with pytest.raises(ValueError, match="no utterance to train on"):
        quick().fit(X, [""] * 20)


def test_silence_and_clipping_are_named_and_used_all_the_same(fitted, digits):
    X, y, speakers = digits
    silence, clipped = np.zeros(8000, np.float32), np.clip(X[1] * 100, -1, 1)
    with pytest.warns(UserWarning, match=r"2 of 3 recordings are odd: utterance-00000: silence only.*00002: .*clips"):
        found = fitted.predict([silence, X[1], clipped])
    assert len(found) == 3
    with pytest.warns(UserWarning, match="utterance-00000: silence only"):
        model = quick().fit([silence, *X[1:]], y, speakers)
    assert np.isfinite(model.evaluate(X, y, speakers).wer)


def test_an_arpa_file_cut_short(digits, tmp_path):
    path = tmp_path / "cut.arpa"
    hs.speech.write_arpa(hs.speech.NGramModel.word_loop(set(digits[1])), path)
    path.write_text("\n".join(path.read_text().splitlines()[:8]))
    with pytest.raises(ValueError, match=r"cut.arpa.*line"):
        quick(lm=path).fit(*digits)


def test_a_language_model_of_other_words(digits, tmp_path):
    words = sorted(set(digits[1]))
    with pytest.warns(UserWarning, match="1 words of the transcripts are not in the language model .* 'zero'. Add"):
        model = quick(lm=hs.speech.NGramModel.word_loop(words[:-1])).fit(*digits)
    assert "zero" not in model.vocabulary_
    more = hs.speech.NGramModel.word_loop([*words, "ten"])
    with pytest.raises(ValueError, match="1 words that no transcript has, such as 'ten'; give a lexicon"):
        quick(lm=more).fit(*digits)
    with pytest.raises(OutOfLexiconError, match="'ten'"):
        quick(lm=more, lexicon=hs.datasets.DIGIT_PHONES).fit(*digits)


def test_the_word_for_unknown_ones_is_never_recognised(digits):
    words = sorted(set(digits[1]))
    probs = {(w,): np.log(1 / 12) for w in (*words, "<unk>", "</s>")}
    model = quick(lm=hs.speech.NGramModel(probs, unknown="<unk>")).fit(*digits)
    known = quick(lm=hs.speech.NGramModel({k: v for k, v in probs.items() if k != ("<unk>",)})).fit(*digits)
    assert model.predict(digits[0], digits[2]) == known.predict(digits[0], digits[2])


def test_an_arpa_file(digits, fitted, tmp_path):
    path = tmp_path / "whole.arpa"
    hs.speech.write_arpa(hs.speech.NGramModel.word_loop(set(digits[1])), path)
    assert quick(lm=path).fit(*digits).predict(digits[0], digits[2]) == fitted.predict(digits[0], digits[2])


@pytest.mark.parametrize(
    ("changed", "shown"),
    [
        ({"y": ["one"]}, "texts must be a list with one entry for each of the 20 recordings; got 1"),
        ({"speakers": ["a"] * 19}, "speakers must be a list with one entry for each of the 20 recordings; got 19"),
        ({"speakers": "ann"}, "speakers must be a list .* got one string"),
        ({"X": []}, "X is empty"),
    ],
)
def test_lists_of_other_lengths(digits, changed, shown):
    given = {**dict(zip(("X", "y", "speakers"), digits)), **changed}
    if changed.get("X") == []:
        given = {"X": []}
    with pytest.raises(ValueError, match=shown):
        quick().fit(**given)


def test_arrays_need_a_rate(digits):
    with pytest.raises(ValueError, match="give rate=8000"):
        quick(rate=None).fit(*digits)


@pytest.mark.parametrize(
    ("parameters", "shown"),
    [
        ({"acoustic": "hybird"}, "did you mean 'hybrid'"),
        ({"encoder": "tdn"}, "did you mean 'tdnn'"),
        ({"encoder": 3}, "a function of"),
        ({"features": "mfc"}, "did you mean 'mfcc'"),
        ({"normalize": "speakers"}, "did you mean 'speaker'"),
        ({"training": "mi"}, "training must be one of"),
        ({"prior": "count"}, "did you mean 'counts'"),
        ({"epochs": 0}, "epochs must be a whole number of at least 1"),
        ({"epochs": True}, "epochs must be a whole number"),
        ({"dropout": 1.0}, "dropout must be a number of at least 0 and below 1"),
        ({"learning_rate": -1}, "above 0"),
        ({"states_per_word": 0}, "at least 1"),
        ({"beam": 0}, "beam must be above 0"),
        ({"augment": 3}, "an Augmentation"),
        ({"realign": (1.5,)}, "realign must be a number above 0 and below 1"),
        ({"lm": True}, "lm must be None"),
        ({"lm": 0}, "at least 1"),
        ({"lexicon": 3}, "lexicon must be None"),
        ({"features": "given"}, "no utterance has any"),
    ],
)
def test_a_wrong_parameter_is_told(digits, parameters, shown):
    with pytest.raises(ValueError, match=shown):
        quick(**parameters).fit(*digits)


def test_a_failed_fit_leaves_the_model_as_it_was(fitted, digits):
    before = fitted.recognizer_
    with pytest.raises(ValueError):
        fitted.fit(digits[0], [""] * 20)
    assert fitted.recognizer_ is before


def test_a_warning_stands_at_the_callers_line(fitted, digits):
    with pytest.warns(UserWarning, match="silence only") as told:
        fitted.predict([np.zeros(8000, np.float32)])
    assert [warning.filename for warning in told] == [__file__]
