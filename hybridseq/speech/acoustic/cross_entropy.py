"""Training the hybrid's network on an alignment, which it then improves."""

import math

import torch
from torch.nn import functional as F

from hybridseq.nn.prior import Prior, StateCounts
from hybridseq.speech.acoustic.loop import padded, train
from hybridseq.speech.acoustic.views import labels_of
from hybridseq.speech.start import Alignments, align_all

#: Steps before a network aligns anew.
STEPS_BEFORE = 100
PRIORS = "counts", "posteriors", "uniform"


def estimate_prior(model, alignments, num_labels, kind="counts", scale=1.0, features=None):
    """The prior of the states.

    Parameters
    ----------
    model : HybridModel
    alignments : Alignments
    num_labels : int
        P.
    kind : {"counts", "posteriors", "uniform"}
        How often the alignment has each state; the mean of the network's posteriors of ``features``; or no division.
    scale : float
    features : list of (T, D) tensors, optional
        For "posteriors".

    Returns
    -------
    Prior
    """
    if kind not in PRIORS:
        raise ValueError(f"prior must be one of {list(PRIORS)}; got {kind!r}.")
    if kind == "uniform":
        return Prior.uniform(num_labels)
    if kind == "counts":
        return Prior.from_counts(alignments.counts(num_labels), smoothing=1.0, scale=scale)
    counts = StateCounts(num_labels)
    for scores in model.frame_scores([x for x in features if x is not None], posteriors=True):
        counts.add_posteriors(torch.from_numpy(scores).exp()[None])
    return Prior.from_counts(counts, smoothing=1.0, scale=scale)


def train_cross_entropy(
    model,
    views,
    graphs,
    alignments,
    schedule,
    rng,
    *,
    realign=(0.25, 0.5),
    prior="counts",
    prior_scale=1.0,
    label_smoothing=0.0,
    mask=None,
    told=None,
    checkpoint=None,
):
    """Frame by frame cross-entropy with the alignment's states :cite:p:`bourlard1994`.

    Parameters
    ----------
    model : HybridModel
        Its network is trained and its prior set, in place.
    views : list of View
        The first is the one that is aligned.
    graphs : list of SearchGraph
        Each utterance's transcript.
    alignments : Alignments
        To begin with. Utterances without one are left out.
    schedule : Schedule
    rng : numpy Generator
    realign : sequence of float
        After these shares of all passes the network aligns the utterances anew, but not within the first 100 steps.
    prior, prior_scale
        See ``estimate_prior``.
    label_smoothing : float
    mask, told, checkpoint
        As of ``loop.train``. The share of frames that an alignment moved is noted as "moved".

    Returns
    -------
    alignments : Alignments
        The last.
    history : list of Progress
    """
    num_labels = model.network.num_labels
    usable = [i for i, labels in enumerate(alignments) if labels is not None and views[0].features[i] is not None]
    frames = sum(len(alignments[i]) for i in usable)
    schedule = schedule.settled(frames)
    # Before that the network knows less than the alignment that it is to improve.
    earliest = math.ceil(STEPS_BEFORE * schedule.batch_frames / max(1, frames))
    rounds = {max(earliest, round(share * schedule.epochs)) for share in realign}
    state = {"alignments": alignments}
    if checkpoint is not None:
        state["alignments"] = checkpoint.alignments(alignments)

    def set_prior():
        features = views[0].features
        model.prior = estimate_prior(model, state["alignments"], num_labels, prior, prior_scale, features)

    def loss_of(scores, lengths, rows, ways):
        labels = padded([labels_of(w, i, state["alignments"][i]) for i, w in zip(rows, ways)])
        return F.cross_entropy(scores.transpose(1, 2), labels, label_smoothing=label_smoothing)

    def after(epoch):
        if epoch + 1 not in rounds or epoch + 1 >= schedule.epochs:
            return {}
        set_prior()
        found = align_all(_scores(model, views[0], len(graphs)), graphs, alignments.ids)
        moved = found.moved(state["alignments"])
        # An utterance that the network cannot fit keeps the path that it had.
        kept = [new if new is not None else old for new, old in zip(found, state["alignments"])]
        state["alignments"] = Alignments(found.ids, tuple(kept))
        if checkpoint is not None:
            checkpoint.keep_alignments(state["alignments"])
        return {"moved": moved}

    history = train(
        model.network,
        views,
        usable,
        loss_of,
        schedule,
        rng,
        stage="cross-entropy",
        mask=mask,
        after=after,
        told=told,
        checkpoint=checkpoint,
    )
    set_prior()
    return state["alignments"], history


def _scores(model, view, count):
    """Frame scores of every utterance; None where it has no features."""
    there = [i for i in range(count) if view.features[i] is not None]
    found = [None] * count
    for i, scores in zip(there, model.frame_scores([view.features[i] for i in there])):
        found[i] = scores
    return found
