"""``make bench``: the ratio tables, reported only while the kernels' tests pass; then the tables of long runs."""

import subprocess
import sys

from benchmarks import (
    adversarial,
    chain,
    constraints,
    decoding,
    hmm,
    limits,
    multilabel,
    online,
    speech,
    text_to_image,
)


def main():
    print("checking the kernels first ...", file=sys.stderr)
    tests = ["tests/kernels", "tests/nn/test_crf.py", "tests/speech/decoding"]
    if subprocess.run([sys.executable, "-m", "pytest", "-q", "-x", *tests], check=False).returncode:
        sys.exit("the kernels' tests fail: no figures are reported for wrong answers.")
    chain.run()
    constraints.run()
    hmm.run()
    limits.run()
    online.run()
    decoding.run()
    for part in (speech, adversarial, multilabel, text_to_image):
        part.table()


if __name__ == "__main__":
    main()
