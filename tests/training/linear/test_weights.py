import itertools

import numpy as np
import pytest

from hybridseq.training.linear import weights
from hybridseq.training.linear.weights import count_pairs
from tests.training.linear import drawn

LABELS = 4


@pytest.mark.parametrize("ones", [True, False])
@pytest.mark.parametrize("min_freq", [0, 1, 2, 0.5])
@pytest.mark.parametrize("all_states", [False, True])
@pytest.mark.parametrize("all_transitions", [False, True])
@pytest.mark.parametrize("chunk", [3, 50_000])
def test_pairs_are_counted(ones, min_freq, all_states, all_transitions, chunk, monkeypatch):
    monkeypatch.setattr(weights, "_CHUNK", chunk)
    tokens = drawn.attributes(ones=ones)
    ids = drawn.labels(tokens, LABELS)
    options = {"min_freq": min_freq, "all_states": all_states, "all_transitions": all_transitions}
    found = drawn.by_name(*count_pairs(tokens, ids, LABELS, **options))
    wanted = drawn.counted(tokens, ids)
    if all_states:
        wanted[0].update({p: wanted[0].get(p, 0.0) for p in itertools.product(range(tokens.size), range(LABELS))})
    if all_transitions:
        wanted[1].update({p: wanted[1].get(p, 0.0) for p in itertools.product(range(LABELS), repeat=2)})
    for ours, theirs in zip(found, wanted):
        # A pair that training shows with values that add up to 0 has a weight where nothing is asked of its count.
        assert ours == pytest.approx({p: n for p, n in theirs.items() if not min_freq or n >= min_freq})


def test_a_pair_that_is_seen_with_value_0_has_a_weight():
    tokens = drawn.attributes(ones=False)
    tokens.values[:] = 0
    ids = drawn.labels(tokens, LABELS)
    pairs, counts = count_pairs(tokens, ids, LABELS)
    assert pairs.states == len(drawn.counted(tokens, ids)[0]) > 0
    assert not counts[: pairs.states].any()


def test_the_pairs_that_are_kept_keep_their_values():
    whole = drawn.problem(num_labels=LABELS, all_states=True)
    values = np.random.default_rng(0).normal(size=len(whole.pairs))
    kept = values > 0.3
    pairs, left = whole.pairs.where(kept, values)
    before, after = drawn.by_name(whole.pairs, values), drawn.by_name(pairs, left)
    assert len(pairs) == kept.sum()
    assert after == tuple({p: v for p, v in own.items() if v > 0.3} for own in before)
    assert len(pairs.offsets) == len(whole.pairs.offsets)
    alive = np.diff(pairs.offsets) > 0
    fewer = pairs.without_features(alive)
    assert len(fewer.offsets) == alive.sum() + 1 and np.array_equal(fewer.labels, pairs.labels)


def test_the_union_has_the_pairs_of_both_and_knows_their_places():
    tokens, more = drawn.attributes(0), drawn.attributes(1, size=15)
    first, counts = count_pairs(tokens, drawn.labels(tokens, LABELS), LABELS)
    second, other = count_pairs(more, drawn.labels(more, LABELS), LABELS)
    pairs, places, new = first.union(second)
    assert set(np.concatenate([places, new])) == set(range(len(pairs)))
    values = np.zeros(len(pairs))
    for own, at, amounts in ((first, places, counts), (second, new, other)):
        values[at] = amounts
        found = drawn.by_name(pairs, values)
        for mine, wanted in zip(found, drawn.by_name(own, amounts)):
            assert {p: mine[p] for p in wanted} == wanted


def test_transitions_without_a_weight_score_0():
    pairs = drawn.problem(num_labels=LABELS, count=3).pairs
    matrix = pairs.transitions(np.ones(len(pairs)))
    assert matrix.sum() == len(pairs.sources) < LABELS**2
