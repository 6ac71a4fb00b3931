"""Tests that need a process of their own."""

import os
import subprocess
import sys


def run_laws(path):
    """Run a file of tests without the checks of shapes, which no compiled graph can hold."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(path)]
    environment = {**os.environ, "HYBRIDSEQ_CHECK_SHAPES": "0"}
    shown = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=280)
    assert shown.returncode == 0, shown.stdout[-8000:]
