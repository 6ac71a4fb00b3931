"""Online decoding beside decoding the whole prefix again, and the HMM layer beside the CRF."""

import itertools

import torch

import hybridseq as hs
from benchmarks import report
from benchmarks.timing import compare


class _Stream:
    """A decoder or filter that has seen ``seen`` frames, and the chain of as many: both take in one frame more."""

    def __init__(self, make, seen, labels):
        generator = torch.Generator().manual_seed(0)
        self.transitions = torch.randn(labels, labels, generator=generator)
        self.emissions = torch.randn(1, seen + 1, labels, generator=generator)
        self.stream = make(self.transitions)
        self.stream.push(self.emissions[0, :-1])
        # Not one frame over and over: in a stream that stands still, paths may never meet.
        self.frames = itertools.cycle(torch.randn(5_000, labels, generator=generator).split(1))

    def push(self):
        return self.stream.push(next(self.frames))

    def again(self):
        return hs.LinearChain(self.emissions, self.transitions).decode()

    def filter_again(self):
        return hs.LinearChain(self.emissions, self.transitions).marginals()


def frames():
    """Microseconds of one pushed frame, and of decoding the prefix again."""
    rows, results = [], {}
    kinds = {
        "decode, lag 0": (lambda a: hs.inference.OnlineDecoder(a, lag=0), "again"),
        "decode, lag 10": (lambda a: hs.inference.OnlineDecoder(a, lag=10), "again"),
        "decode, lag 100": (lambda a: hs.inference.OnlineDecoder(a, lag=100), "again"),
        "decode, exact": (hs.inference.OnlineDecoder, "again"),
        "filter": (hs.inference.OnlineFilter, "filter_again"),
        "smooth, lag 10": (lambda a: hs.inference.OnlineFilter(a, lag=10), "filter_again"),
    }
    for labels in (9, 50):
        for seen in (1_000, 10_000):
            for name, (make, again) in kinds.items():
                case = _Stream(make, seen, labels)
                ratio = compare(case.push, getattr(case, again))
                results[f"{name}, K={labels}, T={seen}"] = vars(ratio)
                rows.append(
                    [
                        f"{name}, K = {labels}",
                        f"{seen:,}",
                        f"{ratio.ours * 1e6:.0f} us",
                        f"{ratio.peer * 1e6:.0f} us",
                        f"{ratio.median:.1f}",
                        f"{ratio.low:.1f} to {ratio.high:.1f}",
                    ]
                )
    columns = ["one frame more", "after", "pushed", "prefix again", "times faster", "spread"]
    report.show("a frame of a stream beside the whole prefix again", columns, rows)
    return results


def chunks():
    """Nanoseconds a frame where a stream comes in chunks of 1,000 frames, beside the whole at once."""
    rows, results = [], {}
    for labels in (9, 50):
        emissions = torch.randn(10_000, labels)
        transitions = torch.randn(labels, labels)
        for name, lag in (("lag 0", 0), ("lag 10", 10), ("exact", None)):

            def stream():
                decoder = hs.inference.OnlineDecoder(transitions, lag=lag)  # noqa: B023
                for chunk in emissions.split(1_000):  # noqa: B023
                    decoder.push(chunk)
                return decoder.finish()

            ratio = compare(stream, lambda: hs.LinearChain(emissions[None], transitions).decode())  # noqa: B023
            results[f"{name}, K={labels}"] = vars(ratio)
            rows.append([f"{name}, K = {labels}", f"{ratio.ours * 1e5:.0f} ns", f"{ratio.peer * 1e5:.0f} ns"])
    report.show("cost a frame in chunks of 1,000", ["decode", "online", "the whole at once"], rows)
    return results


class _Layers:
    """The HMM layer and the CRF over the same emissions and labels; each call gives all gradients."""

    def __init__(self, batch, steps, labels):
        self.emissions = torch.randn(batch, steps, labels, requires_grad=True)
        self.labels = torch.randint(labels, (batch, steps))
        self.hybrid = hs.nn.HybridHMM(labels, hs.nn.Prior.from_labels(self.labels, labels))
        self.crf_layer = hs.nn.CRF(labels)

    def crf(self):
        chain = self.crf_layer(self.emissions)
        return self._gradients(hs.objectives.log_loss(chain, self.labels), self.crf_layer)

    def log_loss(self):
        return self._gradients(hs.objectives.log_loss(self.hybrid(self.emissions), self.labels), self.hybrid)

    def cross_entropy(self):
        return self._gradients(self.hybrid.cross_entropy(self.hybrid(self.emissions), self.labels), self.hybrid)

    def _gradients(self, loss, layer):
        return torch.autograd.grad(loss.sum(), [self.emissions, *layer.parameters()], allow_unused=True)


def layers():
    """Loss and gradients of the HMM layer beside the CRF's, float32."""
    rows, results = [], {}
    for shape in ((32, 50, 9), (64, 50, 20), (16, 500, 50)):
        case = _Layers(*shape)
        for name in ("log_loss", "cross_entropy"):
            ratio = compare(case.crf, getattr(case, name))
            results[f"{name}, {shape}"] = vars(ratio)
            spread = f"{ratio.low:.2f} to {ratio.high:.2f}"
            times = f"{ratio.peer * 1e3:.3f} ms", f"{ratio.ours * 1e3:.3f} ms"
            rows.append([f"{name}, {shape}", *times, f"{ratio.median:.2f}", spread])
    columns = ["objective, (B, T, K)", "HybridHMM", "CRF log loss", "share", "spread"]
    report.show("nn.HybridHMM, loss and gradients", columns, rows)
    return results


def run():
    """All of them, printed and saved."""
    report.save("online", {"frames": frames(), "chunks": chunks(), "layers": layers()})


if __name__ == "__main__":
    run()
