"""Sequence criteria equal enumeration of paths; their gradients are differences of occupancies."""

import math
from pathlib import Path

import pytest
import torch

import hybridseq as hs
from hybridseq.constraints.errors import InfeasibleError
from hybridseq.kernels.arcs.graph import Graph
from hybridseq.objectives import boosted_mmi, ctc_paths, full_sum, mmi, smbr
from hybridseq.structures import PathGraph
from tests import tolerances
from tests.drawn import gradients, inside
from tests.kernels.arcs.drawn_graphs import ArcCase
from tests.own_process import run_laws

EXACT = tolerances.value(torch.float64)
SLOPE = tolerances.gradient(torch.float64)
backends = pytest.mark.parametrize("backend", ["cpu", "reference"])


class Pair:
    """Left-to-right numerators, one a row, and a loop over all labels as denominator, over the same emissions."""

    def __init__(self, batch=4, steps=5, labels=3, spread=1.0, seed=0):
        self.generator = torch.Generator().manual_seed(seed)
        self.batch, self.steps, self.labels, self.spread = batch, steps, labels, spread
        self.emissions = self.normal(batch, steps, labels).requires_grad_()
        self.lengths = torch.randint(2, steps + 1, (batch,), generator=self.generator)
        self.lengths[0] = steps
        spelled = torch.randint(labels, (batch, 2), generator=self.generator)
        self.numerators = [Graph.from_arcs(y, [0, 0, 1], [0, 1, 1]) for y in spelled]
        every = torch.arange(labels)
        self.loop = Graph.from_arcs(every, every.repeat_interleave(labels), every.repeat(labels))

    def normal(self, *shape):
        return self.spread * torch.randn(shape, generator=self.generator, dtype=torch.float64)

    def numerator(self, emissions=None, lengths=None, backend="cpu"):
        emissions = self.emissions if emissions is None else emissions
        ends = torch.tensor([0, -math.inf]).repeat(self.batch), torch.tensor([-math.inf, 0]).repeat(self.batch)
        lengths = self.lengths if lengths is None else lengths
        return PathGraph(emissions, Graph.pack(self.numerators), torch.zeros(3), *ends, lengths, backend)

    def denominator(self, emissions=None, lengths=None, backend="cpu"):
        emissions = self.emissions if emissions is None else emissions
        lengths = self.lengths if lengths is None else lengths
        scores = torch.zeros(self.labels**2), torch.zeros(self.labels), torch.zeros(self.labels)
        return PathGraph(emissions, self.loop, *scores, lengths, backend)

    def both(self, *arguments, **options):
        return self.numerator(*arguments, **options), self.denominator(*arguments, **options)

    def cost(self):
        return torch.rand(self.emissions.shape, generator=self.generator, dtype=torch.float64)

    def sequences(self, b):
        """All label sequences of a row, and in how many ways the numerator spells each."""
        length = int(self.lengths[b])
        every = torch.cartesian_prod(*[torch.arange(self.labels)] * length).view(-1, length)
        first, last = self.numerators[b].labels.tolist()
        ways = [sum(list(y) == [first] * n + [last] * (length - n) for n in range(1, length)) for y in every.tolist()]
        return every, torch.tensor(ways).double()

    def scores(self, b, every):
        return self.emissions[b, torch.arange(every.shape[1]), every].sum(1)


OBJECTIVES = {
    "mmi": lambda pair, **o: mmi(*pair.both(**o)),
    "boosted_mmi": lambda pair, **o: boosted_mmi(*pair.both(**o), pair.weights, 0.7),
    "smbr": lambda pair, **o: smbr(pair.denominator(**o), 1 - pair.weights),
    "full_sum": lambda pair, **o: full_sum(pair.numerator(**o)),
}
every_objective = pytest.mark.parametrize("name", OBJECTIVES)


def drawn(**options):
    pair = Pair(**options)
    pair.weights = pair.cost()
    return pair


