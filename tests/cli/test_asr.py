"""Speech recognition on the command line, from a data folder to word errors."""

import json
import os
import signal
import subprocess
import sys

import pytest

import hybridseq as hs
from hybridseq.speech import Utterance, read_ctm, read_textgrid, write_folder
from tests.cli.results import last_line, one_error

SETTINGS = {
    "hidden_size": 32,
    "num_layers": 2,
    "dropout": 0.0,
    "gaussians": 1,
    "learning_rate": 0.02,
    "batch_frames": 300,
    "augment": "false",
    "realign": "[]",
    "states_per_word": 5,
    "word_penalty": -4,
}
SMALL = [word for name, value in SETTINGS.items() for word in ("--set", f"{name}={value}")] + ["--epochs", "6"]


def utterances(n=30, seed=0):
    X, y, speakers = hs.datasets.make_spoken_digits(n, speakers=["ann", "bob"], random_state=seed)
    return [
        Utterance(f"{s}-{i:02}", s, samples=x, rate=8000, words=w) for i, (x, w, s) in enumerate(zip(X, y, speakers))
    ]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_folder(utterances(), tmp_path_factory.mktemp("asr") / "data")


@pytest.fixture
def damaged(tmp_path):
    """A data folder with an empty file, a wrong rate, a text without audio, and an utterance without a speaker."""
    import soundfile

    folder = write_folder(utterances(), tmp_path / "damaged")
    lines = (folder / "wav.scp").read_text().splitlines()
    paths = [folder / line.split()[1] for line in lines]
    paths[0].write_bytes(b"")
    soundfile.write(paths[1], soundfile.read(paths[1])[0], 11025)
    soundfile.write(paths[2], soundfile.read(paths[2])[0] * 0, 8000)
    with open(folder / "text", "a") as stream:
        stream.write("nobody nine\n")
    speakers = (folder / "utt2spk").read_text().splitlines()
    (folder / "utt2spk").write_text("\n".join(speakers[:3] + speakers[4:]) + "\n")
    return folder


@pytest.fixture(scope="module")
def model(data, tmp_path_factory):
    """A saved model; do not write to it."""
    from typer.testing import CliRunner

    from hybridseq.cli import app

    folder = tmp_path_factory.mktemp("models") / "model"
    result = CliRunner().invoke(app, ["asr", "train", "--data", str(data), "--model", str(folder), *SMALL])
    assert result.exit_code == 0, result.output
    assert last_line(result)["utterances"] == 30 and last_line(result)["passes"] == 6
    assert "cross-entropy" in result.stderr and "cross-entropy" not in result.stdout
    assert sorted(path.name for path in folder.parent.iterdir()) == ["model"]
    return folder


def test_decoding_tells_hypotheses_and_errors(command, data, model, tmp_path):
    result = command("asr", "decode", "--data", data, "--model", model, "--out", tmp_path / "hyp")
    figures = last_line(result)
    assert result.stdout.count("\n") == 1
    recognizer, read = hs.load(model), hs.speech.read_folder(data)
    assert figures["wer"] == recognizer.evaluate(read).wer == figures["errors"] / figures["words"]
    assert figures["words"] == 30 and figures["wer"] < 0.5 and 0 < figures["real_time_factor"] < 1
    lines = (tmp_path / "hyp").read_text().splitlines()
    assert lines == [f"{u.id} {text}".strip() for u, text in zip(read, recognizer.predict(read))]

    result = command("asr", "decode", "--data", data, "--model", model, "-q")
    assert result.stdout.splitlines()[:-1] == lines and result.stderr == ""
    assert {**last_line(result), "real_time_factor": 0} == {**figures, "real_time_factor": 0}


def test_decoding_without_references_tells_hypotheses_only(command, model, tmp_path):
    folder = write_folder([u.with_words(None) for u in utterances(4)], tmp_path / "data")
    result = command("asr", "decode", "--data", folder, "--model", model)
    assert [line.split()[0] for line in result.stdout.splitlines()] == [u.id for u in utterances(4)]


def test_the_search_can_be_set(command, data, model):
    many = last_line(command("asr", "decode", "--data", data, "--model", model, "--set", "word_penalty=20"))
    assert many["insertions"] > 0
    wrong = command("asr", "decode", "--data", data, "--model", model, "--set", "beam=wide")
    assert "beam: must be a number" in one_error(wrong, 2)
    assert "above 0" in one_error(command("asr", "decode", "--data", data, "--model", model, "--set", "beam=0"), 2)


