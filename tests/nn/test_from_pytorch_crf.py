"""The script for users of pytorch-crf finds no difference, and would tell one."""

import importlib.util
from pathlib import Path

import pytest

import hybridseq as hs


@pytest.fixture
def script():
    path = Path(__file__).parents[2] / "examples" / "from_pytorch_crf.py"
    spec = importlib.util.spec_from_file_location("from_pytorch_crf", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_no_difference(script, capsys):
    assert script.main() == 0
    assert "DIFFERENT" not in capsys.readouterr().out


def test_a_difference_is_told(script, capsys, monkeypatch):
    monkeypatch.setattr(hs.objectives, "log_loss", lambda *a, honest=hs.objectives.log_loss: honest(*a) * 1.001)
    assert script.main() == 1
    assert "DIFFERENT" in capsys.readouterr().out
