import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridseq.training.hmm.probabilities import log_prior, most_probable


@settings(deadline=None, derandomize=True)
@given(seed=st.integers(0, 100), strength=st.sampled_from([1.0, 1.5, 3.0]))
def test_the_mode_is_at_least_as_probable_as_its_neighbours(seed, strength):
    random = np.random.default_rng(seed)
    counts, old = random.gamma(1.0, size=(2, 4)), random.dirichlet(np.ones(4), 2)
    best = most_probable(counts, strength, old)

    def value(rows):
        return (counts * np.log(rows)).sum() + log_prior(rows, strength)

    for other in random.dirichlet(np.ones(4), (5, 2)):
        assert value(best) >= value(0.9 * best + 0.1 * other)


def test_zeros_stay_and_rows_without_counts_too():
    old = np.array([[0.0, 0.5, 0.5], [0.2, 0.3, 0.5], [0.0, 0.0, 1.0]])
    counts = np.array([[3.0, 1.0, 3.0], [0.0, 0.0, 0.0], [5.0, 1.0, 0.0]])
    found = most_probable(counts, 1.0, old)
    assert found.tolist() == [[0.0, 0.25, 0.75], [0.2, 0.3, 0.5], [0.0, 0.0, 1.0]]
    assert most_probable(counts, 2.0, old)[1].tolist() == pytest.approx([1 / 3] * 3)
