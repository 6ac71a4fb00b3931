import json

import numpy as np
import pytest
import torch

import hybridseq as hs
from hybridseq.estimators import persistence
from hybridseq.estimators.persistence import ModelFolderError, _digest


@pytest.fixture
def folder(fitted, tmp_path):
    fitted.save(tmp_path / "model")
    return tmp_path / "model"


def test_a_loaded_model_is_the_saved_one(fitted, folder, sentences):
    loaded = hs.load(folder)
    X, _ = sentences
    assert loaded.predict(X) == fitted.predict(X)
    for ours, theirs in zip(loaded.predict_marginals(X), fitted.predict_marginals(X), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert loaded.get_params() == fitted.get_params()
    assert (loaded.history_, loaded.best_epoch_) == (fitted.history_, fitted.best_epoch_)
    assert loaded.constraint_ == fitted.constraint_ and loaded.scheme_ == "BIO"
    loaded.partial_fit(*sentences)


@pytest.mark.parametrize("dense", [False, True])
def test_columns_and_vectors_survive(dense, quick, tmp_path):
    random = np.random.default_rng(0)
    X = [random.normal(5, 3, (3, 4)) for _ in range(9)] if dense else [[("a", "N"), ("b", "V"), ("c", "N")]] * 9
    tagger = hs.SequenceTagger(**quick, constraint=None).fit(X, [["x", "y", "x"]] * 9)
    tagger.save(tmp_path / "m")
    for ours, theirs in zip(hs.load(tmp_path / "m").predict_marginals(X), tagger.predict_marginals(X), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_loading_leaves_the_random_state_alone(folder):
    before = torch.random.get_rng_state()
    hs.load(folder)
    assert torch.equal(before, torch.random.get_rng_state())


def test_a_model_replaces_a_model_and_nothing_is_left_over(fitted, folder):
    fitted.save(folder)
    assert [p.name for p in folder.parent.iterdir()] == ["model"]
    assert sorted(p.name for p in folder.iterdir()) == ["model.json", "model.safetensors"]


def test_a_save_that_fails_leaves_the_old_model(fitted, folder, sentences, monkeypatch):
    wanted = fitted.predict(sentences[0])
    before = {p.name: p.read_bytes() for p in folder.iterdir()}

    def fail(path, content):
        path.write_bytes(content[:10])
        raise OSError("disk full")

    monkeypatch.setattr(persistence, "_write", fail)
    with pytest.raises(OSError, match="disk full"):
        fitted.save(folder)
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before
    assert [p.name for p in folder.parent.iterdir()] == ["model"]
    assert hs.load(folder).predict(sentences[0]) == wanted


def test_other_peoples_files_are_not_overwritten(fitted, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("x")
    (tmp_path / "file").write_text("x")
    for name in ("mine", "file"):
        with pytest.raises(ModelFolderError, match="not a model folder"):
            fitted.save(tmp_path / name)
    assert (tmp_path / "mine" / "thesis.tex").exists() and (tmp_path / "file").read_text() == "x"


def change_card(folder, **changes):
    card = json.loads((folder / "model.json").read_text())
    card.update(changes)
    (folder / "model.json").write_text(json.dumps(card))


def rewrite_card(folder, change):
    """Changed as a program of another version could have written it: with the right sum."""
    card = json.loads((folder / "model.json").read_text())
    del card["sha256"]
    change(card)
    card["sha256"] = _digest(card)
    (folder / "model.json").write_text(json.dumps(card))


def flip(path):
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda f: (f / "model.json").unlink(), "model.json is missing"),
        (lambda f: (f / "model.safetensors").unlink(), "model.safetensors is missing"),
        (lambda f: (f / "model.json").write_bytes((f / "model.json").read_bytes()[:99]), "is not whole"),
        (lambda f: (f / "model.safetensors").write_bytes(b"1234"), "truncated or altered"),
        (lambda f: flip(f / "model.safetensors"), "truncated or altered"),
        (lambda f: change_card(f, estimator="Other"), "altered after saving"),
        (lambda f: change_card(f, format_version=99), "has format 99, but this version reads up to"),
        (lambda f: rewrite_card(f, lambda card: card.pop("weights_sha256")), "truncated or altered"),
        (lambda f: rewrite_card(f, lambda card: card.pop("state")), "the description lacks 'state'"),
        (
            lambda f: rewrite_card(f, lambda card: card["parameters"].update(new=1)),
            "parameter 'new', which this version",
        ),
        (lambda f: (f / "model.json").write_text("[]"), "is not the description of a hybridseq model"),
    ],
)
def test_harmed_folders_are_refused(folder, harm, message):
    harm(folder)
    with pytest.raises(ModelFolderError, match=message):
        hs.load(folder)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(ModelFolderError, match=r"nowhere: there is no such folder"):
        hs.load(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    with pytest.raises(ModelFolderError, match=r"file: is a file; give the folder"):
        hs.load(tmp_path / "file")


class Half(torch.nn.Module):
    def __init__(self, size):
        super().__init__()
        self.output_size = 5
        self.linear = torch.nn.Linear(size, 5)

    def forward(self, inputs, lengths):
        return self.linear(inputs).relu()


def test_an_encoder_of_ones_own_is_asked_for(sentences, quick, tmp_path):
    tagger = hs.SequenceTagger(encoder=Half, **quick).fit(*sentences)
    tagger.save(tmp_path / "m")
    with pytest.raises(ModelFolderError, match="'encoder' was an object"):
        hs.load(tmp_path / "m")
    assert hs.load(tmp_path / "m", encoder=Half).predict(sentences[0]) == tagger.predict(sentences[0])
    with pytest.raises(ModelFolderError, match="'dropout' was saved"):
        hs.load(tmp_path / "m", encoder=Half, dropout=0.1)


@pytest.mark.skipif(torch.cuda.is_available(), reason="the device is there")
def test_a_model_from_a_device_that_is_not_here_is_loaded_elsewhere(folder, fitted, sentences):
    rewrite_card(folder, lambda card: card["parameters"].update(device="cuda"))
    with pytest.raises(ModelFolderError, match=r"got 'cuda'.*load\(folder, device='cpu'\)"):
        hs.load(folder)
    assert hs.load(folder, device="cpu").predict(sentences[0]) == fitted.predict(sentences[0])
