"""The hidden Markov model as a chain: textbooks' numbers, and enumeration."""

import numpy as np
import pytest
import torch

import hybridseq as hs
from hybridseq import constraints as C
from tests import tolerances

EXACT = tolerances.value(torch.float64)
#: Russell and Norvig, Artificial Intelligence: A Modern Approach, 3rd edition, section 15.2: it rains, or not; an
#: umbrella is seen, or not. Figures 15.4 (smoothing) and 15.5 (most likely sequence).
START = torch.tensor([0.5, 0.5], dtype=torch.float64)
RAIN = torch.tensor([[0.7, 0.3], [0.3, 0.7]], dtype=torch.float64)
UMBRELLA = torch.tensor([[0.9, 0.2], [0.1, 0.8]], dtype=torch.float64).log()  # [seen, state]: yes, no


def umbrella(*seen):
    return hs.structures.hmm(START.log(), RAIN.log(), UMBRELLA[[0 if one else 1 for one in seen]][None])


def test_filtering_and_smoothing_are_the_textbooks():
    assert umbrella(1).marginals()[0, 0, 0].item() == pytest.approx(0.818, abs=5e-4)
    two = umbrella(1, 1).marginals()[0, :, 0]
    assert two.tolist() == pytest.approx([0.883, 0.883], abs=5e-4)


def test_the_most_likely_sequence_is_the_textbooks():
    chain = umbrella(1, 1, 0, 1, 1)
    assert chain.decode().tolist() == [[0, 0, 1, 0, 0]]
    # Messages of figure 15.5, which are normalised at the first step only.
    first = umbrella(1).log_partition()
    for seen, message in [((1, 1), 0.5155), ((1, 1, 0), 0.1237), ((1, 1, 0, 1), 0.0334), ((1, 1, 0, 1, 1), 0.0210)]:
        assert (umbrella(*seen).max_score() - first).exp().item() == pytest.approx(message, abs=6e-5)


@pytest.mark.parametrize("seed", range(4))
def test_the_log_partition_sums_the_joint(seed):
    random = np.random.default_rng(seed)
    initial, steps, emit = (torch.from_numpy(x) for x in random_model(random, 3))
    chain = hs.structures.hmm(initial.log(), steps.log(), emit, torch.tensor([4, 2]))
    truth = hs.BruteForce(emit, steps.log(), initial.log(), lengths=torch.tensor([4, 2]))
    torch.testing.assert_close(chain.log_partition(), truth.log_partition(), **EXACT)
    torch.testing.assert_close(chain.marginals(), truth.marginals(), **EXACT)
    torch.testing.assert_close(chain.k_best(3)[1], truth.k_best(3)[1], **EXACT)
    assert torch.equal(chain.decode(), truth.decode())


def random_model(random, count, batch=2, steps=4):
    return (
        random.dirichlet(np.ones(count)),
        random.dirichlet(np.ones(count), count),
        random.normal(size=(batch, steps, count)),
    )


def test_a_missing_observation_leaves_the_prior():
    emit = torch.zeros(1, 3, 2)
    chain = hs.structures.hmm(START.log(), RAIN.log(), emit)
    assert chain.log_partition().item() == pytest.approx(0, abs=1e-12)
    assert chain.marginals().flatten().tolist() == pytest.approx([0.5] * 6)


def test_durations_and_samples_work_on_it():
    chain = umbrella(1, 1, 0, 1, 1).restrict(C.run(C.each, min=2).compile(("rain", "dry")))
    assert chain.decode().tolist() == [[0] * 5]
    drawn = chain.sample(50, torch.Generator().manual_seed(0))[:, 0]
    assert (drawn[:, 0] == drawn[:, 1]).all() and (drawn[:, -1] == drawn[:, -2]).all()


def test_final_states_end_every_path():
    final = torch.tensor([-torch.inf, 0.0])
    chain = hs.structures.hmm(START.log(), RAIN.log(), UMBRELLA[[0, 0, 0]][None], final=final)
    assert chain.decode()[0, -1] == 1 and chain.marginals()[0, -1].tolist() == pytest.approx([0, 1])


def test_it_is_float64():
    chain = hs.structures.hmm(START.log().float(), RAIN.log().float(), UMBRELLA[[0]][None].float())
    assert chain.log_partition().dtype == torch.float64


@pytest.mark.parametrize(
    ("start", "steps", "message"),
    [
        (START, RAIN.log(), "initial: log-probabilities .* sum to 1 .* 3.297"),
        (START.log(), RAIN.log() * 2, "row 0 of transitions"),
        (START.log(), torch.stack([RAIN[0].log(), RAIN[1]]), "row 1 of transitions"),
    ],
)
def test_what_does_not_sum_to_1_is_an_error(start, steps, message):
    with pytest.raises(ValueError, match=message):
        hs.structures.hmm(start, steps, torch.zeros(1, 2, 2))
