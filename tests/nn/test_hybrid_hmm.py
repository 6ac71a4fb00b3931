"""The layers of HMMs: locally normalised, exact zeros, and the classic hybrid's Bayes rule."""

import pytest
import torch

import hybridseq as hs
from hybridseq.nn import HMM, HybridHMM, Prior, StateCounts
from hybridseq.structures.checks import ShapeError
from hybridseq.structures.hmm import hmm
from tests import tolerances
from tests.drawn import inside

LENGTHS = torch.tensor([5, 1, 3])
CLOSE = tolerances.value(torch.float64)


@pytest.fixture
def drawn():
    """A layer with everything drawn, scores of an encoder, labels."""
    generator = torch.Generator().manual_seed(0)
    probs = torch.rand(4, generator=generator, dtype=torch.float64)
    layer = HybridHMM(4, Prior(probs, scale=0.8)).double()
    for parameter in layer.parameters():
        parameter.data.normal_(generator=generator)
    emissions = torch.randn(3, 5, 4, generator=generator, dtype=torch.float64, requires_grad=True)
    return layer, emissions, torch.randint(4, (3, 5), generator=generator)


def by_hand(layer, emissions, labels, length, scale):
    """Log-score of one label sequence from probabilities, term by term."""
    posteriors, transitions, start = emissions.softmax(1), layer.transitions.exp(), layer.start.exp()
    prior = layer.prior.log_probs.exp()
    total = start[labels[0]].log()
    for t in range(length):
        total = total + posteriors[t, labels[t]].log() - scale * prior[labels[t]].log()
        if t:
            total = total + transitions[labels[t - 1], labels[t]].log()
    return total


def test_a_score_is_bayes_rule_times_the_transitions(drawn):
    layer, emissions, labels = drawn
    score = layer(emissions, lengths=LENGTHS).score(labels)
    for b, length in enumerate(LENGTHS.tolist()):
        torch.testing.assert_close(score[b], by_hand(layer, emissions[b], labels[b], length, 0.8), **CLOSE)


def test_everything_equals_enumeration(drawn):
    layer, emissions, labels = drawn
    chain = layer(emissions, lengths=LENGTHS)
    brute = hs.BruteForce(chain.emissions, layer.transitions, layer.start, lengths=LENGTHS)
    torch.testing.assert_close(chain.log_prob(labels), brute.log_prob(labels), **CLOSE)
    torch.testing.assert_close(chain.marginals(), brute.marginals(), **CLOSE)
    assert torch.equal(chain.decode(), brute.decode())


def test_probabilities_stay_probabilities(drawn):
    layer, *_ = drawn
    torch.testing.assert_close(layer.transitions.exp().sum(1), torch.ones(4).double(), **CLOSE)
    torch.testing.assert_close(layer.start.exp().sum(), torch.tensor(1.0).double(), **CLOSE)


def test_the_classic_recipe_trains_frames_and_transitions_apart(drawn):
    layer, emissions, labels = drawn
    chain = layer(emissions, lengths=LENGTHS)
    loss = layer.cross_entropy(chain, labels)
    for b, length in enumerate(LENGTHS.tolist()):
        torch.testing.assert_close(loss[b], -by_hand(layer, emissions[b], labels[b], length, 0), **CLOSE)
    assert (loss >= 0).all()
    (slope,) = torch.autograd.grad(loss.sum(), emissions, retain_graph=True)
    hot = torch.nn.functional.one_hot(labels, 4)
    expected = (emissions.softmax(2) - hot) * inside(LENGTHS, 5)[:, :, None]
    torch.testing.assert_close(slope, expected, **tolerances.gradient(torch.float64))
    restricted = chain.restrict(hs.constraints.run("a", min=2), labels=list("abcd"))
    torch.testing.assert_close(layer.cross_entropy(restricted, labels), loss)
    masked = layer(emissions, mask=inside(LENGTHS, 5))
    torch.testing.assert_close(layer.cross_entropy(masked, labels), loss)


def test_counts_are_the_maximum_likelihood_of_the_transitions(drawn):
    layer, emissions, labels = drawn
    labels = labels % 3
    labels[0, :4] = torch.tensor([0, 1, 2, 0])
    layer = HybridHMM(3).double()
    layer.hmm.set_counts(StateCounts(3).add_labels(labels, LENGTHS), smoothing=0)
    emissions = emissions[:, :, :3].detach()
    before = layer.cross_entropy(layer(emissions, lengths=LENGTHS), labels).sum()
    slopes = torch.autograd.grad(before, tuple(layer.hmm.parameters()))
    for slope in slopes:
        torch.testing.assert_close(slope, torch.zeros_like(slope), **tolerances.gradient(torch.float64))


