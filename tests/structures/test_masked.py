"""Tokens outside the mask are left out as if the sequence were shorter, and results keep their places."""

import pytest
import torch

import hybridseq as hs
from hybridseq.objectives import OBJECTIVES
from hybridseq.structures import MaskedChain
from tests.drawn import Case, gradients

GAP = -100


@pytest.fixture
def case():
    case = Case(6, 8, 4)
    case.mask = case.uniform(6, 8) < 0.6
    case.mask[torch.arange(6), torch.arange(6)] = True
    case.mask[0] = True
    return case


def masked(case, emissions=None):
    emissions = case.leaves[0] if emissions is None else emissions
    return MaskedChain(emissions, case.mask, lambda e, n: hs.LinearChain(e, *case.leaves[1:], lengths=n))


def rows(case):
    """Each row's places under the mask, and the chain of those tokens alone."""
    emissions, *rest = case.leaves
    for b, mask in enumerate(case.mask):
        places = mask.nonzero().flatten()
        yield b, places, hs.LinearChain(emissions[b : b + 1, places], *rest)


@pytest.mark.parametrize("name", ["log_partition", "entropy", "max_score"])
def test_values_are_those_of_the_shorter_sequence(case, name):
    found = getattr(masked(case), name)()
    expected = torch.cat([getattr(short, name)() for *_, short in rows(case)])
    torch.testing.assert_close(found, expected)
    for x, y in zip(gradients(found, case.leaves), gradients(expected, case.leaves)):
        torch.testing.assert_close(x, y)


def test_results_stand_at_their_places(case):
    chain, draws = masked(case), torch.Generator().manual_seed(0)
    decoded, marginals, pairs = chain.decode(), chain.marginals(), chain.pair_marginals()
    (best, scores), samples = chain.k_best(3), chain.sample(5, draws)
    for found in (decoded, best.transpose(0, 1), samples):
        assert (found[..., ~case.mask] == GAP).all()
    assert (samples[:, case.mask] >= 0).all()
    assert (marginals[~case.mask] == 0).all()
    for b, places, short in rows(case):
        assert torch.equal(decoded[b, places], short.decode()[0])
        torch.testing.assert_close(marginals[b, places], short.marginals()[0])
        kept = torch.zeros(7, 4, 4, dtype=pairs.dtype)
        kept[places[:-1]] = short.pair_marginals()[0]
        torch.testing.assert_close(pairs[b], kept)
        short_best, short_scores = short.k_best(3)
        assert torch.equal(best[b][:, places], short_best[0])
        torch.testing.assert_close(scores[b], short_scores[0])


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_labels_and_scores_in_gaps_are_ignored(case, objective):
    labels = case.paths()
    dirty = torch.where(case.mask, labels, GAP)
    emissions = torch.where(case.mask[:, :, None], case.leaves[0], torch.nan)
    loss = OBJECTIVES[objective]
    torch.testing.assert_close(loss(masked(case, emissions), dirty), loss(masked(case), labels), rtol=1e-12, atol=0)
    expected = [loss(short, labels[b : b + 1, places]) for b, places, short in rows(case)]
    torch.testing.assert_close(loss(masked(case), labels), torch.cat(expected))


def test_restrict_augment_and_compare(case):
    allowed = case.uniform(6, 8, 4) < 0.8
    cost = case.uniform(6, 8, 4)
    chain, other = masked(case), masked(case, 2 * case.leaves[0])
    changed = chain.restrict(allowed).augment(cost)
    expected = [s.restrict(allowed[b : b + 1, p]).augment(cost[b : b + 1, p]) for b, p, s in rows(case)]
    torch.testing.assert_close(changed.log_partition(), torch.cat([s.log_partition() for s in expected]))
    torch.testing.assert_close(chain.expected_cost(cost), (chain.marginals() * cost).sum((1, 2)))
    assert (chain.kl(other) > 0).any()
    with pytest.raises(ValueError, match="differ"):
        chain.kl(case.chain())


def test_a_missing_label_under_the_mask_is_named_at_its_own_place(case):
    case.mask[3] = torch.tensor([0, 0, 1, 1, 0, 0, 1, 1]).bool()
    labels = case.paths()
    labels[3, 6] = GAP
    with pytest.raises(ValueError, match=r"labels\[3, 6\] is -100"):
        masked(case).log_prob(labels)
    with pytest.raises(ValueError, match=r"labels\[3, 6\] is -100"):
        hs.objectives.log_loss(masked(case), labels)


@pytest.mark.parametrize("name", ["log_partition", "decode", "marginals", "pair_marginals", "entropy", "max_score"])
def test_a_bad_score_is_named_at_its_own_place(case, name):
    case.mask[3] = torch.tensor([0, 0, 1, 1, 0, 0, 1, 1]).bool()
    case.leaves[0].data[3, 6, 2] = torch.nan
    with pytest.raises(ValueError, match=r"emissions\[3, 6, 2\] is nan"):
        getattr(masked(case), name)()


def test_a_row_without_a_token(case):
    case.mask[4] = False
    with pytest.raises(ValueError, match=r"mask\[4\] is False everywhere"):
        masked(case)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_narrow_floats_are_computed_in_float32(case, dtype):
    narrow, labels = case.leaves[0].detach().to(dtype), case.paths()
    loss = hs.objectives.structured_hinge(masked(case, narrow), labels)
    assert loss.dtype == torch.float32
    assert torch.equal(loss, hs.objectives.structured_hinge(masked(case, narrow.float()), labels))
