"""The tagger's HMM: a frame classifier divided by its prior, or a chain trained as a whole."""

import numpy as np
import pytest
import torch

import hybridseq as hs
from hybridseq.nn import Prior
from hybridseq.nn.hybrid_hmm import HybridHMM

CLASSIC = {"structure": "hmm", "objective": "cross_entropy"}


@pytest.fixture(scope="module")
def frames():
    return hs.datasets.make_activity_segments(60, random_state=0)


@pytest.fixture(scope="module")
def settings(quick):
    return {**quick, "max_epochs": 2, "learning_rate": 1e-2}


@pytest.fixture(scope="module")
def classic(frames, settings):
    return hs.SequenceTagger(**CLASSIC, **settings).fit(*frames)


def counted(y, classes):
    """Counts of labels, first labels and pairs, by a loop."""
    index = {label: i for i, label in enumerate(classes)}
    states, starts = np.zeros(len(classes)), np.zeros(len(classes))
    pairs = np.zeros((len(classes), len(classes)))
    for labels in y:
        ids = [index[label] for label in labels]
        starts[ids[0]] += 1
        np.add.at(states, ids, 1)
        np.add.at(pairs, (ids[:-1], ids[1:]), 1)
    return states, starts, pairs


def test_transitions_and_prior_are_those_of_the_labels(frames, settings):
    tagger = hs.SequenceTagger(**CLASSIC, valid_fraction=0, **settings).fit(*frames)
    layer = tagger.network_.structure
    states, starts, pairs = counted(frames[1], tagger.classes_)
    pairs_of = (layer.transitions, pairs + 0.1), (layer.start, starts + 0.1), (layer.prior.log_probs, states + 1)
    for found, counts in pairs_of:
        expected = counts / counts.sum(-1, keepdims=True)
        np.testing.assert_allclose(found.exp().numpy(), expected, rtol=1e-4)


def test_the_emissions_are_divided_posteriors(classic, frames):
    """The whole tagger, from its own encoder's scores by hand."""
    X = frames[0][:5]
    layer = classic.network_.structure
    for x, marginals, labels in zip(X, classic.predict_marginals(X), classic.predict(X)):
        with torch.no_grad():
            scores = classic.network_.score_labels(torch.tensor([len(x)]), vectors=torch.from_numpy(x)[None])
            divided = scores.log_softmax(2) - layer.prior.log_probs
        chain = hs.LinearChain(divided, layer.transitions.detach(), layer.start.detach())
        np.testing.assert_allclose(marginals, chain.marginals()[0], atol=1e-5)
        assert labels == classic.classes_[chain.decode()[0]].tolist()


def test_it_is_the_frame_classifier_that_is_trained(frames, settings, classic):
    """Frame cross-entropy trains the same network as the baseline without a structure."""
    alone = hs.SequenceTagger(objective="cross_entropy", valid_fraction=0, averaging=0, **settings).fit(*frames)
    hybrid = hs.SequenceTagger(**CLASSIC, valid_fraction=0, averaging=0, **settings).fit(*frames)
    assert alone.network_.structure is None
    for name, weights in alone.network_.named_parameters():
        torch.testing.assert_close(weights, hybrid.network_.get_parameter(name), rtol=1e-3, atol=1e-4)


def test_mean_posteriors(frames, settings):
    tagger = hs.SequenceTagger(**CLASSIC, prior="posteriors", **settings).fit(*frames)
    held_in = hs.SequenceTagger(**CLASSIC, prior="posteriors", valid_fraction=0, **settings).fit(*frames)
    mean = np.zeros(4)
    with torch.no_grad():
        for x in frames[0]:
            scores = held_in.network_.score_labels(torch.tensor([len(x)]), vectors=torch.from_numpy(x)[None])
            mean += scores.softmax(2).sum((0, 1)).numpy()
    expected = (mean + 1) / (mean + 1).sum()
    np.testing.assert_allclose(held_in.network_.structure.prior.log_probs.exp(), expected, rtol=1e-3)
    probs = tagger.network_.structure.prior.log_probs.exp()
    assert abs(float(probs.sum()) - 1) < 1e-5 and (probs - 0.25).abs().max() > 1e-3


