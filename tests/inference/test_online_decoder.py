"""A stream decodes to what the chain of its prefix decodes to."""

import numpy as np
import pytest
import torch

import hybridseq as hs
from hybridseq.inference import OnlineDecoder
from hybridseq.structures.checks import ShapeError
from tests.inference.streams import LAGS, SEEDS, Drawn


def decode(decoder, chunks):
    return torch.cat([*map(decoder.push, chunks), decoder.finish()])


@pytest.mark.parametrize("forbid", [False, True])
@pytest.mark.parametrize("lag", LAGS)
def test_a_label_is_that_of_the_best_path_of_the_frames_so_far(lag, forbid):
    for seed in SEEDS:
        drawn = Drawn(seed, forbid=forbid)
        decoder, found = OnlineDecoder(*drawn.scores, lag=lag), []
        for chunk in drawn.chunks():
            found += decoder.push(chunk).tolist()
            assert len(found) == max(0, decoder.seen - lag)
            assert decoder.pending == decoder.seen - len(found)
        for t, label in enumerate(found):
            assert label == drawn.prefix(t + lag + 1).decode()[0, t]
        rest = decoder.finish()
        assert len(rest) == drawn.steps - len(found)
        assert torch.equal(rest, drawn.whole().decode()[0, len(found) :])


@pytest.mark.parametrize("forbid", [False, True])
def test_without_a_lag_the_labels_are_those_of_the_full_path(forbid):
    for seed in SEEDS:
        drawn = Drawn(seed, forbid=forbid)
        assert torch.equal(decode(OnlineDecoder(*drawn.scores), drawn.chunks()), drawn.whole().decode()[0])


def test_without_a_lag_a_label_is_decided_as_soon_as_all_survivors_agree():
    """Survivors are the best paths to each label: found by forcing the last label, one chain each."""
    drawn = Drawn(steps=20)
    decoder, decided = OnlineDecoder(*drawn.scores), 0
    for t, frame in enumerate(drawn.emissions):
        decided += len(decoder.push(frame[None]))
        prefix, k = drawn.prefix(t + 1), drawn.labels
        ends = torch.full((k, k), -torch.inf).fill_diagonal_(0).double()
        paths = torch.cat([hs.LinearChain(prefix.emissions, *prefix.scores[1:3], end).decode() for end in ends])
        agreed = (paths == paths[:1]).all(0).long().cumprod(0).sum()
        assert decided == agreed
        assert decoder.pending == t + 1 - agreed


def test_chunks_do_not_matter():
    drawn = Drawn(steps=200)
    for lag in (0, 3, None):
        at_once = decode(OnlineDecoder(*drawn.scores, lag=lag), [drawn.emissions])
        singly = decode(OnlineDecoder(*drawn.scores, lag=lag), drawn.emissions.split(1))
        assert torch.equal(at_once, singly)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_long_stream_does_not_drift(dtype):
    """Scores add up to millions, where float32 counts in quarters."""
    drawn = Drawn(steps=100_000, labels=3, dtype=dtype)
    emissions = drawn.emissions + 30
    whole = hs.LinearChain(emissions[None].double(), *(x.double() for x in drawn.scores)).decode()[0]
    for lag, checked in ((5, 5), (None, 100_000)):
        decoder = OnlineDecoder(*drawn.scores, lag=lag)
        labels = decode(decoder, emissions.split(20_000))
        assert len(labels) == 100_000
        assert torch.equal(labels[-checked:], whole[-checked:])


def test_memory_is_bounded_by_the_lag():
    drawn = Drawn(steps=500)
    decoder = OnlineDecoder(*drawn.scores, lag=4)
    decoder.push(drawn.emissions)
    held = [x for x in vars(decoder).values() if isinstance(x, np.ndarray)]
    # Transitions, start and end, and a prefix for each frame that is pending.
    own = [x.base if isinstance(x.base, np.ndarray) else x for x in held]
    assert sum(x.size for x in own) == 4 * 4 + 4 + 4 + 4 * 4


def test_what_is_pending_can_be_bounded_and_the_labels_stay_one_path():
    """Two labels that never meet: in a stream that stands still, nothing would ever be decided."""
    stay = torch.tensor([[0.0, -torch.inf], [-torch.inf, 0.0]])
    emissions = torch.randn(40, 2, generator=torch.Generator().manual_seed(0))
    free, bound = OnlineDecoder(stay), OnlineDecoder(stay, max_pending=5)
    found = []
    for t, frame in enumerate(emissions.split(1)):
        assert not len(free.push(frame))
        found.append(bound.push(frame))
        assert bound.pending <= 5 and free.pending == t + 1
    labels = torch.cat([*found, bound.finish()])
    assert len(labels) == 40 and (labels == labels[0]).all()
    assert labels[0] == emissions[:6].sum(0).argmax()
    for seed in SEEDS:
        drawn = Drawn(seed, forbid=True)
        # What was given up must not be the only way on.
        drawn.emissions = drawn.emissions.clamp(min=-3)
        labels = decode(OnlineDecoder(*drawn.scores, max_pending=2), drawn.chunks())
        assert drawn.whole().score(labels[None]) > -torch.inf
        loose = decode(OnlineDecoder(*drawn.scores, max_pending=100), drawn.chunks())
        assert torch.equal(loose, drawn.whole().decode()[0])
    with pytest.raises(ValueError, match="max_pending belongs to a decoder without a lag"):
        OnlineDecoder(stay, lag=2, max_pending=5)


