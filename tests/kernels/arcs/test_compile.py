"""torch.compile and torch.export: the laws of ``compiled_laws.py``."""

import os
import subprocess
import sys
from pathlib import Path


def test_compiled_laws():
    laws = Path(__file__).with_name("compiled_laws.py")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(laws)]
    environment = {**os.environ, "HYBRIDSEQ_CHECK_SHAPES": "0"}
    shown = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=280)
    assert shown.returncode == 0, shown.stdout[-8000:]
