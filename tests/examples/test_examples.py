import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "examples"
#: The quickest ones, and what they print; the gallery runs all that draw.
QUICK = {"plot_column_file.py": "F1", "plot_pytorch_loop.py": "F1", "hybrid_asr.py": "synthetic voices"}


@pytest.mark.parametrize("name", QUICK)
def test_the_example_runs(name, tmp_path):
    environment = {**os.environ, "MPLBACKEND": "Agg", "OMP_NUM_THREADS": "1", "HYBRIDSEQ_DATA": "none"}
    program = [sys.executable, str(FOLDER / name)]
    result = subprocess.run(program, capture_output=True, text=True, env=environment, cwd=tmp_path, check=False)
    assert result.returncode == 0, result.stderr
    assert QUICK[name] in result.stdout
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("path", sorted(FOLDER.glob("plot_*.py")), ids=lambda path: path.name)
def test_the_gallery_can_show_it(path):
    text = path.read_text(encoding="utf-8")
    lines = text.split('"""')[1].strip().splitlines()
    assert lines[1] == "=" * len(lines[0]), "the docstring begins with a title and a line of = as long"
    assert "\n# %%\n" in text and "plt.show()" in text