def test_scores_as_large_as_they_come():
    for seed in SEEDS:
        drawn = Drawn(seed, forbid=True, spread=1e4)
        assert torch.equal(decode(OnlineDecoder(*drawn.scores), drawn.chunks()), drawn.whole().decode()[0])


def test_where_nothing_is_possible_there_is_no_label():
    emissions = torch.zeros(6, 2)
    emissions[3] = -torch.inf
    for lag in (1, None):
        decoder = OnlineDecoder(torch.tensor([[0.0, -1.0], [-2.0, -3.0]]), lag=lag)
        found = torch.cat([decoder.push(frame) for frame in emissions.split(1)])
        assert decoder.pending == (lag or 0), "what is impossible need not wait"
        found = torch.cat([found, decoder.finish()])
        assert len(found) == 6
        assert (found[3:] == -100).all() and (found[:2] == 0).all()


def test_after_the_end_a_new_stream_begins():
    drawn = Drawn(forbid=True)
    for lag in (2, None):
        decoder = OnlineDecoder(*drawn.scores, lag=lag)
        first = decode(decoder, drawn.chunks())
        assert decoder.seen == decoder.pending == len(decoder.finish()) == 0
        assert torch.equal(decode(decoder, [drawn.emissions]), first)


def test_it_takes_layers_and_chains():
    layer = hs.nn.CRF(3)
    torch.nn.init.normal_(layer.transitions)
    emissions = torch.randn(12, 3)
    expected = layer(emissions[None]).decode()[0]
    assert torch.equal(decode(OnlineDecoder.of(layer), [emissions]), expected)
    assert torch.equal(decode(OnlineDecoder.of(layer(emissions[None])), [emissions.numpy()]), expected)
    hybrid = hs.nn.HybridHMM(3)
    found = decode(OnlineDecoder.of(hybrid), [hybrid.emissions(emissions)])
    assert torch.equal(found, hybrid(emissions[None]).decode()[0])
    rule = hs.constraints.transitions(forbidden=[("a", "b"), ("b", "c")])
    held = layer(emissions[None]).restrict(rule, labels=list("abc"))
    assert torch.equal(decode(OnlineDecoder.of(held), [emissions]), held.decode()[0])


RULES = [
    hs.constraints.run("a", min=2),
    hs.constraints.at(0, "a"),
    hs.constraints.linear({"a": 1.0}, max=4),
]


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_a_constraint_beyond_label_pairs_is_refused(rule):
    chain = hs.LinearChain(torch.zeros(1, 5, 2), torch.zeros(2, 2)).restrict(rule, labels=["a", "b"])
    with pytest.raises(TypeError, match="more than label pairs"):
        OnlineDecoder.of(chain)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"transitions": torch.zeros(2, 3)}, ShapeError, r"transitions must have shape \(K, K\).*got \(2, 3\)"),
        ({"transitions": torch.zeros(1, 4, 2, 2)}, ShapeError, "the same for all positions"),
        ({"start": torch.zeros(3)}, ShapeError, r"start must have shape \(K,\) = \(2,\); got \(3,\)"),
        ({"end": torch.full((2,), torch.nan)}, ValueError, "end must be finite or -inf"),
        ({"lag": -1}, ValueError, "lag must be at least 0; got -1"),
        ({"lag": 1.5}, TypeError, "lag must be a whole number"),
        ({"lag": True}, TypeError, "lag must be a whole number"),
    ],
)
def test_scores_that_do_not_fit(arguments, error, message):
    with pytest.raises(error, match=message):
        OnlineDecoder(**{"transitions": torch.zeros(2, 2), **arguments})


def test_a_bad_chunk_leaves_the_stream_as_it_was():
    drawn = Drawn()
    for lag in (2, None):
        decoder = OnlineDecoder(*drawn.scores, lag=lag)
        found = [decoder.push(drawn.emissions[:10])]
        spoilt = drawn.emissions[10:].clone()
        spoilt[4, 1] = np.inf
        with pytest.raises(ValueError, match=r"frame 14 of the stream \(frame 4 of this chunk\), label 1 is inf"):
            decoder.push(spoilt)
        with pytest.raises(ShapeError, match=r"K = 4; got float64, \(4,\). A single frame is emissions\[None\]"):
            decoder.push(drawn.emissions[10])
        with pytest.raises(ShapeError, match=r"got int64"):
            decoder.push(torch.zeros(1, 4).long())
        with pytest.raises(TypeError, match="layer"):
            OnlineDecoder.of(torch.nn.Linear(2, 2))
        found += [decoder.push(drawn.emissions[10:]), decoder.finish()]
        assert torch.equal(torch.cat(found), decode(OnlineDecoder(*drawn.scores, lag=lag), [drawn.emissions]))
