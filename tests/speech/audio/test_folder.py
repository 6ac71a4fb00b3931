"""Data folders: what is written is read again, and everything wrong is named by file and line."""

import numpy as np
import pytest
import soundfile

from hybridseq.speech.audio import Utterance, check_folder, read_folder, seconds, write_folder
from hybridseq.text.errors import DataError

RATE = 8000


def tone(n=800, size=0.3, seed=0):
    return (size * np.random.default_rng(seed).uniform(-1, 1, n)).astype(np.float32)


def wav(path, samples=None, rate=RATE, **options):
    soundfile.write(path, tone() if samples is None else samples, rate, **options)


@pytest.fixture
def folder(tmp_path):
    """Two good utterances of two speakers."""
    for name in "ab":
        wav(tmp_path / f"{name}.wav")
    (tmp_path / "wav.scp").write_text("a a.wav\nb b.wav\n")
    (tmp_path / "text").write_text("a one two\nb three\n")
    (tmp_path / "utt2spk").write_text("a ann\nb bob\n")
    return tmp_path


def problems(folder, **options):
    return [(p.file, p.line, p.kind) for p in check_folder(folder, **options).problems]


def usable(folder, **options):
    return [u.id for u in check_folder(folder, **options).utterances]


def test_a_good_folder(folder):
    report = check_folder(folder, samples=True)
    assert not report.problems and not report.warnings
    first, second = report.utterances
    assert (first.id, first.speaker, first.words) == ("a", "ann", ("one", "two"))
    assert second.source == f"{folder / 'wav.scp'}:2"
    samples, rate = first.load()
    np.testing.assert_allclose(samples, tone(), atol=1 / 32768)
    assert rate == RATE
    assert read_folder(folder, strict=True)[1].words == ("three",)


@pytest.mark.parametrize("what", ["audio", "features", "both"])
def test_what_is_written_is_read_again(tmp_path, what):
    random = np.random.default_rng(0)
    given = []
    for i, name in enumerate(["x/1", "file", "ü%"]):
        audio = {} if what == "features" else {"samples": tone(500 + i, seed=i), "rate": RATE}
        features = {} if what == "audio" else {"features": random.normal(size=(4 + i, 3)).astype(np.float32)}
        given.append(Utterance(name, speaker="s", words=["für", "b"], **audio, **features))
    write_folder(given, tmp_path / "data")
    found = read_folder(tmp_path / "data", strict=True)
    assert [(u.id, u.speaker, u.words) for u in found] == [(u.id, u.speaker, u.words) for u in given]
    for before, after in zip(given, found, strict=True):
        if what != "features":
            np.testing.assert_allclose(after.load()[0], before.samples, atol=1 / 32768)
            assert seconds(after) == seconds(before) == len(before.samples) / RATE
        if what != "audio":
            np.testing.assert_array_equal(after.features, before.features)
    assert [entry.name for entry in tmp_path.iterdir()] == ["data"]


def test_a_failed_write_leaves_the_old_folder_alone(folder):
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    good, loud = Utterance("a", samples=tone(), rate=RATE), Utterance("b", samples=4 * tone(), rate=RATE)
    with pytest.raises(FileExistsError, match="overwrite=True"):
        write_folder([good], folder)
    with pytest.raises(ValueError, match="utterance b: samples reach"):
        write_folder([good, loud], folder, overwrite=True)
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before
    write_folder([good], folder, overwrite=True)
    assert usable(folder) == ["a"]


