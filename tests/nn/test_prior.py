"""Counts of states, and the prior that is made of them."""

import math

import pytest
import torch

import hybridseq as hs
from hybridseq.nn import Prior, StateCounts
from hybridseq.structures.checks import ShapeError

LABELS = torch.tensor([[0, 0, 2, 1], [2, -100, 1, 1], [1, 0, 0, 0]])
LENGTHS = torch.tensor([4, 4, 2])
CLOSE = {"rtol": 1e-6, "atol": 1e-7}


def test_counts_of_labels_are_those_of_a_loop():
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 4, (7, 9), generator=generator)
    labels[torch.rand(7, 9, generator=generator) < 0.2] = -100
    lengths = torch.randint(1, 10, (7,), generator=generator)
    counts = StateCounts(4).add_labels(labels[:3], lengths[:3]).add_labels(labels[3:], lengths[3:])
    states, starts, pairs = torch.zeros(4), torch.zeros(4), torch.zeros(4, 4)
    for row, length in zip(labels.tolist(), lengths.tolist()):
        for t, label in enumerate(row[:length]):
            if label >= 0:
                states[label] += 1
                starts[label] += t == 0
                if t and row[t - 1] >= 0:
                    pairs[row[t - 1], label] += 1
    assert torch.equal(counts.states, states.double())
    assert torch.equal(counts.starts, starts.double())
    assert torch.equal(counts.pairs, pairs.double())


def test_a_prior_of_labels_is_their_share():
    prior = Prior.from_labels(LABELS, 3, LENGTHS)
    torch.testing.assert_close(prior.log_probs.exp(), torch.tensor([3, 4, 2]) / 9, **CLOSE)
    smoothed = Prior.from_labels(LABELS, 3, LENGTHS, smoothing=2)
    torch.testing.assert_close(smoothed.log_probs.exp(), torch.tensor([5, 6, 4]) / 15, **CLOSE)


def test_a_prior_of_posteriors_is_their_mean_in_one_batch_or_many():
    posteriors = torch.randn(5, 6, 3, generator=torch.Generator().manual_seed(1)).softmax(2)
    lengths = torch.tensor([6, 1, 4, 6, 2])
    mean = torch.cat([row[:n] for row, n in zip(posteriors, lengths)]).mean(0)
    whole = Prior.from_posteriors(posteriors, lengths)
    torch.testing.assert_close(whole.log_probs.exp(), mean, **CLOSE)
    counts = StateCounts(3)
    for rows in (slice(0, 2), slice(2, 5)):
        counts.add_posteriors(posteriors[rows], lengths[rows])
    torch.testing.assert_close(Prior.from_counts(counts).log_probs, whole.log_probs, **CLOSE)


def test_one_hot_posteriors_count_as_their_labels():
    labels = torch.tensor([[0, 1, 1], [2, 2, 1]])
    hot = torch.nn.functional.one_hot(labels, 3).float()
    assert torch.equal(Prior.from_posteriors(hot).log_probs, Prior.from_labels(labels, 3).log_probs)


def test_dividing_is_bayes_rule_and_the_scale_its_exponent():
    prior = Prior.from_counts([6, 3, 1])
    posteriors = torch.randn(2, 4, 3, generator=torch.Generator().manual_seed(2)).softmax(2)
    torch.testing.assert_close(prior(posteriors.log()), (posteriors / torch.tensor([0.6, 0.3, 0.1])).log())
    assert torch.equal(prior.scaled(0)(posteriors.log()), posteriors.log())
    half = prior.scaled(0.5)(posteriors.log())
    torch.testing.assert_close(half, (posteriors / torch.tensor([0.6, 0.3, 0.1]).sqrt()).log())
    uniform = Prior.uniform(3)(posteriors.log())
    torch.testing.assert_close(uniform - uniform[..., :1], (posteriors / posteriors[..., :1]).log())


def test_the_floor_raises_rare_states_only():
    probs = Prior.from_counts([90, 10, 0], floor=0.05).log_probs.exp()
    torch.testing.assert_close(probs, torch.tensor([0.9, 0.1, 0.05]) / 1.05, **CLOSE)


def test_it_moves_and_is_saved_with_the_module_that_holds_it():
    layer = hs.nn.HybridHMM(3, Prior.from_counts([6, 3, 1], scale=0.7))
    other = hs.nn.HybridHMM(3)
    other.load_state_dict(layer.state_dict())
    emissions = torch.randn(2, 4, 3)
    assert torch.equal(other(emissions).emissions, layer(emissions).emissions)
    assert layer.double().prior.log_probs.dtype == torch.float64
    assert not list(layer.prior.parameters())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Prior.from_counts([3, 0, 1]), r"state 1 was never seen \(count 0\).*smoothing=1.*floor=1e-4"),
        (lambda: Prior.from_counts([3, -1]), "state 1 has -1"),
        (lambda: Prior.from_counts([3, math.nan]), "state 1 has nan"),
        (lambda: Prior.from_counts([3, 1], smoothing=-1), "smoothing must be at least 0"),
        (lambda: Prior([0.5, 0.5], scale=-1), "scale must be at least 0"),
        (lambda: Prior([0.5, 0.5], floor=1), "floor must be at least 0 and below 1"),
        (lambda: Prior.from_labels(torch.tensor([[0, 3]]), 3), r"labels\[0, 1\] is 3; expected 0 to 2, or -100"),
        (lambda: Prior.from_labels(torch.tensor([[0, -1]]), 3), r"labels\[0, 1\] is -1"),
        (lambda: Prior.from_posteriors(torch.zeros(1, 2, 3)), r"posteriors\[0, 0\] sums to 0.*softmax"),
    ],
)
def test_errors_say_where_and_what_to_do(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.usefixtures("shapes_unchecked")
def test_shapes_that_disagree():
    with pytest.raises(ShapeError, match=r"one probability a state"):
        Prior([[0.5, 0.5]])
    with pytest.raises(ShapeError, match=r"K = 4; got \(1, 2, 3\)"):
        StateCounts(4).add_posteriors(torch.zeros(1, 2, 3))
    with pytest.raises(ShapeError, match=r"the prior is of 2 states; the layer has 3"):
        hs.nn.HybridHMM(3, Prior.uniform(2))
    with pytest.raises(TypeError, match=r"must be a hybridseq.nn.Prior; got \[0.5"):
        hs.nn.HybridHMM(2).prior = [0.5, 0.5]
