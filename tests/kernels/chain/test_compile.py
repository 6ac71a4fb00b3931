"""torch.compile and torch.export: the laws of ``compiled_laws.py``."""

from pathlib import Path

from tests.own_process import run_laws


def test_compiled_laws():
    run_laws(Path(__file__).with_name("compiled_laws.py"))
