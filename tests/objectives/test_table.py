"""The table of the theory page, row by row: every objective is upper(F + c·Δ) − lower(F | y)."""

from dataclasses import dataclass

import pytest
import torch

import hybridseq as hs
from hybridseq.objectives import hamming_cost
from tests import tolerances
from tests.drawn import Case, gradients, inside

CLOSE = tolerances.value(torch.float64)


@dataclass
class Row:
    """A row: how its upper value is computed, with which weight of the cost, and against labels or a set of them."""

    name: str
    upper: str | None
    cost: bool
    partial: bool = False

    def __str__(self):
        return self.name + ("_partial" if self.partial else "")

    def reference(self, case):
        labels = case.paths()
        if not self.partial:
            return labels
        allowed = case.uniform(case.batch, case.steps, case.labels) < 0.4
        return allowed | torch.nn.functional.one_hot(labels, case.labels).bool()

    def __call__(self, chain, reference):
        if self.name in GRAPHS:
            return GRAPHS[self.name](chain, reference)
        return getattr(hs.objectives, self.name)(chain, reference)

    def parts(self, chain):
        """Expected counts of the parts of the upper value: emissions, pairs, in (B, T, K) and (B, T-1, K, K)."""
        if self.upper == "log_partition":
            return chain.marginals(), chain.pair_marginals()
        return path_parts(chain, chain.decode())


def mask_cost(chain, allowed):
    """1 for every label that a set of them leaves out."""
    return (~allowed & inside(chain.lengths, allowed.shape[1])[:, :, None]).to(chain.emissions)


#: Rows that compare two structures: here a chain with the label sequences that a set allows, and the whole chain.
GRAPHS = {
    "mmi": lambda chain, allowed: hs.objectives.mmi(chain.restrict(allowed), chain),
    "boosted_mmi": lambda chain, allowed: hs.objectives.boosted_mmi(
        chain.restrict(allowed), chain, mask_cost(chain, allowed), 1.0
    ),
}

ROWS = [
    Row("log_loss", "log_partition", False),
    Row("log_loss", "log_partition", False, partial=True),
    Row("perceptron", "max", False),
    Row("structured_hinge", "max", True),
    Row("softmax_margin", "log_partition", True),
    Row("minimum_risk", None, True),
    Row("smbr", None, True),
    Row("mmi", "log_partition", False, partial=True),
    Row("boosted_mmi", "log_partition", True, partial=True),
]
every_row = pytest.mark.parametrize("row", ROWS, ids=str)
contrasts = pytest.mark.parametrize("row", [r for r in ROWS if r.upper], ids=str)


def path_parts(chain, labels):
    """One-hot counts of a path."""
    _, steps, k = chain.emissions.shape
    used = inside(chain.lengths, steps)
    hot = torch.nn.functional.one_hot(labels.clamp(min=0), k).to(chain.emissions) * used[:, :, None]
    return hot, torch.einsum("bti,btj->btij", hot[:, :-1], hot[:, 1:])


def table_cost(labels, lengths, k):
    return hamming_cost(torch.where(inside(lengths, labels.shape[1]), labels, -100), k, torch.float64)


@every_row
def test_never_negative(row):
    for seed, dtype in ((0, torch.float32), (1, torch.float64)):
        for spread in (1, 1e4):
            case = Case(9, 8, 4, dtype=dtype, spread=spread, seed=seed)
            reference = row.reference(case)
            assert (row(case.chain(), reference) >= 0).all()
            if not row.partial:
                best = case.chain().decode()
                assert (row(case.chain(), best) >= 0).all()


@contrasts
@pytest.mark.parametrize("shared", [True, False])
def test_gradient_is_the_difference_of_parts(row, shared):
    case = Case(shared=shared)
    chain, reference = case.chain(), row.reference(case)
    cost = None
    if row.cost:
        cost = mask_cost(chain, reference) if row.partial else table_cost(reference, case.lengths, case.labels)
    high = row.parts(chain if cost is None else chain.augment(cost))
    if row.partial:
        restricted = chain.restrict(reference)
        low = restricted.marginals(), restricted.pair_marginals()
    else:
        low = path_parts(chain, reference)
    found = gradients(row(chain, reference), case.leaves)
    node, pair = (x - y for x, y in zip(high, low))
    last = torch.arange(case.batch), case.lengths - 1
    expected = node, pair.sum((0, 1)) if shared else pair, node[:, 0].sum(0), node[last].sum(0)
    for x, y in zip(found, expected):
        torch.testing.assert_close(x, y, **tolerances.gradient(torch.float64))
    assert found[0].abs().sum() > 0