def test_scoring_two_files(command, data, model, tmp_path):
    found = last_line(command("asr", "decode", "--data", data, "--model", model, "--out", tmp_path / "hyp"))
    result = command("asr", "score", "--data", data, "--hyp", tmp_path / "hyp")
    figures = last_line(result)
    assert figures["wer"] == found["wer"] and set(figures["by_speaker"]) == {"ann", "bob"}
    low, high = figures["interval"]
    assert 0 <= low <= figures["wer"] <= high <= 1
    assert "ann" in result.stderr

    lines = (data / "text").read_text().splitlines()
    (tmp_path / "hyp").write_text("\n".join([*lines[1:], "stranger nine"]))
    result = command("asr", "score", "--ref", data / "text", "--hyp", tmp_path / "hyp")
    assert last_line(result)["deletions"] == last_line(result)["errors"] == 1
    assert lines[0].split()[0] in result.stderr and "stranger" in result.stderr
    direct = last_line(command("asr", "score", "--data", data, "--model", model, "-q"))
    assert direct == figures
    assert "--model DIR" in one_error(command("asr", "score", "--data", data), 2)
    assert "one of them" in one_error(command("asr", "score", "--hyp", tmp_path / "hyp"), 2)
    (tmp_path / "hyp").write_text("a b\na c\n")
    repeated = command("asr", "score", "--data", data, "--hyp", tmp_path / "hyp")
    assert "line 2" in one_error(repeated, 1)


def test_alignments_as_ctm_and_textgrids(command, data, model, tmp_path):
    result = command("asr", "align", "--data", data, "--model", model)
    (tmp_path / "ctm").write_text(result.stdout)
    read = hs.speech.read_folder(data)
    wanted = hs.load(model).align(read)
    for found, alignment in zip(read_ctm(tmp_path / "ctm"), wanted, strict=True):
        assert found.id == alignment.id
        assert [w.label for w in found.words] == [w.label for w in alignment.words]
    place = tmp_path / "grids"
    command("asr", "align", "--data", data, "--model", model, "--format", "textgrid", "--out", place)
    assert read_textgrid(place / f"{read[0].id}.TextGrid").words == wanted[0].words
    result = command("asr", "align", "--data", data, "--model", model, "--format", "textgrid")
    assert "--out" in one_error(result, 2)
    result = command("asr", "align", "--data", data, "--model", model, "--level", "phones")
    assert "--lexicon" in one_error(result, 2)


def test_the_same_seed_gives_the_same_model(command, data, model, tmp_path):
    command("asr", "train", "--data", data, "--model", tmp_path / "a", *SMALL, "--seed", 0, "-q")
    command("asr", "train", "--data", data, "--model", tmp_path / "b", *SMALL, "--seed", 1, "-q")
    weights = [(folder / "model.safetensors").read_bytes() for folder in (model, tmp_path / "a", tmp_path / "b")]
    assert weights[0] == weights[1] != weights[2]


def test_a_lexicon_and_a_language_model(command, data, tmp_path):
    phones = hs.datasets.spoken_digits.DIGIT_PHONES
    hs.speech.Lexicon({w: list(p) for w, p in phones.items()}).write(tmp_path / "lexicon")
    options = ["--lexicon", tmp_path / "lexicon", "--lm", 1, "--acoustic", "gmm", "--dev", data]
    result = command("asr", "train", "--data", data, "--model", tmp_path / "m", *options)
    assert result.exit_code == 0, result.output
    recognizer = hs.load(tmp_path / "m")
    assert recognizer.recognizer_.lexicon == hs.speech.Lexicon.read(tmp_path / "lexicon")
    assert recognizer.recognizer_.grammar.order == 1 and recognizer.tuning_


