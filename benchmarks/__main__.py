"""``make bench``: the ratio tables, reported only while the kernels' tests pass."""

import subprocess
import sys

from benchmarks import chain, constraints, hmm, limits, online


def main():
    print("checking the kernels first ...", file=sys.stderr)
    tests = [sys.executable, "-m", "pytest", "-q", "-x", "tests/kernels", "tests/nn/test_crf.py"]
    if subprocess.run(tests, check=False).returncode:
        sys.exit("the kernels' tests fail: no figures are reported for wrong answers.")
    chain.run()
    constraints.run()
    hmm.run()
    limits.run()
    online.run()


if __name__ == "__main__":
    main()
