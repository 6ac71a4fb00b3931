"""The HMM of a tagger: its prior, and its transitions from the labels of the training sentences."""

import numpy as np
import torch

from hybridseq.nn.hybrid_hmm import HybridHMM
from hybridseq.nn.prior import Prior, StateCounts
from hybridseq.training.batches import SentenceDataset, by_length
from hybridseq.training.inputs import Encoded

#: What is added to the count of each label, and of each pair of labels: a pair never seen stays possible, but in a
#: table of many labels must not outweigh those that were seen.
_SMOOTHING, _PAIR_SMOOTHING = 1.0, 0.1

PRIORS = {"counts": True, "posteriors": True, "uniform": True}


def make_hmm(tagger, num_labels: int, encoded: Encoded | None = None) -> HybridHMM:
    """The tagger's layer.

    Parameters
    ----------
    tagger : SequenceTagger
        Trained frame by frame, its transitions are those of the labels; else they start there and are learned.
    num_labels : int
        K.
    encoded : Encoded, optional
        Training sentences with labels, whose counts are the HMM's. None where saved weights are to be loaded.

    Raises
    ------
    ShapeError
        Where a prior was given that is of another number of labels.
    """
    layer = HybridHMM(num_labels, learn=tagger.objective != "cross_entropy")
    if encoded is None:
        return layer
    counts = _counts(encoded, num_labels)
    layer.hmm.set_counts(counts, _PAIR_SMOOTHING)
    layer.prior = _prior(tagger, counts).to(layer.hmm.start_scores)
    return layer


def given_prior(tagger) -> tuple[np.ndarray, float]:
    """The probabilities (K,) and the scale of a prior that was given as an object or an array."""
    if isinstance(tagger.prior, Prior):
        probs = tagger.prior.log_probs.double().exp().cpu().numpy()
        return probs, float(tagger.prior.scale) * tagger.prior_scale
    return np.asarray(tagger.prior, np.float64), float(tagger.prior_scale)


def _prior(tagger, counts):
    if not isinstance(tagger.prior, str):
        return Prior(*given_prior(tagger))
    if tagger.prior == "counts":
        return Prior.from_counts(counts, _SMOOTHING, tagger.prior_scale)
    # Mean posteriors are measured when there are any.
    return Prior.uniform(counts.num_states).scaled(tagger.prior_scale)


def _counts(encoded, num_labels):
    counts = StateCounts(num_labels)
    starts = encoded.starts
    for indices in by_length(encoded.lengths):
        lengths = encoded.lengths[indices]
        steps = np.arange(lengths.max())
        places = starts[indices][:, None] + np.minimum(steps, lengths[:, None] - 1)
        counts.add_labels(torch.from_numpy(encoded.labels[places]), torch.from_numpy(lengths))
    return counts


def measure_prior(network, encoded: Encoded) -> None:
    """Set the network's prior to its mean posterior over training sentences; one pass over them."""
    layer, dataset = network.structure, SentenceDataset(encoded)
    counts = StateCounts(layer.num_states)
    training = network.training
    network.eval()
    with torch.no_grad():
        for indices in by_length(encoded.lengths):
            batch, _ = dataset[indices]
            inputs = {name: value.to(network.emissions.weight.device) for name, value in batch.inputs.items()}
            counts.add_posteriors(network.score_labels(**inputs).softmax(2), batch.inputs["lengths"])
    network.train(training)
    layer.prior = Prior.from_counts(counts, _SMOOTHING, float(layer.prior.scale)).to(layer.prior.log_probs)