@backends
@every_objective
def test_equals_enumeration(name, backend):
    pair = drawn()
    found = OBJECTIVES[name](pair, backend=backend)
    for b in range(pair.batch):
        every, ways = pair.sequences(b)
        scores, cost = pair.scores(b, every), pair.weights[b, torch.arange(every.shape[1]), every].sum(1)
        low = (scores + ways.log()).logsumexp(0)
        expected = {
            "mmi": scores.logsumexp(0) - low,
            "boosted_mmi": (scores + 0.7 * cost).logsumexp(0) - low,
            "smbr": (scores.softmax(0) * cost).sum(),
            "full_sum": -low,
        }[name]
        torch.testing.assert_close(found[b], expected, **EXACT)


@backends
def test_the_gradient_of_mmi_is_denominator_minus_numerator_occupancies(backend):
    pair = drawn()
    numerator, denominator = pair.both(backend=backend)
    (slope,) = gradients(mmi(numerator, denominator), [pair.emissions])
    torch.testing.assert_close(slope, denominator.marginals() - numerator.marginals(), **SLOPE)
    (slope,) = gradients(boosted_mmi(numerator, denominator, pair.weights, 0.3), [pair.emissions])
    boosted = denominator.augment(0.3 * pair.weights)
    torch.testing.assert_close(slope, boosted.marginals() - numerator.marginals(), **SLOPE)
    (slope,) = gradients(full_sum(numerator), [pair.emissions])
    torch.testing.assert_close(slope, -numerator.marginals(), **SLOPE)


@backends
def test_the_gradient_of_smbr_is_a_covariance(backend):
    pair = drawn()
    (slope,) = gradients(smbr(pair.denominator(backend=backend), 1 - pair.weights), [pair.emissions])
    for b in range(pair.batch):
        every, _ = pair.sequences(b)
        length = every.shape[1]
        cost = pair.weights[b, torch.arange(length), every].sum(1)
        p = pair.scores(b, every).softmax(0).detach()
        hot = torch.nn.functional.one_hot(every, pair.labels).double()
        expected = ((p * (cost - (p * cost).sum()))[:, None, None] * hot).sum(0)
        torch.testing.assert_close(slope[b, :length], expected, **SLOPE)
        assert (slope[b, length:] == 0).all()


def test_smbr_of_labels_counts_wrong_frames():
    pair = drawn()
    labels = pair.denominator().decode()
    right = torch.nn.functional.one_hot(labels.clamp(min=0), pair.labels).double()
    torch.testing.assert_close(smbr(pair.denominator(), labels), smbr(pair.denominator(), right), **EXACT)
    sure = smbr(pair.denominator(1e4 * right), labels)
    torch.testing.assert_close(sure, torch.zeros_like(sure), **EXACT)
    wrong = smbr(pair.denominator(-1e4 * right), labels)
    torch.testing.assert_close(wrong, pair.lengths.double(), **EXACT)


@every_objective
def test_gradcheck(name):
    pair = drawn()
    assert torch.autograd.gradcheck(lambda x: OBJECTIVES[name](pair, emissions=x), pair.emissions, fast_mode=True)


@every_objective
def test_padding_does_not_matter(name):
    pair = drawn()
    expected = OBJECTIVES[name](pair)
    used = inside(pair.lengths, pair.steps)[:, :, None]
    longer = torch.nn.functional.pad(torch.where(used, pair.emissions, torch.nan), (0, 0, 0, 2), value=torch.nan)
    pair.weights = torch.nn.functional.pad(torch.where(used, pair.weights, torch.nan), (0, 0, 0, 2), value=torch.nan)
    torch.testing.assert_close(OBJECTIVES[name](pair, emissions=longer), expected, rtol=1e-12, atol=1e-12)


@every_objective
def test_the_order_of_the_batch_does_not_matter(name):
    pair = drawn()
    expected, order = OBJECTIVES[name](pair), torch.tensor([2, 0, 3, 1])
    pair.numerators = [pair.numerators[b] for b in order]
    pair.weights, pair.lengths = pair.weights[order], pair.lengths[order]
    torch.testing.assert_close(OBJECTIVES[name](pair, emissions=pair.emissions[order]), expected[order], **EXACT)