def test_scales_and_priors_of_ones_own(frames, settings):
    scores = {}
    own = [0.7, 0.1, 0.1, 0.1]
    for name, more in {
        "uniform": {"prior": "uniform"},
        "scale 0": {"prior_scale": 0},
        "array": {"prior": own, "prior_scale": 0.5},
        "object": {"prior": Prior(own, scale=0.5)},
    }.items():
        tagger = hs.SequenceTagger(**CLASSIC, **{**settings, "max_epochs": 1}, **more).fit(*frames)
        scores[name] = np.concatenate(tagger.predict_marginals(frames[0][:4]))
    np.testing.assert_allclose(scores["uniform"], scores["scale 0"], atol=1e-5)
    np.testing.assert_allclose(scores["array"], scores["object"], atol=1e-5)
    assert np.abs(scores["array"] - scores["uniform"]).max() > 0.01


@pytest.mark.parametrize("objective", ["log_loss", "structured_hinge"])
def test_objectives_of_whole_sequences_learn_the_transitions(objective, frames, settings):
    tagger = hs.SequenceTagger(structure="hmm", objective=objective, **{**settings, "max_epochs": 8}).fit(*frames)
    layer = tagger.network_.structure
    assert isinstance(layer, HybridHMM)
    torch.testing.assert_close(layer.transitions.exp().sum(1), torch.ones(4))
    states = counted(frames[1], tagger.classes_)[2] + 0.1
    assert np.abs(layer.transitions.exp().detach().numpy() - states / states.sum(1, keepdims=True)).max() > 1e-3
    assert tagger.score(*frames) > 0.6
    again = tagger.partial_fit(*frames).history_
    assert len(again) == 1 and np.isfinite(again[0]["train_loss"])


def test_constraints_k_best_and_marginals_work_as_with_a_crf(classic, frames):
    X = frames[0][:6]
    rule = hs.constraints.run(hs.constraints.each, min=3, max=8)
    assert all(rule.accepts(labels) for labels in classic.predict(X, constraint=rule))
    assert not all(rule.accepts(labels) for labels in classic.predict(X))
    for best, labels in zip(classic.predict_k_best(X, 3), classic.predict(X)):
        assert best[0][0] == labels
        assert 0 >= best[0][1] >= best[1][1] >= best[2][1]
    for marginals in classic.predict_marginals(X):
        np.testing.assert_allclose(marginals.sum(1), 1, atol=1e-4)


def test_a_scheme_is_kept_in_prediction(sentences, quick):
    tagger = hs.SequenceTagger(**CLASSIC, **{**quick, "max_epochs": 1}).fit(*sentences)
    assert tagger.scheme_ == "BIO"
    assert hs.metrics.illegal_transitions(tagger.predict(sentences[0])) == 0


@pytest.mark.parametrize("more", [{}, {"prior": Prior([0.4, 0.3, 0.2, 0.1], scale=0.3)}, {"prior": "posteriors"}])
def test_saved_and_loaded_it_predicts_the_same(more, frames, settings, tmp_path):
    tagger = hs.SequenceTagger(**CLASSIC, **{**settings, "max_epochs": 1}, **more).fit(*frames)
    tagger.save(tmp_path / "model")
    loaded = hs.load(tmp_path / "model")
    for one, other in zip(tagger.predict_marginals(frames[0][:4]), loaded.predict_marginals(frames[0][:4])):
        np.testing.assert_array_equal(one, other)
    assert loaded.structure == "hmm" and loaded.objective == "cross_entropy"
    loaded.partial_fit(*frames)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"structure": "hmmm"}, "did you mean 'hmm'"),
        ({"prior": "count"}, "prior must be one of 'counts', 'posteriors', 'uniform'; got 'count'"),
        ({"prior": 3}, "prior must be one of"),
        ({"prior_scale": -1}, "prior_scale must be a number of at least 0; got -1"),
        ({"structure": "hmm", "objective": "log_loss", "prior": "posteriors"}, "choose 'counts' or 'uniform'"),
        ({**CLASSIC, "prior": [0.5, 0.5]}, "the prior is of 2 states; the layer has 4"),
        ({**CLASSIC, "prior": [0.5, 0.5, 0, 0]}, "state 2 was never seen"),
    ],
)
def test_errors(more, message, frames, settings):
    with pytest.raises(ValueError, match=message):
        hs.SequenceTagger(**{**settings, **more}).fit(*frames)