def test_decoding_with_another_language_model(command, data, model, tmp_path):
    hs.speech.write_arpa(hs.speech.NGramModel.word_loop(["one", "nine"]), tmp_path / "arpa")
    result = command("asr", "decode", "--data", data, "--model", model, "--lm", tmp_path / "arpa", "-q")
    assert {word for line in result.stdout.splitlines()[:-1] for word in line.split()[1:]} == {"one", "nine"}
    hs.speech.write_arpa(hs.speech.NGramModel.word_loop(["one", "ten"]), tmp_path / "arpa")
    result = command("asr", "decode", "--data", data, "--model", model, "--lm", tmp_path / "arpa")
    assert "'ten'" in one_error(result, 1)
    hs.speech.Lexicon({"one": ["W"]}).write(tmp_path / "lexicon")
    result = command("asr", "align", "--data", data, "--model", model, "--lexicon", tmp_path / "lexicon")
    assert "the phone 'W'" in one_error(result, 1)


def test_preparing_caches_features_to_train_on(command, data, tmp_path):
    folder = write_folder(utterances(), tmp_path / "data")
    result = command("asr", "prepare", "--data", folder)
    assert last_line(result)["width"] == 39 and last_line(result)["problems"] == 0
    assert (folder / "feats.npz").is_file()
    options = ["--set", "features=given", "--acoustic", "gmm", "--set", "states_per_word=4"]
    result = command("asr", "train", "--data", folder, "--model", tmp_path / "given", *options, "-q")
    assert result.exit_code == 0, result.output
    command("asr", "train", "--data", folder, "--model", tmp_path / "audio", *options[2:], "-q")
    told = [
        command("asr", "decode", "--data", folder, "--model", tmp_path / name, "-q").stdout.splitlines()[:-1]
        for name in ("given", "audio")
    ]
    assert told[0] == told[1]


def test_preparing_for_a_model_takes_its_features(command, data, tmp_path):
    options = ["--acoustic", "gmm", "--set", "features=fbank", "--set", "states_per_word=4", "-q"]
    command("asr", "train", "--data", data, "--model", tmp_path / "m", *options)
    place = tmp_path / "feats.npz"
    for model, width in ((tmp_path / "m", 120), (tmp_path / "none", 39)):
        result = command("asr", "prepare", "--data", data, "--model", model, "--out", place)
        assert last_line(result)["width"] == width, result.output
    result = command("asr", "prepare", "--data", data, "--model", tmp_path / "m", "--features", "mfcc", "--out", place)
    assert last_line(result)["width"] == 39


def test_what_is_wrong_with_a_folder_is_told_by_file_and_line(command, damaged):
    result = command("asr", "prepare", "--data", damaged, "--check")
    assert result.exit_code == 0, result.output
    for place, reason in (("wav.scp:1:", "0 bytes"), ("wav.scp:2:", "11025"), ("text:31:", "nobody"), ("utt2spk:", "")):
        assert any(place in line and reason in line for line in result.stderr.splitlines()), place
    assert any(line.startswith("warning:") and "silence" in line for line in result.stderr.splitlines())
    assert last_line(result) == {"utterances": 27, "problems": 4, "warnings": 1}
    assert "4 problems" in one_error(command("asr", "prepare", "--data", damaged, "--check", "--strict"), 1)


def test_the_rest_of_a_damaged_folder_is_used(command, damaged, model, tmp_path):
    result = command("asr", "train", "--data", damaged, "--model", tmp_path / "m", *SMALL)
    assert last_line(result)["utterances"] == 27 and "wav.scp:1" in result.stderr
    result = command("asr", "decode", "--data", damaged, "--model", model, "--out", tmp_path / "hyp")
    figures = last_line(result)
    assert figures["words"] == figures["utterances"] == 30 and figures["unreadable"] == 3
    assert "problem: " in result.stderr and "nobody" in result.stderr
    lines = (tmp_path / "hyp").read_text().splitlines()
    assert len(lines) == 30 and all(len(line.split()) == 1 for line in lines[-3:])
    assert sum(len(line.split()) == 1 for line in lines) == figures["deletions"]
    (tmp_path / "text").write_text("".join((damaged / "text").read_text().splitlines(True)[:30]))
    scored = command("asr", "score", "--ref", tmp_path / "text", "--hyp", tmp_path / "hyp")
    assert last_line(scored)["wer"] == figures["wer"]
    assert "wav.scp, line 1" in one_error(command("asr", "decode", "--data", damaged, "--model", model, "--strict"), 1)


