import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import hybridseq as hs
from tests.cli.results import last_line, one_error


def test_from_training_to_tags(command, files, small, tmp_path):
    folder = tmp_path / "new" / "model"
    result = command("train", "--train", files / "train.txt", "--dev", files / "test.txt", "--model", folder, *small)
    assert result.exit_code == 0, result.output
    assert last_line(result)["epochs"] == 2
    assert "held-out F1" in result.stderr and "held-out F1" not in result.stdout

    result = command("evaluate", "--model", folder, "--data", files / "test.txt")
    figures = last_line(result)
    X, y = hs.text.read_dataset(files / "test.txt")
    tagger = hs.load(folder)
    assert figures["f1"] == hs.metrics.span_f1(y, tagger.predict(X))
    for name in ("precision", "recall", "f1", "accuracy"):
        assert 0 <= figures[name] <= 1
    assert figures["tokens"] == sum(map(len, X))
    assert figures["illegal_transitions"] == 0
    assert figures["tokens_per_second"] > 0

    result = command("predict", "--model", folder, files / "test.txt")
    rows = [line.split("\t") for line in result.stdout.splitlines() if line]
    assert rows == [[w, t] for words, tags in zip(X, tagger.predict(X)) for w, t in zip(words, tags)]


def test_the_same_seed_gives_the_same_model(command, files, small, tmp_path):
    for name in ("a", "b"):
        command("train", "--train", files / "train.txt", "--model", tmp_path / name, "--seed", 3, *small, "--quiet")
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("a", "b")]
    assert weights[0] == weights[1]


def test_quiet_says_nothing(command, files, small, tmp_path):
    result = command("train", "--train", files / "train.txt", "--model", tmp_path / "m", *small, "-q")
    assert result.exit_code == 0 and result.stderr == ""


def test_info_is_json_when_asked(command, model):
    facts = json.loads(command("info", "--model", model, "--json").stdout)
    assert "B-destination" in facts["labels"]
    assert facts["encoder"] == "bilstm" and facts["constraint"] == "scheme('BIO')"
    assert facts["weights"] > 0 and facts["parameters"]["hidden_size"] == 16
    assert "B-destination" in command("info", "--model", model).stdout


def test_plain_sentences(command, model):
    result = command("predict", "--model", model, "--format", "text", stdin="leave Taipei\n\narrive in Rome\n")
    words = [[line.split("\t")[0] for line in block.splitlines()] for block in result.stdout.strip().split("\n\n")]
    assert words == [["leave", "Taipei"], ["arrive", "in", "Rome"]]


def test_probability_is_that_of_the_tag(command, model):
    result = command("predict", "--model", model, "--format", "text", "--probability", stdin="leave Taipei now\n")
    rows = [line.split("\t") for line in result.stdout.splitlines() if line]
    tagger = hs.load(model)
    marginals = tagger.predict_marginals([["leave", "Taipei", "now"]])[0]
    for row, (_, tag, probability) in zip(marginals, rows, strict=True):
        assert float(probability) == pytest.approx(row[np.flatnonzero(tagger.classes_ == tag)[0]], abs=1e-4)


def test_columns_are_kept_and_some_left_out(command, small, tmp_path):
    text = "".join(f"{w} x {w[:1]} {t}\n" for w, t in (("to", "O"), ("Rome", "B-city"))) + "\n"
    (tmp_path / "data").write_text(text * 6)
    names = "--columns", "word,_,pos,tag"
    command("train", "--train", tmp_path / "data", "--model", tmp_path / "m", *names, *small)
    result = command("predict", "--model", tmp_path / "m", tmp_path / "data", *names)
    assert result.stdout.splitlines()[1].split("\t")[:2] == ["Rome", "R"]
    assert (
        last_line(command("evaluate", "--model", tmp_path / "m", "--data", tmp_path / "data", *names))["tokens"] == 12
    )
    assert "4 fields" in one_error(command("evaluate", "--model", tmp_path / "m", "--data", tmp_path / "data"), 1)
    wrong = command("predict", "--model", tmp_path / "m", tmp_path / "data", "--columns", "word,tag")
    assert "trained on 2" in one_error(wrong, 1)


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["--set", "hiden_size=3"], "did you mean 'hidden_size'"),
        (["--set", "hidden_size"], "key=value"),
        (["--set", "hidden_size=[1]"], "number"),
        (["--set", "hidden_size=__import__('os')"], "must be a whole number"),
        (["--set", "dropout=high"], "dropout: must be a number"),
        (["--set", "num_layers=1.5"], "num_layers: must be a whole number"),
        (["--set", "batch_size=2.5"], "batch_size: must be a whole number"),
        (["--set", "dropout=2"], "dropout must be a number of at least 0 and below 1"),
        (["--set", "max_epochs=3"], "twice"),
        (["--encoder", "bilstn"], "did you mean 'bilstm'"),
        (["--objective", "logloss"], "did you mean 'log_loss'"),
    ],
)
def test_a_wrong_parameter_is_told_before_anything_is_read(command, tmp_path, words, shown):
    result = command("train", "--train", tmp_path / "none", "--model", tmp_path / "m", "--epochs", 1, *words)
    assert shown in one_error(result, 2)


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        (b"", "no sentence"),
        (b"a O\nb\n", "line 2"),
        (b"a O\nM\xfcnchen B-x\n", "iconv"),
        (b"a\nb\n", "at least 2"),
    ],
)
def test_a_failed_training_leaves_the_older_model(command, model, small, tmp_path, content, shown):
    hs.load(model).save(tmp_path / "m")
    before = {path.name: path.read_bytes() for path in (tmp_path / "m").iterdir()}
    (tmp_path / "bad.txt").write_bytes(content)
    error = one_error(command("train", "--train", tmp_path / "bad.txt", "--model", tmp_path / "m", *small), 1)
    assert "bad.txt" in error and shown in error
    assert {path.name: path.read_bytes() for path in (tmp_path / "m").iterdir()} == before


def test_a_folder_of_something_else_is_refused_before_training(command, files, tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    error = one_error(command("train", "--train", files / "train.txt", "--model", tmp_path), 2)
    assert "thesis.tex" in error


def test_missing_files_and_models(command, model, tmp_path):
    assert "none.txt" in one_error(command("train", "--train", tmp_path / "none.txt", "--model", tmp_path / "m"), 1)
    assert "none.txt" in one_error(command("predict", "--model", model, tmp_path / "none.txt"), 1)
    for name in ("info", "predict"):
        assert "no such folder" in one_error(command(name, "--model", tmp_path / "none"), 1)


def test_tags_that_training_never_saw(command, model, tmp_path):
    (tmp_path / "data").write_text("to O\n\nRome B-volcano\n")
    result = command("evaluate", "--model", model, "--data", tmp_path / "data")
    assert last_line(result)["unseen_labels"] == 1
    assert "line 3" in result.stderr and "B-volcano" in result.stderr
    assert "line 3" in one_error(command("evaluate", "--model", model, "--data", tmp_path / "data", "--strict"), 1)


def test_ctrl_c_saves_the_best_so_far(files, tmp_path):
    words = ["train", "--train", files / "train.txt", "--model", tmp_path / "m", "--epochs", 5000]
    words += ["--set", "hidden_size=16"]
    program = [sys.executable, "-c", "from hybridseq.cli import app; app()", *map(str, words)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        program, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        for line in process.stderr:
            if line.split()[:1] == ["2"]:
                break
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 0 and "Traceback" not in stderr
    assert 2 <= json.loads(stdout)["epochs"] < 5000
    assert hs.load(tmp_path / "m").best_epoch_ is not None
