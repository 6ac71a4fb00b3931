import io
import itertools
import os
import subprocess
import sys

import numpy as np

from hybridseq.cli.stream import chunks, read, tag_stream


class Held(list):
    """A sentence that is counted while it lives."""

    alive = 0

    def __init__(self, tokens):
        super().__init__(tokens)
        Held.alive += 1

    def __del__(self):
        Held.alive -= 1


class CountingTagger:
    """Tags at once, and notes how many sentences there were at a time."""

    classes_ = np.array(["O"])

    def __init__(self):
        self.most = 0

    def predict(self, X):
        self.most = max(self.most, Held.alive)
        return [["O"] * len(sentence) for sentence in X]


class Sink(io.TextIOBase):
    """Keeps nothing of what is written, but its size and whether it was in order."""

    def __init__(self):
        self.size, self.next, self.held, self.most = 0, 0, 0, 0

    def write(self, text):
        for line in text.splitlines():
            if line:
                assert line == f"w{self.next} O".replace(" ", "\t")
                self.next += 1
        self.size += len(text)
        self.held += len(text)
        self.most = max(self.most, self.held)
        return len(text)

    def flush(self):
        self.held = 0


def lines(sentences, length):
    """Megabytes of column text, made as they are read."""
    numbers = itertools.count()
    for _ in range(sentences):
        for _ in range(length):
            yield f"w{next(numbers)} B-gold\n"
        yield "\n"


def test_a_big_input_is_never_held():
    sentences, length, limit = 30_000, 10, 2_000
    tagger, sink = CountingTagger(), Sink()
    stream = (Held(sentence) for sentence in read(lines(sentences, length), "columns", ["word", "tag"], 100))
    count = tag_stream(tagger, stream, sink, limit=limit)
    assert count == (sentences, sentences * length)
    assert sink.next == sentences * length and sink.size > 2_000_000
    # A chunk is held, and that before it at most until the next is there.
    assert tagger.most <= 2 * limit / length + 1
    assert sink.most < sink.size / 50


def test_nothing_is_read_ahead():
    taken = []

    def source():
        for i in range(10):
            taken.append(i)
            yield ["a", "b"]

    stream = chunks(source(), 4)
    assert len(next(stream)) == 2
    assert taken == [0, 1]
    assert [len(chunk) for chunk in stream] == [2, 2, 2, 2]


def test_a_sentence_beyond_the_limit_is_an_error(command, model):
    for form in ("columns", "text"):
        text = "a\n" * 30 if form == "columns" else "a " * 30
        result = command("predict", "--model", model, "--format", form, "--max-tokens", 20, stdin=text)
        assert result.exit_code == 1 and "20" in result.stderr and "Traceback" not in result.output


def test_output_is_whole_or_not_there(command, model, tmp_path):
    (tmp_path / "in").write_text("a\nb\n\nc d e\n")
    result = command("predict", "--model", model, tmp_path / "in", "--output", tmp_path / "out")
    assert result.exit_code == 1 and "line 4" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
    (tmp_path / "in").write_text("a\nb\n")
    command("predict", "--model", model, tmp_path / "in", "--output", tmp_path / "in")
    assert (tmp_path / "in").read_text().startswith("a\t")
    result = command("predict", "--model", model, tmp_path / "in", "--output", tmp_path / "nowhere" / "out")
    assert result.exit_code == 2 and "nowhere is not there" in result.stderr


def test_a_pipe_that_closes_early_is_no_error(model, tmp_path):
    (tmp_path / "in").write_text("leave\nTaipei\n\n" * 60_000)
    program = [
        sys.executable,
        "-c",
        "from hybridseq.cli import app; app()",
        "predict",
        "--model",
        model,
        tmp_path / "in",
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        first = process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read()
    assert first.startswith("leave\t")
    assert process.returncode == 0 and errors == ""