def test_other_folders_are_never_replaced(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(FileExistsError, match="no data folder"):
        write_folder([Utterance("a", samples=tone(), rate=RATE)], tmp_path, overwrite=True)


@pytest.mark.parametrize(
    "utterances, message",
    [
        ([Utterance("a", samples=tone(), rate=RATE)] * 2, "'a' stands twice"),
        ([Utterance("a", words="b")], "no utterance has audio"),
        ([Utterance(i, samples=tone(), rate=RATE, words=w) for i, w in (("a", "one"), ("b", None))], "1 of 2 .* words"),
    ],
)
def test_what_cannot_be_written(tmp_path, utterances, message):
    with pytest.raises(ValueError, match=message):
        write_folder(utterances, tmp_path / "data")
    assert not list(tmp_path.iterdir())


def test_segments_cut_recordings(folder):
    (folder / "segments").write_text("u1 a 0.01 0.05\nu2 a 0.05 -1\nu3 b 0 0.1\n")
    (folder / "text").write_text("u1 one\nu2 two\nu3 three\n")
    (folder / "utt2spk").write_text("u1 s\nu2 s\nu3 s\n")
    found = read_folder(folder, strict=True)
    np.testing.assert_allclose(found[0].load()[0], tone()[80:400], atol=1 / 32768)
    np.testing.assert_allclose(found[1].load()[0], tone()[400:], atol=1 / 32768)
    assert [seconds(u) for u in found] == pytest.approx([0.04, 0.05, 0.1])


@pytest.mark.parametrize(
    "line, kind",
    [
        ("c a 0.05 0.01", "segment"),
        ("c a 0.05 9", "segment"),
        ("c a 0.05 nan", "segment"),
        ("c a 0.05", "format"),
        ("c a x 0.05", "format"),
        ("c z 0 0.05", "unknown_id"),
    ],
)
def test_bad_segments_are_named_and_the_others_used(folder, line, kind):
    (folder / "segments").write_text(f"u a 0 0.1\n{line}\n")
    (folder / "text").write_text("u one\nc two\n")
    (folder / "utt2spk").write_text("u s\nc s\n")
    assert problems(folder) == [("segments", 2, kind)]
    assert usable(folder) == ["u"]


def bad_audio(kind, path):
    if kind == "unreadable":
        path.write_bytes(b"RIFF is not enough")
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "no_samples":
        wav(path, np.zeros(0))
    elif kind == "channels":
        wav(path, np.zeros((100, 2)))
    elif kind == "rate":
        wav(path, rate=16000)
    elif kind == "not_finite":
        wav(path, np.array([0.1, np.nan] * 200), subtype="FLOAT")


@pytest.mark.parametrize("kind", ["missing", "unreadable", "empty", "no_samples", "channels", "rate", "not_finite"])
def test_bad_audio_is_named_and_the_others_used(folder, kind):
    wav(folder / "d.wav")
    bad_audio(kind, folder / "c.wav")
    (folder / "wav.scp").write_text("a a.wav\nc c.wav\nb b.wav\nd d.wav\n")
    for file in ("text", "utt2spk"):
        (folder / file).write_text("".join(f"{id} x\n" for id in "abcd"))
    expected = {"no_samples": "empty"}.get(kind, kind)
    assert problems(folder, samples=True) == [("wav.scp", 2, expected)]
    assert usable(folder, samples=True) == ["a", "b", "d"]
    if kind == "channels":
        assert usable(folder, channel="mean", samples=True) == ["a", "c", "b", "d"]
    if kind == "missing":
        assert "c.wav" in check_folder(folder).problems[0].message


def test_commands_are_refused_and_never_run(folder):
    (folder / "wav.scp").write_text(f"a touch {folder}/ran; cat a.wav |\nb b.wav\n")
    assert ("wav.scp", 1, "command") in problems(folder)
    assert usable(folder) == ["b"] and not (folder / "ran").exists()


@pytest.mark.parametrize(
    "file, text, expected",
    [
        ("text", "a one\nb two\na three\n", ("text", 3, "duplicate")),
        ("utt2spk", "a ann\nb bob\na bob\n", ("utt2spk", 3, "duplicate")),
        ("text", "a\nb two\n", ("text", 1, "empty_text")),
        ("text", "b two\n", ("text", 0, "no_text")),
        ("utt2spk", "b bob\n", ("utt2spk", 0, "no_speaker")),
        ("utt2spk", "a\nb bob\n", ("utt2spk", 1, "format")),
    ],
)
def test_lines_that_spoil_one_utterance(folder, file, text, expected):
    (folder / file).write_text(text)
    assert problems(folder)[0] == expected
    assert usable(folder) == ["b"]


def test_ids_without_audio_are_named_and_spoil_nothing(folder):
    (folder / "text").write_text("a one\nb two\nz three\n")
    assert problems(folder) == [("text", 3, "unknown_id")]
    assert usable(folder) == ["a", "b"]


def test_bad_utf8(folder):
    (folder / "text").write_bytes("\ufeffa one\n".encode() + b"b caf\xe9\n")
    assert problems(folder)[0] == ("text", 2, "encoding")
    assert usable(folder) == ["a"]


def test_order_and_line_ends_do_not_matter(folder):
    (folder / "text").write_bytes(b"b three\r\n\r\na one two\r\n")
    assert [u.words for u in read_folder(folder, strict=True)] == [("one", "two"), ("three",)]


def test_the_speaker_list_is_compared(folder):
    (folder / "spk2utt").write_text("ann a b\n")
    report = check_folder(folder)
    assert [(p.file, p.line, p.kind, p.id) for p in report.problems] == [("spk2utt", 1, "speakers", "b")]
    assert [u.speaker for u in report.utterances] == ["ann", "bob"]
    (folder / "spk2utt").write_text("ann a\n")
    (problem,) = check_folder(folder).problems
    assert (problem.file, problem.kind) == ("spk2utt", "speakers") and "1 of the 2 ids" in problem.message
    assert "'b'" in problem.message and usable(folder) == ["a", "b"]


def test_a_speaker_of_two_words_is_a_warning(folder):
    (folder / "utt2spk").write_text("a ann one\nb bob\n")
    report = check_folder(folder)
    assert [(w.file, w.line, w.kind) for w in report.warnings] == [("utt2spk", 1, "speakers")]
    assert not report.problems and usable(folder) == ["a", "b"]


def test_what_is_left_out_keeps_its_words(folder):
    (folder / "a.wav").write_bytes(b"")
    (folder / "text").write_text("a one two\nb three\nz four\n")
    assert check_folder(folder).left_out == {"a": ("one", "two")}
    (folder / "text").write_text("b three\n")
    assert check_folder(folder).left_out == {"a": None}
    (folder / "segments").write_text("s a 0 0.05\nt b 0 0.05\nu b 0 9\n")
    (folder / "text").write_text("s one\nt two\nu three\n")
    (folder / "utt2spk").write_text("s ann\nt ann\nu ann\n")
    report = check_folder(folder)
    assert [u.id for u in report.utterances] == ["t"] and report.left_out == {"s": ("one",), "u": ("three",)}


def test_without_speakers_each_utterance_is_its_own(folder):
    (folder / "utt2spk").unlink()
    report = check_folder(folder)
    assert not report.problems and [w.kind for w in report.warnings] == ["no_speakers"]
    assert [u.speaker for u in report.utterances] == ["a", "b"]


def test_without_text_there_are_no_words(folder):
    (folder / "text").unlink()
    assert [u.words for u in read_folder(folder, strict=True)] == [None, None]


def test_bad_arrays_are_named_and_the_others_used(tmp_path):
    good = np.ones((4, 3), np.float32)
    arrays = {"a": good, "b": np.ones((4, 2)), "c": np.ones(3), "d": np.zeros((0, 3)), "e": good * np.nan, "f": good}
    np.savez(tmp_path / "feats.npz", **arrays, g=np.array([{}]))
    (tmp_path / "utt2spk").write_text("".join(f"{id} s\n" for id in "abcdefg"))
    report = check_folder(tmp_path)
    found = {p.id: p.kind for p in report.problems}
    assert found == {"b": "width", "c": "format", "d": "empty", "e": "not_finite", "g": "unreadable"}
    assert [u.id for u in report.utterances] == ["a", "f"]


@pytest.mark.parametrize("content", [b"", b"PK but no archive", b"\x93NUMPY"])
def test_an_archive_that_is_none(tmp_path, content):
    (tmp_path / "feats.npz").write_bytes(content)
    assert [(f, k) for f, _, k in problems(tmp_path)] == [("feats.npz", "unreadable")]


def test_features_and_audio_must_name_the_same(folder):
    np.savez(folder / "feats.npz", a=np.ones((4, 3)), z=np.ones((4, 3)))
    assert problems(folder) == [("wav.scp", 2, "no_audio"), ("feats.npz", 0, "no_audio")]
    assert usable(folder) == ["a"]


def test_silence_and_clipping_are_warnings(folder):
    wav(folder / "a.wav", np.zeros(800))
    wav(folder / "b.wav", np.clip(5 * tone(), -1, 1))
    report = check_folder(folder, samples=True)
    assert [(w.line, w.kind) for w in report.warnings] == [(1, "silence"), (2, "clipping")]
    assert len(report.utterances) == 2


def test_a_file_cut_short_is_a_warning_unless_its_writer_did_not_know_the_length(folder):
    whole = (folder / "a.wav").read_bytes()
    (folder / "a.wav").write_bytes(whole[:900])
    report = check_folder(folder)
    assert [(w.line, w.kind) for w in report.warnings] == [(1, "cut_short")]
    assert f"promises {len(whole)} bytes, 900" in report.warnings[0].message and usable(folder) == ["a", "b"]
    for unknown in (0, 0x7FFFFFFF, 0xFFFFFFFF):
        (folder / "a.wav").write_bytes(whole[:4] + unknown.to_bytes(4, "little") + whole[8:])
        assert not check_folder(folder).warnings


def test_odd_lengths_are_warnings_that_headers_tell(folder):
    wav(folder / "a.wav", np.zeros(150))
    wav(folder / "b.wav", np.zeros(601 * 1000), rate=1000)
    (folder / "wav.scp").write_text("a a.wav\n")
    assert [(w.line, w.kind) for w in check_folder(folder).warnings] == [(1, "too_short")]
    (folder / "wav.scp").write_text("b b.wav\n")
    assert [(w.line, w.kind) for w in check_folder(folder).warnings] == [(1, "too_long")]
    (folder / "segments").write_text("a b 0 600.5\nb b 3 3.02\n")
    assert [(w.file, w.line, w.kind) for w in check_folder(folder).warnings] == [
        ("segments", 1, "too_long"),
        ("segments", 2, "too_short"),
    ]


def test_strict_raises_the_first_problem_and_counts_the_others(folder):
    (folder / "text").write_text("a\nb\n")
    with pytest.raises(DataError, match=r"text, line 1: .* 'a'.*\(1 more problems"):
        read_folder(folder, strict=True)


def test_leaving_out_is_said(folder):
    (folder / "text").write_text("a\nb two\n")
    with pytest.warns(UserWarning, match="1 problems; 1 utterances are usable. The first: text:1"):
        assert [u.id for u in read_folder(folder)] == ["b"]


def test_nothing_there(tmp_path):
    with pytest.raises(DataError, match=r"wav\.scp: is missing, and so is feats\.npz"):
        read_folder(tmp_path)
    with pytest.raises(DataError, match="is no folder"):
        read_folder(tmp_path / "nowhere")
