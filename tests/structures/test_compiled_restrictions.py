"""torch.compile: the laws of ``compiled_restrictions.py``."""

from pathlib import Path

from tests.own_process import run_laws


def test_compiled_restrictions():
    run_laws(Path(__file__).with_name("compiled_restrictions.py"))