def test_an_utterance_outside_the_lexicon_is_named(command, data, tmp_path):
    phones = hs.datasets.spoken_digits.DIGIT_PHONES
    hs.speech.Lexicon({w: list(p) for w, p in phones.items() if w != "six"}).write(tmp_path / "lexicon")
    options = ["--lexicon", tmp_path / "lexicon", "--acoustic", "gmm"]
    result = command("asr", "train", "--data", data, "--model", tmp_path / "m", *options)
    assert last_line(result)["left_out"] == 2
    assert any(line.startswith("warning: 2 of 30") and "'six'" in line for line in result.stderr.splitlines())


@pytest.mark.parametrize(
    ("words", "code", "shown"),
    [
        (["--set", "epoch=3"], 2, "did you mean 'epochs'"),
        (["--set", "epochs"], 2, "key=value"),
        (["--set", "epochs=many"], 2, "whole number"),
        (["--epochs", "3", "--set", "epochs=3"], 2, "twice"),
        (["--encoder", "tdn"], 2, "did you mean 'tdnn'"),
        (["--lm", "none.arpa"], 1, "none.arpa"),
        (["--lexicon", "none.txt"], 1, "none.txt"),
        (["--data", "nowhere"], 1, "nowhere"),
    ],
)
def test_a_wrong_command_is_one_line(command, data, tmp_path, words, code, shown):
    result = command("asr", "train", "--data", data, "--model", tmp_path / "m", "-q", *words)
    assert shown in one_error(result, code)
    assert not (tmp_path / "m").exists()


def test_another_model_is_refused(command, data, tmp_path):
    X, y = hs.datasets.make_ticket_booking(10, random_state=0)
    hs.SequenceTagger(max_epochs=1, hidden_size=8, random_state=0, verbose=0).fit(X, y).save(tmp_path / "tagger")
    error = one_error(command("asr", "decode", "--data", data, "--model", tmp_path / "tagger"), 2)
    assert "SequenceTagger" in error


def test_ctrl_c_keeps_the_model_and_the_same_command_goes_on(command, data, tmp_path):
    words = ["asr", "train", "--data", data, "--model", tmp_path / "m", *SMALL[:-1], 300]
    program = [sys.executable, "-c", "from hybridseq.cli import app; app()", *map(str, words)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        program, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        for line in process.stderr:
            if line.startswith("cross-entropy") and line.split()[1] == "3/300":
                break
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 0 and "Traceback" not in stderr, stderr
    assert json.loads(stdout)["interrupted"] and 2 <= json.loads(stdout)["passes"] < 300
    assert hs.load(tmp_path / "m").interrupted_
    assert (tmp_path / "m.training").is_dir()

    changed = command("asr", "train", "--data", data, "--model", tmp_path / "m", *SMALL[:-1], 7)
    assert "other schedule" in one_error(changed, 1)
    result = command("asr", "train", "--data", data, "--model", tmp_path / "m", *SMALL, "--restart")
    assert last_line(result)["passes"] == 6 and not (tmp_path / "m.training").exists()


def test_an_interrupted_training_ends_as_an_uninterrupted_one(command, data, model, tmp_path, monkeypatch):
    from hybridseq.speech.acoustic.checkpoint import Checkpoint

    keep, left = Checkpoint.keep, [2]

    def kill(self, *args):
        keep(self, *args)
        left[0] -= 1
        if not left[0]:
            raise SystemExit(9)

    monkeypatch.setattr(Checkpoint, "keep", kill)
    words = ["asr", "train", "--data", data, "--model", tmp_path / "m", *SMALL]
    assert command(*words).exit_code == 9 and not (tmp_path / "m").exists()
    monkeypatch.setattr(Checkpoint, "keep", keep)
    (tmp_path / "m.training" / ".cross-entropy-x.part").write_bytes(b"power cut")
    result = command(*words)
    assert "goes on after 2 passes" in result.stderr
    weights = [(folder / "model.safetensors").read_bytes() for folder in (model, tmp_path / "m")]
    assert weights[0] == weights[1] and not (tmp_path / "m.training").exists()


def test_info_tells_of_a_recogniser(command, model):
    facts = json.loads(command("info", "--model", str(model), "--json").stdout)
    assert facts["estimator"] == "SpeechRecognizer" and facts["words"] == 10 and facts["weights"] > 0
    assert "scales" in command("info", "--model", str(model)).stdout


@pytest.mark.parametrize("words", [["evaluate", "--data", "x"], ["predict"]])
def test_a_recogniser_is_no_tagger(command, model, words):
    assert "hybridseq asr" in one_error(command(*words, "--model", str(model)), 2)
