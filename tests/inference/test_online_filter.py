"""A stream's posteriors are the marginals of the chain of its prefix."""

import pytest
import torch

import hybridseq as hs
from hybridseq.inference import OnlineDecoder, OnlineFilter
from tests import tolerances
from tests.inference.streams import LAGS, SEEDS, Drawn

CLOSE = tolerances.gradient(torch.float64)


def run(stream, chunks):
    """Posteriors of all frames, log-evidence after each, and that of the whole."""
    found = [stream.push(chunk) for chunk in chunks]
    last = stream.finish()
    posteriors = torch.cat([*(x.posteriors for x in found), last.posteriors])
    return posteriors, torch.cat([x.log_evidence for x in found]), last.log_evidence


@pytest.mark.parametrize("forbid", [False, True])
@pytest.mark.parametrize("lag", LAGS)
def test_posteriors_are_marginals_given_the_frames_so_far(lag, forbid):
    for seed in SEEDS:
        drawn = Drawn(seed, forbid=forbid)
        posteriors, evidence, total = run(OnlineFilter(*drawn.scores, lag=lag), drawn.chunks())
        assert len(posteriors) == len(evidence) == drawn.steps
        for t in range(drawn.steps):
            prefix = drawn.prefix(t + 1)
            torch.testing.assert_close(evidence[t], prefix.log_partition()[0], **tolerances.value(torch.float64))
            if t >= lag:
                torch.testing.assert_close(posteriors[t - lag], prefix.marginals()[0, t - lag], **CLOSE)
        whole = drawn.whole()
        pending = min(lag, drawn.steps)
        torch.testing.assert_close(posteriors[drawn.steps - pending :], whole.marginals()[0, drawn.steps - pending :])
        torch.testing.assert_close(total, whole.log_partition())


def test_posteriors_are_those_of_enumeration():
    drawn = Drawn(steps=5, labels=3)
    posteriors, *_ = run(OnlineFilter(*drawn.scores, lag=1), drawn.emissions.split(1))
    for t in range(4):
        brute = hs.BruteForce(drawn.emissions[None, : t + 2], drawn.transitions, drawn.start)
        torch.testing.assert_close(posteriors[t], brute.marginals()[0, t], **CLOSE)


def test_chunks_do_not_matter():
    drawn = Drawn(steps=200)
    for lag in (0, 3):
        for one, other in zip(
            run(OnlineFilter(*drawn.scores, lag=lag), [drawn.emissions]),
            run(OnlineFilter(*drawn.scores, lag=lag), drawn.emissions.split(1)),
        ):
            torch.testing.assert_close(one, other, **CLOSE)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_long_stream_does_not_drift(dtype):
    drawn = Drawn(steps=100_000, labels=3, dtype=dtype)
    emissions = drawn.emissions + 30
    stream = OnlineFilter(*drawn.scores, lag=2)
    posteriors, evidence, total = run(stream, emissions.split(20_000))
    short = hs.LinearChain(emissions[None, -300:].double(), drawn.transitions.double(), end=drawn.end.double())
    torch.testing.assert_close(posteriors[-2:], short.marginals()[0, -2:], **CLOSE)
    torch.testing.assert_close(posteriors.sum(1), torch.ones(100_000).double(), **CLOSE)
    whole = hs.LinearChain(emissions[None].double(), *(x.double() for x in drawn.scores))
    torch.testing.assert_close(total, whole.log_partition(), rtol=1e-12, atol=0)
    assert (evidence.diff() > 0).all()


def test_what_was_all_but_impossible_may_be_all_that_is_left():
    """A label at e**-5000 after frame 1 is the only one that frame 2 allows."""
    emissions = torch.tensor([[0.0, -5000.0], [-torch.inf, 0.0]], dtype=torch.float64)
    stay = torch.tensor([[0.0, -torch.inf], [-torch.inf, 0.0]])
    posteriors, evidence, _ = run(OnlineFilter(stay), emissions.split(1))
    assert posteriors.tolist() == [[1, 0], [0, 1]]
    assert evidence[1] == -5000


def test_where_nothing_is_possible_the_evidence_says_so():
    emissions = torch.zeros(4, 2)
    emissions[2] = -torch.inf
    for lag in (0, 1):
        posteriors, evidence, total = run(OnlineFilter(torch.zeros(2, 2), lag=lag), emissions.split(1))
        assert (evidence == -torch.inf).tolist() == [False, False, True, True]
        assert total == -torch.inf
        assert (posteriors[2:] == 0).all() and (posteriors[0] == 0.5).all()


def test_an_hmm_predicts_as_by_hand():
    """The umbrella world of Russell and Norvig: p(rain) 0.818 after one umbrella, 0.883 after two."""
    stay = torch.tensor([[0.7, 0.3], [0.3, 0.7]]).log()
    umbrella = torch.tensor([[0.9, 0.2]]).log()
    stream = OnlineFilter(stay, torch.tensor([0.5, 0.5]).log())
    seen = torch.cat([stream.push(umbrella).posteriors for _ in range(2)])[:, 0]
    torch.testing.assert_close(seen, torch.tensor([0.818, 0.883]).double(), rtol=0, atol=5e-4)


def test_a_fitted_hmm_runs_online():
    """An estimator's parameters as layers, as the guide says: what it predicts comes out frame by frame."""
    X, _ = hs.datasets.make_activity_segments(10, random_state=0)
    model = hs.GaussianHMM(3, random_state=0, n_iter=5).fit(X)
    layer = hs.nn.HMM(3, transitions=model.transmat_, start=model.startprob_)
    emissions = hs.nn.GaussianEmissions(3, 3, model.means_, model.covars_.diagonal(axis1=1, axis2=2))
    scores = emissions(torch.from_numpy(X[0])[None].double())[0]
    posteriors, evidence, _ = run(OnlineFilter.of(layer, lag=len(X[0])), scores.split(5))
    torch.testing.assert_close(posteriors, torch.from_numpy(model.predict_proba(X[:1])[0]), rtol=1e-6, atol=1e-8)
    assert evidence[-1].item() == pytest.approx(model.score(X[:1]), rel=1e-8)
    decoder = OnlineDecoder.of(layer)
    labels = torch.cat([*map(decoder.push, scores.split(1)), decoder.finish()])
    assert labels.tolist() == list(model.predict(X[:1])[0])


def test_nothing_pushed_gives_nothing():
    stream = OnlineFilter(torch.zeros(2, 2), lag=1)
    posteriors, evidence = stream.push(torch.zeros(0, 2))
    assert posteriors.shape == (0, 2) and evidence.shape == (0,)
    posteriors, evidence = stream.finish()
    assert posteriors.shape == (0, 2) and evidence.shape == (0,)


def test_a_lag_is_a_whole_number():
    with pytest.raises(TypeError, match="lag must be a whole number"):
        OnlineFilter(torch.zeros(2, 2), lag=None)