@every_objective
def test_huge_scores(name):
    pair = drawn(spread=1e4)
    for backend in ("cpu", "reference"):
        value = OBJECTIVES[name](pair, backend=backend)
        (slope,) = gradients(value, [pair.emissions])
        assert value.isfinite().all()
        assert slope.isfinite().all()
    torch.testing.assert_close(value, OBJECTIVES[name](pair), rtol=1e-10, atol=1e-7)


def test_mmi_is_not_negative_and_boosting_makes_it_harder():
    pair = drawn()
    values = [boosted_mmi(*pair.both(), pair.weights, boost) for boost in (0, 0.5, 2)]
    torch.testing.assert_close(values[0], mmi(*pair.both()), **EXACT)
    assert (values[0] >= 0).all()
    assert (values[0] < values[1]).all()
    assert (values[1] < values[2]).all()


def short():
    """The numerator needs two frames; the second row has one."""
    pair = drawn()
    pair.lengths[1] = 1
    return pair


@pytest.mark.parametrize("name", ["mmi", "boosted_mmi", "full_sum"])
def test_rows_that_do_not_fit_are_infinite_without_gradient(name):
    pair = short()
    value = OBJECTIVES[name](pair)
    assert (value == torch.inf).tolist() == [False, True, False, False]
    (slope,) = torch.autograd.grad(value.sum(), pair.emissions)
    assert slope.isfinite().all()
    assert (slope[0] != 0).any()


def test_rows_that_do_not_fit_are_named():
    pair, names = short(), ["u1", "u2", "u3", "u4"]
    with pytest.raises(InfeasibleError, match=r"1 of 4 rows allow no path \(u2\).*too few frames") as caught:
        mmi(*pair.both(), on_infeasible="raise", names=names)
    assert caught.value.example == 1
    with pytest.raises(InfeasibleError, match=r"\(1\)"):
        full_sum(pair.numerator(), on_infeasible="raise")
    with pytest.warns(UserWarning, match=r"1 of 4 rows allow no path \(u2\) and are left out"):
        value = mmi(*pair.both(), on_infeasible="skip", names=names)
    (slope,) = torch.autograd.grad(value.sum(), pair.emissions)
    assert value[1] == 0
    assert (slope[1] == 0).all()
    with pytest.raises(ValueError, match="B = 4 rows one; got 2"):
        mmi(*pair.both(), names=names[:2])
    with pytest.raises(ValueError, match="on_infeasible"):
        mmi(*pair.both(), on_infeasible="relax")


def test_a_denominator_without_paths():
    pair = drawn()
    shut = pair.denominator(torch.full_like(pair.emissions, -torch.inf))
    assert (smbr(shut, pair.weights) == torch.inf).all()
    with pytest.warns(UserWarning, match="4 of 4"):
        assert (mmi(pair.numerator(), shut, on_infeasible="skip") == 0).all()