def test_the_log_loss_ignores_what_is_taken_off_a_frame(drawn):
    """A CRF with the same transitions and the prior as a bias of the emissions is the same model."""
    layer, emissions, labels = drawn
    crf = hs.nn.CRF(4).double()
    with torch.no_grad():
        crf.transitions.copy_(layer.transitions)
        crf.start.copy_(layer.start)
    biased = emissions - 0.8 * layer.prior.log_probs
    ours = hs.objectives.log_loss(layer(emissions, lengths=LENGTHS), labels)
    torch.testing.assert_close(ours, hs.objectives.log_loss(crf(biased, lengths=LENGTHS), labels), **CLOSE)


def test_a_topology_is_kept_exactly_and_survives_training():
    topology = torch.ones(4, 4).triu().tril(1).bool()
    layer = HMM(4, allowed=topology, allowed_start=torch.tensor([1, 0, 0, 0]).bool())
    optimiser = torch.optim.AdamW(layer.parameters(), 0.1, weight_decay=0.1)
    emissions = torch.randn(6, 9, 4, generator=torch.Generator().manual_seed(0))
    for _ in range(5):
        optimiser.zero_grad()
        hs.objectives.marginal_likelihood(layer(emissions)).mean().backward()
        optimiser.step()
    assert all(p.isfinite().all() for p in layer.parameters())
    assert (layer.transitions[~topology] == -torch.inf).all()
    assert (layer.transitions[topology] > -torch.inf).all()
    chain = layer(emissions)
    assert (chain.marginals()[:, 0, 1:] == 0).all()
    assert (chain.decode().diff(dim=1) >= 0).all() and (chain.decode().diff(dim=1) <= 1).all()


def test_given_probabilities_are_kept_and_zeros_forbid():
    given = torch.tensor([[0.5, 0.5, 0.0], [0.1, 0.2, 0.7], [0.0, 0.0, 1.0]])
    layer = HMM(3, transitions=given, start=torch.tensor([0.9, 0.1, 0.0]), learn=False)
    torch.testing.assert_close(layer.transitions.exp(), given)
    torch.testing.assert_close(layer.start.exp(), torch.tensor([0.9, 0.1, 0.0]))
    assert (layer.transitions[given == 0] == -torch.inf).all()
    assert not any(p.requires_grad for p in layer.parameters())
    other = HMM(3)
    other.load_state_dict(layer.state_dict())
    assert torch.equal(other.transitions, layer.transitions)


def test_it_equals_the_structure_of_an_hmm():
    layer = HMM(3).double()
    for parameter in layer.parameters():
        parameter.data.normal_(generator=torch.Generator().manual_seed(3))
    emissions = torch.randn(2, 6, 3, dtype=torch.float64)
    other = hmm(layer.start, layer.transitions, emissions)
    torch.testing.assert_close(layer(emissions).log_partition(), other.log_partition(), **CLOSE)


def test_a_mask_with_gaps_equals_the_shorter_sentence(drawn):
    layer, emissions, _ = drawn
    mask = torch.tensor([1, 0, 1, 1, 0]).bool().expand(3, 5)
    torch.testing.assert_close(
        layer(emissions, mask=mask).log_partition(), layer(emissions[:, mask[0]]).log_partition()
    )


@pytest.mark.usefixtures("shapes_unchecked")
@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: HMM(2, allowed=torch.tensor([[1, 1], [0, 0]]).bool()), ValueError, "state 1 can be followed by none"),
        (lambda: HMM(2, allowed_start=torch.zeros(2).bool()), ValueError, "no state can come first"),
        (lambda: HMM(2, allowed=torch.ones(3, 3).bool()), ShapeError, r"shape \(2, 2\); got torch.bool, \(3, 3\)"),
        (lambda: HMM(2, transitions=[[0.5, 0.5], [0.5, 0.6]]), ValueError, r"transitions\[1\] must.*sum to 1.1"),
        (lambda: HMM(2, start=[0.4, 0.4]), ValueError, "start must hold probabilities that sum to 1"),
        (
            lambda: HMM(2, allowed=torch.eye(2).bool(), transitions=[[0.5, 0.5], [0, 1]]),
            ValueError,
            "what the topology forbids",
        ),
        (lambda: HMM(2).set_counts(StateCounts(2)), ValueError, "state 0 can be followed by none.*smooth the counts"),
        (lambda: HMM(2).set_counts(StateCounts(3)), ShapeError, "of 3 states; the HMM has 2"),
        (lambda: HybridHMM(2)(torch.zeros(1, 2, 3)), ShapeError, r"K = 2 \(the layer's num_states\)"),
        (lambda: HMM(2)(torch.zeros(1, 2, 3)), ShapeError, r"K = 2 \(the layer's num_states\)"),
        (
            lambda: HybridHMM(2)(torch.zeros(1, 2, 2), torch.tensor([2]), torch.ones(1, 2).bool()),
            ValueError,
            "not both",
        ),
    ],
)
def test_errors(make, error, message):
    with pytest.raises(error, match=message):
        make()