@every_row
def test_rows_of_the_gradient_sum_to_zero(row):
    case = Case(shared=False)
    slope = gradients(row(case.chain(), row.reference(case)), case.leaves)
    for g, dims in ((slope[0], 2), (slope[1], (2, 3)), (slope[2], 0), (slope[3], 0)):
        total = g.sum(dims)
        torch.testing.assert_close(total, torch.zeros_like(total), **tolerances.gradient(torch.float64))


@every_row
def test_padding_does_not_matter(row):
    case = Case(batch=6)
    reference = row.reference(case)
    longer = torch.nn.functional.pad(case.leaves[0], (0, 0, 0, 3), value=torch.nan)
    used = inside(case.lengths, case.steps)
    longer = torch.cat([torch.where(used[:, :, None], longer[:, :-3], torch.nan), longer[:, -3:]], 1)
    garbage = torch.where(used if not row.partial else used[:, :, None], reference, torch.ones_like(reference))
    padded = torch.nn.functional.pad(garbage, (0, 0) * row.partial + (0, 3), value=0)
    chain = hs.LinearChain(longer, *case.leaves[1:], lengths=case.lengths)
    torch.testing.assert_close(row(chain, padded), row(case.chain(), reference), rtol=1e-12, atol=1e-12)


@every_row
def test_the_order_of_the_batch_does_not_matter(row):
    case = Case(batch=8)
    reference = row.reference(case)
    order = torch.randperm(8, generator=case.generator)
    chain = hs.LinearChain(case.leaves[0][order], *case.leaves[1:], lengths=case.lengths[order])
    torch.testing.assert_close(row(chain, reference[order]), row(case.chain(), reference)[order], **CLOSE)


@every_row
@pytest.mark.parametrize("shared", [True, False])
def test_equals_enumeration(row, shared):
    case = Case(4, 4, 3, shared)
    reference = row.reference(case)
    for b, length, paths, scores in case.chain(hs.BruteForce)._rows():
        if row.partial:
            kept = reference[b, torch.arange(length), paths].all(1)
            wrong = (~reference[b, torch.arange(length), paths]).sum(1).double()
            expected = (scores + wrong * row.cost).logsumexp(0) - scores[kept].logsumexp(0)
        else:
            gold = reference[b, :length]
            wrong = (paths != gold).sum(1).double()
            low = scores[(paths == gold).all(1)].squeeze()
            high = scores + wrong if row.cost else scores
            if row.upper is None:
                expected = (scores.softmax(0) * wrong).sum()
            else:
                expected = (high.max() if row.upper == "max" else high.logsumexp(0)) - low
        torch.testing.assert_close(row(case.chain(), reference)[b], expected, **CLOSE)


@pytest.mark.parametrize(("soft", "hard"), [("log_loss", "perceptron"), ("softmax_margin", "structured_hinge")])
def test_log_sum_exp_becomes_max_as_the_temperature_vanishes(soft, hard):
    case = Case()
    labels = case.paths()
    cost = table_cost(labels, case.lengths, case.labels)
    hard = getattr(hs.objectives, hard)(case.chain(), labels)
    gaps = []
    for temperature in (1, 0.1, 0.001):
        cold = hs.LinearChain(*(x / temperature for x in case.leaves), lengths=case.lengths)
        options = {"cost": cost / temperature} if soft == "softmax_margin" else {}
        gaps.append(temperature * getattr(hs.objectives, soft)(cold, labels, **options) - hard)
    assert all((gap >= -1e-9).all() for gap in gaps)
    assert (gaps[0] > 0.1).any()
    assert (gaps[2] < 0.01).all()


@every_row
@pytest.mark.parametrize("shared", [True, False])
def test_gradcheck(row, shared):
    case = Case(3, 4, 3, shared)
    reference = row.reference(case)
    assert torch.autograd.gradcheck(
        lambda *x: row(hs.LinearChain(*x, lengths=case.lengths), reference), case.leaves, fast_mode=True
    )