def ctc_case(blank=0, batch=8, steps=9, labels=4, width=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randn(batch, steps, labels, dtype=torch.float64, generator=generator).requires_grad_()
    targets = torch.randint(labels - 1, (batch, width), generator=generator)
    lengths, sizes = (
        torch.randint(low, high + 1, (batch,), generator=generator) for low, high in ((1, steps), (0, width))
    )
    lengths[0], sizes[0], targets[0] = steps, width, targets[0, 0]
    return scores, targets + (targets >= blank), lengths, sizes


def torch_ctc(scores, targets, lengths, sizes, blank):
    log_probs = scores.log_softmax(2).transpose(0, 1)
    return torch.nn.functional.ctc_loss(log_probs, targets, lengths, sizes, blank, "none")


@backends
@pytest.mark.parametrize("blank", [0, 1, 3])
@pytest.mark.parametrize("seed", [0, 1])
def test_ctc_equals_torchs(blank, seed, backend):
    scores, targets, lengths, sizes = ctc_case(blank, seed=seed)
    found = hs.objectives.ctc(scores.log_softmax(2), targets, lengths, sizes, blank, backend=backend)
    expected = torch_ctc(scores, targets, lengths, sizes, blank)
    torch.testing.assert_close(found, expected, **EXACT)
    fits = found.isfinite()
    assert fits.any() and not fits.all()
    (slope,) = torch.autograd.grad(found.sum(), scores)
    # Torch's own gradient is NaN in rows that do not fit.
    alone = scores.detach()[fits].requires_grad_()
    (theirs,) = torch.autograd.grad(torch_ctc(alone, targets[fits], lengths[fits], sizes[fits], blank).sum(), alone)
    torch.testing.assert_close(slope[fits], theirs, **SLOPE)
    assert (slope[~fits] == 0).all()


def test_ctc_of_scores_that_are_no_probabilities():
    scores, targets, lengths, sizes = ctc_case()
    fits = torch_ctc(scores, targets, lengths, sizes, 0).isfinite()
    arguments = targets[fits], lengths[fits], sizes[fits]
    assert torch.autograd.gradcheck(lambda x: hs.objectives.ctc(x, *arguments), scores[fits], fast_mode=True)


def test_ctc_of_empty_targets_is_blanks_only():
    log_probs = torch.randn(2, 5, 3, dtype=torch.float64)
    for targets, sizes in (
        (torch.zeros(2, 0, dtype=torch.int64), None),
        (torch.ones(2, 3).long(), torch.zeros(2).long()),
    ):
        found = hs.objectives.ctc(log_probs, targets, target_lengths=sizes)
        torch.testing.assert_close(found, -log_probs[:, :, 0].sum(1), **EXACT)


def test_ctc_aligns():
    scores, targets, lengths, sizes = ctc_case(seed=2)
    places = ctc_paths(scores, targets, lengths, sizes).decode()
    for row, length, size, target in zip(places.tolist(), lengths.tolist(), sizes.tolist(), targets.tolist()):
        if row[0] == -100:
            continue
        said = [p for t, p in enumerate(row[:length]) if p % 2 and (t == 0 or row[t - 1] != p)]
        assert [target[p // 2] for p in said] == target[:size]


@pytest.mark.usefixtures("shapes_unchecked")
def test_errors():
    scores, targets, lengths, sizes = ctc_case()
    cases = [
        ((scores, targets * 0, lengths), ValueError, r"targets\[0, 0\] is 0.*other than the blank, 0"),
        ((scores, targets + 4), ValueError, "columns 0 to 3"),
        ((scores, targets[:2]), ValueError, r"\(B, U\) with B = 8; got \(2, 4\)"),
        ((scores, targets, lengths, sizes + 5), ValueError, "from 0 to U = 4"),
        ((scores, targets, lengths, sizes, 9), ValueError, "blank must be a column of the K = 4"),
        ((scores, targets.double()), TypeError, "targets must hold integers"),
    ]
    for arguments, error, message in cases:
        with pytest.raises(error, match=message):
            hs.objectives.ctc(*arguments)
    pair = drawn()
    with pytest.raises(ValueError, match="lengths differ"):
        mmi(pair.numerator(), pair.denominator(lengths=torch.full((4,), 5)))
    with pytest.raises(ValueError, match=r"cost must have shape"):
        boosted_mmi(*pair.both(), pair.weights[0])


def test_any_structure_will_do():
    case = ArcCase(3, 4, 3, 3)
    allowed = torch.rand(3, 4, 3, generator=case.generator) < 0.7
    allowed[..., 0] = True
    chain = hs.LinearChain(case.leaves[0], torch.zeros(3, 3, dtype=torch.float64), lengths=case.lengths)
    torch.testing.assert_close(mmi(chain.restrict(allowed), chain), hs.objectives.log_loss(chain, allowed), **EXACT)


def test_compiled():
    run_laws(Path(__file__).with_name("compiled_sequence.py"))
