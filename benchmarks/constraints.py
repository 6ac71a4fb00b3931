"""What constraints cost beside the plain chain, and counts beside integer programming.

python -m benchmarks.constraints
"""

import torch

import hybridseq as hs
from benchmarks import report
from benchmarks.timing import compare
from hybridseq import constraints as C

TWENTY = tuple(f"L{i}" for i in range(20))


def slots(kinds):
    """The labels of a tag scheme with so many types."""
    return ("O", *(f"{prefix}-{kind}" for kind in range(kinds) for prefix in "BI"))


#: (constraint, labels, rows, positions). Targets: 3 times the plain chain for the first, 1.1 times for tag schemes.
CASES = {
    "run(each, min=5)": (C.run(C.each, min=5), TWENTY, 64, 200),
    "run(each, exactly=5)": (C.run(C.each, exactly=5), TWENTY, 64, 200),
    "BIO, 21 labels": (C.scheme("BIO"), slots(10), 64, 50),
    "BIO, 121 labels": (C.scheme("BIO"), slots(60), 16, 50),
    "count(L0, exactly=4)": (C.count("L0", exactly=4), TWENTY, 64, 200),
    "contains(L0 L1)": (C.contains("L0 L1"), TWENTY, 64, 200),
    "implies(L0, L1)": (C.implies("L0", "L1"), TWENTY, 64, 200),
}


class Case:
    """One constraint on one random batch, with and without it."""

    def __init__(self, constraint, labels, batch, steps):
        generator = torch.Generator().manual_seed(0)
        count = len(labels)
        shapes = (batch, steps, count), (count, count), (count,), (count,)
        self.scores = tuple(torch.randn(shape, generator=generator).requires_grad_() for shape in shapes)
        self.lengths = torch.full((batch,), steps)
        self.plan = constraint.compile(labels)
        self.gold = self.chain(True).decode()

    def chain(self, constrained):
        chain = hs.LinearChain(*self.scores, self.lengths)
        return chain.restrict(self.plan) if constrained else chain

    def decode(self, constrained):
        return self.chain(constrained).decode()

    def log_partition(self, constrained):
        return torch.autograd.grad(self.chain(constrained).log_partition().sum(), self.scores)

    def log_loss(self, constrained):
        loss = hs.objectives.log_loss(self.chain(constrained), self.gold).sum()
        return torch.autograd.grad(loss, self.scores)

    def entropy(self, constrained):
        return torch.autograd.grad(self.chain(constrained).entropy().sum(), self.scores)

    def k_best(self, constrained):
        return self.chain(constrained).k_best(5)

    def sample(self, constrained):
        return self.chain(constrained).sample(5)


TASKS = {
    "decode": "decode",
    "log-partition and gradients": "log_partition",
    "log loss and gradients": "log_loss",
    "entropy and gradients": "entropy",
    "5 best": "k_best",
    "5 samples": "sample",
}


def beside_the_plain_chain(rounds=7):
    """Time with the constraint over time without it."""
    results = {}
    for name, parameters in CASES.items():
        case, rows = Case(*parameters), []
        for task, method in TASKS.items():
            call = getattr(case, method)
            ratio = compare(lambda: call(True), lambda: call(False), rounds=rounds)  # noqa: B023
            low, high = 1 / ratio.high, 1 / ratio.low
            times = f"{ratio.ours * 1e3:.3f} ms", f"{ratio.peer * 1e3:.3f} ms"
            rows.append([task, *times, f"{1 / ratio.median:.2f}", f"{low:.2f} to {high:.2f}"])
            results[f"{name}: {task}"] = {"times_plain": 1 / ratio.median, "low": low, "high": high}
        shape = f"(B, T, K) = {(parameters[2], parameters[3], len(parameters[1]))}"
        report.show(
            f"{name}, {shape}: {case.plan.explain()}", ["", "constrained", "plain", "times plain", "spread"], rows
        )
    return results


def counts_beside_integer_programming(rounds=5):
    """Exactly m of a label, T = 60, 8 labels: the counter beside scipy's milp, which must find the same optimum."""
    names, rows, results = tuple("ABCDEFGH"), [], {}
    for wanted in (0, 15, 30):
        generator = torch.Generator().manual_seed(wanted)
        chain = hs.LinearChain(
            torch.randn(1, 60, 8, generator=generator, dtype=torch.float64),
            torch.randn(8, 8, generator=generator, dtype=torch.float64),
        )
        plan = C.count("A", exactly=wanted).compile(names)
        coefficients, bound = torch.eye(8)[:1].double(), torch.tensor([float(wanted)])

        def ours(chain=chain, plan=plan):
            return chain.restrict(plan).max_score()

        def program(chain=chain, coefficients=coefficients, bound=bound):
            return hs.inference.solve(chain, coefficients, bound, bound, method="milp")

        solution = program()
        if not solution.exact.all() or abs(solution.score - ours()).max() > 1e-9 * abs(solution.score).max():
            raise AssertionError(f"milp and the counter disagree at {wanted}: {solution.score} and {ours()}")
        ratio = compare(ours, program, rounds=rounds)
        times = f"{ratio.ours * 1e3:.3f} ms", f"{ratio.peer * 1e3:.1f} ms"
        rows.append([wanted, *times, f"{ratio.median:.0f}x", f"{ratio.low:.0f} to {ratio.high:.0f}"])
        results[f"exactly {wanted}"] = vars(ratio)
    report.show("exactly m of a label, T = 60, 8 labels", ["m", "counter", "milp", "ratio", "spread"], rows)
    return results


def run():
    """Print and save all tables."""
    results = {"threads": torch.get_num_threads(), "beside the plain chain": beside_the_plain_chain()}
    results["beside milp"] = counts_beside_integer_programming()
    report.save("constraints", results)


if __name__ == "__main__":
    run()
