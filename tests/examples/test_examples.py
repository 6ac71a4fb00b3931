import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "examples"
#: The quickest ones; the gallery runs them all.
QUICK = ["plot_column_file.py", "plot_pytorch_loop.py"]


@pytest.mark.parametrize("name", QUICK)
def test_the_example_runs(name, tmp_path):
    environment = {**os.environ, "MPLBACKEND": "Agg", "OMP_NUM_THREADS": "1"}
    program = [sys.executable, str(FOLDER / name)]
    result = subprocess.run(program, capture_output=True, text=True, env=environment, cwd=tmp_path, check=False)
    assert result.returncode == 0, result.stderr
    assert "F1" in result.stdout
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("path", sorted(FOLDER.glob("plot_*.py")), ids=lambda path: path.name)
def test_the_gallery_can_show_it(path):
    text = path.read_text(encoding="utf-8")
    lines = text.split('"""')[1].strip().splitlines()
    assert lines[1] == "=" * len(lines[0]), "the docstring begins with a title and a line of = as long"
    assert "\n# %%\n" in text and "plt.show()" in text
