"""Tagged documents: only sets that exist, exclusion in groups, and the probability of each set as it is."""

import numpy as np
import pytest

from hybridseq.datasets.tagged_documents import make_tagged_documents


@pytest.fixture(scope="module")
def documents():
    return make_tagged_documents(4000, random_state=0)


def test_every_row_is_a_set_that_exists(documents):
    exists = {row.tobytes() for row in documents.tag_sets}
    assert len(exists) == 30
    assert all(row.tobytes() in exists for row in documents.Y)


def test_a_document_has_at_most_one_tag_of_a_group(documents):
    in_group = documents.Y.reshape(-1, 6, 4).sum(2)
    assert in_group.max() == 1
    assert in_group.sum(1).min() == 2 and in_group.sum(1).max() == 3


def test_probabilities_of_sets_are_as_frequent_as_they_say(documents):
    p = documents.posterior
    assert np.allclose(p.sum(1), 1)
    right = (documents.Y[:, None] == documents.tag_sets).all(2)
    for low, high in ((0, 0.2), (0.2, 0.5), (0.5, 0.8), (0.8, 1.01)):
        within = (p >= low) & (p < high)
        error = np.sqrt(max(p[within].mean() * (1 - p[within].mean()), 1e-4) / within.sum())
        assert abs(right[within].mean() - p[within].mean()) < 4 * error


def test_a_tag_brings_as_many_words_as_asked(documents):
    sizes = documents.Y.sum(1)
    for size in (2, 3):
        words = documents.X[sizes == size].sum(1)
        expected = 4 + 4 * size
        assert abs(words.mean() - expected) < 4 * np.sqrt(expected / len(words))


def test_the_seed_decides():
    one, same, other = (make_tagged_documents(20, random_state=seed) for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(one, same))
    assert not np.array_equal(one.X, other.X)


@pytest.mark.parametrize(
    "wrong",
    [
        {"n_groups": 1},
        {"group_size": 0},
        {"n_words": 1},
        {"words_per_tag": 0},
        {"n_sets": 1},
        {"n_sets": 2.5},
        {"n_words": "9"},
    ],
)
def test_refuses(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        make_tagged_documents(5, **wrong)


def test_refuses_more_sets_than_there_are():
    with pytest.raises(ValueError, match="n_sets must be well below"):
        make_tagged_documents(5, n_groups=2, group_size=2, n_sets=5)
    with pytest.raises(ValueError, match="allow, 4; got 1000000000"):
        make_tagged_documents(5, n_groups=2, group_size=2, n_sets=10**9)
