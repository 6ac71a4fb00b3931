import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["datasets", "metrics", "text", "constraints"])
def test_light_modules_bring_no_heavy_ones(module):
    code = f"import sys, hybridseq.{module}; print(*{{'torch', 'sklearn', 'seqeval', 'numba'}} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == ""
