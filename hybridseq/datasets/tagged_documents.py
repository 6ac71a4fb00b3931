"""Short documents with sets of tags, of which only some sets exist, and the exact probability of each."""

import math
from numbers import Integral
from typing import NamedTuple

import numpy as np

#: Words of a document that no tag brings, on average.
_BACKGROUND = 4.0


class TaggedDocuments(NamedTuple):
    """What :func:`make_tagged_documents` gives.

    Attributes
    ----------
    X : (n, n_words) float32 array
        How often each word stands in each document.
    Y : (n, n_tags) int64 array
        1 where a document has a tag.
    tag_sets : (n_sets, n_tags) int64 array
        The sets that exist; every row of Y is one of them.
    posterior : (n, n_sets) array
        The probability of each set given the document, by Bayes' rule from the distributions that made it.
    """

    X: np.ndarray
    Y: np.ndarray
    tag_sets: np.ndarray
    posterior: np.ndarray


def make_tagged_documents(
    n_documents: int,
    *,
    n_groups: int = 6,
    group_size: int = 4,
    n_sets: int = 30,
    n_words: int = 150,
    words_per_tag: float = 4.0,
    random_state: int | None = None,
) -> TaggedDocuments:
    """Bags of words whose tags exclude and require one another.

    Tags come in groups, of each of which a document has at most one. And only ``n_sets`` of the many sets that this
    leaves exist, so that who knows two tags often knows the third. Few words tell of each tag, and tags share words:
    whoever predicts each tag by itself gives sets that do not exist.

    Parameters
    ----------
    n_documents : int
    n_groups, group_size : int
        There are n_groups · group_size tags.
    n_sets : int
        How many sets exist; the more frequent ones are about four times as frequent as the rare ones. A set has tags of
        2 groups, or of up to half of them.
    n_words : int
        In the vocabulary.
    words_per_tag : float
        How many words of a document each of its tags brings, on average (Poisson).
    random_state : int, optional
        The seed; the same one gives the same documents. Draw training and test rows at once and split them: another
        seed means other words.

    Returns
    -------
    TaggedDocuments

    Raises
    ------
    ValueError
        Where a number is too small, or there are not as many different sets.

    Notes
    -----
    O(n_documents · (n_words + n_sets)) memory.
    """
    least = {"n_documents": 1, "n_groups": 2, "group_size": 1, "n_sets": 2, "n_words": 2}
    given = {
        "n_documents": n_documents,
        "n_groups": n_groups,
        "group_size": group_size,
        "n_sets": n_sets,
        "n_words": n_words,
    }
    for name, value in given.items():
        if not isinstance(value, Integral) or isinstance(value, bool) or value < least[name]:
            raise ValueError(f"{name} must be a whole number of at least {least[name]}; got {value!r}")
    if words_per_tag <= 0:
        raise ValueError(f"words_per_tag must be above 0; got {words_per_tag}")
    random = np.random.default_rng(random_state)
    tag_sets = _draw_sets(n_sets, n_groups, group_size, random)
    prior = np.linspace(4, 1, n_sets)
    prior /= prior.sum()
    words_of_tag = random.dirichlet(np.full(n_words, 10 / n_words), n_groups * group_size)
    background = random.dirichlet(np.ones(n_words))
    rates = _BACKGROUND * background + words_per_tag * tag_sets @ words_of_tag
    chosen = random.choice(n_sets, n_documents, p=prior)
    X = random.poisson(rates[chosen])
    log_joint = np.log(prior) + X @ np.log(rates).T - rates.sum(1)
    posterior = np.exp(log_joint - log_joint.max(1, keepdims=True))
    posterior /= posterior.sum(1, keepdims=True)
    return TaggedDocuments(X.astype(np.float32), tag_sets[chosen], tag_sets, posterior)


def _draw_sets(count, n_groups, group_size, random):
    """Different sets (count, tags), each of 2 to n_groups // 2 groups, with one tag of each."""
    found, most = {}, max(2, n_groups // 2)
    there = sum(math.comb(n_groups, number) * group_size**number for number in range(2, most + 1))
    for _ in range(100 * count if count <= there else 0):
        number = int(random.integers(2, most + 1))
        tags = np.zeros((n_groups, group_size), dtype=np.int64)
        tags[random.choice(n_groups, number, replace=False), random.integers(group_size, size=number)] = 1
        found[tags.tobytes()] = tags.ravel()
        if len(found) == count:
            return np.array(list(found.values()))
    raise ValueError(
        f"n_sets must be well below the number of sets that {n_groups} groups of {group_size} tags allow, {there}; got "
        f"{count}"
    )
