"""The linear-chain layer beside pytorch-crf: loss with gradients, decode, and what else it offers."""

import copy
import math

import torch
import torchcrf

import hybridseq as hs
from benchmarks import report
from benchmarks.timing import compare

SHAPES = [(32, 50, 9), (64, 50, 20), (32, 50, 130), (16, 500, 50), (8, 2000, 8)]


class Case:
    """One shape with both layers, the same parameters and ragged lengths between T/2 and T."""

    def __init__(self, batch, steps, labels):
        torch.manual_seed(0)
        self.peer = torchcrf.CRF(labels, batch_first=True)
        self.layer = hs.nn.CRF.from_torchcrf(self.peer)
        self.ours = self.layer.transitions, self.layer.start, self.layer.end
        self.theirs = self.peer.transitions, self.peer.start_transitions, self.peer.end_transitions
        self.emissions = torch.randn(batch, steps, labels, requires_grad=True)
        self.lengths = torch.randint(steps // 2, steps + 1, (batch,))
        self.lengths[0] = steps
        self.mask = torch.arange(steps) < self.lengths[:, None]
        self.labels = torch.randint(labels, (batch, steps))

    def chain(self):
        return self.layer(self.emissions, lengths=self.lengths)

    def log_partition(self):
        total = self.chain().log_partition().sum()
        return torch.autograd.grad(total, [self.emissions, *self.ours])

    def peer_log_partition(self):
        # pytorch-crf's own log-partition takes time-major tensors.
        normalizer = self.peer._compute_normalizer(self.emissions.transpose(0, 1), self.mask.transpose(0, 1))
        return torch.autograd.grad(normalizer.sum(), [self.emissions, *self.theirs])

    def loss(self):
        total = hs.objectives.log_loss(self.chain(), self.labels).sum()
        return torch.autograd.grad(total, [self.emissions, *self.ours])

    def peer_loss(self):
        total = -self.peer(self.emissions, self.labels, self.mask)
        return torch.autograd.grad(total, [self.emissions, *self.theirs])

    def decode(self):
        return self.chain().decode()

    def peer_decode(self):
        with torch.no_grad():
            return self.peer.decode(self.emissions, self.mask)

    def _exact_gradients(self):
        """The peer's in float64; in float32 it is 3e-3 off at T = 2000."""
        exact = copy.deepcopy(self.peer).double()
        emissions = self.emissions.detach().double().requires_grad_()
        total = exact._compute_normalizer(emissions.transpose(0, 1), self.mask.transpose(0, 1)).sum()
        return torch.autograd.grad(
            total, [emissions, exact.transitions, exact.start_transitions, exact.end_transitions]
        )

    def check(self):
        """Both must agree before either is timed."""
        for mine, theirs in zip(self.log_partition(), self._exact_gradients()):
            scale = theirs.abs().max()
            torch.testing.assert_close(mine.double() / scale, theirs / scale, rtol=1e-3, atol=1e-4)
        ours = self.decode()
        theirs = torch.nn.utils.rnn.pad_sequence(
            [torch.tensor(path) for path in self.peer_decode()], batch_first=True, padding_value=-100
        )
        scores = self.chain().score(ours.clamp(min=0)), self.chain().score(theirs.clamp(min=0))
        torch.testing.assert_close(*scores, rtol=1e-5, atol=1e-3)


TASKS = {
    "log-partition and gradients": ("log_partition", "peer_log_partition"),
    "log loss and gradients": ("loss", "peer_loss"),
    "decode": ("decode", "peer_decode"),
}


def second_order():
    """Entropy and its gradient beside autograd through the reference, which pytorch-crf has no counterpart of."""
    rows, results = [], {}
    for shape in SHAPES:
        case = Case(*shape)
        scores = case.emissions, *case.ours

        def entropy(backend, scores=scores, lengths=case.lengths):
            chain = hs.LinearChain(*scores, lengths, backend=backend)
            return torch.autograd.grad(chain.entropy().sum(), scores)

        ratio = compare(lambda: entropy("cpu"), lambda: entropy("reference"), rounds=3)
        results[f"entropy {shape}"] = vars(ratio)
        times = f"{ratio.ours * 1e3:.2f} ms", f"{ratio.peer * 1e3:.0f} ms"
        rows.append([shape, *times, f"{ratio.median:.0f}x", f"{ratio.low:.0f} to {ratio.high:.0f}"])
    columns = ["shape", "kernel", "autograd", "ratio", "spread"]
    report.show("entropy and its gradient (a Hessian-vector product), beside the reference", columns, rows)
    return results


def run():
    """Time every task at every shape; print and save the ratios."""
    results = {}
    cases = {}
    for shape in SHAPES:
        cases[shape] = Case(*shape)
        cases[shape].check()
    for task, (ours, peer) in TASKS.items():
        rows, ratios = [], []
        for shape, case in cases.items():
            ratio = compare(getattr(case, ours), getattr(case, peer))
            ratios.append(ratio.median)
            results[f"{task} {shape}"] = vars(ratio)
            rows.append(
                [
                    shape,
                    f"{ratio.ours * 1e3:.3f} ms",
                    f"{ratio.peer * 1e3:.2f} ms",
                    f"{ratio.median:.0f}x",
                    f"{ratio.low:.0f} to {ratio.high:.0f}",
                ]
            )
        mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
        results[f"{task} geometric mean"] = mean
        rows.append(["geometric mean", "", "", f"{mean:.0f}x", f"least {min(ratios):.0f}"])
        report.show(
            f"{task} (B, T, K), float32, ragged", ["shape", "hybridseq", "pytorch-crf", "ratio", "spread"], rows
        )
    results |= second_order()
    report.save("chain", results)


if __name__ == "__main__":
    run()
