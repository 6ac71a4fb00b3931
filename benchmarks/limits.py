"""What the layer costs besides time a batch: memory, very long sequences, import and first-call compilation."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

import hybridseq as hs
from benchmarks import report

_PEAK = """
import torch, sys
from pathlib import Path
from benchmarks.chain import Case
small, case = Case(2, 5, 50), Case(16, 500, 50)
task = sys.argv[1]
getattr(small, task)()
def kib(key):
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key):
            return int(line.split()[1])
Path("/proc/self/clear_refs").write_text("5")
before = kib("VmRSS")
getattr(case, task)()
print(kib("VmHWM") - before)
"""


def _python(code, *arguments, **environment):
    env = {**os.environ, **environment}
    done = subprocess.run([sys.executable, "-c", code, *arguments], check=True, capture_output=True, text=True, env=env)
    return float(done.stdout.split()[-1])


def peak_memory():
    """Peak extra memory of loss and gradient at (16, 500, 50), in MiB, for both layers."""
    ours, peer = (_python(_PEAK, task) / 1024 for task in ("loss", "peer_loss"))
    report.show(
        "peak extra memory, log loss and gradients at (16, 500, 50)",
        ["hybridseq", "pytorch-crf", "share"],
        [[f"{ours:.1f} MiB", f"{peer:.1f} MiB", f"{ours / peer:.3f}"]],
    )
    return {"ours_mib": ours, "peer_mib": peer}


def long_sequences():
    """Nanoseconds a token of loss, gradient and decode from T = 100 to T = 100,000 (K = 9, as many tokens each)."""
    rows, results = [], {}
    for steps in (100, 1_000, 10_000, 100_000):
        batch, labels = 400_000 // steps, 9
        layer = hs.nn.CRF(labels)
        emissions = torch.randn(batch, steps, labels, requires_grad=True)
        y = torch.randint(labels, (batch, steps))

        def loss():
            hs.objectives.log_loss(layer(emissions), y).sum().backward()  # noqa: B023

        def decode():
            layer(emissions.detach()).decode()  # noqa: B023

        cost = []
        for call in (loss, decode):
            call()
            times = []
            for _ in range(5):
                begin = time.perf_counter()
                call()
                times.append(time.perf_counter() - begin)
            cost.append(min(times) / (batch * steps) * 1e9)
        results[steps] = cost
        rows.append([f"{batch} x {steps:,}", *(f"{x:.0f} ns" for x in cost)])
    report.show("cost a token, K = 9", ["B x T", "loss and gradients", "decode"], rows)
    return results


_IMPORT = "import time; b = time.perf_counter(); import {}; print(time.perf_counter() - b)"
_FIRST = """
import time, torch, hybridseq as hs
layer, emissions = hs.nn.CRF(9), torch.randn(4, 7, 9, requires_grad=True)
b = time.perf_counter()
chain = layer(emissions)
hs.objectives.log_loss(chain, torch.zeros(4, 7, dtype=torch.int64)).sum().backward()
chain.decode()
print(time.perf_counter() - b)
"""


def start_up():
    """Seconds of import, and of the first loss, gradient and decode without and with the compilation cache."""
    torch_alone = _python(_IMPORT.format("torch"))
    ours = _python(_IMPORT.format("torch, hybridseq, hybridseq.nn, hybridseq.structures"))
    with tempfile.TemporaryDirectory() as cache:
        cold = _python(_FIRST, NUMBA_CACHE_DIR=cache)
        size = sum(f.stat().st_size for f in Path(cache).rglob("*") if f.is_file())
        warm = _python(_FIRST, NUMBA_CACHE_DIR=cache)
    rows = [
        ["import torch", f"{torch_alone:.2f} s"],
        ["import torch and the layer", f"{ours:.2f} s"],
        ["first loss, gradients, decode: compiling", f"{cold:.1f} s"],
        ["the same from the cache", f"{warm:.2f} s"],
        ["cache", f"{size / 2**20:.1f} MiB"],
    ]
    report.show("start-up", ["what", "cost"], rows)
    return {"import_torch": torch_alone, "import_ours": ours, "first_cold": cold, "first_warm": warm}


def run():
    """All of them, printed and saved."""
    report.save("limits", {"memory": peak_memory(), "long_sequences": long_sequences(), "start_up": start_up()})


if __name__ == "__main__":
    run()
